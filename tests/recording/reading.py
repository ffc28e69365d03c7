"""What the tests of writing share: a session without an export, and what stands in a file of records."""

import gzip
import json
from contextlib import contextmanager
from pathlib import Path

import zstandard

import lineage


@contextmanager
def generating(folder, params=None):
    """A run of a session in *folder*."""
    with lineage.session(folder, export=False) as session, session.generation(params=params or {}) as run:
        yield run


def recorded_of(run, name="out.jsonl"):
    """What the manifest of the run's session says of the file *name*."""
    made = json.loads(run.session.manifest.read_bytes())["artifacts_generated"]
    (artifact,) = [one for one in made if one["file"] == name]
    return artifact


def text_of(path):
    """The text of a file of records, compressed or not; a cut last frame gives what it holds."""
    data = Path(path).read_bytes()
    if path.name.endswith(".gz"):
        return gzip.decompress(data)
    if path.name.endswith(".zst"):
        return zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True).readall()
    return data


def whole_lines(path):
    """(rows, lines that are no JSON) of a file; a blank line is an error."""
    rows, broken = [], []
    for line in text_of(path).split(b"\n")[:-1]:
        assert line.strip(), "a blank line"
        try:
            rows.append(json.loads(line))
        except ValueError:
            broken.append(line)
    return rows, broken
