"""Know the pictures, pages and reports that lineage writes for people by how they begin.

Nothing reads them as data, so a signature need not cover them, and saving one in a signed folder is
no change to it. Whoever forges such a beginning gains nothing: the file is listed as not signed.
To add a kind of output, add its row to `KINDS`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lineage.contract import journal, manifest
from lineage.contract.strict import loads
from lineage.core import limits
from lineage.core.reading import open_plain, read_whole
from lineage.errors import FormatError

HEAD = 1 << 16  # bytes; what is looked at of a file


@dataclass(frozen=True, slots=True)
class Kind:
    """An output of lineage.

    Attributes:
        name: What it is called in a list.
        suffixes: One of these ends the file's name.
        beginning: How the content begins.
        is_page: No program takes it for its input, wherever it is.
        keys: The keys of a JSON document, all of which it has and no others. A file of settings
            that only begins as a report is none.
        line: What every line of a text is. A list of words that only begins as a report is none.
    """

    name: str
    suffixes: tuple[str, ...]
    beginning: re.Pattern[bytes]
    is_page: bool = False
    keys: frozenset[str] = frozenset()
    line: re.Pattern[bytes] | None = None

    def fits(self, folder: Path, name: str) -> bool:
        """Return whether the file is of this kind: by its beginning, and as a whole where it is data."""
        if not self.beginning.match(_head(folder, name)):
            return False
        if not self.keys and not self.line:
            return True
        try:
            data = read_whole(folder / name, limits.JSON, follow=False)
        except (OSError, FormatError):  # it cannot be read, or is larger than any report
            return False
        if self.line:
            return all(map(self.line.match, filter(None, data.splitlines())))
        value, problems = loads(data)
        return not problems and isinstance(value, dict) and value.keys() == self.keys


def _kind(
    name: str,
    suffixes: str,
    pattern: bytes,
    is_page: bool = False,
    *,
    keys: str = "",
    line: bytes = b"",
) -> Kind:
    every = re.compile(line, re.DOTALL) if line else None
    beginning = re.compile(pattern, re.DOTALL)
    return Kind(name, tuple(suffixes.split()), beginning, is_page, frozenset(keys.split()), every)


REPORT = (  # the keys of `lineage audit --json`
    "report folder at version exit_code counts findings suppressed ignored configuration checked "
    "not_checked claimed_not_checked known replayed nothing_audited audited sha256"
)
_LINE = (
    rb"(error|warning|note|suppressed|not asked for|audited|checked|known|not checked|claimed, not checked)"
    rb": |  \S|    makes doubtful: |      \S|        \S|[^\n]*: ([\d,]+ (error|warning|note)s?|nothing )"
)
_MARKUP = ".md .markdown .txt"
KINDS = (
    _kind(
        "page",
        ".html .htm",
        rb"<!(?i:doctype) html>\n<html lang=\"en\"[^>]*>\n<head>\n.{0,4000}?Content-Security-Policy"
        rb".{0,4000}?<title>(Audit of |[^<]* \xc2\xb7 lineage<)",
        is_page=True,
    ),
    _kind(
        "picture",
        ".svg",
        rb"<svg xmlns=\"http://www\.w3\.org/2000/svg\" [^>]{0,500}?aria-labelledby=\"l[0-9a-f]+t "
        rb".{0,4000}?arrows point to the past",
        is_page=True,
    ),
    _kind("picture", ".dot .gv", rb"digraph lineage \{\n", is_page=True),
    _kind(
        "audit report",
        ".json",
        rb"\{\s*\"report\": \"lineage audit\",\s*\"folder\": ",
        keys=REPORT,
    ),
    _kind(
        "audit report",
        ".json .sarif",
        rb"\{\s*\"\$schema\": \"[^\"]*sarif[^\"]*\".{0,2000}?\"driver\": \{\s*\"name\": \"lineage\"",
        keys="$schema version runs",
    ),
    _kind("audit report", ".xml .junit", rb"<\?xml [^>]*>\n<testsuites name=\"lineage audit "),
    _kind("audit report", _MARKUP, rb"# Audit of .{0,4000}?\(lineage \d"),
    _kind(
        "audit report",
        ".txt .log",
        rb"(error|warning|note): [^\n]* \[[a-z-]+\]\n  |(suppressed|not asked for|audited|checked): ",
        line=_LINE,
    ),
    _kind(
        "report",
        _MARKUP,
        rb".{0,16000}?This is an index of what was recorded\. It does not say that anything complies",
    ),
)
_DATA = (manifest.PREFIX, journal.PREFIX, "session_", "evaluation_")  # names of data


_PROV = re.compile(
    rb"(@prefix|prefix |\{|document|<|\S+ <http).{0,4000}?https://w3id\.org/lineage-prov/",
    re.DOTALL,
)


def is_prov_of_records(folder: Path, name: str) -> bool:
    """Return whether the file begins as the PROV that `lineage export --records` writes."""
    return ".records." in name and _PROV.match(_head(folder, name)) is not None


def product(folder: Path, name: str) -> Kind | None:
    """Return which output of lineage the file *name* of *folder* is, or None."""
    pure = PurePosixPath(name)
    kinds = [kind for kind in KINDS if pure.suffix.lower() in kind.suffixes]
    if not kinds or pure.name.startswith(_DATA):
        return None
    return next((kind for kind in kinds if kind.fits(folder, name)), None)


def _head(folder: Path, name: str) -> bytes:
    """The beginning of a regular file; of anything else, and of what cannot be read, nothing."""
    try:
        with os.fdopen(open_plain(folder / name), "rb") as file:
            return file.read(HEAD)
    except OSError:
        return b""
