"""JSON values as PROV attributes: each a typed literal under a name, never the text of a Python object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lineage.facts import Gap, Json
from lineage.known_by import KnownBy
from lineage.mapping.names import KEYS, LIN, PARAM, canonical, local
from lineage.prov.statement import Literal, Name, Value, literal

Attribute = tuple[Name, Value]


def flat(content: Json, skip: Iterable[str] = ()) -> Iterator[Attribute]:
    """*content* under the users' own names: nested keys joined by a dot, lists as their JSON text (their order counts), null not at all."""
    for key, value in content.items():
        if key not in skip:
            yield from _flat(str(key), value)


def known(content: Json, skip: Iterable[str] = ()) -> Iterator[Attribute]:
    """*content* with the keys that are terms of our vocabulary under our names, and the rest under the users' own."""
    for key, value in content.items():
        if key in KEYS and key not in skip:
            yield from some(LIN[key], value)
    yield from flat(content, skip=(*KEYS, *skip))


def _flat(path: str, value: object) -> Iterator[Attribute]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{path}.{key}", inner)
    elif value is not None:
        yield PARAM[local(path)], value_of(value)


def value_of(value: object) -> Literal:
    """One JSON value as a literal with a datatype; a list as its JSON text, for PROV-XML knows no datatype but those of XML Schema."""
    if isinstance(value, str):
        return literal(value)
    if isinstance(value, bool | int | float):
        return literal(value)
    return literal(canonical(value).decode())


def some(name: Name, value: object) -> Iterator[Attribute]:
    """The attribute, if there is a value."""
    if value is not None:
        yield name, value if isinstance(value, Name) else value_of(value)


def failure(error: Json | None) -> Iterator[Attribute]:
    """Yield why something did not complete, as `ValueError: the text of the exception`."""
    if error:
        parts = (error.get(key) for key in ("type", "message"))
        yield from some(LIN["error"], ": ".join(part for part in parts if isinstance(part, str) and part) or None)


def known_by(*sources: KnownBy | None) -> Iterator[Attribute]:
    """How a thing is known, once for each source."""
    for one in sources:
        if one is not None:
            yield LIN["knownBy"], literal(one.value)


def gaps(found: Iterable[Gap]) -> Iterator[Attribute]:
    """What could not be learnt, and why."""
    for gap in found:
        yield LIN["gap"], literal(f"{gap.about}: {gap.reason}")
