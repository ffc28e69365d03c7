"""Random histories made with the public API, of which the whole truth is known.

    world = StepHistory(seed=7, folder=tmp_path).build(steps=8)

A history generates records, and filters, edits, merges, shuffles, splits and re-serialises them in
up to eight steps, in one or several folders, in a clean or a dirty repository. It trains adapters
and evaluates them. Every line knows the lines that it was made from and the step that changed it, so
the answers of the product can be held against the truth. `folders` are those to be asked together.
"""

from __future__ import annotations

import gzip
import json
import random
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lineage

PROVENANCE = {
    "loader_version": "a" * 40,
    "template_disabled": True,
    "model_name": "tiny",
    "quantization": "fp32",
    "sentinel_tests_passed": True,
    "add_special_tokens": False,
}
LOADERS = ("a" * 40, "b" * 40)
WORDS = ("drop", "Tröpfchen", "雨", "cloud", "σταγόνα", "rain")


@dataclass(eq=False)
class Line:
    """A record in one file.

    Attributes:
        record: The JSON value, with its metadata.
        parents: The lines of the step's inputs that it may have been copied from. Several when the
            inputs hold the record more than once, with equal content.
        edited: The keys that the step changed.
    """

    record: dict[str, Any]
    parents: tuple[Line, ...] = ()
    edited: tuple[str, ...] = ()
    file: RecordsFile | None = field(default=None, repr=False)
    number: int = 0


@dataclass(eq=False)
class RecordsFile:
    """A file of records that one step made."""

    path: Path
    lines: list[Line]
    step: Step
    data: bytes = b""
    aliases: list[Path] = field(default_factory=list)
    sources: list[RecordsFile] = field(default_factory=list)  # used by the runs that made it
    is_gone: bool = False  # its path holds other bytes now
    by_hand: bool = False  # no session recorded how it was made
    is_joined: bool = False  # several runs made these bytes

    def name(self) -> str:
        return self.path.name


@dataclass(eq=False)
class Step:
    """A run in a session of its own, with the files that it used and made."""

    title: str
    kind: str
    folder: Path
    inputs: tuple[RecordsFile, ...] = ()
    session_id: str = ""
    run_id: str = ""
    loader: str = ""


@dataclass(eq=False)
class Adapter:
    """A folder of weights that was trained on files of records."""

    path: Path
    datasets: tuple[RecordsFile, ...]


@dataclass(eq=False)
class Score:
    """A metric of a report; *adapter* is None where the base model was measured."""

    metric: str
    value: float
    report: Path
    adapter: Adapter | None


