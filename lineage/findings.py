"""What is wrong with a user's data: findings, and the rules they break.

A reader returns findings and goes on; it does not raise. To add a rule, add a row to `RULES`: the audit knows no other codes
(lineage/auditing/rules.py says which function finds what no reader does).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that can be wrong: a stable code, a sentence, what to do about it, and why it matters."""

    code: str
    level: Level
    title: str
    hint: str
    why: str = ""


_ROWS = (
    Rule(code="truncated-line", level="error", title="the last line is cut off", hint="the writer was killed; the lines before it are whole",
         why="A record is lost, and counts that rest on the file are short by one."),
    Rule(code="bad-compression", level="error", title="the file cannot be unpacked to its end", hint="what came before was read; ask the sender for it",
         why="What lies behind the damage was not read, and may be anything."),
    Rule(code="not-json", level="error", title="the line is not JSON", hint="mend or remove the line",
         why="No reader sees the record; whoever counts lines counts it all the same."),
    Rule(code="not-an-object", level="error", title="the line is JSON but no object", hint="a record is one JSON object a line",
         why="It carries no metadata, so nobody can say where it came from."),
    Rule(code="no-metadata", level="error", title="the record has no metadata", hint="run with --legacy to accept it as unrecorded",
         why="Nobody can say which model, loader or parameters made it."),
    Rule(code="bad-metadata", level="error", title="the metadata has not the shape of the contract", hint="see docs/reference/files.md",
         why="What it should tell of its origin cannot be read."),
    Rule(code="duplicate-key", level="error", title="a key occurs twice in one object", hint="readers disagree on which value counts; keep one",
         why="Two readers of one file see two different records."),
    Rule(code="not-finite", level="error", title="NaN or Infinity is not JSON", hint="write null",
         why="Strict readers refuse the line, others read three different things."),
    Rule(code="not-utf8", level="error", title="the bytes are not UTF-8", hint="write JSON as UTF-8",
         why="Readers replace or drop letters, and no longer see the same record."),
    Rule(code="line-too-long", level="error", title="the line is longer than is read", hint="keep a record under 64 MiB",
         why="It was passed over, so nothing is claimed of it."),
    Rule(code="naive-time", level="warning", title="the time has no UTC offset", hint="write times as 2025-10-04T12:00:00+00:00",
         why="Times of two machines cannot be put in order."),
    Rule(code="bad-time", level="error", title="the time is not ISO 8601", hint="write times as 2025-10-04T12:00:00+00:00",
         why="Nobody can say when it took place."),
    Rule(code="bad-manifest", level="error", title="the manifest has not the shape of the contract", hint="see docs/reference/files.md",
         why="A part of what the session recorded cannot be read."),
    Rule(code="newer-schema", level="warning", title="the manifest has a schema that this version does not know", hint="read it with a newer lineage",
         why="A key may have another meaning there; it was read as far as it is understood."),
    Rule(code="bad-report", level="error", title="the report has not the shape of the contract", hint="see docs/reference/files.md",
         why="A part of what the evaluation recorded cannot be read."),
    Rule(code="torn-journal", level="warning", title="a line of the journal is cut off", hint="a process was killed; what it wrote before is kept",
         why="The last thing that a process did may be missing."),
    Rule(code="missing-file", level="error", title="the manifest names a file that is gone", hint="ask the sender for it",
         why="What was made from it can no longer be checked, nor made again."),
    Rule(code="altered-file", level="error", title="the file is not the one that was recorded", hint="compare it with a copy; the digest tells which is the original",
         why="Everything that was made from it, or that cites it, rests on other bytes than these."),
    Rule(code="replaced-file", level="note", title="a later recorded run replaced the file", hint="restore the earlier version from a backup to check it; write outputs under new names to keep every version",
         why="The earlier version is not in the folder, so what was made from it cannot be checked against it."),
    Rule(code="other-sidecar", level="warning", title="its sidecar is not of this file", hint="lineage verify tells the lines that differ; delete the sidecar to accept the file as it is",
         why="The sidecar names lines by what they were; of another file it names the wrong ones."),
    Rule(code="outside-folder", level="error", title="the path leads out of the folder", hint="only files of the folder are read",
         why="A record could make its reader open any file of the machine."),
    Rule(code="unreadable", level="error", title="the file cannot be read", hint="check its permissions",
         why="It was not checked."),
    Rule(code="not-covered", level="note", title="the file was not checked", hint="check what the link leads to where it was recorded; a file without a digest cannot be checked",
         why="No digest covers it here, so it may be another file."),
    Rule(code="edited-record", level="note", title="the record is not as its run made it", hint="lineage why FILE:LINE compares the two",
         why="The model did not say what the record says now."),
    Rule(code="unknown-origin", level="warning", title="the record names a run whose files do not hold it", hint="the file of origin may lack it, or the record was made up",
         why="It names an origin that does not vouch for it."),
    Rule(code="derivation-cycle", level="error", title="files are derived from each other in a circle", hint="the derivations of the circle are left out: PROV forbids them",
         why="Nothing can have come from itself; one of the records is wrong."),
    Rule(code="prov-malformed", level="error", title="the document cannot be read", hint="see the message",
         why="Other tools cannot read it either."),
    Rule(code="prov-undeclared", level="warning", title="no statement declares it", hint="declare the entity, activity or agent",
         why="A reader cannot say what it is."),
    Rule(code="prov-no-times", level="warning", title="the activity has no time", hint="give its start and end",
         why="It cannot be put in order with the rest."),
    Rule(code="prov-never-generated", level="warning", title="it is used, and nothing says where it comes from", hint="tell its generation or its location",
         why="The history ends there."),
    Rule(code="prov-time-order", level="warning", title="the declared times contradict the order", hint="check the clocks",
         why="One of the clocks was wrong, or one of the times was made up."),
    Rule(code="prov-not-written", level="error", title="the document would be invalid PROV and was not written", hint="run with --allow-invalid to write it all the same",
         why="Other tools do not see the session."),
    Rule(code="not-recorded", level="error", title="something happened that could not be recorded", hint="see the gaps of the manifest",
         why="The record is incomplete."),
    # What only the audit asks (lineage/auditing).
    Rule(code="mixed-loaders", level="warning", title="records of several loader versions in one file", hint="split the file by metadata.provenance.loader_version",
         why="Another loader may have given the model other ids; what is trained on the file is of no one methodology."),
    Rule(code="provenance-differs", level="error", title="the provenance is not what the manifest says", hint="compare the two; one of them was edited or copied from elsewhere",
         why="One of the two is wrong, and nobody can say by which model and loader the record was made."),
    Rule(code="sentinels-not-passed", level="error", title="the sentinel tests of the loaded model failed", hint="find out why the model is not clean, load it anew, and make anew what it made",
         why="A model that is not clean makes instruction-tuned text, which the experiment takes for a base model's."),
    Rule(code="template-not-disabled", level="error", title="the chat template was not disabled", hint="load a base model without its template, and make anew what it made; for a model that needs its template, suppress this with the reason",
         why="The template makes another prompt of each prompt."),
    Rule(code="special-tokens-added", level="error", title="special tokens were added to the prompts", hint="tokenize with add_special_tokens=False, and make anew what it made; for a model that needs them, suppress this with the reason",
         why="The model saw tokens that no prompt holds."),
    Rule(code="other-base", level="warning", title="an adapter was used on another base than it was trained on", hint="load the base as it was loaded for the training, or name the difference beside the score",
         why="An adapter corrects the weights that it was trained over, with their rounding; over others the result is of another model."),
    Rule(code="clean-load-not-recorded", level="warning", title="nobody recorded whether the model was loaded clean",
         hint="hand template_disabled, add_special_tokens and sentinel_tests_passed to session.model_load; say provider=… of a model that runs elsewhere",
         why="Whether a template or added tokens changed the prompts, and whether the model is the base model, is not known."),
    Rule(code="remote-model", level="note", title="the model runs elsewhere, behind an API", hint="name its dated version, and keep the response ids of the provider beside the records",
         why="How it is loaded and what its name means is up to the provider; nobody else can load it again."),
    Rule(code="model-not-recorded", level="warning", title="the run names no model", hint="hand it the load: session.generation(model=session.model_load({\"model_name\": …}))",
         why="Nobody can say what made the records, or what was measured."),
    Rule(code="unpinned-revision", level="warning", title="the model is named by neither a commit nor the digests of its files", hint="say revision=<commit>, or hand its files to session.model_load",
         why="A name on a hub is another model tomorrow."),
    Rule(code="dirty-code", level="warning", title="the code had changes that were not committed", hint="commit before a run; the recorded digest of the diff tells which changes",
         why="The commit does not tell what ran."),
    Rule(code="unknown-commit", level="warning", title="nobody recorded which commit ran", hint="do what the reason asks for; where there is no repository, name the commit in LINEAGE_GIT_SHA",
         why="What ran cannot be read, nor run again."),
    Rule(code="never-closed", level="warning", title="the session was never closed", hint="lineage session close, if it no longer runs",
         why="What it did last may be missing, and its files have no digests."),
    Rule(code="seed-missing", level="warning", title="nobody recorded a seed", hint="give the run a seed among its parameters",
         why="What was sampled cannot be sampled again."),
    Rule(code="params-incomplete", level="warning", title="the parameters are not all that were in force", hint="record the effective ones: lineage.models.generation.effective gives them",
         why="What is not said is decided by defaults, which change between versions and models."),
    Rule(code="params-differ", level="error", title="the parameters are not those that the manifest says", hint="compare the two; one of them was edited, or a run did not say that its records differ",
         why="Nobody can say by which parameters it was made, and whoever makes it anew makes something else."),
    Rule(code="legacy-artifact", level="warning", title="nothing tells where the file comes from", hint="make it anew in a session, or keep it out of results",
         why="Results from before the cut-over are comparable with nothing after it."),
    Rule(code="listed-twice", level="warning", title="the file is listed twice", hint="keep the entry whose digest the file has",
         why="Readers disagree on which entry counts, and a file that two runs made has no one origin."),
    Rule(code="broken-signature", level="error", title="the signature does not hold", hint="ask whoever signed for the envelope and the public key",
         why="Nobody can say that the files are those that were signed, nor by whom."),
    Rule(code="not-as-signed", level="error", title="it is not as it was signed", hint="put back what was signed; a change that was meant is signed anew by lineage sign --replace",
         why="Somebody changed it after its session was signed, and may have changed the manifest with it."),
    Rule(code="broken-chain", level="error", title="the chain of signatures does not hold", hint="ask for the session that is named; the head that was kept elsewhere tells which chain is the right one",
         why="A session is gone or was exchanged, and somebody may have wanted it forgotten."),
    Rule(code="unsigned-session", level="error", title="nobody signed it", hint="lineage sign signs it, if it is known to be good",
         why="Whoever can write to the folder could have made it."),
    Rule(code="count-differs", level="error", title="the file holds another number of records than was recorded", hint="count them: lineage verify names lines that changed, were added or are missing",
         why="Records were added or taken away, or the manifest was edited."),
    Rule(code="broken-root", level="error", title="the Merkle root that was recorded is not that of the lines", hint="ask the sender for the manifest; proofs of single records cannot be checked by it",
         why="A proof of a record rests on this root."),
    Rule(code="size-differs", level="error", title="the report does not hold as many results as its data set has examples", hint="evaluate every example, or say the size that was evaluated",
         why="A mean over other examples is another mean."),
    Rule(code="metric-differs", level="error", title="a number is not what the results or the manifest say", hint="compute it anew from the results",
         why="The number that people cite is not the one that was measured."),
    Rule(code="trained-on-test", level="error", title="the model was trained on what it was evaluated on", hint="evaluate on held-out examples",
         why="The score tells what the model remembers, not what it can do."),
    Rule(code="time-order", level="error", title="the times are impossible", hint="check the clocks; a time that was copied or edited looks so",
         why="Something cannot end before it starts, nor happen outside the run that it is part of."),
    Rule(code="future-time", level="error", title="the time lies in the future", hint="check the clock of the machine that recorded it",
         why="It was not recorded when it says it was."),
    Rule(code="secret-recorded", level="error", title="it holds what looks like a secret", hint="revoke the secret, then take it out (docs/how-to/keep-secrets-out.md)",
         why="Everyone who gets the folder, or a graph that was made from it, can use the secret."),
    Rule(code="prov-stale", level="warning", title="the PROV file is not what an export writes now", hint="lineage export writes it anew",
         why="Who reads the graph sees another history than the artifacts tell."),
)  # fmt: skip
RULES = {rule.code: rule for rule in _ROWS}


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule broken at a place. Prints as `out.jsonl:8123: what is wrong (what to do)`."""

    file: str  # as the user would type it, or relative to the folder that is read
    line: int | None  # 1-based; None: the file as a whole
    code: str  # of the rule, a key of RULES
    message: str

    @property
    def rule(self) -> Rule:
        """The rule that is broken."""
        return RULES[self.code]

    def __str__(self) -> str:
        at = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{at}: {self.message} ({self.rule.hint})"


def finding(code: str, file: str, line: int | None = None, detail: str = "") -> Finding:
    """A finding in the rule's own words, with *detail* behind them."""
    title = RULES[code].title
    return Finding(file, line, code, f"{title}: {detail}" if detail else title)


def serious(findings: Iterable[Finding]) -> bool:
    """True when any finding is more than a note: what exit code 1 says."""
    return any(f.rule.level != "note" for f in findings)
