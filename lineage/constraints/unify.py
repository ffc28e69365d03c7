"""Merging: existential variables, bound by union-find, and constants that are equal or are not (PROV-CONSTRAINTS 5, unification)."""

from __future__ import annotations

Value = str | int  # a constant (an identifier, a time, or `NONE`), or a variable
NONE = "-"  # the placeholder that is no variable: it is equal to itself alone


class Bindings:
    """What each variable stands for. A bound variable is another's or a constant's for good; `find` is near-constant."""

    def __init__(self) -> None:
        self._parent: list[Value | None] = []
        self._uses: dict[int, list[int]] = {}
        self._links: dict[int, tuple[Value, str]] = {}  # what each variable was bound to, and why

    def new(self) -> int:
        """A fresh variable."""
        self._parent.append(None)
        return len(self._parent) - 1

    def find(self, value: Value) -> Value:
        """What *value* stands for now."""
        if not isinstance(value, int):
            return value
        path = []
        while isinstance(value, int) and (above := self._parent[value]) is not None:
            path.append(value)
            value = above
        for variable in path:
            self._parent[variable] = value
        return value

    def watch(self, variable: int, statement: int) -> None:
        """*statement* is to be looked at again when *variable* is bound."""
        self._uses.setdefault(variable, []).append(statement)

    def because(self, value: Value) -> list[str]:
        """The merges that made *value* what it stands for, the first one first."""
        reasons = []
        while isinstance(value, int) and value in self._links:
            value, why = self._links[value]
            reasons.append(why)
        return reasons

    def unify(self, one: Value, other: Value, why: str = "") -> list[int] | None:
        """Make both stand for one thing, for the reason *why*; returns the statements to look at again, or None when two constants differ."""
        one, other = self.find(one), self.find(other)
        if one == other:
            return []
        if not isinstance(one, int):
            one, other = other, one
        if not isinstance(one, int):
            return None
        if isinstance(other, int) and len(self._uses.get(one, ())) > len(self._uses.get(other, ())):
            one, other = other, one
        assert isinstance(one, int)
        self._parent[one] = other
        if why:
            self._links[one] = (other, why)
        moved = self._uses.pop(one, [])
        if isinstance(other, int):
            self._uses.setdefault(other, []).extend(moved)
        return moved
