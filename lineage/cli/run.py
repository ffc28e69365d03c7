"""`lineage run`: a session around a command that knows nothing of us."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import click

from lineage.cli import tell
from lineage.core import secrets
from lineage.errors import NotFoundError
from lineage.recording.session import Session, session

POLL = 1.0  # seconds between two looks at what the command's own processes recorded


@click.command(
    "run",
    context_settings={"ignore_unknown_options": True},
    epilog="Example: lineage run --input data.jsonl --output out.jsonl -- python train.py",
)
@click.option("--folder", default="artifacts", show_default=True, type=click.Path(path_type=Path), help="Where the session is recorded.")
@click.option("--input", "-i", "inputs", multiple=True, metavar="PATH", help="A file or folder that the command reads (may be repeated).")
@click.option(
    "--output", "-o", "outputs", multiple=True, metavar="PATH", help="A file or folder that it makes, under the session's folder."
)
@click.option("--title", help="What the experiment is called in the graph.")
@click.argument("command_line", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND…")
def command(folder: Path, inputs: Sequence[str], outputs: Sequence[str], title: str | None, command_line: Sequence[str]) -> int:
    """Run COMMAND inside a session: its command line, code version, environment, and the files named here are recorded.

    A script that uses lineage itself joins the session. The exit code is the command's own.
    """
    if shutil.which(command_line[0]) is None:
        raise NotFoundError("no such command", at=command_line[0])
    told = secrets.command_line(command_line)
    with session(folder, title=title or " ".join(told), script=_script(command_line)) as opened:
        code = _run(opened, command_line, told, inputs, outputs)
        if code:
            opened.close("failed")
    tell(f"recorded in {opened.manifest}")
    return code


def _script(command_line: Sequence[str]) -> Path | None:
    """The first argument that is a file: the script of `python script.py`, or the program itself."""
    return next((Path(part) for part in (*command_line[1:], command_line[0]) if Path(part).is_file()), None)


def _run(opened: Session, command_line: Sequence[str], told: Sequence[str], inputs: Sequence[str], outputs: Sequence[str]) -> int:
    with opened.transformation("command", inputs=inputs, command=told) as run:
        process = subprocess.Popen(command_line)
        while (code := _wait(process)) is None:
            opened.refresh()
        run.finished(code)
        for path in outputs:
            run.output(_from_folder(opened, path))
    return code


def _wait(process: subprocess.Popen[bytes]) -> int | None:
    try:
        return process.wait(POLL)
    except subprocess.TimeoutExpired:
        return None


def _from_folder(opened: Session, path: str) -> Path:
    """An output as the user named it, from the working directory or from the session's folder, told from the latter."""
    here = Path(path)
    return Path(opened.relative(here)) if here.exists() else here
