"""`lineage VERB …`: argv in, text and an exit code out; the only room that prints.

A verb parses, calls one library function, prints and exits. Each is a file of its own, loaded when it is called, so `--version`
answers at once. To add a verb, write its file and name it in `VERBS`.

Exit codes: 0 good, 1 findings, 2 usage, 3 not found, 4 verification failed, 5 invalid PROV, 130 interrupted (but `serve`, which ends so).
"""

from __future__ import annotations

import difflib
import os
import sys
from importlib import import_module, metadata
from pathlib import Path

import click

from lineage.errors import LineageError, NotFoundError, UsageError

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
    try:
        code = cli.main(args=sys.argv[1:] if argv is None else argv, prog_name="lineage", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        error.show()
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    except LineageError as error:
        click.echo(f"lineage: {_plain(str(error))}", err=True)
        return NOT_FOUND if isinstance(error, NotFoundError) else USAGE if isinstance(error, UsageError) else FAILED
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone: there is nobody to tell
        return FAILED
    except OSError as error:
        where = error.filename or "output"
        click.echo(f"lineage: {_plain(f'{where}: {error.strerror or error}')}", err=True)
        return FAILED


def _plain(text: str, keep: str = "\n") -> str:
    """*text* for a terminal: control characters, which could rewrite the screen, are shown and not sent."""
    return "".join(letter if letter.isprintable() or letter in keep else repr(letter)[1:-1] for letter in text)


def row(text: str) -> None:
    """One line of data, on stdout; a name with a newline in it stays one line."""
    click.echo(_plain(text, keep=""))


def place(text: str) -> tuple[Path, int | None]:
    """`FILE:LINE`, or a file as a whole; a file that is really called so goes before."""
    name, _, number = text.rpartition(":")
    return (Path(name), int(number)) if name and number.isdecimal() and not Path(text).exists() else (Path(text), None)


def tell(text: str) -> None:
    """One line for people, on stderr."""
    click.echo(_plain(text), err=True)


def processors() -> int:
    """How many processes may run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
