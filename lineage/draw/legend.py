"""What stands under a picture: the shapes and lines that are in it, and what is not."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from lineage.draw.model import Model
from lineage.draw.style import FILL, LINE, OTHER, RELATIONS
from lineage.draw.text import width
from lineage.draw.view import View

ROW = 20.0  # pixels
_NAMES = {"entity": "entity", "activity": "activity", "agent": "agent", "group": "closed: holds more"}


@dataclass(frozen=True, slots=True)
class Legend:
    """Rows of a legend, from its own corner; `words` say what is hidden."""

    parts: tuple[str, ...]
    height: float
    words: str

    def at(self, x: float, y: float) -> str:
        """The legend as SVG at a place."""
        return f'<g transform="translate({x:.1f} {y:.1f})" font-size="11" fill="#333333">{"".join(self.parts)}</g>'


def legend(model: Model, seen: View, room: float, in_rows: bool = False) -> Legend:
    """The legend of a view, in rows of at most *room* pixels."""
    kinds = {model.nodes[item].kind if item < len(model.nodes) else "group" for item in seen.items}
    terms = {term for terms in seen.edges.values() for term in terms}
    entries = [(_shape(kind), _NAMES[kind]) for kind in _NAMES if kind in kinds]
    entries += [(_line(RELATIONS.get(term, OTHER)), term) for term in [*RELATIONS, *sorted(terms - set(RELATIONS))] if term in terms]
    parts, x, y = [], 0.0, 0.0
    for drawn, name in [*entries, ("", f"arrows point to the past{'; rows are read like text, the past first' if in_rows else ''}")]:
        wide = width(name, 11) + (54 if drawn else 10)
        if x and x + wide > room:
            x, y = 0.0, y + ROW
        parts.append(f'<g transform="translate({x:.1f} {y:.1f})">{drawn}<text x="{36 if drawn else 0}" y="12">{escape(name)}</text></g>')
        x += wide
    words = hidden(seen)
    for line in _wrapped(words, room):
        y += ROW
        parts.append(f'<text y="{y + 12:.1f}" fill="#555555">{escape(line)}</text>')
    return Legend(tuple(parts), y + ROW, words)


def title(model: Model, seen: View) -> str:
    """What the picture is of."""
    return model.title if seen.focus is None else f"{seen.about} {model.nodes[seen.focus].label}"


def hidden(seen: View) -> str:
    """What is not drawn, in one sentence."""
    told = [f"{count:,} {what if count != 1 else _one(what)}" for what, count in seen.hidden]
    told += [f"the lines of {len(seen.quiet):,} much used thing{'s' if len(seen.quiet) > 1 else ''}"] if seen.quiet else []
    words = f"Not drawn: {', '.join(told)}." if told else "Everything is drawn."
    return f"{words} {seen.note[:1].upper()}{seen.note[1:]}." if seen.note else words


def _one(plural: str) -> str:
    return {"other things": "other thing", "things inside of sessions": "thing inside of a session"}.get(plural, plural.removesuffix("s"))


def _wrapped(words: str, room: float) -> list[str]:
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width(longer, 11) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def _shape(kind: str) -> str:
    paint = f'fill="{FILL[kind]}" stroke="{LINE[kind]}"'
    if kind == "agent":
        return f'<path d="M1 16V6L15 1L29 6V16z" {paint}/>'
    round_ = {"entity": 7.5, "group": 4}.get(kind, 1)
    return f'<rect x="1" y="1" width="28" height="15" rx="{round_}" {paint}/>'


def _line(colour: str) -> str:
    return f'<path d="M30 8H4" stroke="{colour}" stroke-width="1.5" fill="none"/><path d="M1 8L9 4.5V11.5z" fill="{colour}"/>'
