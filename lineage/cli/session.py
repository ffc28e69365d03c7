"""`lineage session`: list the sessions of a folder, and finish one whose process was killed."""

from __future__ import annotations

from pathlib import Path

import click

from lineage import export
from lineage.cli import row, tell
from lineage.contract.below import SHOWN, nothing_recorded
from lineage.core.words import counted
from lineage.findings import serious
from lineage.folder import gathered
from lineage.recording.close import close_sessions

FOLDER = click.argument("folder", type=click.Path(path_type=Path), default=Path("artifacts"))


@click.group("session", epilog="Example: lineage session close artifacts/")
def command() -> None:
    """List sessions, or finish those that were killed."""


@command.command("list", epilog="Example: lineage session list artifacts/")
@FOLDER
def list_(folder: Path) -> int:
    """One line a session: id, status, start, title."""
    placed, _ = gathered(folder)
    if not placed:
        raise nothing_recorded(folder, recursive="")
    for one in sorted((one for _, one in placed if one.manifest), key=lambda one: (one.started_at or "", one.id)):
        row(f"{one.id}  {one.status or '-':<11}  {one.started_at or '-'}  {one.title or ''}")
    for one in (one for _, one in placed if not one.manifest):
        tell(f"{counted(len(one.artifacts), 'file')} that no session names: {', '.join(file.path for file in one.artifacts[:SHOWN])}")
    return 0


@command.command("close", epilog="Example: lineage session close artifacts/ --session 20261004 --wait 60")
@FOLDER
@click.option("--session", "-s", "session", metavar="ID", help="Only the sessions whose id begins so.")
@click.option("--wait", type=click.FloatRange(min=0), default=0, metavar="SECONDS", help="Wait so long for processes that still run.")
@click.option("--force", is_flag=True, help="Close although a process may still run; its journals stay.")
def close(folder: Path, session: str | None, wait: float, force: bool) -> int:
    """Finish sessions whose processes were killed.

    Fold their journals into the manifest, record the digests of their files, mark them `interrupted`, and export them.
    """
    done = close_sessions(folder, prefix=session or "", force=force, wait=wait)
    for one in done.findings:
        tell(str(one))
    for session_id, processes in done.running.items():
        for process in processes:
            tell(f"{session_id}: {process}; it was not closed (--wait SECONDS, or --force if you know that it ended)")
    for session_id, status in done.closed.items():
        row(f"{session_id}  {status}")
    if done.closed:
        export.export_folder(folder)
    return 1 if done.running or serious(done.findings) else 0
