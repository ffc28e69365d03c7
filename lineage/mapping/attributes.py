"""JSON values as PROV attributes: each a typed literal under a name, never the text of a Python object."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from lineage.facts import Gap, Json
from lineage.mapping.names import LIN, canonical
from lineage.prov.statement import Literal, Name, Namespace, Value, literal

Attribute = tuple[Name, Value]
_NOT_LOCAL = re.compile(r"[^A-Za-z0-9_.-]|^[0-9.-]|\.$")


def local(key: str) -> str:
    """*key* as a local name that XML and Turtle hold: what they do not becomes `_xHHHH_`, as ISO 9075-14 writes it."""
    return _NOT_LOCAL.sub(lambda found: f"_x{ord(found[0]):04X}_", key) or "_x_"


def flat(content: Json, namespace: Namespace, skip: Iterable[str] = ()) -> Iterator[Attribute]:
    """*content* as attributes: nested keys joined by a dot, lists as their JSON text (their order counts), null not at all."""
    for key, value in content.items():
        if key not in skip:
            yield from _flat(str(key), value, namespace)


def _flat(path: str, value: object, namespace: Namespace) -> Iterator[Attribute]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(f"{path}.{key}", inner, namespace)
    elif value is not None:
        yield namespace[local(path)], value_of(value)


def value_of(value: object) -> Literal:
    """One JSON value as a literal with a datatype; a list as its JSON text, for PROV-XML knows no datatype but those of XML Schema."""
    if isinstance(value, str):
        return literal(value.encode("utf-8", "replace").decode())  # a lone surrogate has no UTF-8, in no format
    if isinstance(value, bool | int | float):
        return literal(value)
    return literal(canonical(value).decode())


def some(name: Name, value: str | bool | int | float | Name | None) -> Iterator[Attribute]:
    """The attribute, if there is a value."""
    if value is not None:
        yield name, value if isinstance(value, Name) else value_of(value)


def gaps(found: Iterable[Gap]) -> Iterator[Attribute]:
    """What could not be learnt, and why."""
    for gap in found:
        yield LIN["gap"], literal(f"{gap.about}: {gap.reason}")
