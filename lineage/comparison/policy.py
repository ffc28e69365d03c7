"""What is looked at in a comparison, and what a difference means: one table, of which docs/reference/comparability.md is made.

    breaks       the numbers mean different things: a difference forbids the comparison, and what is unknown leaves it unknown
    may change   the numbers mean the same and may differ for this reason: it is named beside the comparison
    cosmetic     nothing that a model does depends on it

`notice` is the rule of docs/METHODOLOGY_CHANGE_NOTICE.md that a row applies; without one, the row is ours. To add a row, write it here, then
`scripts/comparability > docs/reference/comparability.md`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

from lineage.comparison import harness, seen
from lineage.comparison.seen import Fact, Facts
from lineage.comparison.subjects import Kind, Place, Subject
from lineage.mapping.names import canonical

Rank = Literal["breaks", "may change", "cosmetic"]
State = Literal["equal", "differs", "unknown", "not applicable"]
RANKS: tuple[Rank, ...] = get_args(Rank)
ALL: tuple[Kind, ...] = get_args(Kind)
Judge = Callable[[Sequence[Fact], Sequence[Fact]], State]


def of_same_place(one: Sequence[Fact], other: Sequence[Fact]) -> bool:
    """Return whether both sides are the same facts of the same runs, loads or sessions: what is unknown there is equal to itself."""
    every = (*one, *other)
    return bool(every) and all(fact.place != Place() for fact in every) and set(map(_identity, one)) == set(map(_identity, other))


def _identity(fact: Fact) -> tuple[bytes, object, str | None]:
    return canonical(fact.value), fact.place, fact.of


def same(one: Sequence[Fact], other: Sequence[Fact]) -> State:
    """Have both the same values?  What is missing could be any value: then they differ only where one side has what the other surely has not.

    Where a side has several values, of several models, each must be of the same model on both.
    """
    if not one and not other:
        return "not applicable"
    if not one or not other:
        return "unknown"
    one, other = _without_shared_gaps(one, other)
    left, right = (_known(side) for side in (one, other))
    if (left - right and _complete(other)) or (right - left and _complete(one)):
        return "differs"
    if not _complete(one) or not _complete(other):
        return "unknown"
    return _paired(one, other) if len(left) > 1 and all(fact.of is not None for fact in (*one, *other)) else "equal"


def _without_shared_gaps(one: Sequence[Fact], other: Sequence[Fact]) -> tuple[Sequence[Fact], Sequence[Fact]]:
    """Both sides without the unknown facts of loads and runs that they share, where they share all that are unknown."""
    gaps = [{fact.place for fact in side if fact.value is None} for side in (one, other)]
    if gaps[0] != gaps[1] or Place() in gaps[0]:
        return one, other
    known = [[fact for fact in side if fact.value is not None] for side in (one, other)]
    return (known[0], known[1]) if all(known) else (one, other)


def _known(side: Sequence[Fact]) -> set[bytes]:
    return {canonical(fact.value) for fact in side if fact.value is not None}


def _complete(side: Sequence[Fact]) -> bool:
    return all(fact.value is not None for fact in side)


def _paired(one: Sequence[Fact], other: Sequence[Fact]) -> State:
    """The same values all in all: are they of the same models?  Nobody can tell where the models have other names, or one name several values."""
    if all(fact in other for fact in one):
        return "equal"
    left, right = (_by_model(side) for side in (one, other))
    if left.keys() != right.keys() or "" in left or any(len(values) > 1 for values in (*left.values(), *right.values())):
        return "unknown"
    return "equal" if left == right else "differs"


def _by_model(side: Sequence[Fact]) -> dict[str, set[bytes]]:
    found: dict[str, set[bytes]] = defaultdict(set)
    for fact in side:
        found[fact.of or ""].add(canonical(fact.value))
    return dict(found)


def first_told(*keys: str) -> Judge:
    """The same by the first of *keys* that all tell on both sides: a digest, else a commit or a version."""

    def judge(one: Sequence[Fact], other: Sequence[Fact]) -> State:
        if not one or not other:
            return same(one, other)
        for key in keys:
            sides = [
                [replace(fact, value=fact.value.get(key) if isinstance(fact.value, dict) else None) for fact in side]
                for side in (one, other)
            ]
            state = same(*sides)
            if all(map(_complete, sides)) or (key == keys[0] and state == "differs"):
                return state
        return "unknown"

    return judge


def same_params(one: Sequence[Fact], other: Sequence[Fact]) -> State:
    """The same parameters. One that is null could have been anything: then they differ only where a parameter that both know does."""
    every = [fact.value for fact in (*one, *other)]
    if not one or not other or not any(_has_null(value) for value in every if value is not None):
        return same(one, other)
    left, right = ([dict(fact.value) if isinstance(fact.value, Mapping) else {} for fact in side] for side in (one, other))
    if not _complete(one) or not _complete(other):
        return "unknown"
    alone = any(all(_conflict(a, b) for b in right) for a in left) or any(all(_conflict(a, b) for a in left) for b in right)
    return "differs" if alone else "unknown"


def _conflict(one: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Is there a parameter with two values, or one that only one side has?"""
    keys = (key for key in {*one, *other} if not _has_null(one.get(key, 0)) and not _has_null(other.get(key, 0)))
    return any(key not in one or key not in other or canonical(one[key]) != canonical(other[key]) for key in keys)


