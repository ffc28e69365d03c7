"""Random histories with the steps that are hard to follow: rewritten and hand-edited files, records without metadata, compressed files.

    history = HarderHistory(seed=7, folder=tmp_path).build(steps=8)

The truth is that of `StepHistory`. A file that was written over is gone: what was made of it can no longer be compared with it.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from step_histories import PROVENANCE, Adapter, Line, RecordsFile, Step, StepHistory

from lineage.cli import main

RANK = """
import json, pathlib, sys, time, lineage
rank, folder, name, base, title, provenance, datasets = json.loads(sys.argv[1])
def meet(word):
    pathlib.Path(f"{name}.{word}-{rank}").touch()
    while len(list(pathlib.Path(name).parent.glob(f"{pathlib.Path(name).name}.{word}-*"))) < 2:
        time.sleep(0.005)
with lineage.session(folder, title=title, export=False) as session:
    meet("open")
    load = session.model_load(provenance, files=[base])
    with session.training(model=load, datasets=datasets, params={"seed": 1}) as run:
        path = pathlib.Path(name)
        path.mkdir(exist_ok=True)
        (path / f"part-{rank}.safetensors").write_text(f"weights {name} {rank}")
        meet("written")
        if not rank:
            (path / "adapter_config.json").write_text('{"r": 16}')
            (path / "adapter_model.safetensors").write_text(f"weights {name}")
            run.output(path.name, type="model")
    meet("done")
