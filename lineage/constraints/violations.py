"""A broken rule, with the statements that prove it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lineage.constraints.rules import CONSTRAINTS
from lineage.findings import Finding, Rule
from lineage.prov.statement import Name, Statement


@dataclass(frozen=True, slots=True)
class Violation(Finding):
    """A finding that names the constraint by its number, the ids involved, and the statements or the chain of events that prove it."""

    number: int = 0
    ids: tuple[str, ...] = ()
    witness: tuple[str, ...] = ()

    @property
    def rule(self) -> Rule:
        """The constraint as a rule."""
        return CONSTRAINTS[self.number].rule


def violation(number: int, message: str, *, ids: Iterable[str] = (), witness: Iterable[str] = (), file: str = "document") -> Violation:
    """The violation of a constraint; its text holds the witness."""
    told = tuple(witness)
    text = ": ".join(part for part in (CONSTRAINTS[number].rule.title, message, "; ".join(told)) if part)
    return Violation(file, None, f"prov-{number}", text, number, tuple(dict.fromkeys(map(str, ids))), told)


MAX = 200  # characters of an id in a message


def told(one: Statement) -> str:
    """A statement, as PROV-N would begin to write it."""
    args = ", ".join("-" if arg is None else short(arg) for arg in one.args)
    if one.term.is_element:
        return f"{one.term.name}({', '.join(part for part in (short(one.id or '-'), args) if part)})"
    return f"{one.term.name}({f'{short(one.id)}; ' if one.id else ''}{args})"


def short(name: str) -> str:
    """A name without its namespace, for a reader; a very long one is cut."""
    local = name.rstrip("/#").rpartition("#")[2].rpartition("/")[2] if isinstance(name, Name) else name
    text = local or name
    return text if len(text) <= MAX else f"{text[: MAX - 1]}…"
