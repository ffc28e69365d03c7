"""Hold every answer about a history of known truth against the truth, and the answers against each other."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from harder_histories import HarderHistory
from step_histories import Line, RecordsFile

import lineage
from lineage.capture.files import digest
from lineage.consequences import weigh
from lineage.consequences.changed import Weighing
from lineage.consequences.steps import with_steps
from lineage.draw import model
from lineage.draw.steps import affected_by
from lineage.errors import NotFoundError
from lineage.integrity.verify import verify
from lineage.prov.statement import expanded
from lineage.prov.terms import DERIVATION, GENERATION, USAGE
from lineage.trace import answers
from lineage.trace.reading import Library


class Answers:
    """The answers about one history; each method checks answers of one kind."""

    def __init__(self, history: HarderHistory) -> None:
        self.history = history
        self.library: Library = lineage.open_library(history.folders)
        self.random = random.Random(len(history.files))
        self.digests = {digest(path)[0]: file for file in history.living for path in (file.path,)}

    def check(self, lines: int | None = None, *, asks: bool = False) -> None:
        """Check everything; impact and origin of at most *lines* lines, and named questions if *asks*."""
        for file in self.history.living:
            self.impact_of_file(file)
            self.paths_to(file)
            self.origins(file)
        every = [line for file in self.history.living for line in file.lines]
        for line in every if lines is None else self.random.sample(every, min(lines, len(every))):
            self.impact_of_line(line)
        self.derivations()
        self.explorer()
        if asks:
            self.questions()
        self.altered_line()  # last: it changes a file

    # --- consequences

    def impact_of_file(self, file: RecordsFile) -> None:
        if not self._is_recorded(file):
            return
        answer = lineage.impact(file.path, where=self.library)
        self._holds_truth(answer, self.history.holders_for_certain(file.lines), self._most(file, file.lines))

    def impact_of_line(self, line: Line) -> None:
        assert line.file
        if not self._is_recorded(line.file):
            return
        answer = lineage.impact(f"{line.file.path}:{line.number}", where=self.library)
        least = self.history.holders_for_certain([line])
        self._holds_truth(answer, least, self._reachable(line.file) if self.history.has_gone_files else set(least))

    def _holds_truth(self, answer: answers.Impact, least: dict[RecordsFile, set[Line]], most: set[RecordsFile]) -> None:
        files = {affected.file.id for affected in answer.files if affected.records}
        certain = {self._id(file) for file in least if file.sources or not file.by_hand}
        assert certain <= files, "a file that holds it is missing"
        assert files <= {self._id(file) for file in most}, "a file is named that holds none of it"
        models = {thing.name for thing in answer.models}
        assert {adapter.path.name for adapter in self.history.adapters_of(least)} <= models
        assert models <= {adapter.path.name for adapter in self.history.adapters_of(most)}
        scores = {score.metric.label for score in answer.scores}
        assert {score.metric for score in self.history.scores_of(self.history.adapters_of(least))} <= scores
        assert scores <= {score.metric for score in self.history.scores_of(self.history.adapters_of(most))}
        weighed = weigh(answer)
        assert set(weighed.models) == models
        assert {affected.name for affected in weighed.of_kind("score")} == scores

    def paths_to(self, older: RecordsFile) -> None:
        if not self._is_recorded(older):
            return
        certain, possible = set(self.history.holders_for_certain(older.lines)), self._reachable(older)
        for newer in self.history.living:
            if self._is_recorded(newer):
                path = lineage.path(newer.path, older.path, where=self.library)
                is_newer = bool(path) and path.older[0].id == self._id(older)
                assert is_newer or newer not in certain, (newer.path.name, older.path.name)
                assert newer in possible or not is_newer, (newer.path.name, older.path.name)

    # --- one record

    def origins(self, file: RecordsFile) -> None:
        """Every step back is a true one; every true one whose file is at hand is named."""
        with lineage.RecordFile(file.path, where=self.history.folders) as records:
            for line in file.lines:
                here = line
                found = records.why(line.number)
                for step in found.steps:
                    before = self._file_at(step.file)
                    if before is here.file:  # a copy with the same bytes
                        continue
                    places = {(before, step.line), *((self._file_at(path), number) for path, number in step.also)}
                    truth = {(parent.file, parent.number) for parent in here.parents}
                    readable = {(parent.file, parent.number) for parent in self.history.readable_parents(here)}
                    if here.file and here.file.by_hand:
                        assert places <= {(one.file, one.number) for one in self.history.ancestors(here)}
                        assert not (step.edited and step.run), "a run is blamed for an edit that was made after it"
                        here = before.lines[step.line - 1]
                        continue
                    assert places <= truth
                    if not before.is_joined and not (here.file and here.file.is_joined):
                        assert {place for place, _ in readable} <= {place for place, _ in places}
                    assert step.edited == here.edited
                    here = before.lines[step.line - 1]
                if self.history.readable_parents(here):
                    assert found.notes, (file.path.name, line.number, "the last step is silent about an origin that is at hand")
                    is_ambiguous = any("several lines" in note for note in found.notes)
                    assert self.history.has_gone_files or is_ambiguous or self._is_outside(here)

    # --- exports and pictures

    def derivations(self) -> None:
        """The slices of the document are derived from files that hold a true origin, and from all of them."""
        said: dict[RecordsFile, set[RecordsFile]] = {}
        document = self.library.document()
        statements = [*expanded(document.statements), *(one for bundle in document.bundles for one in expanded(bundle.statements))]
        for one in statements:
            if one.term is DERIVATION and "-L" in str(one.args[0]) and "-L" in str(one.args[1]):
                newer, older = self._file_of(str(one.args[0])), self._file_of(str(one.args[1]))
                if newer and older:
                    said.setdefault(newer, set()).add(older)
        for file in self.history.living:
            possible = {parent.file for line in file.lines for parent in line.parents if parent.file}
            assert {older for older in said.get(file, set()) if not older.is_gone} <= possible, file.path.name
        self._times(statements)

    def _times(self, statements: Iterable[object]) -> None:
        """No file is generated by a run that used it, and no run used what only a later one generated."""
        used = {(one.args[0], one.args[1]) for one in statements if one.term is USAGE}  # type: ignore[attr-defined]
        made = {(one.args[1], one.args[0]) for one in statements if one.term is GENERATION}  # type: ignore[attr-defined]
        assert not used & made

    def explorer(self) -> None:
        """The explorer walks to what `impact` reaches, from every file of records."""
        document = self.library.document().read()
        drawn = with_steps(model(document), self.library.sessions, document)
        nodes = {node.id: n for n, node in enumerate(drawn.nodes)}
        graph = self.library.graph
        for name, number in graph.index.items():
            if name in nodes and self._file_of(str(name)):
                reached = {nodes[graph.names[one]] for one in answers.impact(graph, (number,), "").reached if graph.names[one] in nodes}
                assert set(affected_by(drawn, nodes[name]) or ()) == reached

    def questions(self) -> None:
        """The named questions name the training data, and the files that hold records of others."""
        places = list(self.history.folders)
        for adapter in self.history.adapters:
            rows = lineage.ask("trained-on", places, model=adapter.path)
            assert {row["sha256"] for row in rows} == {digest_of(file) for file in adapter.datasets}
        for score in [score for score in self.history.scores if score.adapter]:
            rows = lineage.ask("data-behind", places, result=score.report)
            expected = {path.name for file in score.adapter.datasets for path in (file.path, *file.aliases)}
            assert {Path(row["data"]).name for row in rows} <= expected
            assert {digest_of(file) for file in score.adapter.datasets} == set(self._digests_at(rows))
        if not self.history.has_gone_files:
            counted = Counter({Path(row["path"]).name: 0 for row in lineage.ask("carried-over", places)})
            carriers = {file for file in self.history.files if any("run_id" in line.record.get("metadata", {}) for line in file.lines)}
            generated = {file for file in carriers if file.step.kind in ("generate", "legacy")}
            assert set(counted) <= {path.name for file in self.history.files for path in (file.path, *file.aliases)}
            for file in carriers - generated:
                if any("run_id" in parent.record.get("metadata", {}) for line in file.lines for parent in line.parents):
                    assert file.path.name in counted, file.path.name

    def _digests_at(self, rows: list[dict[str, object]]) -> Iterable[str]:
        for row in rows:
            name = Path(str(row["data"])).name
            for score in self.history.scores:
                for file in score.adapter.datasets if score.adapter else ():
                    if name in {path.name for path in (file.path, *file.aliases)}:
                        yield digest_of(file)

    # --- an altered line

    def altered_line(self) -> None:
        """After a line was altered, `verify` and `audit` name the same consequences, and these hold the truth."""
        fitting = [file for file in self.history.living if not file.aliases and file.path.suffix == ".jsonl" and not file.by_hand]
        if not fitting:
            return
        file = self.random.choice(fitting)
        line = self.random.choice(file.lines)
        texts = file.path.read_bytes().splitlines(keepends=True)
        texts[line.number - 1] = b'{"response": "altered"}\n'
        file.path.write_bytes(b"".join(texts))
        folder = file.path.parent
        verdict = verify(file.path)
        assert verdict.status == "altered"
        assert verdict.recorded and verdict.recorded.sha256
        mine = Weighing(folder).of([verdict.recorded.sha256], verdict.changes)
        audit = lineage.audit(folder)
        remarks = [one for one in audit.remarks if one.finding.code == "altered-file" and Path(one.finding.file).name == file.path.name]
        assert len(remarks) == 1
        theirs = remarks[0].consequences
        assert (theirs.json() if theirs else None) == (mine.json() if mine else None)
        if len(self.history.folders) == 1:
            truth = self.history.holders_for_certain([line])
            assert {adapter.path.name for adapter in self.history.adapters_of(truth)} <= set(mine.models)
            assert {score.metric for score in self.history.scores_of(self.history.adapters_of(truth))} <= {
                affected.name for affected in mine.of_kind("score")
            }
            assert set(mine.models) <= {adapter.path.name for adapter in self.history.adapters_of(self._reachable(file))}

    # --- helpers

    def _id(self, file: RecordsFile) -> str:
        return f"https://w3id.org/lineage-prov/id/file-sha256-{digest_of(file)}"

    def _file_of(self, name: str) -> RecordsFile | None:
        sha256 = name.rpartition("file-sha256-")[2].partition("-")[0]
        return next((file for file in self.history.files if digest_of(file) == sha256), None)

    def _file_at(self, path: Path) -> RecordsFile:
        return next(file for file in self.history.living if path.absolute() in (file.path, *file.aliases))

    def _is_recorded(self, file: RecordsFile) -> bool:
        """Whether a session recorded these bytes: of a file edited by hand, only one that used it."""
        if not file.by_hand:
            return True
        try:
            return self.library.graph.names[self.library.find(str(file.path))[0]] == self._id(file)
        except NotFoundError:
            return False

    def _is_outside(self, line: Line) -> bool:
        """Whether a parent is in a folder in which no session was recorded: nothing is read there."""
        folders = {path.parent for parent in line.parents if parent.file for path in (parent.file.path, *parent.file.aliases)}
        return not all(any(folder.glob("session_manifest_*.json")) for folder in folders)

    def _most(self, file: RecordsFile, lines: Iterable[Line]) -> set[RecordsFile]:
        return self._reachable(file) if self.history.has_gone_files else set(self.history.holders_by_slice(lines))

    def _reachable(self, file: RecordsFile) -> set[RecordsFile]:
        return self.history.possibly_used_by(file)


def digest_of(file: RecordsFile) -> str:
    """The SHA-256 of the bytes that the file had when it was made."""
    import hashlib

    return hashlib.sha256(file.data).hexdigest()
