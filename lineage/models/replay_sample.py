"""Replay a sample of the records and evaluation results of an audited folder."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lineage.auditing.replayed import IMPOSSIBLE, Outcome, Replay, Replayed
from lineage.auditing.world import World
from lineage.contract.metadata import ours
from lineage.errors import LineageError, UsageError
from lineage.facts import Json
from lineage.integrity.lines import as_record
from lineage.models.model_search import sizes_in
from lineage.models.replay import Replayer
from lineage.trace.record import RecordFile


def require_models() -> None:
    """Raise a UsageError where the libraries that run models are not installed."""
    if find_spec("torch") is None or find_spec("transformers") is None:
        raise UsageError("replay runs the model again", hint="pip install 'lineage-prov[models]'")


def replaying(asked: int, seed: int = 0, model: Path | None = None) -> Replay:
    """Return what replays a sample in an audit: `lineage.audit(folder, replay=replaying(5))`.

    Args:
        asked: Size of the sample; all records and results where there are fewer.
        seed: Chooses the sample. The same folder and seed give the same sample.
        model: The model's folder, where it cannot be found by its name or in the audited folder by its digests.

    Raises:
        UsageError: The extra `models` is not installed.
    """
    require_models()

    def replay(world: World) -> Replayed:
        return _replayed(world, asked, seed, model)

    return replay


@dataclass(frozen=True, slots=True)
class _Source:
    """A file of records, or a report, and how many it holds."""

    name: str
    path: Path
    count: int
    report: Json | None = None


def _replayed(world: World, asked: int, seed: int, model: Path | None) -> Replayed:
    from transformers.utils import logging

    logging.disable_progress_bar()
    sources = sorted(_sources(world), key=lambda one: one.name)
    total = sum(one.count for one in sources)
    chosen = sorted(random.Random(seed).sample(range(total), min(asked, total)))  # noqa: S311 - a choice that can be repeated, no secret
    sizes = sizes_in(tuple(session for _, session in world.placed))
    replayer = Replayer(world.folder / "artifacts", model, among=(world.folder, sizes))
    return Replayed(len(chosen), seed, total, tuple(_outcome(source, number, replayer) for source, number in _places(sources, chosen)))


def _sources(world: World) -> Iterator[_Source]:
    """What names its run, so that it can be made again."""
    for path, taken in world.taken.items():
        if taken.scan.recorded:
            yield _Source(world.called(path), path, taken.seal.lines or taken.scan.count)
    for one, report in world.reports:
        results = report.get("results")
        if ours(report.get("metadata")) and isinstance(results, list):
            yield _Source(world.name(one.folder, one.artifact.path), one.path, len(results), report)


def _places(sources: list[_Source], chosen: list[int]) -> Iterator[tuple[_Source, int]]:
    """Each number that was chosen as a source and a number in it, from 1."""
    before, rest = 0, iter(sources)
    source = next(rest, None)
    for number in chosen:
        while source is not None and number >= before + source.count:
            before += source.count
            source = next(rest, None)
        if source is not None:
            yield source, number - before + 1


def _outcome(source: _Source, number: int, replayer: Replayer) -> Outcome:
    try:
        record = _result(source.report, number) if source.report is not None else _record(source.path, number)
        verdict = replayer.replay(number, record)
        level, detail = verdict.level, verdict.detail
    except LineageError as error:
        level, detail = IMPOSSIBLE, str(error)
    return Outcome(source.name, number, source.report is not None, level, detail)


def _record(path: Path, line: int) -> Json:
    return as_record(RecordFile(path).read(line), f"line {line}")


def _result(report: Json, number: int) -> Mapping[str, Any]:
    """A result in the shape of a record: the report says by which model and parameters it was made."""
    row, metadata = report["results"][number - 1], report["metadata"]
    if not isinstance(row, dict):
        raise UsageError("the result is no object")
    params = metadata.get("decoding_params")
    about = {"provenance": _provenance(row, metadata), "generation_params": params, "tokens": row.get("tokens")}
    return {"response": row.get("response"), "metadata": {**metadata, **about}}


def _provenance(row: Json, metadata: Json) -> object:
    models = metadata.get("models")
    if isinstance(models, dict) and len(models) > 1 and row.get("model") != "base":
        raise UsageError("the report is about several models, and its result is not of the base: an adapter is not loaded again")
    return metadata.get("provenance")
