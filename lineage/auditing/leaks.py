"""The rule about secrets: none in manifests, in the metadata of records and reports, in PROV, in patches.

What is recorded now holds none (lineage/core/secrets); a folder that was written before may. A finding names
the file and the place, never the secret, and what other rules say of the place is masked as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from lineage.auditing.graphs import combined_files, graph_name
from lineage.auditing.world import Found, World
from lineage.contract.writing import session_json
from lineage.core import limits, secrets
from lineage.facts import Session
from lineage.findings import finding
from lineage.known_by import KnownBy

SHOWN = 3  # places of one file that a finding names
CHUNK = 8 << 20  # bytes of a PROV file that are searched together
OVERLAP = 1 << 13  # bytes that two chunks share: a secret may lie across their border
SHORTEST = 4  # characters of a secret that is masked in what other rules say; a shorter one is found in any text
SOURCES = frozenset(map(str, KnownBy))
TOLD = 8  # characters that a text and a secret have in common when the text was cut off within it

Place = tuple[str, tuple[str, ...]]  # where, and the secrets there


def secret_recorded(world: World) -> Iterator[Found]:
    """No file that was recorded or exported holds what looks like a secret."""
    for place, session in world.placed:
        if session.manifest:
            written = world.manifests.get(session.id) or session_json(session)
            yield from _told(world, place, session, session.manifest, places(written))
        for artifact in session.artifacts:
            if artifact.type == "patch" and world.is_readable(place / artifact.path):
                yield from _told(world, place, session, artifact.path, _in_file(place / artifact.path))
        for _, path in world.prov.get((place, session.id), []):
            if path not in world.as_exported or _has_secret(session):
                yield from _told(world, place, session, path.name, _in_file(path))
    yield from _records(world)
    yield from _reports(world)
    yield from _graphs(world)


def _has_secret(session: Session) -> bool:
    return next(places(session_json(session)), None) is not None


def _records(world: World) -> Iterator[Found]:
    """The metadata that the records of a file share; the records themselves are the user's."""
    for one in world.held:
        for part in world.slices(one):
            line = part.lines[0][0] if part.lines else None
            found = places(part.metadata, "metadata")
            yield from _told(world, one.folder, one.session, one.artifact.path, found, line=line)


def _reports(world: World) -> Iterator[Found]:
    for one, report in world.reports:
        yield from _told(world, one.folder, one.session, one.artifact.path, places(report.get("metadata"), "metadata"))


def _graphs(world: World) -> Iterator[Found]:
    is_clean = not any(_has_secret(session) for _, session in world.placed)
    for _, path in combined_files(world):
        if path in world.as_exported and is_clean:
            continue
        if detail := _listed(world, _in_file(path)):
            yield Found(finding("secret-recorded", graph_name(world, path.name), None, detail))


def _told(world: World, place: Path, session: Session, file: str, found: Iterator[Place], *, line: int | None = None) -> Iterator[Found]:
    if detail := _listed(world, found):
        about = dict.fromkeys(
            name for _, told, artifact in world.files.get(world.name(place, file), ()) for name in world.about(told, artifact)
        )
        yield world.found("secret-recorded", place, session, file, line=line, detail=detail, about=tuple(about))


def _listed(world: World, found: Iterator[Place]) -> str:
    """Name the first places, and how many more there are; the secrets are kept for `masked`."""
    ways: dict[str, None] = {}
    for way, values in found:
        ways[way] = None
        world.secrets.update(value for value in values if len(value) >= SHORTEST)
    more = len(ways) - SHOWN
    return ", ".join(list(ways)[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")


def places(value: object, at: str = "") -> Iterator[Place]:
    """Return where in a JSON value secrets stand (`activities[1].params.api_key`), and the secrets."""
    for way, values in secrets.found(value, at):
        if not (".known." in way and SOURCES.issuperset(values)):  # how the field of that name is known
            yield way.lstrip("."), values
    for way, commands in _commands(value):
        yield from ((f"{way}[{n}]", values) for n, values in secrets.changed(commands))


def _commands(value: object) -> Iterator[tuple[str, list[str]]]:
    """Return the commands of a manifest, and where they stand."""
    if not isinstance(value, Mapping):
        return
    environment, activities = value.get("environment"), value.get("activities")
    if isinstance(environment, Mapping):
        yield from _command(environment, "command_line", "environment")
    for n, run in enumerate(activities if isinstance(activities, list) else ()):
        if isinstance(run, Mapping):
            yield from _command(run, "command", f"activities[{n}]")


def _command(holder: Mapping[str, Any], name: str, at: str) -> Iterator[tuple[str, list[str]]]:
    command = holder.get(name)
    if isinstance(command, list | tuple) and all(isinstance(one, str) for one in command):
        yield f"{at}.{name}", list(command)


def _in_file(path: Path) -> Iterator[Place]:
    """Return the kinds of secrets in a file that was not compared, piece by piece."""
    try:
        if path.stat().st_size > limits.JSON:  # the rules about files say that it is too large to be read
            return
        with path.open("rb") as file:
            before = b""
            while piece := file.read(CHUNK):
                yield from ((kind, ()) for kind in secrets.kinds(before + piece))
                before = piece[-OVERLAP:]
    except OSError:  # the rules about files say that it cannot be read
        return


def masked(text: str, known: Iterable[str]) -> str:
    """Return *text* without secrets: those that were found, also where a text is cut off within one, and those of a known shape."""
    for value in known:
        for form in dict.fromkeys((value, escape(value))):
            text = _without(text, form)
    return secrets.redact(text)


def _without(text: str, value: str) -> str:
    """Replace *value* and what begins like it."""
    beginning = value[:TOLD]
    start = text.find(beginning)
    while start >= 0:
        end = start + len(beginning)
        while end - start < len(value) and text[end : end + 1] == value[end - start]:
            end += 1
        text = text[:start] + secrets.HIDDEN + text[end:]
        start = text.find(beginning, start + len(secrets.HIDDEN))
    return text
