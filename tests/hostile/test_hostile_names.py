"""A path that no file can have is a clear error of each call of the library, never one of the system."""

import json
from pathlib import Path

import pytest

import lineage
from lineage.errors import LineageError
from lineage.trace.reading import open_library

NAMES = {"long": "x" * 300, "long-path": "x/" * 3000 + "y", "surrogate": "\udcff" * 10 + "\ud800", "nul": "a\0b"}
CALLS = {
    "audit": lambda path: lineage.audit(path),
    "export": lambda path: lineage.export_folder(Path(path)),
    "open-library": lambda path: open_library(path),
    "query": lambda path: lineage.query("ASK {}", path),
    "redact": lambda path: lineage.redact(Path(path), Path("copy")),
    "record-file": lambda path: lineage.RecordFile(path),
    "graph": lambda path: lineage.graph(path),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_no_file_can_have_is_a_clear_error(call, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LineageError, match="no such"):
        CALLS[call](NAMES[name])


@pytest.mark.parametrize("id_", ["a" * 230, "数" * 200, "/" * 200, "a" * 5000], ids=["long", "wide", "escaped", "too-long"])
def test_a_session_with_a_long_id_is_exported(id_, tmp_path):
    (tmp_path / "session_manifest_a.json").write_text(json.dumps({"session_id": id_}))
    done = lineage.export_folder(tmp_path)
    assert all(path.is_file() for path in done.files)
    assert len(done.files) == 6
