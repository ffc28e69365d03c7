"""What is asked about -> named graphs: each session of a folder, each bundle of a PROV file, as N-Triples.

A session's graph is called as its bundle is in the exported TriG. Statements that a file holds outside its bundles are a graph named by
the file's content, so the same file is one graph on every machine.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lineage import formats
from lineage.core import limits
from lineage.core.reading import is_file, is_folder, read_whole
from lineage.errors import NotFoundError
from lineage.export import session_document
from lineage.facts import Session
from lineage.findings import Finding
from lineage.folder import gathered
from lineage.mapping import order
from lineage.mapping.names import ID_BASE, Ids
from lineage.prov.document import Document, Statements
from lineage.prov.statement import Name, Statement, expanded


@dataclass(frozen=True, slots=True)
class Graph:
    """A named graph as N-Triples, without a byte that depends on when or where it was made.

    More than one text: several sources tell of it, and differ. A label of a node without a name counts within its text.
    """

    name: str
    texts: tuple[bytes, ...]

    @property
    def digest(self) -> str:
        """What tells whether a stored graph is this one."""
        return hashlib.sha256(b"".join(self.texts)).hexdigest()


@dataclass(frozen=True, slots=True)
class Gathered:
    """The graphs of some sources, each name once, and what was wrong with the files."""

    graphs: tuple[Graph, ...]
    findings: tuple[Finding, ...] = ()


def gather(paths: Sequence[Path], *, recursive: bool = False) -> Gathered:
    """The graphs of folders and PROV files.

    Raises:
        NotFoundError: a path that is not there. UsageError: a file whose suffix names no format. FormatError: a file that is not what
        its suffix says.
    """
    placed, findings = gathered([path for path in paths if is_folder(path)], recursive=recursive)
    graphs = [of_session(session) for _, session in placed]
    for path in paths:
        if not is_folder(path):
            graphs += _of_file(path)
    return Gathered(tuple(_once(graphs)), findings)


def of_session(session: Session, ids: Ids | None = None) -> Graph:
    """A session as its bundle."""
    return _graph((ids or Ids()).bundle(session), session_document(session, ids).statements)


def _of_file(path: Path) -> Iterator[Graph]:
    if not is_file(path):
        raise NotFoundError("no such folder or file", at=str(path), hint="name a folder with session manifests, or a PROV file")
    data = read_whole(path, limits.PROV)
    document = formats.loads(data, formats.by_path(path).name)
    top = _ordered(document.statements)
    if top:
        yield _graph(Name(f"{ID_BASE}document-sha256-{hashlib.sha256(data).hexdigest()}"), top)
    for bundle in document.bundles:
        yield _graph(bundle.id, _ordered(bundle.statements))


def _ordered(statements: Statements) -> list[Statement]:
    """Each once, in the order of our own documents: an exported session is the same graph as the session in its folder."""
    return sorted(set(expanded(statements)), key=order)


def _graph(name: str, statements: Statements) -> Graph:
    return Graph(str(name), (formats.dumps(Document({}, statements), "nquads"),))


def _once(graphs: Iterable[Graph]) -> Iterator[Graph]:
    """Graphs of one name as one: the same session in two places is told once, a different one besides."""
    texts: dict[str, dict[bytes, None]] = defaultdict(dict)
    for graph in graphs:
        texts[graph.name] |= dict.fromkeys(graph.texts)
    for name, told in texts.items():
        yield Graph(name, tuple(told))
