"""`lineage VERB …`: argv in, text and an exit code out; the only room that prints.

A verb parses, calls one library function, prints and exits. Each is a file of its own, loaded when it is called, so `--version`
answers at once. To add a verb, write its file and name it in `VERBS`.

Every text goes through `row`, `tell`, `document` or `document_out`: no name and no value in it is obeyed by a terminal or by a CI runner.

Exit codes: 0 good, 1 findings, 2 usage, 3 not found, 4 verification failed, 5 invalid PROV, 6 nothing recorded there, 130 interrupted
(but `serve`, which ends so).
"""

from __future__ import annotations

import difflib
import io
import json
import os
import sys
import traceback
from importlib import import_module, metadata
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, cast

import click

from lineage.core.printing import ESCAPES, LogSafe, log_line, log_text, safe_document
from lineage.errors import LineageError, NotFoundError, NothingRecordedError, UsageError

VERBS = {
    "ask": "lineage.cli.ask",
    "audit": "lineage.cli.audit",
    "compare": "lineage.cli.compare",
    "demo": "lineage.cli.demo",
    "diff": "lineage.cli.diff",
    "draw": "lineage.cli.draw",
    "export": "lineage.cli.export",
    "impact": "lineage.cli.impact",
    "path": "lineage.cli.path",
    "prove": "lineage.cli.prove",
    "push": "lineage.cli.push",
    "query": "lineage.cli.query",
    "redact": "lineage.cli.redact",
    "replay": "lineage.cli.replay",
    "report": "lineage.cli.report",
    "run": "lineage.cli.run",
    "serve": "lineage.cli.serve",
    "session": "lineage.cli.session",
    "sign": "lineage.cli.sign",
    "show": "lineage.cli.show",
    "validate": "lineage.cli.validate",
    "verify": "lineage.cli.verify",
    "why": "lineage.cli.why",
}
NOT_FOUND, USAGE, FAILED, INTERRUPTED = 3, 2, 1, 130
NOTHING_RECORDED = 6


class Verbs(click.Group):
    """Loads the verb that is asked for, and only that one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in VERBS:
            command: click.Command = import_module(VERBS[cmd_name]).command
            return command
        close = difflib.get_close_matches(cmd_name, VERBS, 1)
        return ctx.fail(f"there is no command {cmd_name!r}{f'; did you mean {close[0]!r}?' if close else ''}")


def _version(ctx: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        click.echo(f"lineage {metadata.version('lineage-prov')}")
        ctx.exit()


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version and exit.")
def cli() -> None:
    """Record where every generated record, checkpoint and score came from, as W3C PROV.

    Example: lineage export artifacts/
    """


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    _open_closed_streams()
    if argv is None:
        sys.excepthook = _show_exception
    try:
        code = _run(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()  # the reader has gone
        return FAILED
    except OSError as error:
        where = error.filename or "output"
        _discard_output()
        tell(f"lineage: {where}: {error.strerror or error}")
        return FAILED
    return code


def _run(argv: list[str]) -> int:
    """Run a verb; what it raises on purpose becomes a message and an exit code."""
    try:
        code = cli.main(args=argv, prog_name="lineage", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        message = io.StringIO()
        error.show(file=message)
        tell(message.getvalue().rstrip("\n"))
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        tell("interrupted")
        return INTERRUPTED
    except LineageError as error:
        tell(f"lineage: {error}")
        return _code(error)


def _code(error: LineageError) -> int:
    if isinstance(error, NothingRecordedError):
        return NOTHING_RECORDED
    return NOT_FOUND if isinstance(error, NotFoundError) else USAGE if isinstance(error, UsageError) else FAILED


def _open_closed_streams() -> None:
    """Give a process that was started without a stream (`>&-`) one that discards: else the next file would get its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115  # it stays open


def _discard_output() -> None:
    """Send what is still to be written nowhere: the interpreter flushes it when it ends."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):  # a stream without a descriptor, as of a test
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, descriptor)
    os.close(null)


def _show_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print a traceback as every other text: the message of an exception may hold what a file says."""
    tell("".join(traceback.format_exception(kind, error, trace)).rstrip("\n"))


def row(text: str) -> None:
    """Print one line of data on stdout; a name with a newline in it stays one line."""
    click.echo(log_line(text))


def document(text: str, name: str = "json") -> None:
    """Print a document of the format *name* on stdout, as it is."""
    click.echo(safe_document(text, name), nl=False)


def printed_json(value: Any) -> None:
    """Print one JSON document on stdout."""
    document(f"{json.dumps(value, indent=2)}\n")


def document_out(name: str) -> BinaryIO:
    """Return stdout for the bytes of a document of the format *name*; flush it at the end."""
    sys.stdout.flush()
    out = sys.stdout.buffer
    return cast("BinaryIO", LogSafe(out, ESCAPES[name])) if name in ESCAPES else out


def place(text: str) -> tuple[Path, int | None]:
    """`FILE:LINE`, or a file as a whole; a file that is really called so goes before."""
    name, _, number = text.rpartition(":")
    return (Path(name), int(number)) if name and number.isdecimal() and not Path(text).exists() else (Path(text), None)


def tell(text: str) -> None:
    """Print a message for people on stderr."""
    click.echo(log_text(text), err=True)


def processors() -> int:
    """How many processes may run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