"""


class HarderHistory(StepHistory):
    """A history with the additional kinds of steps, and the truth about it."""

    kinds = (
        "generate", "filter", "filter", "edit", "edit", "merge", "merge", "shuffle", "split", "reserialise", "train", "evaluate",
        "rewrite", "edit_by_hand", "legacy", "deduplicate", "merge_twice", "interleave", "wrap",
    )  # fmt: skip

    def build(self, steps: int = 8) -> HarderHistory:
        """Make *steps* steps; the first generates."""
        self.generate()
        for _ in range(steps - 1):
            getattr(self, self.random.choice(self.kinds))()
        if not self.adapters:
            self.train()
        if not any(score.adapter for score in self.scores):
            self.evaluate()
        return self

    @property
    def has_gone_files(self) -> bool:
        """Whether some file was written over."""
        return any(file.is_gone for file in self.files)

    # --- steps

    def rewrite(self) -> None:
        """Read a file and write it again at its path, with a record changed."""
        source = self._replaceable()
        if source is None:
            return
        step = Step(self._title("rewrite"), "rewrite", source.path.parent, (source,))
        lines = self._with_changes(source)
        with self._session(step) as session, session.transformation("rewrite", inputs=[source.path]) as run:
            self._write(source.path, lines)
            run.output(source.path.name, type="training_data", role="records")
            step.session_id, step.run_id = session.id, run.id
        source.is_gone = True
        self._made(step, source.path, lines)

    def edit_by_hand(self) -> None:
        """Change a record of a file outside of any session."""
        source = self._replaceable()
        if source is None:
            return
        lines = self._with_changes(source)
        self._write(source.path, lines)
        source.is_gone = True
        step = Step(self._title("hand"), "hand", source.path.parent)
        self._made(step, source.path, lines)
        self.files[-1].by_hand = True
        for line, before in zip(lines, source.lines, strict=True):
            line.parents = (before,)

    def legacy(self) -> None:
        """Write records without metadata outside of any session, and carry them over in a session."""
        folder = self.random.choice(self.folders)
        step = Step(self._title("legacy"), "legacy", folder)
        path = folder / f"{step.title}.jsonl"
        lines = [Line(self._content()) for _ in range(self.random.randrange(1, 5))]
        self._write(path, lines)
        self._made(step, path, lines)
        source = self.files[-1]
        source.by_hand = True
        self._carry("filter", [source], [[self._copy(line) for line in lines if self.random.random() < 0.7] or [self._copy(lines[0])]])

    def deduplicate(self) -> None:
        """Drop records that are equal to an earlier one, of two files."""
        sources = self.random.sample(self.living, min(len(self.living), 2))
        kept: dict[str, Line] = {}
        for source in sources:
            for line in source.lines:
                kept.setdefault(json.dumps(line.record, sort_keys=True), line)
        self._carry("deduplicate", sources, [[self._copy(line) for line in kept.values()]])

    def merge_twice(self) -> None:
        """Put the records of one file into another twice."""
        source = self.random.choice(self.living)
        self._carry("merge", [source, source], [[self._copy(line) for line in (*source.lines, *source.lines)]])

    def interleave(self) -> None:
        """Put the records of two files into one by turns: lines of two configurations lie between each other."""
        sources = self.random.sample(self.living, min(len(self.living), 2))
        turns = max(len(source.lines) for source in sources)
        lines = [source.lines[turn] for turn in range(turns) for source in sources if turn < len(source.lines)]
        self._carry("interleave", sources, [[self._copy(line) for line in lines]])

    def wrap(self) -> None:
        """Drop the first record of a file by a command that knows nothing of lineage."""
        source = self.random.choice(self.living)
        if len(source.lines) < 2 or source.path.suffix == ".gz":
            return
        folder = self.random.choice(self.folders)
        lines = [self._copy(line) for line in source.lines[1:]]
        if self._closes_a_circle(lines, [source]):
            return
        step = Step(self._title("wrap"), "wrap", folder, (source,))
        path = folder / f"{step.title}.jsonl"
        options = ["--folder", str(folder), "-i", str(source.path), "-o", str(path), "--title", step.title]
        assert main(["run", *options, "--", "sh", "-c", f"tail -n +2 '{source.path}' > '{path}'"]) == 0
        self._made(step, path, lines)

    def train_in_ranks(self) -> None:
        """Train an adapter in two processes that share a session and a training."""
        folder, datasets = self.random.choice(self.folders), [self.random.choice(self.living)]
        step = Step(self._title("train"), "train", folder, tuple(datasets))
        path = folder / f"adapter-{self._next}"
        about = [str(folder), str(path), str(self.base), step.title, PROVENANCE, [str(file.path) for file in datasets]]
        ranks = []
        for rank in range(2):
            env = {**os.environ, "RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": str(29000 + self._next)}
            ranks.append(subprocess.Popen([sys.executable, "-c", RANK, json.dumps([rank, *about])], env=env))
        assert [rank.wait(timeout=60) for rank in ranks] == [0, 0]
        self.steps.append(step)
        self.adapters.append(Adapter(path, tuple(datasets)))

    # --- the truth

    @property
    def living(self) -> list[RecordsFile]:
        """The files that were not written over."""
        return [file for file in self.files if not file.is_gone]

    def holders_for_certain(self, lines: Iterable[Line]) -> dict[RecordsFile, set[Line]]:
        """The lines of every file that came from one of *lines* over files that can still be read."""
        sources = set(lines)
        holders: dict[RecordsFile, set[Line]] = {}
        for file in self.living:
            concerned = {line for line in file.lines if self._readable_ancestors(line) & sources}
            if concerned:
                holders[file] = concerned
        return holders

    def possibly_used_by(self, file: RecordsFile) -> set[RecordsFile]:
        """Every file that was made of *file*, also by a change that no session recorded."""
        reached = {file}
        for later in self.files:
            parents = {parent.file for line in later.lines for parent in line.parents} if later.by_hand else set()
            if reached.intersection((*later.sources, *parents)):
                reached.add(later)
        return reached

    def _readable_ancestors(self, line: Line) -> set[Line]:
        reached, waiting = {line}, [line]
        while waiting:
            parents = self.readable_parents(waiting.pop())
            waiting += [parent for parent in parents if parent not in reached]
            reached.update(parents)
        return reached

    def readable_parents(self, line: Line) -> set[Line]:
        """The parents whose file was not written over."""
        return {parent for parent in line.parents if parent.file and not parent.file.is_gone}

    # --- parts of steps

    def _replaceable(self) -> RecordsFile | None:
        """A file that lies at one path alone, and of which a record can be changed."""
        paths = [path for file in self.living for path in (file.path, *file.aliases)]
        fitting = [file for file in self.living if not file.aliases and paths.count(file.path) == 1 and self._has_metadata(file)]
        return self.random.choice(fitting) if fitting else None

    def _has_metadata(self, file: RecordsFile) -> bool:
        return all("run_id" in line.record.get("metadata", {}) for line in file.lines)

    def _with_changes(self, source: RecordsFile) -> list[Line]:
        changed = self.random.randrange(len(source.lines))
        return [self._changed(line) if n == changed else self._copy(line) for n, line in enumerate(source.lines)]

    def _changed(self, line: Line) -> Line:
        """An edited record; one without metadata stays as it is, for nothing tells from which it came."""
        return super()._changed(line) if "run_id" in line.record.get("metadata", {}) else self._copy(line)

    def _suffix(self, dumps: Callable[[dict[str, Any]], str] | None) -> str:
        return ".jsonl.gz" if dumps is None and self.random.random() < 0.2 else ".jsonl"

    def _write(self, path: Path, lines: list[Line]) -> None:
        data = "".join(json.dumps(line.record) + "\n" for line in lines).encode()
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
