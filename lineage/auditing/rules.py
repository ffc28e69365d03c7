"""Which function finds what: a row for each code that an audit can report. The words of each stand in lineage/findings.py.

To add a rule: a row there, a function that yields what it found, a row here, and a good and a bad fixture in tests/audit/faults.py; then
`scripts/audit-rules > docs/reference/audit-rules.md`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lineage import findings
from lineage.auditing import (
    artifacts,
    code,
    graphs,
    leaks,
    loads,
    params,
    precision,
    provenance,
    records,
    reports,
    signatures,
    times,
    training,
    verdicts,
)
from lineage.auditing.world import Found, World
from lineage.constraints.rules import CONSTRAINTS
from lineage.findings import Rule

Find = Callable[[World], Iterator[Found]]


@dataclass(frozen=True, slots=True)
class Check:
    """One row: a code of `findings.RULES`, and the function that finds it; None: whoever reads the files does."""

    code: str
    find: Find | None = None
    shape: bool = False  # shapes.ttl has a shape that finds it in a graph alone
    fails: bool = False  # verification failed: exit code 4

    @property
    def rule(self) -> Rule:
        """Its words."""
        return findings.RULES[self.code]


_READ = ("no-metadata", "bad-metadata", "truncated-line", "bad-compression", "not-json", "not-an-object", "duplicate-key", "not-finite", "not-utf8",
         "line-too-long", "bad-manifest", "newer-schema", "torn-journal", "outside-folder", "unreadable", "not-covered", "other-sidecar", "edited-record",
         "unknown-origin")  # fmt: skip
RULES: tuple[Check, ...] = (
    Check("missing-file", fails=True),
    Check("altered-file", fails=True),
    Check("replaced-file"),
    Check("broken-root", artifacts.broken_root, fails=True),
    Check("broken-signature", signatures.broken_signature, fails=True),
    Check("not-as-signed", signatures.not_as_signed, fails=True),
    Check("broken-chain", signatures.broken_chain, fails=True),
    Check("unsigned-session", signatures.unsigned_session, fails=True),
    Check("count-differs", records.count_differs),
    Check("listed-twice", artifacts.listed_twice),
    Check("legacy-artifact", artifacts.legacy_artifact, shape=True),
    Check("provenance-differs", provenance.provenance_differs),
    Check("mixed-loaders", records.mixed_loaders),
    Check("sentinels-not-passed", loads.sentinels_not_passed, shape=True),
    Check("template-not-disabled", loads.template_not_disabled, shape=True),
    Check("special-tokens-added", loads.special_tokens_added, shape=True),
    Check("other-base", precision.other_base),
    Check("clean-load-not-recorded", loads.clean_load_not_recorded),
    Check("remote-model", loads.remote_model),
    Check("model-not-recorded", loads.model_not_recorded),
    Check("unpinned-revision", loads.unpinned_revision, shape=True),
    Check("seed-missing", params.seed_missing),
    Check("params-incomplete", params.params_incomplete, shape=True),
    Check("params-differ", params.params_differ),
    Check("dirty-code", code.dirty_code, shape=True),
    Check("unknown-commit", code.unknown_commit, shape=True),
    Check("never-closed", code.never_closed, shape=True),
    Check("bad-report", reports.malformed),
    Check("size-differs", reports.size_differs),
    Check("metric-differs", reports.metric_differs),
    Check("verdict-differs", verdicts.verdict_differs),
    Check("verdict-doubtful", verdicts.verdict_doubtful),
    Check("replay-differs"),  # by --replay
    Check("trained-on-test", training.trained_on_test, shape=True),
    Check("naive-time", times.wrong_times),
    Check("bad-time"),  # by wrong_times too
    Check("time-order", times.time_order, shape=True),
    Check("future-time", times.future_time),
    Check("prov-stale", graphs.prov_stale),
    Check("prov-malformed"),  # by prov_stale too
    Check("secret-recorded", leaks.secret_recorded),
    Check("derivation-cycle", graphs.invalid_prov),  # and prov-1 to prov-56, the rules of PROV-CONSTRAINTS
    *(Check(code) for code in _READ),
)
# Codes that an audit does not report, and why.
ELSEWHERE = {
    "prov-undeclared": "advice of `lineage validate`",
    "prov-no-times": "advice of `lineage validate`",
    "prov-never-generated": "advice of `lineage validate`",
    "prov-time-order": "advice of `lineage validate`",
    "prov-not-written": "told by `lineage export`",
    "not-recorded": "told by `lineage run`",
}
CODES = frozenset({*(check.code for check in RULES), *(one.rule.code for one in CONSTRAINTS.values())})
FAILS = frozenset(check.code for check in RULES if check.fails)