def _has_null(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(_has_null(inner) for inner in value.values())
    return value is None or (isinstance(value, list | tuple) and any(_has_null(inner) for inner in value))


def all_passed(one: Sequence[Fact], other: Sequence[Fact]) -> State:
    """Every hard sentinel passed for both: equal failures are no reason to compare."""
    every = [fact.value for fact in (*one, *other)]
    if False in every:
        return "differs"
    return "not applicable" if not every else "equal" if one and other and all(value is True for value in every) else "unknown"


def one_era(one: Sequence[Fact], other: Sequence[Fact]) -> State:
    """Nothing from before the cut-over with anything from after it. What is partly from before is from before."""
    left, right = _era(one), _era(other)
    if left is None or right is None:
        return "unknown"
    return "equal" if left == right else "differs"


def _era(side: Sequence[Fact]) -> object:
    values = {fact.value for fact in side}
    return seen.BEFORE if seen.BEFORE in values else None if None in values or not values else seen.FROM


def any_shared(one: Sequence[Fact], other: Sequence[Fact]) -> State:
    """Is there a number that both have?"""
    if not one or not other:
        return "unknown" if one or other else "not applicable"
    return "equal" if _known(one) & _known(other) else "differs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row: what is looked at, and what a difference means."""

    what: str
    rank: Rank
    facts: Callable[[Subject], Facts]
    found: str  # where it stands in the facts
    why: str
    notice: int | None = None
    judge: Judge = same
    kinds: tuple[Kind, ...] = ALL
    label: str = ""  # how a value is called; by default as the row
    records: bool = False  # a difference forbids the claim that single records are the same


@dataclass(frozen=True, slots=True)
class Row:
    """One rule of the policy with what was found on either side, and where."""

    rule: Rule
    state: State
    one: tuple[Fact, ...]
    other: tuple[Fact, ...]

    @property
    def rank(self) -> Rank:
        """What a difference means."""
        return self.rule.rank


_MEASURED: tuple[Kind, ...] = ("evaluation", "session")
_OF_A_RUN: tuple[Kind, ...] = ("evaluation", "data set", "session")
_MADE: tuple[Kind, ...] = ("data set", "model", "session")
_PROVENANCE = "`provenance.{}` of the model loads"

_HARNESS: tuple[tuple[str, Rank, str], ...] = (
    ("harness", "breaks", "Another harness asks and scores otherwise."),
    ("task version", "breaks", "A task of another version has other prompts or another scorer."),
    ("few-shot examples", "breaks", "Examples in the prompt are part of the prompt."),
    ("prompt template", "breaks", "Another template makes another prompt."),
    ("limit", "breaks", "A mean over the first examples is another mean."),
    ("scorer", "breaks", "Another scorer judges the same answers otherwise."),
    ("harness version", "may change", "Prompts and scorers change between versions."),
    ("few-shot seed", "may change", "It chooses the examples in the prompt; it is no seed of the sampler."),
)


def found_under(what: str) -> str:
    """Say under which keys a fact of the harness is found."""
    return f"{', '.join(f'`{key}`' for key in harness.KEYS[what])} in `params`, `dataset` or the report of the evaluations"


# fmt: off
POLICY: tuple[Rule, ...] = (
    Rule(what="methodology", rank="breaks", notice=1, facts=seen.era, judge=one_era, found="when the runs ended, or records of a run that is not known were made; whether their loads name a loader",
         why="Results from before 2025-10-04, 00:00 UTC, or without a loader version, are compared with nothing from after it."),
    Rule(what="loader", rank="breaks", notice=2, facts=seen.loader, judge=first_told("loader_sha256", "loader_version"), records=True, found=_PROVENANCE.format("loader_sha256") + ", else `loader_version`",
         why="Another loader may give a model other ids. Where only the loader differs, a stated check allows the comparison (rule 3)."),
    Rule(what="quantization", rank="breaks", notice=2, facts=seen.provenance("quantization"), records=True, found=_PROVENANCE.format("quantization"),
         why="Other weights are another model."),
    Rule(what="compute type", label="compute_dtype", rank="breaks", notice=2, facts=seen.of_quantized("compute_dtype"), records=True, found=_PROVENANCE.format("compute_dtype") + ", where weights are quantized",
         why="Quantized weights are multiplied in this type."),
    Rule(what="double quantization", label="double_quant", rank="breaks", notice=2, facts=seen.of_quantized("double_quant"), records=True, found=_PROVENANCE.format("double_quant") + ", where weights are quantized",
         why="It changes the weights."),
    Rule(what="prefix policy", label="prefix_policy", rank="breaks", notice=2, facts=seen.provenance("prefix_policy"), records=True, found=_PROVENANCE.format("prefix_policy"),
         why="A base model that was trained with a token in front of each text is far worse without it."),
    Rule(what="template", label="template_disabled", rank="breaks", notice=2, facts=seen.provenance("template_disabled"), records=True, found=_PROVENANCE.format("template_disabled"),
         why="A chat template makes another prompt."),
    Rule(what="sentinels", label="sentinel_tests_passed", rank="breaks", notice=2, facts=seen.provenance("sentinel_tests_passed"), judge=all_passed, found=_PROVENANCE.format("sentinel_tests_passed"),
         why="Every hard sentinel must have passed on both sides; that both failed is no reason to compare."),
    Rule(what="decoding parameters", rank="breaks", notice=2, facts=seen.decoding, judge=same_params, kinds=_OF_A_RUN, records=True, found="`params` of the runs that are in force, without seeds and harness facts: greedy decoding reads neither `temperature` nor `top_k`, `top_p`, `min_p` and their like, one beam no `length_penalty`",
         why="Other sampling gives other answers."),
    *(Rule(what=name, rank=rank, facts=seen.of_harness(name), kinds=_MEASURED, found=found_under(name), why=why)
      for name, rank, why in _HARNESS),
    Rule(what="adapter's base", rank="breaks", facts=seen.adapter_base, kinds=_MEASURED, records=True, found="the loads of the base, at the training of the adapter and in the run: `quantization` or `dtype`, `compute_dtype`, `double_quant`, `revision`",
         why="An adapter on weights of another precision than those of its training is another model."),
    Rule(what="data set", rank="breaks", notice=2, facts=seen.data_set, judge=first_told("sha256", "version"), kinds=_MEASURED, found="`sha256` of the test set, else `dataset.version`",
         why="A score is a score on these examples."),
    Rule(what="measure", rank="breaks", facts=seen.measures, judge=any_shared, kinds=_MEASURED, found="the names of the numbers in `summary`",
         why="Two reports without a number of the same name have nothing to compare."),
    Rule(what="training parameters", rank="may change", facts=seen.trained_on, kinds=("model", "session"), records=True, found="`params` of the trainings",
         why="What a comparison of two trained models may be about."),
    Rule(what="model", rank="may change", facts=seen.model, records=True, found="`model_name`, `revision` and the digests of the files of the model loads",
         why="What a comparison of two scores is mostly about."),
    Rule(what="data that was used", rank="may change", facts=seen.inputs, kinds=_MADE, records=True, found="`sha256` of what the runs used: prompts, training data",
         why="What a comparison of two data sets or models may be about."),
    Rule(what="loaders upstream", rank="may change", facts=seen.upstream_loaders, found="`provenance.loader_version` of every model load that it came from",
         why="Training data that another loader made is part of the model, not of the measurement."),
    Rule(what="number of examples", rank="may change", facts=seen.data_size, kinds=_MEASURED, found="`dataset.size` of the evaluations",
         why="A mean over other examples of the same file is another mean."),
    Rule(what="seeds", rank="may change", notice=4, facts=seen.seeds, kinds=_OF_A_RUN, records=True, found="`seed` among the `params` of the runs",
         why="Means are comparable over seeds, single records are not."),
    Rule(what="script", rank="may change", facts=seen.script, records=True, found="`path` and `sha256` of the script of the runs, else its commit",
         why="Another script may ask or count otherwise."),
    Rule(what="code", rank="may change", facts=seen.code, records=True, found="`git_sha` of the sessions, with the digest of uncommitted changes",
         why="Whatever the script imports."),
    *(Rule(what=name, rank="may change", notice=4, facts=seen.library(name), records=True, found=f"`packages.{name}` of the sessions, else `{name}_version`",
           why="Kernels, tokenizers and defaults change between versions.")
      for name in ("torch", "transformers", "tokenizers", "accelerate", "bitsandbytes", "peft")),
    Rule(what="gpu", rank="may change", notice=4, facts=seen.environment("gpu"), records=True, found="`environment.gpu` of the sessions",
         why="Sums come out otherwise on another device."),
    Rule(what="threads", rank="may change", notice=4, facts=seen.environment("threads"), records=True, found="`environment.threads` of the sessions",
         why="Sums come out otherwise in another order."),
    Rule(what="tokenizer", label="tokenizer_sha256", rank="may change", facts=seen.provenance("tokenizer_sha256"), records=True, found=_PROVENANCE.format("tokenizer_sha256"),
         why="The sentinels hold both to plain text; another vocabulary is part of another model."),
    Rule(what="attention", rank="may change", facts=seen.provenance("attention_implementation"), records=True, found=_PROVENANCE.format("attention_implementation"),
         why="The same sums in another order."),
    Rule(what="advisory measures", rank="may change", notice=5, facts=seen.advisory, found=_PROVENANCE.format("sentinels.advisory"),
         why="They are reported beside the comparison, and forbid nothing."),
    Rule(what="original template", label="chat_template_sha256", rank="cosmetic", facts=seen.provenance("chat_template_sha256"), found=_PROVENANCE.format("chat_template_sha256"),
         why="It is off; its digest tells which it was."),
    Rule(what="python", rank="cosmetic", facts=seen.environment("python_version"), found="`environment.python_version` of the sessions",
         why="The libraries do the arithmetic."),
    Rule(what="platform", rank="cosmetic", facts=seen.environment("platform"), found="`environment.platform` of the sessions",
         why="The libraries do the arithmetic."),
)
# fmt: on
