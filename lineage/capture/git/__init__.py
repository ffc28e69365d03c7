"""The code that runs: commit, branch, changes with the patch itself, and programs that git does not track.

    look        when a session opens: facts, and the patch beside the manifest
    look_again  when it ends: modules that were imported since, and the cells of a notebook

git runs with limits and without the repository's commands (command.py). Large files are never given to it: they are named with
their digests (changes.py).
"""

from __future__ import annotations

from pathlib import Path

from lineage.capture.git.command import BRIEF as BRIEF
from lineage.capture.git.version import Seen as Seen
from lineage.capture.git.version import git_sha as git_sha
from lineage.capture.git.version import look as look
from lineage.capture.git.version import look_again as look_again
from lineage.capture.git.version import script_version as script_version
from lineage.capture.git.version import why_no_version as why_no_version
from lineage.capture.program import Program, given
from lineage.facts import CodeVersion


def code_version(script: Path | None, *, folder: Path, patch_into: Path | None) -> CodeVersion:
    """Return the code version of *script*'s repository, or of *folder*'s where no script is known; see `look`."""
    program = given(script) if script else Program(reason="no script is known")
    return look(program, folder=folder, keep_in=patch_into).code
