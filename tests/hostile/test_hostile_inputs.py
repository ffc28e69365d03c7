"""Hostile input is refused or handled within bounds, with a clear message, whichever verb reads it."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from hostile_inputs import DOCUMENTS, FOLDERS

ROOT = Path(__file__).parent.parent.parent
CPU_SECONDS = 8.0  # four times the bound, for slow and busy machines; quadratic behaviour takes far longer
MEMORY = 300 << 20  # bytes
AT_ONCE = min(2, os.cpu_count() or 1)  # verbs
WALL_SECONDS = "180"  # a process that waits for a pipe uses no CPU
MEASURE = str(Path(__file__).parent / "measure.py")
CODES = range(7)  # exit codes of the command line

OF_FOLDERS = {
    "audit": ["audit", "artifacts"],
    "export": ["export", "artifacts"],
    "verify": ["verify", "artifacts"],
    "session-list": ["session", "list", "artifacts"],
    "session-close": ["session", "close", "artifacts", "--force"],
    "why": ["why", "--in", "artifacts", "data.jsonl"],
    "impact": ["impact", "--in", "artifacts", "data.jsonl"],
    "draw": ["draw", "artifacts", "-f", "svg", "-o", "picture.svg"],
    "draw-file": ["draw", "artifacts/data.jsonl", "-f", "svg", "-o", "picture.svg"],
    "report": ["report", "--profile", "data-card", "--in", "artifacts"],
    "redact": ["redact", "artifacts", "-o", "copy"],
    "query": ["query", "--in", "artifacts", "SELECT * { ?s ?p ?o } LIMIT 1"],
    "show": ["show", "artifacts/data.jsonl:1"],
}
OF_DOCUMENTS = {
    "validate": ["validate", "{}"],
    "query": ["query", "--in", "{}", "SELECT * { ?s ?p ?o } LIMIT 1"],
    "draw": ["draw", "{}", "-f", "svg", "-o", "picture.svg"],
    "why": ["why", "--in", "{}", "x"],
}


@dataclass(frozen=True)
class Ended:
    """How a process ended and what it used, with its children."""

    code: int
    cpu: float
    memory: int
    output: str


def ended(arguments, folder):
    """Run a command in *folder* and return how it ended."""
    output = folder / "output"
    output.touch()
    command = [sys.executable, "-S", MEASURE, str(output), WALL_SECONDS, sys.executable, "-m", "lineage", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LINEAGE_CACHE": str(folder / "cache")}
    shown = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True).stdout
    with output.open("rb") as file:
        return Ended(*json.loads(shown), file.read(1 << 20).decode(errors="replace"))


def faults(found):
    """Return what is wrong with how a process ended, in words."""
    wrong = []
    if found.code not in CODES:
        wrong.append(f"it ended with {found.code}")
    if "Traceback" in found.output or "stack backtrace" in found.output:
        wrong.append("it shows a traceback")
    if found.cpu > CPU_SECONDS:
        wrong.append(f"it took {found.cpu:.1f} s of CPU")
    if found.memory > MEMORY:
        wrong.append(f"it took {found.memory >> 20} MB")
    return [*wrong, found.output[-1500:]] if wrong else []


def written(name, folder):
    """Write the document called *name* into *folder* and return its path."""
    suffix, write = DOCUMENTS[name]
    path, content = folder / f"document.{suffix}", write()
    if content is None:
        os.mkfifo(path)
    elif isinstance(content, int):
        with path.open("wb") as file:
            file.truncate(content)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("name", FOLDERS)
def test_a_hostile_folder_is_read_within_bounds(name, tmp_path):
    def tried(verb):
        folder = tmp_path / verb
        (folder / "artifacts").mkdir(parents=True)
        FOLDERS[name](folder / "artifacts")
        found = faults(ended(OF_FOLDERS[verb], folder))
        remove(folder)
        return found

    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = dict(zip(OF_FOLDERS, pool.map(tried, OF_FOLDERS), strict=True))
    assert {verb: found for verb, found in results.items() if found} == {}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_hostile_document_is_read_within_bounds(name, tmp_path):
    path = written(name, tmp_path)
    for verb, arguments in OF_DOCUMENTS.items():
        assert faults(ended([part.replace("{}", str(path)) for part in arguments], tmp_path)) == [], verb


def remove(folder):
    """Remove a folder however deep it is."""
    subprocess.run(["rm", "-rf", str(folder)], check=True)
