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
    Rule(code="truncated-line", level="error", title="the last line is cut off",
         hint="restore the file from a copy, or remove the line; the lines before it are complete",
         why="A record is lost. Counts of the file are one too high or too low."),
    Rule(code="bad-compression", level="error", title="the file cannot be unpacked to its end",
         hint="ask the sender for the file again; what comes before the damage was read",
         why="The part behind the damage was not read."),
    Rule(code="not-json", level="error", title="the line is not JSON",
         hint="correct or remove the line",
         why="Readers of JSON fail on the line or skip it, so counts differ between tools."),
    Rule(code="not-an-object", level="error", title="the line is JSON, but not an object",
         hint="write each record as one JSON object on one line",
         why="A value that is no object has no metadata, so its origin is unknown."),
    Rule(code="no-metadata", level="error", title="the record has no metadata",
         hint="run with --legacy to accept it as unrecorded",
         why="The model, loader and parameters of the record are unknown."),
    Rule(code="bad-metadata", level="error", title="the metadata does not have the shape of the contract",
         hint="see docs/reference/files.md",
         why="The origin of the record cannot be read."),
    Rule(code="duplicate-key", level="error", title="a key occurs twice in one object",
         hint="keep one of the two: readers disagree on which value counts",
         why="Two programs read two different records from one line."),
    Rule(code="not-finite", level="error", title="NaN and Infinity are not JSON",
         hint="write null",
         why="Strict readers refuse the line; others read different values."),
    Rule(code="not-utf8", level="error", title="the bytes are not UTF-8",
         hint="write JSON as UTF-8",
         why="Readers replace or drop characters, so they read different records."),
    Rule(code="line-too-long", level="error", title="the line is longer than the limit",
         hint="keep a record under 64 MiB",
         why="The line was skipped and not checked."),
    Rule(code="naive-time", level="warning", title="the time has no UTC offset",
         hint="write times as 2025-10-04T12:00:00+00:00",
         why="Times of two machines cannot be put in order."),
    Rule(code="bad-time", level="error", title="the time is not ISO 8601",
         hint="write times as 2025-10-04T12:00:00+00:00",
         why="The time cannot be compared with any other."),
    Rule(code="bad-manifest", level="error", title="the manifest does not have the shape of the contract",
         hint="see docs/reference/files.md",
         why="A part of what the session recorded cannot be read."),
    Rule(code="newer-schema", level="warning", title="the manifest has a schema that this version does not know",
         hint="read it with a newer version: pip install --upgrade lineage-prov",
         why="A key may have another meaning there. Only the known keys were read."),
    Rule(code="bad-report", level="error", title="the report does not have the shape of the contract",
         hint="see docs/reference/files.md",
         why="A part of what the evaluation recorded cannot be read."),
    Rule(code="torn-journal", level="warning", title="a line of the journal is cut off",
         hint="close the session with lineage session close; all lines before it are kept",
         why="A process was killed, and the last thing that it did may be missing."),
    Rule(code="missing-file", level="error", title="the manifest names a file that is gone",
         hint="restore the file, or ask the sender for it",
         why="Results that were made from the file can be neither checked nor repeated."),
    Rule(code="altered-file", level="error", title="the file changed after it was recorded",
         hint="restore the recorded version, or run the session again",
         why="Results that were made from the recorded version are not supported by this file."),
    Rule(code="replaced-file", level="note", title="a later recorded run replaced the file",
         hint="restore the earlier version from a backup to check it; write outputs under new names to keep every version",
         why="The earlier version is not in the folder, so what was made from it cannot be checked against it."),
    Rule(code="other-sidecar", level="warning", title="the index of lines belongs to another version of the file",
         hint="list the lines that differ with lineage verify; delete the index to accept the file as it is",
         why="The index names the lines of the other version."),
    Rule(code="outside-folder", level="error", title="the path leads out of the folder",
         hint="move the file into the folder and record it again",
         why="Files outside the folder are not read, so a path cannot open any file of the machine."),
    Rule(code="unreadable", level="error", title="the file cannot be read",
         hint="check the permissions of the file, and that it is a regular file",
         why="The file was not checked."),
    Rule(code="not-covered", level="note", title="the file was not checked",
         hint="record the files that the link leads to in a folder of their own, or check them where they were recorded",
         why="No recorded digest covers the file, so it may be another one."),
    Rule(code="edited-record", level="note", title="the record was edited after its run made it",
         hint="compare the two with lineage why FILE:LINE",
         why="The response is not, or not entirely, the model's."),
    Rule(code="unknown-origin", level="warning", title="the record names a run whose files do not contain it",
         hint="look for the missing file of that run; without it, treat the record as made up",
         why="The record names an origin that does not confirm it."),
    Rule(code="derivation-cycle", level="error", title="files are derived from each other in a circle",
         hint="compare the inputs and outputs of the runs; exports leave these derivations out",
         why="Nothing can be derived from itself, so one of the records is wrong."),
    Rule(code="prov-malformed", level="error", title="the document cannot be read",
         hint="write it again with lineage export",
         why="Other tools cannot read it either."),
    Rule(code="prov-undeclared", level="warning", title="no statement declares it",
         hint="declare the entity, activity or agent",
         why="Its kind is unknown."),
    Rule(code="prov-no-times", level="warning", title="the activity has no time",
         hint="record its start and end",
         why="It cannot be put in order with other activities."),
    Rule(code="prov-never-generated", level="warning", title="it is used, and no statement says where it comes from",
         hint="state its generation or its location",
         why="The history ends there."),
    Rule(code="prov-time-order", level="warning", title="the declared times contradict the order",
         hint="check the clocks",
         why="One of the clocks was wrong, or one of the times was edited."),
    Rule(code="prov-not-written", level="error", title="the document would be invalid PROV and was not written",
         hint="run with --allow-invalid to write it in any case",
         why="Other tools do not receive the session."),
    Rule(code="not-recorded", level="error", title="something could not be recorded",
         hint="see the gaps of the manifest",
         why="The record is incomplete."),
    # What only the audit asks (lineage/auditing).
    Rule(code="mixed-loaders", level="warning", title="the file has records of several loader versions",
         hint="split the file by metadata.provenance.loader_version",
         why="Loaders may encode prompts differently, so the file does not follow one methodology."),
    Rule(code="provenance-differs", level="error", title="the provenance differs from the manifest",
         hint="compare the two: one of them was edited, or copied from another run",
         why="The model and loader that made the record are uncertain."),
    Rule(code="sentinels-not-passed", level="error", title="the sentinel tests of the loaded model failed",
         hint="find out why the model is contaminated, load it again, and repeat what was made with it",
         why="Its text may be that of an instruction-tuned model, which the experiment takes for a base model's."),
    Rule(code="template-not-disabled", level="error", title="the chat template was not disabled",
         hint="load a base model without its template and repeat what was made with it; for a model that needs its template, suppress this finding with the reason",
         why="The template changes every prompt."),
    Rule(code="special-tokens-added", level="error", title="special tokens were added to the prompts",
         hint="tokenize with add_special_tokens=False and repeat what was made with it; for a model that needs the tokens, suppress this finding with the reason",
         why="The model read tokens that are in no prompt."),
    Rule(code="other-base", level="warning", title="an adapter was used on another base than it was trained on",
         hint="load the base as for the training, or name the difference beside the score",
         why="An adapter corrects the weights that it was trained on, including their rounding. On other weights the result is that of another model."),
    Rule(code="clean-load-not-recorded", level="warning", title="it was not recorded whether the model was loaded clean",
         hint="pass template_disabled, add_special_tokens and sentinel_tests_passed to session.model_load; for a model behind an API, pass provider",
         why="A template or added tokens may have changed the prompts, and the model may not be the base model."),
    Rule(code="remote-model", level="note", title="the model ran elsewhere, behind an API",
         hint="record the dated name of the model, and the provider's response ids with the records",
         why="The provider decides what the name means. Its responses cannot be repeated."),
    Rule(code="model-not-recorded", level="warning", title="the run names no model",
         hint="pass the load to the run: session.generation(model=session.model_load({\"model_name\": …}))",
         why="The model that made the records or got the score is unknown."),
    Rule(code="unpinned-revision", level="warning", title="the model is named by neither a commit nor digests of its files",
         hint="pass revision=<commit>, or the files of the model, to session.model_load",
         why="A name on a hub can mean another model tomorrow."),
    Rule(code="dirty-code", level="warning", title="the code had changes that were not committed",
         hint="commit before a run; the recorded digest of the diff identifies the changes",
         why="The commit alone does not identify the code that ran."),
    Rule(code="unknown-commit", level="warning", title="the commit of the code was not recorded",
         hint="run inside a git repository, or set LINEAGE_GIT_SHA to the commit; see the reason above",
         why="The code that ran can be neither read nor run again."),
    Rule(code="never-closed", level="warning", title="the session was not closed",
         hint="run lineage session close FOLDER if it no longer runs",
         why="Its last steps may be missing, and files that it was writing have no digests."),
    Rule(code="seed-missing", level="warning", title="no seed was recorded",
         hint="pass seed in the parameters of the run",
         why="Random choices of the run cannot be repeated."),
    Rule(code="params-incomplete", level="warning", title="some parameters in force were not recorded",
         hint="record those in force: lineage.models.generation.effective, or `recorded` around the call",
         why="Defaults decide what is not recorded, and they change between versions and models."),
    Rule(code="params-differ", level="error", title="the parameters differ from the manifest",
         hint="compare the two: one was edited, or the run did not record that its records differ",
         why="The parameters of the run are uncertain, so it cannot be repeated."),
    Rule(code="legacy-artifact", level="warning", title="the origin of the file is not recorded",
         hint="make it again in a session, or keep it out of results",
         why="Results from before the recording cannot be compared with later ones."),
    Rule(code="listed-twice", level="warning", title="the file is listed twice",
         hint="keep the entry that has the digest of the file",
         why="Readers disagree on which entry counts, and the origin of the file is ambiguous."),
    Rule(code="broken-signature", level="error", title="the signature is not valid",
         hint="ask the signer for the envelope and the public key",
         why="The files may not be those that were signed, and the signer is unknown."),
    Rule(code="not-as-signed", level="error", title="the file is not as it was signed",
         hint="restore what was signed; sign an intended change again with lineage sign --replace",
         why="It changed after its session was signed, and the manifest may have been changed with it."),
    Rule(code="broken-chain", level="error", title="the chain of signatures is broken",
         hint="ask the sender for the session that is named; compare the head that you saved",
         why="A session was removed, exchanged or restored from an older copy."),
    Rule(code="unsigned-session", level="error", title="no signature covers it",
         hint="sign it with lineage sign, if you know that it is right",
         why="Anyone who can write to the folder could have made it."),
    Rule(code="count-differs", level="error", title="the number of records differs from the manifest",
         hint="list the lines that changed, were added or are missing: lineage verify FILE",
         why="Records were added or removed, or the manifest was edited."),
    Rule(code="broken-root", level="error", title="the recorded Merkle root is not that of the lines",
         hint="ask the sender for the manifest",
         why="Proofs of single records are checked against this root, so they fail."),
    Rule(code="size-differs", level="error", title="the report has another number of results than its data set has examples",
         hint="evaluate every example, or record the size that was evaluated",
         why="The mean is over other examples than the report says."),
    Rule(code="metric-differs", level="error", title="a number differs from the results or the manifest",
         hint="compute it again from the results",
         why="The number that people cite is not the one that was measured."),
    Rule(code="verdict-differs", level="error", title="a verdict differs from what the recorded scorer gives",
         hint="score the responses again, or name the scorer that judged them",
         why="The score counts a wrong answer as right, or a right one as wrong."),
    Rule(code="verdict-doubtful", level="warning", title="a response is called correct, and contains nothing of the answer",
         hint="name the scorer with the report: run.report(..., scorer=...)",
         why="No scorer is recorded, and no usual scorer would accept the response. The score may be made up."),
    Rule(code="replay-differs", level="error", title="the model does not repeat it",
         hint="see the first token that differs: lineage replay FILE:LINE",
         why="It was altered later, or another model or other parameters made it than are recorded."),
    Rule(code="trained-on-test", level="error", title="the model was trained on data that it was evaluated on",
         hint="evaluate on held-out examples",
         why="The score measures what the model remembers."),
    Rule(code="time-order", level="error", title="the times contradict each other",
         hint="check the clocks, and whether a time was copied or edited",
         why="A run cannot end before it starts, and a file cannot be made outside its run."),
    Rule(code="future-time", level="error", title="the time is in the future",
         hint="check the clock of the machine that recorded it",
         why="It was recorded at another time than it says."),
    Rule(code="secret-recorded", level="error", title="it holds what looks like a secret",
         hint="revoke the secret, then remove it (docs/how-to/keep-secrets-out.md)",
         why="Anyone who gets the folder, or a graph made from it, can use the secret."),
    Rule(code="prov-stale", level="warning", title="the PROV file differs from what an export writes now",
         hint="write it again with lineage export",
         why="Readers of the graph see another history than the manifests record."),
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
