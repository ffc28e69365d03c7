"""`lineage session`: list the sessions of a folder, and finish one whose process was killed."""

from __future__ import annotations

from pathlib import Path

import click

from lineage import export
from lineage.cli import row, tell
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
    for one in sorted((one for _, one in gathered(folder)[0]), key=lambda one: (one.started_at or "", one.id)):
        row(f"{one.id}  {one.status or '-':<11}  {one.started_at or '-'}  {one.title or ''}")
    return 0


@command.command("close", epilog="Example: lineage session close artifacts/ --session 20261004")
@FOLDER
@click.option("--session", "-s", "session", metavar="ID", help="Only the session whose id begins so.")
@click.option("--force", is_flag=True, help="Although its process may still run.")
def close(folder: Path, session: str | None, force: bool) -> int:
    """Mark sessions that still say `running`, and whose process has gone, as `interrupted`, and export them."""
    closed, alive = close_sessions(folder, prefix=session or "", force=force)
    for session_id in alive:
        tell(f"{session_id}: its process may still run (use --force if you know that it does not)")
    for session_id in closed:
        row(f"{session_id}  interrupted")
    if closed:
        export.export_folder(folder)
    return 1 if alive else 0
