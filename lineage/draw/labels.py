"""What is written on things: a name, and under it the little that tells them apart."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from lineage.draw.model import Box
from lineage.draw.text import clean, fitted, width
from lineage.draw.told import LIN, Told
from lineage.prov.terms import PROV

LABEL, LINE = 13.0, 11.0  # font sizes, pixels
LONGEST = 230.0  # pixels of a label; the whole stands in the details
LONGEST_LINE = 300.0  # of the lines of a group
ONE, MORE = 34.0, 15.0  # pixels of a box with its label alone, and for each line more
PADDING = {"entity": 34.0, "activity": 22.0, "agent": 24.0}
_ACTIVITIES = {"Generation": "generation", "Training": "training", "Evaluation": "evaluation", "Transformation": "transformation", "ModelLoad": "model load"}  # fmt: skip


class Labels:
    """The texts of a document's things."""

    def __init__(self, said: Told, parents: Mapping[str, str]) -> None:
        self._said, self._parents = said, parents
        self._parts: dict[str, list[str]] = defaultdict(list)
        for part, whole in sorted(parents.items()):
            self._parts[whole].append(part)
        self._agents: dict[str, str] = {}
        for term, source, target in sorted(said.relations):
            if term == "wasAssociatedWith" and LIN + "Session" not in said.types(source):
                self._agents.setdefault(source, target)

    def name(self, id_: str) -> str:
        """What a thing is called: its label, else the end of its IRI."""
        return self._said.text(id_, PROV + "label") or id_[max(id_.rfind(mark, 0, -1) for mark in "#/:") + 1 :]

    def type(self, id_: str) -> str:
        """The class that tells most of it, without its namespace."""
        types = self._said.types(id_)
        ours = [one.removeprefix(LIN) for one in types if one.startswith(LIN) and one not in (LIN + "Inferred", LIN + "Legacy")]
        others = [one.rpartition("#")[2].rpartition("/")[2] for one in types if not one.startswith(LIN)]
        return clean((ours or others or [self._said.kinds[id_].capitalize()])[0])

    def box(self, id_: str) -> Box:
        """A thing as it is drawn."""
        return _box(self.name(id_), [" · ".join(dict.fromkeys(self._parts_of_line(id_)))], PADDING[self._said.kinds[id_]])

    def _parts_of_line(self, id_: str) -> Iterable[str]:
        said = self._said
        if LIN + "Record" in said.types(id_) and (whole := self._parents.get(self._parents.get(id_, ""))):
            yield self.name(whole)
        if lines := said.text(id_, LIN + "lines"):
            yield f"lines {lines}"
        elif count := said.text(id_, LIN + "count"):
            yield "1 record" if count == "1" else f"{int(count):,} records" if count.isdecimal() and len(count) < 16 else f"{count} records"
        for key in ("quantization", "dtype"):
            yield from filter(None, [said.text(id_, LIN + key)])
        yield from self._measures(id_)
        yield from [self.name(self._agents[id_])] if id_ in self._agents else []
        status = said.text(id_, LIN + "status")
        yield from [status] if status not in ("", "completed") else []
        yield from [word for kind, word in (("Inferred", "inferred"), ("Legacy", "no metadata")) if LIN + kind in said.types(id_)]

    def _measures(self, id_: str) -> list[str]:
        if value := self._said.text(id_, PROV + "value"):
            return [value[:8]]
        metrics = [part for part in self._parts.get(id_, ()) if self._said.text(part, LIN + "measure")]
        return [f"{self._said.text(one, LIN + 'measure')} {self._said.text(one, PROV + 'value')[:6]}" for one in metrics[:2]]

    def group(self, label: str, lines: list[str]) -> Box:
        """A group as it is drawn while it is closed."""
        return _box(label, lines, PADDING["activity"] + 20, LONGEST_LINE)

    def did(self, things: Iterable[str]) -> str:
        """What took place in a group: `generation · 2 transformations`; model loads only where there is nothing else."""
        count = Counter(self.type(id_) for id_ in things if self._said.kinds[id_] == "activity")
        told = {word: count.pop(kind) for kind, word in _ACTIVITIES.items() if count.get(kind)}
        if len(told) > 1 or count:
            told.pop("model load", None)
        told |= {"activity": sum(count.values())} if count else {}
        return " · ".join(
            word if n == 1 else f"{n:,} {word.removesuffix('y')}{'ies' if word.endswith('y') else 's'}" for word, n in told.items()
        )

    def state(self, id_: str, things: Iterable[str], time: str) -> str:
        """How many records were made, in which quantization, when, and how it ended if that was no good end."""
        counts = [int(text) for one in things if (text := self._said.text(one, LIN + "count")).isdecimal() and len(text) < 16]
        status = self._said.text(id_, LIN + "status")
        told = [
            f"{sum(counts):,} record{'s' if sum(counts) != 1 else ''}" if counts else "",
            time[:16].replace("T", " "),
            status if status != "completed" else "",
        ]
        return " · ".join(filter(None, told))


def _box(name: str, lines: list[str], padding: float, longest: float = LONGEST) -> Box:
    label = fitted(clean(name), LABEL, LONGEST)
    under = tuple(fitted(clean(line), LINE, longest) for line in lines if line)
    words = max([width(label, LABEL), *(width(line, LINE) for line in under)])
    return Box(label, under, float(int(max(words, 40.0) + padding) + 1), ONE + MORE * len(under))
