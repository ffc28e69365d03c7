"""All that a picture can show of a document, with nothing left out: nodes, relations, groups, findings.

Everything is numbered in one fixed order, whatever the order of the statements. What of it is drawn, `view` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Role = Literal["thing", "agent", "configuration", "member", "frame"]


@dataclass(frozen=True, slots=True)
class Box:
    """The text of something drawn and its size: `label` and `lines` are cut to fit, `width` and `height` are pixels."""

    label: str
    lines: tuple[str, ...]
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Node:
    """An entity, activity or agent."""

    id: str
    kind: str  # "entity", "activity" or "agent"
    type: str  # the class that tells most, without its namespace
    role: Role  # "member": shown only inside of its parent; "frame": the session or bundle that a group stands for
    label: str
    box: Box
    group: int | None
    parent: int | None  # the node that it is a part of
    time: str  # when it began or was made; "" where nobody says
    attributes: tuple[tuple[str, str], ...]
    metadata: str = ""  # what the records of a slice say of themselves, as JSON
    link: str = ""  # an address that is safe to follow


@dataclass(frozen=True, slots=True)
class Relation:
    """From the newer thing to the older one; `is_told` says that other relations tell it already, so it is not drawn."""

    term: str
    source: int
    target: int
    is_told: bool
    attributes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A session, a bundle, or a row of sessions: what is collapsed to one node."""

    kind: str  # "session", "bundle" or "sessions"
    label: str
    box: Box
    node: int | None  # the activity or the bundle that it stands for
    parent: int | None
    time: str
    loader_versions: tuple[str, ...] = ()
    quantizations: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding, and the nodes that it concerns."""

    level: str
    text: str
    nodes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps from things to what was made from them (draw/steps.py), each by its number.

    Attributes:
        nodes: For each step the node that it stands for; -1 where the model has none.
        following: For each step those that follow it.
        starts: For each node the steps where its consequences begin: a file's slices too.
    """

    nodes: tuple[int, ...]
    following: tuple[tuple[int, ...], ...]
    starts: Mapping[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Model:
    """Groups come after the groups that they are in; nodes are in order of time within their groups."""

    title: str
    nodes: tuple[Node, ...]
    relations: tuple[Relation, ...]
    groups: tuple[Group, ...]
    problems: tuple[Problem, ...] = ()
    steps: Steps | None = None  # None: only the relations are known
