"""How a manifest says that a file is not here as it was recorded: its digest is that of the original, and a gap says why nobody can compare it."""

from __future__ import annotations

from lineage.facts import Artifact, Gap

CONTENT = "content"
COPY = Gap(CONTENT, "redacted: the copy holds commitments to the original, whose digest this is")
WITHHELD = Gap(CONTENT, "redacted: the file is not published; the digest is that of the original")
FILE = "redaction.json"  # what was done to which file of a redacted copy


def is_redacted(artifact: Artifact) -> bool:
    """Is the digest that of an original which is not here?"""
    return any(gap in (COPY, WITHHELD) for gap in artifact.gaps)
