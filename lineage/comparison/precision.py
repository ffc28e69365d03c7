"""Adapters that were used on another base than they were trained on: another precision, or another revision.

An adapter trained over 4-bit weights corrects these weights, with their rounding. Over 16-bit weights it is another
model (huggingface/peft#1836).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from lineage.contract.weights import digests, is_adapter, own_weights, told_of
from lineage.facts import Activity, Artifact, Evaluation, Generation, Json, ModelLoad, Session, Training

PLAIN = ("fp16", "bf16", "fp32")  # quantizations of plain numbers, which have no compute type
_NAMES = {"bfloat16": "bf16", "float16": "fp16", "half": "fp16", "float32": "fp32", "float": "fp32"}
_COMMIT = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """An adapter that a training made, and the loads of its base."""

    adapter: Artifact
    training: Training
    files: frozenset[str]  # digests by which a use is known
    bases: tuple[ModelLoad, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterUse:
    """A run that used an adapter on a base, and what differs from the base of its training."""

    session: Session
    run: Activity
    load: ModelLoad
    trained: Trained
    differing: Mapping[str, tuple[str, str]]  # fact: its value at training, its value in this run

    def __str__(self) -> str:
        done = "evaluated" if isinstance(self.run, Evaluation) else "used for generation"
        base = self.trained.bases[0].provenance.get("model_name") or "a base without a name"
        before, now = (", ".join(pair[side] for pair in self.differing.values()) for side in (0, 1))
        return f"adapter {self.trained.adapter.path} was trained on {base} as {before} and {done} on it as {now}"


def precision(provenance: Json) -> dict[str, str]:
    """Return how a model was loaded, as far as it was recorded: its precision, and its revision if that is a commit."""
    facts = {}
    quantization = _name(provenance.get("quantization"))
    number = quantization if quantization not in ("", "none", "false") else _name(provenance.get("dtype"))
    if number:
        facts["precision"] = number
    if number and number not in PLAIN:
        for key in ("compute_dtype", "double_quant"):
            if provenance.get(key) is not None:
                facts[key] = f"{key} {_name(provenance[key])}"
    revision = provenance.get("revision")
    if isinstance(revision, str) and _COMMIT.fullmatch(revision):
        facts["revision"] = f"revision {revision[:12]}"
    return facts


def _name(value: object) -> str:
    text = str(value).lower().removeprefix("torch.") if value is not None else ""
    return _NAMES.get(text, text)


def adapter_uses(sessions: Iterable[Session]) -> Iterator[AdapterUse]:
    """Yield every evaluation and generation with an adapter that a recorded training made."""
    every = tuple(sessions)
    loads = {run.id: run for one in every for run in one.activities if isinstance(run, ModelLoad)}
    adapters: dict[str, list[Trained]] = defaultdict(list)
    for trained in (trained for one in every for trained in _adapters(one, loads)):
        for file in trained.files:
            adapters[file].append(trained)
    for session in every if adapters else ():
        for run in session.activities:
            if isinstance(run, Evaluation | Generation):
                yield from _uses(session, run, [loads[one] for one in run.models if one in loads], adapters)


def _adapters(session: Session, loads: Mapping[str, ModelLoad]) -> Iterator[Trained]:
    for run in session.activities:
        if isinstance(run, Training):
            bases = tuple(loads[one] for one in run.models if one in loads)
            for made in run.made:
                weights = own_weights(made, run, bases) or frozenset([made.sha256] if made.sha256 else [])
                if bases and weights and is_adapter(made):
                    yield Trained(adapter=made, training=run, files=weights, bases=bases)


def _uses(session: Session, run: Activity, loads: list[ModelLoad], adapters: Mapping[str, list[Trained]]) -> Iterator[AdapterUse]:
    for load in loads:
        files = digests(load.used) | told_of(load) | (digests(run.used) if len(loads) == 1 else frozenset())
        used = {(one.training.id, one.adapter.path): one for file in sorted(files & adapters.keys()) for one in adapters[file]}
        for trained in used.values():
            yield AdapterUse(session=session, run=run, load=load, trained=trained, differing=_differing(trained, load))


def _differing(trained: Trained, load: ModelLoad) -> dict[str, tuple[str, str]]:
    """The facts that differ from every base of the training; of several bases, the first is named."""
    now = precision(load.provenance)
    each = [_unlike(precision(base.provenance), now) for base in trained.bases]
    return each[0] if all(each) else {}


def _unlike(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    return {key: (before[key], now[key]) for key in before if key in now and before[key] != now[key]}
