"""The policy: which action follows from which cause, for each kind of result. One table; the rest is derived from it.

To change the policy, change a row here and docs/explanation/consequences.md; a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Action = Literal["re-run", "quarantine", "withdraw", "disclose", "none", "undetermined"]
Cause = Literal["content", "method", "missing", "origin", "conditions", "unknown", "test data", "edit", "secret", "time"]
Kind = Literal["itself", "file", "model", "score"]

ACTIONS: dict[Action, str] = {
    "re-run": "make it again from inputs that are right",
    "quarantine": "use it for nothing until it is settled",
    "withdraw": "stop citing the number",
    "disclose": "keep it, and say in every publication what is known of it",
    "none": "it does not contain what is concerned",
    "undetermined": "what was recorded does not decide it; the text says what would",
}
UNMADE = "no session recorded how it was made: record the run that makes it, or exclude it"
UNREAD = "the file cannot be read as it was recorded: restore it, and ask again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The actions of one cause.

    Attributes:
        when: What is wrong with the thing.
        itself: The action for the thing itself, where it is a file.
        settle: What settles it, where an action is "undetermined".
    """

    when: str
    itself: Action
    file: Action
    model: Action
    score: Action
    settle: str = ""

    def action(self, kind: Kind) -> Action:
        """Return the action for a kind of result."""
        actions: dict[Kind, Action] = {"itself": self.itself, "file": self.file, "model": self.model, "score": self.score}
        return actions[kind]


POLICY: dict[Cause, Row] = {
    "content": Row(
        when="its bytes, records or parameters are not those that were recorded, or it is replaced",
        itself="quarantine", file="re-run", model="re-run", score="withdraw",
    ),
    "method": Row(
        when="it was made in a way that the methodology excludes: template, special tokens, failed sentinels, mixed loaders",
        itself="re-run", file="re-run", model="re-run", score="withdraw",
    ),
    "missing": Row(
        when="the file is gone, so what was made from it can be neither checked nor repeated",
        itself="undetermined", file="disclose", model="disclose", score="disclose",
        settle="restore the file with the recorded digest",
    ),
    "origin": Row(
        when="nobody can say who made it: no valid signature, a broken chain, no record of its origin",
        itself="quarantine", file="quarantine", model="quarantine", score="quarantine",
    ),
    "conditions": Row(
        when="the conditions of the run are incomplete: uncommitted code, no commit, no seed, no pinned revision",
        itself="disclose", file="disclose", model="disclose", score="disclose",
    ),
    "unknown": Row(
        when="a check was not made or not recorded, so it may be right or wrong",
        itself="undetermined", file="undetermined", model="undetermined", score="undetermined",
        settle="make the check that was not recorded, on the same model and files",
    ),
    "test data": Row(
        when="the model was evaluated on data that it was trained on",
        itself="none", file="none", model="none", score="withdraw",
    ),
    "edit": Row(
        when="a record was edited after the model made it",
        itself="disclose", file="disclose", model="disclose", score="disclose",
    ),
    "secret": Row(
        when="it contains what looks like a secret; copies of its records contain it too",
        itself="quarantine", file="quarantine", model="undetermined", score="none",
        settle="check whether the text that the model was trained on contains the secret",
    ),
    "time": Row(
        when="its times contradict each other or are no instants",
        itself="undetermined", file="undetermined", model="undetermined", score="undetermined",
        settle="find out which clock was wrong",
    ),
}  # fmt: skip

CAUSES: dict[Cause, tuple[str, ...]] = {
    "content": ("altered-file", "broken-root", "not-as-signed", "count-differs", "provenance-differs", "params-differ", "size-differs", "metric-differs",
                "bad-report", "truncated-line", "bad-compression", "not-json", "not-an-object", "duplicate-key", "not-finite", "not-utf8", "line-too-long",
                "derivation-cycle", "listed-twice", "verdict-differs", "replay-differs"),
    "method": ("mixed-loaders", "sentinels-not-passed", "template-not-disabled", "special-tokens-added",
               "other-base"),
    "missing": ("missing-file", "replaced-file", "unreadable", "outside-folder"),
    "origin": ("broken-signature", "broken-chain", "unsigned-session", "legacy-artifact", "unknown-origin", "no-metadata"),
    "conditions": ("unpinned-revision", "remote-model", "seed-missing", "params-incomplete", "dirty-code", "unknown-commit", "never-closed", "torn-journal", "newer-schema",
                   "bad-manifest", "bad-metadata", "not-recorded"),
    "unknown": ("not-covered", "clean-load-not-recorded", "model-not-recorded", "verdict-doubtful"),
    "test data": ("trained-on-test",),
    "edit": ("edited-record",),
    "secret": ("secret-recorded",),
    "time": ("time-order", "future-time", "naive-time", "bad-time"),
}  # fmt: skip
CAUSE_OF: dict[str, Cause] = {code: cause for cause, codes in CAUSES.items() for code in codes}


def cause_of(code: str) -> Cause:
    """Return the cause of a rule's code."""
    return CAUSE_OF.get(code, "content")


FAULTS: dict[str, Cause] = {
    **dict.fromkeys(("altered", "replaced", "added"), "content"),
    **dict.fromkeys(("missing", "moved", "outside"), "missing"),
}
ESCALATED = frozenset({"edited-record"})  # notes that are warnings where a model or score was made from what they concern


def cause_of_fault(what: str) -> Cause:
    """Return the cause of a fault that the check of signatures finds; whatever else fails there leaves the origin open."""
    return FAULTS.get(what, "origin")
