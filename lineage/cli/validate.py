"""`lineage validate`: is this document valid PROV?"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from lineage import formats
from lineage.cli import printed_json, row, tell
from lineage.constraints import advised, validate
from lineage.constraints.violations import Violation
from lineage.core.reading import is_file
from lineage.errors import FormatError, NotFoundError, UsageError
from lineage.findings import Finding
from lineage.prov.document import Document

INVALID = 5


@click.command("validate", epilog="Examples: lineage validate graphs/lineage.trig · lineage validate --format json - < run.json")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option(
    "--format", "-f", "name", metavar="NAME", help=f"What the files are, if their names do not tell: {', '.join(formats.FORMATS)}."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON document with every finding.")
@click.option("--quiet", "-q", is_flag=True, help="Violations only, no warnings.")
def command(files: tuple[str, ...], name: str | None, as_json: bool, quiet: bool) -> int:
    """Say whether each FILE (or - for standard input) is valid under W3C PROV-CONSTRAINTS, and prove it where it is not.

    A violation names the constraint, the ids, and the statements or the chain of events that contradict each other. Warnings tell of what is
    valid and looks wrong. Exit code 5 when a document is invalid or cannot be read, else 0.
    """
    found = {file: _findings(file, name, quiet) for file in files}
    if as_json:
        printed_json({file: [_json(one) for one in findings] for file, findings in found.items()})
    for file, findings in found.items():
        errors = [one for one in findings if one.rule.level == "error"]
        if not as_json:
            for one in findings:
                row(f"{one.file}: {one.message}")
        tell(f"{file}: {f'invalid, {len(errors)} violation' + ('s' if len(errors) > 1 else '') if errors else 'valid'}")
    return INVALID if any(one.rule.level == "error" for findings in found.values() for one in findings) else 0


def _findings(file: str, name: str | None, quiet: bool) -> list[Finding]:
    try:
        document = _read(file, name)
    except FormatError as error:
        return [Finding(file, None, "prov-malformed", str(error))]
    return [*validate(document, file), *(() if quiet else advised(document, file))]


def _read(file: str, name: str | None) -> Document:
    if file == "-":
        if name is None:
            raise UsageError("standard input has no name that tells its format", at="-", hint="say --format")
        return formats.loads(sys.stdin.buffer.read(), name)
    path = Path(file)
    if not is_file(path):
        raise NotFoundError("no such file", at=file)
    return formats.load_file(path, name)


def _json(one: Finding) -> dict[str, object]:
    seen: dict[str, object] = {"file": one.file, "code": one.code, "level": one.rule.level, "message": one.message}
    if isinstance(one, Violation):
        seen |= {"constraint": one.number, "title": one.rule.title, "ids": list(one.ids), "witness": list(one.witness)}
    return seen
