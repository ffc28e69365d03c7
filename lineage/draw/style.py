"""Colours, by theme: fills by PROV's graph conventions, lines and texts that are seen on their ground (a test computes the contrast).

The conventions: https://www.w3.org/2011/prov/wiki/Diagrams. Their agent's line is too faint on white, so it is darker here. In the dark the fills stay,
a little quieter, with dark text on them: a yellow ellipse is an entity in either theme.
"""

from __future__ import annotations

from collections.abc import Mapping

FILL = {"entity": "#FFFC87", "activity": "#9FB1FC", "agent": "#FED37F", "group": "#E4ECF7"}
LINE = {"entity": "#7A7A4A", "activity": "#0000FF", "agent": "#8A5A00", "group": "#4A6A94"}
FRAME = {"fill": "#F6F9FD", "line": "#7488A3", "text": "#54606E", "title": "#2B3A4A"}
RELATIONS = {
    "wasGeneratedBy": "#006400",
    "used": "#8B0000",
    "wasDerivedFrom": "#1F1F1F",
    "wasAssociatedWith": "#8F5600",
    "wasAttributedTo": "#8F5600",
    "actedOnBehalfOf": "#8F5600",
    "hadPlan": "#8F5600",
    "wasInformedBy": "#3949AB",
    "wasStartedBy": "#3949AB",
    "wasEndedBy": "#3949AB",
}
OTHER = "#555555"
GROUND = "#FFFFFF"
ON_FILL = "#111111"  # text on a fill
LINE_ON_FILL = "#3A3A3A"  # the smaller text under it
ORDER = [*RELATIONS]

_DARK_FILL = {"entity": "#E9E58A", "activity": "#A3B2F5", "agent": "#EFC57A", "group": "#C3CFE0"}
_DARK_LINE = {"entity": "#FFFDC0", "activity": "#D3DBFF", "agent": "#FFE6B5", "group": "#E7EEF8"}
_DARK_FRAME = {"fill": "#1B222C", "line": "#6B7E97", "text": "#AEBAC8", "title": "#DCE6F2"}
_DARK_RELATIONS = {
    "wasGeneratedBy": "#6BCB77",
    "used": "#FF8A80",
    "wasDerivedFrom": "#E6E6E6",
    "wasAssociatedWith": "#F0B35A",
    "wasAttributedTo": "#F0B35A",
    "actedOnBehalfOf": "#F0B35A",
    "hadPlan": "#F0B35A",
    "wasInformedBy": "#A9B4FF",
    "wasStartedBy": "#A9B4FF",
    "wasEndedBy": "#A9B4FF",
}


def themes() -> dict[str, dict[str, object]]:
    """Both themes, as the viewer draws with them."""
    common: dict[str, object] = {"on": ON_FILL, "under": LINE_ON_FILL}
    light: dict[str, object] = {"fill": FILL, "line": LINE, "frame": FRAME, "relations": RELATIONS, "other": OTHER, "ground": GROUND}
    dark: dict[str, object] = {
        "fill": _DARK_FILL, "line": _DARK_LINE, "frame": _DARK_FRAME, "relations": _DARK_RELATIONS, "other": "#B8B8B8", "ground": "#12161C",
    }  # fmt: skip
    return {"light": light | common, "dark": dark | common}


def main_term(terms: Mapping[str, int]) -> str:
    """The relation that a line between two boxes is coloured by: the first of those there are, in the order of `RELATIONS`."""
    return min(terms, key=lambda term: (ORDER.index(term) if term in RELATIONS else len(ORDER), term))


def colour(terms: Mapping[str, int]) -> str:
    """The colour of a line that stands for these relations."""
    return RELATIONS.get(main_term(terms), OTHER)
