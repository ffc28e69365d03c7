"""Colours: fills by PROV's graph conventions, lines dark enough to be seen on white (a test computes the contrast).

The conventions: https://www.w3.org/2011/prov/wiki/Diagrams. Their agent's line is too faint on white, so it is darker here.
"""

from __future__ import annotations

from collections.abc import Mapping

FILL = {"entity": "#FFFC87", "activity": "#9FB1FC", "agent": "#FED37F", "group": "#E4ECF7"}
LINE = {"entity": "#7A7A4A", "activity": "#0000FF", "agent": "#8A5A00", "group": "#4A6A94"}
FRAME = {"fill": "#F6F9FD", "line": "#8093AC", "text": "#54606E"}
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
ORDER = [*RELATIONS]


def main_term(terms: Mapping[str, int]) -> str:
    """The relation that a line between two boxes is coloured by: the first of those there are, in the order of `RELATIONS`."""
    return min(terms, key=lambda term: (ORDER.index(term) if term in RELATIONS else len(ORDER), term))


def colour(terms: Mapping[str, int]) -> str:
    """The colour of a line that stands for these relations."""
    return RELATIONS.get(main_term(terms), OTHER)
