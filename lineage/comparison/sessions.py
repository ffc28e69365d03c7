"""Two sessions, fact by fact: the general form of a comparison, with no policy.

Runs are matched by their type and their place among the runs of that type, files by the run that made them and their role; ids and times, which
differ always, are no facts here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lineage.comparison.changes import SECTIONS, Changed
from lineage.comparison.session_reports import diff_lines, diff_markdown
from lineage.comparison.subjects import sessions_in
from lineage.contract import manifest
from lineage.core.reading import is_folder
from lineage.errors import NotFoundError, UsageError
from lineage.facts import ACTIVITIES, Activity, Artifact, Evaluation, ModelLoad, Session, Transformation
from lineage.trace.reading import Library, Where, open_library
from lineage.trace.search import on_disk

Key = tuple[str, str]
_NAMES = {kind: name for name, kind in ACTIVITIES.items()}


@dataclass(frozen=True, kw_only=True)
class SessionDiff:
    """What differs between two sessions, by section and fact."""

    one: str
    other: str
    changes: tuple[Changed, ...]
    equal: int  # facts that are the same

    def __str__(self) -> str:
        return "\n".join(diff_lines(self))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        return {"text/plain": str(self), "text/markdown": "\n".join(diff_markdown(self))}


def diff(one: str, other: str, where: Where | Library = None, *, recursive: bool = False) -> SessionDiff:
    """What differs between two sessions, each by its id, a unique beginning of it, or the path of its manifest.

    Raises:
        NotFoundError: there is no such session. UsageError: several begin so.
    """
    paths = [path if is_folder(path) else path.parent for path in map(on_disk, (one, other)) if path]
    library = where if isinstance(where, Library) else open_library(where if where is not None else list(dict.fromkeys(paths)) or None, recursive=recursive)  # fmt: skip
    return differences(_session(library, one), _session(library, other))


def _session(library: Library, name: str) -> Session:
    path = on_disk(name)
    if path is not None and path.is_dir():
        return _of_folder(library, path)
    prefix = manifest.session_id_of(Path(name)) if path else name.removeprefix("session:")
    fitting = [one for one in library.sessions if one.id.startswith(prefix)]
    exact = [one for one in fitting if one.id == prefix]
    if not fitting:
        raise NotFoundError("no such session", at=name, hint="lineage session list tells which there are")
    if len(fitting) > 1 and not exact:
        raise UsageError("several sessions begin so", at=name, hint=", ".join(one.id for one in fitting[:5]))
    return (exact or fitting)[0]


def _of_folder(library: Library, folder: Path) -> Session:
    """The one session of a folder."""
    found = sessions_in(library, folder)
    if not found:
        raise NotFoundError("no session in this folder", at=str(folder), hint="look in folders inside it too: -r")
    if len(found) > 1:
        raise UsageError(f"holds {len(found)} sessions", at=str(folder), hint=f"name one: {', '.join(one.id for one in found[:5])}")
    return found[0]


def differences(one: Session, other: Session) -> SessionDiff:
    """What differs between two sessions."""
    left, right = dict(_facts(one)), dict(_facts(other))
    keys = sorted({*left, *right}, key=lambda key: (SECTIONS.index(key[0]), key[1]))
    changes = (_change(key, left, right) for key in keys)
    told = tuple(change for change in changes if change)
    return SessionDiff(one=one.id, other=other.id, changes=told, equal=len(keys) - len(told))


def _change(key: Key, left: Mapping[Key, object], right: Mapping[Key, object]) -> Changed | None:
    if key in left and key in right:
        return None if left[key] == right[key] else Changed(*key, "changed", left[key], right[key])
    return Changed(*key, "removed", left[key], None) if key in left else Changed(*key, "added", None, right[key])


def _facts(one: Session) -> Iterator[tuple[Key, object]]:
    yield from _flat("session", "", {"title": one.title, "status": one.status, "operator": one.operator, "host": one.host})
    yield from _flat("environment", "", dict(one.environment))
    code = manifest.code_json(one.code) if one.code else {}
    yield from _flat(
        "code", "", {key.removeprefix("git_"): value for key, value in code.items() if key not in ("git_patch", "script", "script_text")}
    )
    for run, name in _runs(one):
        yield from _run(run, name)
    for file in one.artifacts:
        if file.activity is None:
            yield ("artifacts", file.path), file.sha256


def _runs(one: Session) -> Iterator[tuple[Activity, str]]:
    counts: Counter[str] = Counter()
    for run in one.activities:
        kind = _NAMES[type(run)]
        counts[kind] += 1
        yield run, f"{kind} {counts[kind]}"


def _run(run: Activity, name: str) -> Iterator[tuple[Key, object]]:
    yield ("runs", name), run.status
    yield from _flat("runs", f"{name}: script ", manifest.script_json(run.script) or {})
    yield from _flat("params", f"{name}: ", dict(run.params))
    if isinstance(run, ModelLoad):
        yield from _flat("params", f"{name}: ", dict(run.provenance))
    if isinstance(run, Evaluation):
        yield from _flat("metrics", f"{name}: ", dict(run.metrics))
        yield from _flat("params", f"{name}: dataset.", dict(run.dataset))
    if isinstance(run, Transformation):
        yield from _flat("runs", f"{name}: ", {"kind": run.kind})
    if isinstance(run, Transformation) or run.is_wrapped:
        yield from _flat("runs", f"{name}: ", {"command": list(run.command) or None, "exit_code": run.exit_code})
    yield from _files(f"{name}: used", run.used)
    yield from _files(f"{name}: made", run.made)


def _files(name: str, files: tuple[Artifact, ...]) -> Iterator[tuple[Key, object]]:
    roles: Counter[str] = Counter()
    for file in files:
        role = file.role or file.type
        roles[role] += 1
        yield ("artifacts", f"{name} {role} {roles[role]}"), file.sha256
        if file.count is not None:
            yield ("artifacts", f"{name} {role} {roles[role]}: records"), file.count


def _flat(section: str, prefix: str, content: Mapping[str, object]) -> Iterator[tuple[Key, object]]:
    """Nested keys joined by a dot; what is null was not recorded, and is no fact."""
    rest = [(f"{prefix}{key}", value) for key, value in content.items()]
    while rest:
        path, value = rest.pop()
        if isinstance(value, Mapping):
            rest += [(f"{path}.{key}", inner) for key, inner in value.items()]
        elif value is not None:
            yield (section, path), value
