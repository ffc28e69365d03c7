"""Compare PROV with what an export writes now: a file that is the same was changed by nobody."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from lineage.capture.places import own
from lineage.errors import LineageError
from lineage.export import combined_document, each_alone, written_as
from lineage.folder import How, gathered
from lineage.formats.same import is_written
from lineage.mapping.names import Ids
from lineage.prov.document import Document


class Exports:
    """What `lineage export` would write beside the manifests of *folder*, read at the first question."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, bool] = {}

    def writes(self, name: str) -> bool:
        """Return whether the file *name* of the folder has the bytes that an export writes now."""
        if name not in self._known:
            named = (documents for documents in self._documents if name in documents)
            self._known[name] = any(self._is(documents, name) for documents in named)
        return self._known[name]

    def _is(self, documents: dict[str, tuple[str, Document]], name: str) -> bool:
        path, (form, document) = own(self._folder, name), documents[name]
        try:
            return path is not None and is_written(document, form, path)
        except LineageError:  # the format cannot hold the document: no export wrote it
            return False

    @cached_property
    def _documents(self) -> list[dict[str, tuple[str, Document]]]:
        """The format and the document of each file, for an export without and with `--recursive`."""
        return [documents for recursive in (False, True) for documents in [self._of(recursive)]]

    def _of(self, recursive: bool) -> dict[str, tuple[str, Document]]:
        ids = Ids()
        placed, _ = gathered(self._folder, How(recheck=True), recursive=recursive)
        every = each_alone(placed, ids, *combined_document([session for _, session in placed], ids))
        here = [(session, document) for place, session, document in every if place == self._folder]
        found: dict[str, tuple[str, Document]] = {}
        for session, document in here:
            found |= {file: (form, document) for form, file in written_as(session).items()}
        return found
