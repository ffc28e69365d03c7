"""One instance (the top level of a document, or a bundle) in normal form: short forms expanded, keys merged to the fixpoint.

Constants are identifiers and times; what a statement leaves out is an existential variable, but for the placeholders that may not be
expanded (definition 4): the plan of an association, the activity of a derivation, and its generation and usage when it has no activity.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from datetime import UTC, datetime

from lineage.constraints.unify import NONE, Bindings, Value
from lineage.constraints.violations import Violation, short, told, violation
from lineage.prov.statement import Name, Statement, statement
from lineage.prov.terms import (
    ACTIVITY,
    ASSOCIATION,
    ATTRIBUTION,
    DERIVATION,
    END,
    ENTITY,
    GENERATION,
    INFLUENCE,
    INVALIDATION,
    PROV,
    SPECIALIZATION,
    START,
    TIMES,
    USAGE,
    Term,
)  # fmt: skip

TYPE = Name(PROV + "type")
EMPTY, COLLECTION = Name(PROV + "EmptyCollection"), Name(PROV + "Collection")
# Constraints 24 to 27: what makes two of a kind one, by the position of their arguments.
UNIQUE = {GENERATION: (24, (0, 1)), INVALIDATION: (25, (0, 1)), START: (26, (0, 2)), END: (27, (0, 2))}
KEYED = frozenset(UNIQUE)


class Row:
    """A statement with its terms as values, and what it was said by."""

    __slots__ = ("args", "id", "said", "term")

    def __init__(self, term: Term, id: Value, args: list[Value], said: Statement) -> None:
        self.term, self.id, self.args, self.said = term, id, args, said


class Instance:
    """The statements of one instance, merged. `violations` are the merges that failed; when there are any, it has no normal form.

    With `explains`, why each variable was bound is kept, and a violation names the merges that led to it.
    """

    def __init__(self, statements: Iterable[Statement], file: str = "document", *, explains: bool = False) -> None:
        self.file, self._explains = file, explains
        self.violations: list[Violation] = []
        self.bindings = Bindings()
        self.rows: list[Row] = []
        self.elements: dict[tuple[Term, Name], Statement] = {}  # one statement of each; times are in `times`
        self.empty: set[Name] = set()  # declared empty collections, and by 21 their specializations
        self.collections: set[Name] = set()
        self.specialized: dict[str, list[str]] = defaultdict(list)  # general: specifics
        self._times: dict[tuple[str, int], tuple[Value, Statement]] = {}
        self._keys: dict[tuple[object, ...], int] = {}
        self._queue: deque[int] = deque()
        self._reported: set[tuple[object, ...]] = set()
        for one in statements:
            self.add(one)
        self._settle()
        self.specialize()

    def value(self, value: Value) -> Value:
        """What a term stands for."""
        return self.bindings.find(value)

    # --- expansion (definitions 1 to 4)

    def add(self, one: Statement) -> None:
        """Take one statement in."""
        if one.term.is_element:
            self.add_element(one)
        elif one.term is DERIVATION:
            self.add_derivation(one)
        else:
            self._row(one, [self._expanded(one, n) for n in range(len(one.args))])
        if one.term is SPECIALIZATION:
            self.specialized[str(one.args[1])].append(str(one.args[0]))

    def _expanded(self, one: Statement, n: int) -> Value:
        arg = one.args[n]
        if arg is None:
            return NONE if one.term is ASSOCIATION and one.term.args[n] == "plan" else self.bindings.new()
        return instant(arg) if one.term.args[n] in TIMES else arg

    def _row(self, one: Statement, args: list[Value]) -> None:
        row = Row(one.term, one.id if one.id is not None else self.bindings.new(), args, one)
        self.rows.append(row)
        if one.id is not None or one.term in KEYED:
            self._watch(len(self.rows) - 1)
        self.add_influence(row)

    def _watch(self, number: int) -> None:
        row = self.rows[number]
        for value in (row.id, *row.args):
            if isinstance(value, int):
                self.bindings.watch(value, number)
        self._queue.append(number)

    def add_element(self, one: Statement) -> None:
        """Constraint 22: one element an id; what differs can only be the times of an activity."""
        assert one.id is not None
        self.elements.setdefault((one.term, one.id), one)
        if one.term is ACTIVITY:
            for number, arg in zip((28, 29), one.args, strict=True):
                self._time(str(one.id), number, instant(arg) if arg is not None else self.bindings.new(), one)
        for name, kind in one.attributes:
            if name == TYPE and kind == EMPTY:
                self.empty.add(one.id)
            if name == TYPE and kind in (EMPTY, COLLECTION):
                self.collections.add(one.id)

    def add_derivation(self, one: Statement) -> None:
        """Inference 11: a derivation by a known activity says that there was a usage and a generation."""
        used_by = one.args[2]
        derived, source = (arg for arg in one.args[:2] if arg is not None)  # both are required
        args: list[Value] = [derived, source, NONE if used_by is None else used_by]
        for arg in one.args[3:]:
            args.append(arg if arg is not None else NONE if used_by is None else self.bindings.new())
        self._row(one, args)
        if used_by is not None:
            made, generated = (args[4], [used_by, args[1], self.bindings.new()]), (args[3], [args[0], used_by, self.bindings.new()])
            for term, (id_, values) in ((USAGE, made), (GENERATION, generated)):
                self.rows.append(Row(term, id_, list(values), one))
                self._watch(len(self.rows) - 1)
                self.add_influence(self.rows[-1])

    def add_influence(self, row: Row) -> None:
        """Inference 15: an identified relation is an influence of the same id (so constraint 23 joins their ends)."""
        if isinstance(row.id, int) or row.term is INFLUENCE or row.term.qualified is None:
            return
        self.rows.append(Row(INFLUENCE, row.id, row.args[:2], row.said))
        self._watch(len(self.rows) - 1)

    # --- merging (constraints 22 to 29)

    def _settle(self) -> None:
        """Look at statements until no merge follows from another."""
        while self._queue:
            number = self._queue.popleft()
            self.key(number)
            self.key_time(self.rows[number])

    def key(self, number: int) -> None:
        """Constraints 23 to 27: statements with one key are one."""
        row = self.rows[number]
        self._meet(number, (row.term.name, self.value(row.id)), 23)
        if row.term in UNIQUE:
            rule, places = UNIQUE[row.term]
            self._meet(number, (rule, *(self.value(row.args[n]) for n in places)), rule)

    def _meet(self, number: int, key: tuple[object, ...], rule: int) -> None:
        other = self._keys.setdefault(key, number)
        if other == number:
            return
        one, two = self.rows[other], self.rows[number]
        pairs = [*zip((one.id, *one.args), (two.id, *two.args), strict=True)]
        for n, pair in enumerate(pairs):
            what = "id" if n == 0 else one.term.args[n - 1]
            if not self._unify(pair, rule, (one.said, two.said), what, led=[value for both in pairs for value in both]):
                break  # what would follow from a merge that fails is no news

    def key_time(self, row: Row) -> None:
        """Constraints 28 and 29: the time of a start is the start time of its activity, and so for ends."""
        if row.term in (START, END):
            activity = self.value(row.args[0])
            if isinstance(activity, str) and (ACTIVITY, activity) in self.elements:
                self._time(activity, 28 if row.term is START else 29, row.args[3], row.said)

    def _time(self, activity: str, rule: int, time: Value, said: Statement) -> None:
        known, first = self._times.setdefault((activity, rule), (time, said))
        both_declare = first.term is ACTIVITY and said.term is ACTIVITY
        what = "startTime" if rule == 28 else "endTime"
        self._unify((known, time), 22 if both_declare else rule, (first, said), what, led=(known, time))

    def _unify(self, pair: tuple[Value, Value], rule: int, said: tuple[Statement, Statement], what: str, led: Iterable[Value]) -> bool:
        """Merge the pair, or report that it cannot be; `led` are the terms whose merges led here."""
        why = f"constraint {rule} makes {told(said[0])} and {told(said[1])} one" if self._explains else ""
        again = self.bindings.unify(*pair, why)
        if again is not None:
            self._queue.extend(again)
            return True
        if (rule, *said) not in self._reported:
            self._reported.add((rule, *said))
            first, second = (short(one) if isinstance(one, str) else "something" for one in map(self.value, pair))
            before = dict.fromkeys(reason for value in led for reason in self.bindings.because(value))
            ids = [one.id for one in said if one.id]
            witness = [*map(told, said), *before]
            self.violations.append(violation(rule, f"{what} is {first} and {second}", ids=ids, witness=witness, file=self.file))
        return False

    # --- what follows

    def specialize(self) -> None:
        """Inference 21: a declared entity's attributes are those of its specializations, which are declared by it."""
        waiting = deque(str(name) for term, name in self.elements if term is ENTITY and name in self.specialized)
        while waiting:
            general = waiting.popleft()
            for specific in self.specialized[general]:
                if self._inherit(Name(general), Name(specific)) and specific in self.specialized:
                    waiting.append(specific)

    def _inherit(self, general: Name, specific: Name) -> bool:
        """Declare *specific*, and say whether that was news."""
        news = (ENTITY, specific) not in self.elements
        if news:
            self.elements[ENTITY, specific] = statement(ENTITY, specific)
        for kinds in (self.empty, self.collections):
            if general in kinds and specific not in kinds:
                kinds.add(specific)
                news = True
        return news

    def normal(self) -> frozenset[Statement]:
        """The statements in normal form, stated and inferred ones; what is not known is left out, and so are attributes."""
        told = {Statement(row.term, self._known(row.id), tuple(map(self._known, row.args))) for row in self.rows}
        for term, name in self.elements:
            times = (self._known(self._times[str(name), rule][0]) for rule in (28, 29)) if term is ACTIVITY else ()
            told.add(Statement(term, name, tuple(times)))
        return frozenset(told)

    def _known(self, value: Value) -> Name | None:
        seen = self.value(value)
        return None if isinstance(seen, int) or seen == NONE else seen  # type: ignore[return-value]  # a time is no Name

    def exists(self) -> set[Value]:
        """The entities that have a generation: those declared (inference 7), generated, started or ended something (9, 10), or attributed (13)."""
        found: set[Value] = {name for term, name in self.elements if term is ENTITY}
        for row in self.rows:
            if row.term is GENERATION or row.term is ATTRIBUTION:
                found.add(self.value(row.args[0]))
            elif row.term in (START, END):
                found.add(self.value(row.args[1]))
        return found


def instant(time: str) -> str:
    """A time as a value: one instant has one text, whatever its offset; a naive time is itself."""
    try:
        seen = datetime.fromisoformat(time)
    except ValueError:  # xsd:dateTime knows years of five digits and 24:00:00
        return time
    return seen.astimezone(UTC).isoformat() if seen.tzinfo else seen.isoformat()
