"""Random histories of files of records on a disk, which know from which line each line came.

history(random, folder, steps=8)    up to 8 steps, each a session through the API or with a file that the step writes itself
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import lineage

PROVENANCE = {
    "template_disabled": True,
    "model_name": "tiny",
    "quantization": "nf4",
    "sentinel_tests_passed": True,
    "add_special_tokens": False,
}
KINDS = ("filter", "edit", "merge", "shuffle", "split", "rewrite", "duplicate", "copy")


@dataclass
class Line:
    """A record, the line that it came from, and the keys that were changed on the way."""

    record: dict
    before: tuple[Path, int] | None = None
    edited: tuple[str, ...] = ()


@dataclass
class History:
    """What is true: the lines of each file, and what was trained on which."""

    lines: dict[Path, list[Line]] = field(default_factory=dict)
    inputs: dict[Path, list[Path]] = field(default_factory=dict)
    adapters: dict[Path, Path] = field(default_factory=dict)

    def steps(self, path: Path, number: int) -> list[tuple[Path, int, tuple[str, ...]]]:
        """Every step back from a line, the latest first."""
        line, back = self.lines[path][number - 1], []
        while line.before:
            back.append((*line.before, line.edited))
            line = self.lines[line.before[0]][line.before[1] - 1]
        return back

    def sources(self, path: Path) -> set[Path]:
        """The files that some record of the file was in before."""
        return {file for number in range(1, len(self.lines[path]) + 1) for file, _, _ in self.steps(path, number)}


def history(random: Random, root: Path, steps: int = 6, folders: int = 1) -> History:
    """Make up a history below *root*."""
    made, numbers = History(), itertools.count(1)
    places = [root / f"f{n}" for n in range(folders)]
    for _ in range(random.randint(1, 2)):
        _generate(random, made, random.choice(places), next(numbers))
    for _ in range(steps):
        kind = random.choice((*KINDS, "generate", "train"))
        folder = random.choice(places)
        if kind == "generate":
            _generate(random, made, folder, next(numbers))
        elif kind == "train":
            _train(random, made, folder, next(numbers))
        else:
            _transform(random, made, folder, kind, numbers)
    return made


def _generate(random: Random, made: History, folder: Path, number: int) -> None:
    path = folder / f"g{number}.jsonl"
    with lineage.session(folder, title=f"generate {number}", export=False) as session:
        load = session.model_load({**PROVENANCE, "loader_version": random.choice("ab") * 40})
        with session.generation(model=load, params={"seed": number}) as run, run.records(path.name) as out:
            for n in range(random.randint(2, 6)):
                out.write({"instruction": f"frage {number} {n} é", "response": "r", "n": n})
    made.lines[path] = [Line(record) for record in _read(path)]
    made.inputs[path] = []


def _train(random: Random, made: History, folder: Path, number: int) -> None:
    data, adapter = random.choice(list(made.lines)), folder / f"adapter{number}"
    with (
        lineage.session(folder, title=f"train {number}", export=False) as session,
        session.training(datasets=[data], params={"n": number}) as run,
    ):
        adapter.mkdir(parents=True)
        (adapter / "w.safetensors").write_text(f"weights {number}")
        run.output(adapter.name, type="model")
    made.adapters[adapter] = data


def _transform(random: Random, made: History, folder: Path, kind: str, numbers: itertools.count[int]) -> None:
    inputs = random.sample(list(made.lines), min(len(made.lines), 2 if kind == "merge" else 1))
    lines = [Line(json.loads(json.dumps(one.record)), (path, n)) for path in inputs for n, one in enumerate(made.lines[path], 1)]
    groups = [group for group in CHANGES[kind](random, lines) if group]
    paths = [folder / f"{kind}{next(numbers)}.jsonl" for _ in groups]
    with lineage.session(folder, title=f"{kind} {paths}"[:40], export=False) as session:
        with session.transformation(kind, inputs=inputs) as run:
            for path, group in zip(paths, groups, strict=True):
                _write(random, run, path, group, is_raw=kind == "rewrite")
    for path, group in zip(paths, groups, strict=True):
        made.lines[path], made.inputs[path] = group, inputs


def _write(random: Random, run: lineage.Run, path: Path, group: list[Line], *, is_raw: bool) -> None:
    if is_raw:
        ascii_only, separators = random.choice((True, False)), random.choice(((", ", ": "), (" ,", " :")))
        texts = (json.dumps(dict(sorted(one.record.items())), ensure_ascii=ascii_only, separators=separators) for one in group)
        path.write_text("".join(f"{text}\n" for text in texts))
        run.output(path.name, type="training_data")
        return
    with run.records(path.name) as out:
        for one in group:
            out.write(one.record)


def _edit(random: Random, lines: list[Line]) -> list[list[Line]]:
    for one in random.sample(lines, random.randint(1, len(lines))):
        key = random.choice(("response", "note"))
        one.record[key], one.edited = f"edited {random.random()}", (key,)
    return [lines]


def _split(random: Random, lines: list[Line]) -> list[list[Line]]:
    cut = random.randint(0, len(lines))
    return [lines[:cut], lines[cut:]]


def _duplicate(random: Random, lines: list[Line]) -> list[list[Line]]:
    again = random.choice(lines)
    return [[*lines, Line(again.record, again.before)]]


def _filter(random: Random, lines: list[Line]) -> list[list[Line]]:
    return [random.sample(lines, random.randint(1, len(lines)))]


CHANGES: dict[str, Callable[[Random, list[Line]], list[list[Line]]]] = {
    "filter": lambda random, lines: [sorted(_filter(random, lines)[0], key=lines.index)],
    "edit": _edit,
    "merge": lambda random, lines: [lines],
    "shuffle": lambda random, lines: [random.sample(lines, len(lines))],
    "split": _split,
    "rewrite": _filter,
    "duplicate": _duplicate,
    "copy": lambda random, lines: [lines],
}


def _read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]
