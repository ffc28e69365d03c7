"""The helper functions of the contract (docs/reference/files.md, section 5), for scripts that write their own JSON."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lineage.capture import git
from lineage.contract.metadata import artifact_metadata
from lineage.contract.times import now
from lineage.core import secrets
from lineage.recording.session import Session, session


def get_git_sha(short: bool = False) -> str | None:
    """The commit checked out in the working directory: 40 hex digits, or the first 8; None where there is none."""
    return git.git_sha(Path.cwd(), short)


def create_artifact_metadata(provenance: Mapping[str, Any], script_path: str | os.PathLike[str], **kwargs: Any) -> dict[str, Any]:
    """The `metadata` block of a record or report: provenance, script_version, script_name, timestamp, and *kwargs*."""
    script = Path(script_path)
    shown, hidden = secrets.hide({"provenance": provenance, **kwargs}, "metadata")
    if hidden:
        reasons = {about.removeprefix("metadata."): reason for about, reason in hidden}
        shown["gaps"] = {**(shown.get("gaps") or {}), **reasons}
    version, reason = git.script_version(script, seconds=git.BRIEF)
    told = {"timestamp": now(), "why_no_version": reason, **shown}
    return artifact_metadata(told.pop("provenance"), script_name=script.name, script_version=version, **told)


def create_session_manifest(provenance: Mapping[str, Any], session_dir: str | os.PathLike[str]) -> Path:
    """Write the manifest of a session that loaded one model, and of nothing else yet; returns its path."""
    opened: Session = session(session_dir, export=False)
    with opened:
        opened.model_load(provenance)
    return opened.manifest
