"""`lineage why`: where a record, or anything else, came from."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from lineage.cli import printed_json, row, tell, tracing
from lineage.contract import manifest
from lineage.contract.below import sessions_below
from lineage.core.words import counted
from lineage.facts import ACTIVITIES, Activity, Json, ModelLoad, Session, Transformation
from lineage.known_by import KnownBy, behind
from lineage.trace import asking
from lineage.trace.answers import Direction
from lineage.trace.plain import record_known
from lineage.trace.record import RecordFile, RecordLineage
from lineage.trace.steps import Origin

MOST_ALSO = 3  # other files with the same record that a step names
CLAIMED = f" ({KnownBy.CLAIMED})"  # what a record says of itself
_TOLD = ("loader_version", "quantization", "dtype", "template_disabled", "add_special_tokens", "sentinel_tests_passed", "revision")


@click.command("why", epilog="Examples: lineage why artifacts/sft_training_data.jsonl:12 · lineage why sft_accuracy --depth 3")
@click.argument("x", metavar="X")
@tracing.where
@click.option("--depth", type=click.IntRange(1), metavar="N", help="Follow N steps (default: all).")
@click.option("--direction", type=click.Choice(["past", "future", "both"]), help="What X came from (default), what came from it, or both.")
@click.option("--format", "-f", "name", type=click.Choice([*tracing.FORMATS, "json"]), help="How to print it: see above.")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def command(
    x: str, places: tuple[Path, ...], recursive: bool, depth: int | None, direction: str | None, name: str | None, as_json: bool
) -> int:
    """Say where X came from. X is FILE:LINE, a file, a digest, a session or run id, a commit, a model, a script, a metric, or a PROV id; a unique
    beginning of an id will do, and `loader:`, `script:`, `code:`, `model:`, `run:`, `session:`, `file:` or `metric:` in front says which is meant.

    Of FILE:LINE: every step back with its run and what that edited, then the run that made the record, its parameters, the model load, the
    script at its commit, the prompts and the session. With several --in, steps are followed from folder to folder. With --depth, --direction
    or --format: the graph of the slice of the record.

    Of anything else: one line for each run that led to it, with what it used. --format tree shows everything, sessions and libraries too;
    what several branches share is shown once there. It is the default with --depth and --direction. What no file says is not made up.
    """
    path, line = asking.place(x)
    if line is not None and not (depth or direction or name) and all(place.is_dir() for place in places):
        return _record(path, line, tuple(_folders(places, recursive)), as_json)
    library = tracing.library(x, places, recursive)
    asked: tuple[Direction, ...] = ("past", "future") if direction == "both" else ("future",) if direction == "future" else ("past",)
    answers = [asking.why(x, library, depth=depth, direction=one) for one in asked]
    tracing.show(answers, "json" if as_json else name or ("tree" if depth or direction else "steps"))
    tracing.tell_findings(library, (thing for one in answers for thing in (*one.start, *one.things)))
    return 0


def _folders(places: tuple[Path, ...], recursive: bool) -> Iterator[Path]:
    """The folders that were named, and with *recursive* those inside them that hold sessions."""
    for place in places:
        yield place
        yield from (place / name for name in (sessions_below(place) if recursive else ()))


def _record(path: Path, line: int, places: tuple[Path, ...], as_json: bool) -> int:
    found = RecordFile(path, places).why(line)
    if as_json:
        printed_json(_json(found))
    else:
        for name, text in _rows(found):
            row(f"{name:<11} {text}")
    for note in found.notes:
        tell(f"note: {note}")
    return 0


def _rows(found: RecordLineage) -> Iterator[tuple[str, str]]:
    said, params = found.metadata, found.metadata.get("generation_params")
    yield "record", f"{found.file}:{found.line}{_given(said, ('record_index', 'timestamp'))}"
    if found.slice:
        ranges = ", ".join(f"{first}-{last}" for first, last in found.slice.lines[:3])
        yield "slice", f"{counted(found.slice.count, 'record')}, lines {ranges}{' …' if len(found.slice.lines) > 3 else ''}"
    yield from (("from", _step(step)) for step in found.steps)
    yield from (("edited by", f"{_runner(step)}: {', '.join(step.edited)}") for step in found.steps if step.edited and step.run)
    if found.run and found.run is not found.maker and not found.steps:
        yield "written by", f"{_activity(found.run)}{f' in session {found.session.id}' if found.session else ''}"
    if found.maker:
        yield "made by", _activity(found.maker)
    known = behind(found.maker, "params") if found.maker else CLAIMED
    yield "parameters", f"{json.dumps(params, ensure_ascii=True)}{known}" if params is not None else "not recorded"
    yield "script", _script(found)
    yield from _loads(found)
    for used in found.maker.used if found.maker else ():
        yield used.role or "used", f"{used.path}{f' sha256 {used.sha256}' if used.sha256 else ''}"
    if found.made_in:
        yield from _session(found.made_in)
    if found.session and found.session is not found.made_in and not found.steps:
        yield "written in", next(_session(found.session))[1]


def _step(step: Origin) -> str:
    """One step back: where the record was, and the run that carried it on from there."""
    also = "".join(f", also {os.path.relpath(file)}:{line}" for file, line in step.also[:MOST_ALSO])
    change = f"edited: {', '.join(step.edited)}" if step.edited else "the same JSON"
    by = f", carried by {_runner(step)}" if step.run else ", by nobody that a manifest names"
    return f"{os.path.relpath(step.file)}:{step.line} ({change}{also}){by}"


def _runner(step: Origin) -> str:
    """The run of a step and its session, each in a few words."""
    if step.run is None:
        return "nobody that a manifest names"
    kind = step.run.kind if isinstance(step.run, Transformation) else _kind(step.run)
    session = f" in session {step.session.id}{f' ({step.session.title})' if step.session.title else ''}" if step.session else ""
    return f"{kind} {step.run.id[:8]}{session}"


def _kind(run: Activity) -> str:
    return next(name for name, one in ACTIVITIES.items() if one is type(run))


def _activity(run: Activity) -> str:
    return f"{_kind(run)} {run.id} ({run.status or 'status not recorded'}, {run.started_at or '?'} to {run.ended_at or '?'}){behind(run, 'status')}"


def _script(found: RecordLineage) -> str:
    name = found.metadata.get("script_name") or (found.maker.script.path if found.maker and found.maker.script else None)
    version = found.metadata.get("script_version") or (found.maker.script.version if found.maker and found.maker.script else None)
    code = found.made_in.code if found.made_in else None
    changed = {True: ", with uncommitted changes", False: ", clean", None: ""}[code.dirty if code else None]
    known = behind(code, "git_sha") if code else CLAIMED
    return f"{name or 'not recorded'} at commit {version}{changed}{known}" if version else f"{name or 'not recorded'}, commit not recorded"


def _loads(found: RecordLineage) -> Iterator[tuple[str, str]]:
    for load in found.loads:
        yield "model", _model(load.provenance, load)
    provenance = found.metadata.get("provenance")
    if not found.loads:
        yield "model", _model(provenance, None) if isinstance(provenance, dict) else "not recorded"


def _model(provenance: Json, load: ModelLoad | None) -> str:
    return f"{provenance.get('model_name') or 'not recorded'}{_given(provenance, _TOLD)}{f', load {load.id}' if load else ''}{behind(load, 'provenance') if load else CLAIMED}"


def _session(session: Session) -> Iterator[tuple[str, str]]:
    yield (
        "session",
        f"{session.id}{f' ({session.title})' if session.title else ''}, {session.status or 'status not recorded'}{behind(session, 'status')}",
    )
    known = {key: session.environment.get(key) for key in ("python_version", "torch_version", "transformers_version", "gpu")}
    told = _given(known, tuple(known)).removeprefix(", ")
    yield "environment", f"{told}{behind(session, 'environment')}" if told else "not recorded"


def _given(said: Json, keys: tuple[str, ...]) -> str:
    """What is known of these keys."""
    return "".join(f", {key} {json.dumps(said[key])}" for key in keys if said.get(key) is not None)


def _json(found: RecordLineage) -> dict[str, Any]:
    made_in, origin = found.made_in, found.origin
    return {
        "file": str(found.file),
        "line": found.line,
        "metadata": found.metadata,
        "slice": manifest.slice_json(found.slice) if found.slice else None,
        "run": manifest.activity_json(found.run) if found.run else None,
        "maker": manifest.activity_json(found.maker) if found.maker else None,
        "model_loads": [manifest.activity_json(load) for load in found.loads],
        "made_in": _session_json(made_in),
        "session": _session_json(found.session),
        "code": manifest.code_json(made_in.code) if made_in and made_in.code else None,
        "origin": {"file": str(origin.file), "line": origin.line, "edited": list(origin.edited)} if origin else None,
        "steps": [_step_json(step) for step in found.steps],
        "notes": list(found.notes),
        "known": record_known(found),
    }


def _step_json(step: Origin) -> dict[str, Any]:
    return {
        "file": str(step.file),
        "line": step.line,
        "edited": list(step.edited),
        "run": step.run.id if step.run else None,
        "session": step.session.id if step.session else None,
        "also": [{"file": str(file), "line": line} for file, line in step.also],
    }


def _session_json(one: Session | None) -> dict[str, Any] | None:
    return {"id": one.id, "title": one.title, "manifest": one.manifest, "environment": one.environment} if one else None
