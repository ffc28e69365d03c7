"""Code that is kept beside the manifest: patches, and executed code that no file has. All of it passes through `keep`."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

from lineage.capture.program import MAX_TEXT
from lineage.core import secrets
from lineage.core.writing import replace_file
from lineage.facts import Artifact, Gap


def keep(data: bytes, folder: Path, suffix: str, *, type: str) -> Artifact:
    """Write *data* to `code_<digest><suffix>` in *folder*. Raises OSError."""
    sha256 = hashlib.sha256(data).hexdigest()
    path = folder / f"code_{sha256[:16]}{suffix}"
    replace_file(path, data)
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    return Artifact(path=path.name, type=type, sha256=sha256, bytes=len(data), timestamp=now)


def keep_text(text: str, folder: Path, suffix: str) -> tuple[Artifact | None, tuple[Gap, ...]]:
    """Keep executed code with its secrets hidden: its first characters, where it is long. A gap says what is missing."""
    gaps = (Gap("script_text", f"the first {MAX_TEXT} of {len(text)} characters are kept"),) if len(text) > MAX_TEXT else ()
    shown = secrets.redact(text[:MAX_TEXT])
    try:
        return keep(shown.encode("utf-8", "backslashreplace"), folder, suffix, type="code"), gaps
    except OSError as error:
        return None, (Gap("script_text", error.strerror or "it cannot be written"),)