class StepHistory:
    """A history while it is made, and the truth about it."""

    def __init__(self, seed: int, folder: Path, *, repository: bool | None = None) -> None:
        self.random = random.Random(seed)
        self.root = folder
        count = self.random.choice((1, 1, 2, 3))
        self.folders = tuple(folder / f"part{number}" / "artifacts" for number in range(count))
        for one in self.folders:
            one.mkdir(parents=True)
        self.script: Path | None = None
        self.is_dirty = self.random.random() < 0.5
        if repository if repository is not None else self.random.random() < 0.15:
            self._repository()
        self.files: list[RecordsFile] = []
        self.adapters: list[Adapter] = []
        self.scores: list[Score] = []
        self.steps: list[Step] = []
        self._next = 0
        base = folder / "base"
        base.mkdir()
        self.base = base / "model.safetensors"
        self.base.write_bytes(b"weights of the base model")

    def build(self, steps: int = 8) -> StepHistory:
        """Make *steps* steps; the first generates."""
        self.generate()
        for _ in range(steps - 1):
            self.random.choice(
                (
                    self.generate,
                    self.filter,
                    self.filter,
                    self.edit,
                    self.edit,
                    self.merge,
                    self.merge,
                    self.shuffle,
                    self.split,
                    self.reserialise,
                    self.train,
                    self.evaluate,
                )
            )()
        if not self.adapters:
            self.train()
        if not any(score.adapter for score in self.scores):
            self.evaluate()
        return self

    # --- steps

    def generate(self) -> None:
        """Records of a model, each with metadata."""
        folder = self.random.choice(self.folders)
        loader = self.random.choice(LOADERS)
        step = Step(self._title("generate"), "generate", folder, loader=loader)
        path = folder / f"{step.title}{self._suffix(None)}"
        with self._session(step) as session:
            load = session.model_load({**PROVENANCE, "loader_version": loader}, files=[self.base])
            params = {"seed": self.random.randrange(100), "temperature": self.random.choice((0.7, 1.0))}
            with session.generation(model=load, params=params) as run:
                with run.records(path.name) as out:
                    for _ in range(self.random.randrange(1, 6)):
                        own = {"seed": self.random.randrange(9)} if self.random.random() < 0.3 else None
                        out.write(self._content(), generation_params=own)
                step.session_id, step.run_id = session.id, run.id
        self._made(step, path, [Line(record) for record in _records(path)])

    def filter(self) -> None:
        """Drop some records of one file."""
        source = self.random.choice(self.living)
        kept = [line for line in source.lines if self.random.random() < 0.6]
        self._carry("filter", [source], [[self._copy(line) for line in kept or source.lines[:1]]])

    def edit(self) -> None:
        """Change the response of some records of one file by hand."""
        source = self.random.choice(self.living)
        changed = [self._changed(line) if self.random.random() < 0.4 else self._copy(line) for line in source.lines]
        self._carry("edit", [source], [changed])

    def merge(self) -> None:
        """Put the records of several files into one, perhaps changed."""
        sources = self.random.sample(self.living, min(len(self.living), self.random.choice((1, 2, 3))))
        lines = [self._copy(line) for source in sources for line in source.lines if self.random.random() < 0.9]
        self._carry("merge", sources, [lines or [self._copy(sources[0].lines[0])]])

    def shuffle(self) -> None:
        """Write the records of one file in another order."""
        source = self.random.choice(self.living)
        lines = [self._copy(line) for line in source.lines]
        self.random.shuffle(lines)
        self._carry("shuffle", [source], [lines])

    def split(self) -> None:
        """Write the records of one file into two."""
        source = self.random.choice(self.living)
        lines = [self._copy(line) for line in source.lines]
        cut = self.random.randrange(len(lines) + 1)
        self._carry("split", [source], [part for part in (lines[:cut], lines[cut:]) if part])

    def reserialise(self) -> None:
        """Write the records of one file with other spaces, other escapes or another order of keys."""
        source = self.random.choice(self.living)
        style = self.random.choice(({}, {"ensure_ascii": False}, {"sort_keys": True}))
        dumps: Callable[[dict[str, Any]], str] = lambda record: json.dumps(record, **style)  # noqa: E731
        self._carry("reserialise", [source], [[self._copy(line) for line in source.lines]], dumps)

    def train(self) -> None:
        """Train an adapter on some files."""
        folder = self.random.choice(self.folders)
        datasets = self.random.sample(self.living, min(len(self.living), self.random.choice((1, 1, 2))))
        step = Step(self._title("train"), "train", folder, tuple(datasets))
        path = folder / f"adapter-{self._next}"
        with self._session(step) as session:
            load = session.model_load(PROVENANCE, files=[self.base])
            with session.training(model=load, datasets=[one.path for one in datasets], params={"seed": 1}) as run:
                path.mkdir()
                (path / "adapter_model.safetensors").write_text(f"weights {self._next}")
                (path / "adapter_config.json").write_text('{"r": 16}')
                run.output(path.name, type="model")
                step.session_id, step.run_id = session.id, run.id
        self.steps.append(step)
        self.adapters.append(Adapter(path, tuple(datasets)))

    def evaluate(self) -> None:
        """Measure the base model, or an adapter that was trained."""
        folder = self.random.choice(self.folders)
        adapter = self.random.choice(self.adapters) if self.adapters and self.random.random() < 0.8 else None
        step = Step(self._title("evaluate"), "evaluate", folder)
        files = [self.base]
        if adapter:
            files += [adapter.path / "adapter_model.safetensors", adapter.path / "adapter_config.json"]
        value = self.random.randrange(1, 1000) / 1000
        metric = f"accuracy_{self._next}"
        held_out = self.root / "held_out.jsonl"
        held_out.write_text('{"instruction": "Say red.", "answer": "red"}\n')
        with self._session(step) as session:
            load = session.model_load(PROVENANCE, files=files)
            with session.evaluation(model=load, dataset=held_out, params={"do_sample": False, "seed": 1}) as run:
                report = run.report(f"report-{self._next}.json", summary={metric: value}, results=[{"correct": True}])
                step.session_id, step.run_id = session.id, run.id
        self.steps.append(step)
        self.scores.append(Score(metric, value, Path(report), adapter))

    # --- the truth

    @property
    def living(self) -> list[RecordsFile]:
        """The files that steps may use."""
        return self.files

    def ancestors(self, line: Line) -> set[Line]:
        """Every line that *line* may have come from, itself too."""
        reached, waiting = {line}, [line]
        while waiting:
            fresh = [parent for parent in waiting.pop().parents if parent not in reached]
            reached.update(fresh)
            waiting += fresh
        return reached

    def holders(self, lines: Iterable[Line]) -> dict[RecordsFile, set[Line]]:
        """The lines of every file that came from one of *lines*."""
        sources = set(lines)
        found: dict[RecordsFile, set[Line]] = {}
        for file in self.files:
            concerned = {line for line in file.lines if self.ancestors(line) & sources}
            if concerned:
                found[file] = concerned
        return found

    def holders_by_slice(self, lines: Iterable[Line]) -> dict[RecordsFile, set[Line]]:
        """The same where only groups of records are followed: all records of one file with equal metadata."""
        found: dict[RecordsFile, set[Line]] = {}
        for line in lines:
            assert line.file
            found.setdefault(line.file, set()).update(self._group(line))
        for file in self.files:  # in the order in which they were made
            concerned = {line for line in file.lines if any(p in found.get(p.file, ()) for p in line.parents)}
            for line in concerned:
                found.setdefault(file, set()).update(self._group(line))
        return found

    def file_at(self, path: Path) -> RecordsFile:
        """The file of this path, which may be that of an alias."""
        return next(file for file in self.files if path in (file.path, *file.aliases))

    def used_by(self, file: RecordsFile) -> set[RecordsFile]:
        """Every file that was made by a run that used *file*, or a file made of it; itself too."""
        reached = {file}
        for later in self.files:
            if any(source in reached for source in later.sources):
                reached.add(later)
        return reached

    def adapters_of(self, files: Iterable[RecordsFile]) -> set[Adapter]:
        """The adapters that were trained on one of the files."""
        wanted = set(files)
        return {adapter for adapter in self.adapters if wanted & set(adapter.datasets)}

    def scores_of(self, adapters: Iterable[Adapter]) -> set[Score]:
        """The scores of the adapters."""
        wanted = set(adapters)
        return {score for score in self.scores if score.adapter in wanted}

    def _group(self, line: Line) -> list[Line]:
        assert line.file
        key = _shared(line.record)
        return [other for other in line.file.lines if _shared(other.record) == key]

    # --- parts of steps

    def _session(self, step: Step) -> Any:
        return lineage.session(step.folder, title=step.title, script=self.script, export=False)

    def _carry(
        self,
        kind: str,
        sources: Sequence[RecordsFile],
        outputs: Sequence[list[Line]],
        dumps: Callable[[dict[str, Any]], str] | None = None,
    ) -> None:
        """Write each of *outputs* in one run; through the writer, unless *dumps* makes the text of a line."""
        folder = self.random.choice(self.folders)
        for lines in outputs:
            if self._closes_a_circle(lines, sources):
                lines[-1] = self._changed(lines[-1].parents[0])
            if self._closes_a_circle(lines, sources):  # a record without metadata, which cannot be changed
                return
        step = Step(self._title(kind), kind, folder, tuple(sources))
        suffix = self._suffix(dumps)
        paths = [folder / f"{step.title}{f'-{number}' if number else ''}{suffix}" for number in range(len(outputs))]
        with self._session(step) as session:
            with session.transformation(kind, inputs=[source.path for source in sources]) as run:
                for path, lines in zip(paths, outputs, strict=True):
                    if dumps is None:
                        with run.records(path.name) as out:
                            for line in lines:
                                out.write(line.record)
                    else:
                        path.write_text("".join(dumps(line.record) + "\n" for line in lines), encoding="utf-8")
                        run.output(path.name, type="training_data", role="records")
                step.session_id, step.run_id = session.id, run.id
        for path, lines in zip(paths, outputs, strict=True):
            self._made(step, path, lines)

    def _made(self, step: Step, path: Path, lines: list[Line]) -> None:
        """Note the file. A file with the bytes of another is the same thing in the graph: it is an alias."""
        if step not in self.steps:
            self.steps.append(step)
        data = path.read_bytes()
        for line, written in zip(lines, _records(path), strict=True):
            line.record = written  # with the metadata that the writer adds to a record that has none
        same = next((file for file in self.files if file.data == data), None)
        if same:
            same.is_joined = True
        if same and same.is_gone:
            same.path, same.is_gone = path, False
            self._join(same, lines, step)
            return
        if same:
            same.aliases.append(path)
            self._join(same, lines, step)
            return
        file = RecordsFile(path, lines, step, data)
        for number, line in enumerate(lines, 1):
            line.file, line.number = file, number
            line.parents = self._candidates(line, step)
        file.sources = list(step.inputs)
        self.files.append(file)

    def _join(self, same: RecordsFile, lines: list[Line], step: Step) -> None:
        """Add what a second run with the same result used, but what was made of the file itself."""
        if any(source in self.used_by(same) for source in step.inputs):
            return
        same.sources += step.inputs
        for old, new in zip(same.lines, lines, strict=True):
            old.parents += self._candidates(new, step)

    def _candidates(self, line: Line, step: Step) -> tuple[Line, ...]:
        """The parent, and the lines of the step's inputs from which nobody could tell it."""
        if not line.parents:
            return ()
        (parent,) = line.parents
        among = [other for source in step.inputs for other in source.lines]
        return tuple(other for other in among if other.record == parent.record)

    def _closes_a_circle(self, lines: list[Line], sources: Sequence[RecordsFile]) -> bool:
        """Tell whether the lines are those of a file from which another input was made.

        Files with equal bytes are one thing, so that file would come from itself.
        """
        records = [line.record for line in lines]
        same = [file for file in self.files if [line.record for line in file.lines] == records]
        return any(source is not file and source in self.used_by(file) for file in same for source in sources)

    def _suffix(self, dumps: Callable[[dict[str, Any]], str] | None) -> str:
        return ".jsonl"

    def _copy(self, line: Line) -> Line:
        return Line(line.record, (line,))

    def _changed(self, line: Line) -> Line:
        record = {**line.record, "response": f"edited {self.random.randrange(10**9)}"}
        return Line(record, (line,), ("response",))

    def _content(self) -> dict[str, Any]:
        return {
            "instruction": f"question {self.random.randrange(10**6)}",
            "response": f"{self.random.choice(WORDS)} {self.random.randrange(10**6)}",
        }

    def _title(self, kind: str) -> str:
        self._next += 1
        return f"{kind}-{self._next}"

    def _repository(self) -> None:
        git = ["git", "-C", str(self.root), "-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run([*git, "init", "-q"], check=True)
        self.script = self.root / "code.py"
        self.script.write_text("print(1)\n")
        subprocess.run([*git, "add", "code.py"], check=True)
        subprocess.run([*git, "commit", "-qm", "first"], check=True)
        if self.is_dirty:
            self.script.write_text("print(2)\n")


def _records(path: Path) -> list[dict[str, Any]]:
    """The records of a file, compressed or not."""
    data = path.read_bytes()
    return [json.loads(line) for line in (gzip.decompress(data) if path.suffix == ".gz" else data).split(b"\n") if line]


def _shared(record: dict[str, Any]) -> str:
    """The metadata that records of one slice share."""
    metadata = dict(record.get("metadata", {}))
    for key in ("timestamp", "record_index"):
        metadata.pop(key, None)
    params = dict(metadata.get("generation_params", {}))
    params.pop("seed", None)
    return json.dumps({**metadata, "generation_params": params}, sort_keys=True)
