"""`lineage export`: PROV beside the artifacts, or one document to a file or to stdout."""

from __future__ import annotations

import re
from pathlib import Path

import click

from lineage import export, formats
from lineage.cli import document_out, printed_json, processors, row, tell
from lineage.cli.progress import progress
from lineage.constraints import validate
from lineage.constraints.violations import Violation
from lineage.contract.around import recorded_as, sessions_around
from lineage.contract.below import nothing_recorded
from lineage.core.reading import is_file
from lineage.core.words import counted
from lineage.core.writing import write_output
from lineage.errors import UsageError
from lineage.expansion import Expansion, Lines
from lineage.findings import Finding, finding, serious
from lineage.folder import How, gathered, pick
from lineage.prov.document import Document, flattened

INVALID = 5
SHOWN = 10  # files of other formats that are named


@click.command(
    "export", epilog="Examples: lineage export artifacts/ · lineage export artifacts/ --session 20261004 --format provn --output -"
)
@click.argument("folder", type=click.Path(path_type=Path), default=Path("artifacts"))
@click.option(
    "--format",
    "-f",
    "names",
    multiple=True,
    metavar="NAME",
    help=f"Write this format only (may be repeated): {', '.join(formats.FORMATS)}.",
)
@click.option("--session", "-s", "session", metavar="ID", help="Only the session whose id begins so.")
@click.option("--output", "-o", metavar="PATH", help="A folder for all files, one file, or - for stdout.")
@click.option("--legacy", is_flag=True, help="Accept files without metadata as unrecorded.")
@click.option("--recursive", "-r", is_flag=True, help="Sessions in folders inside FOLDER too.")
@click.option(
    "--records",
    metavar="[LINES]",
    is_flag=False,
    flag_value="1-",
    help="Each session with its records one by one, all or these lines of each file (5, 5-90, 5-), as a stream.",
)
@click.option("--recheck", is_flag=True, help="Read every file, even one that did not change since it was read last.")
@click.option(
    "--jobs", "-j", type=click.IntRange(1), help="Processes that read large files of records; one a processor if it is not given."
)
@click.option("--allow-invalid", is_flag=True, help="Write a document although it is invalid PROV.")
@click.option("--json", "as_json", is_flag=True, help="Say what was done as one JSON document.")
def command(
    folder: Path,
    names: tuple[str, ...],
    session: str | None,
    output: str | None,
    legacy: bool,
    recursive: bool,
    records: str | None,
    recheck: bool,
    jobs: int | None,
    allow_invalid: bool,
    as_json: bool,
) -> int:
    """Write the PROV of FOLDER: PROV-JSON and Turtle beside each manifest, all sessions combined in graphs/ with a picture.

    FOLDER is `artifacts` if it is not given. Nothing in it is changed but these files, and nothing at all with --output or in folders
    inside it: with --recursive, documents of their sessions go to graphs/. Exit code 1 when something is wrong with
    the artifacts; the rest of them is exported all the same.
    """
    for name in names:
        formats.by_name(name)
    with progress() as told:
        how = How(legacy=legacy, recheck=recheck, jobs=jobs or processors(), progress=told)
        if records is not None:
            return _records(folder, names, session, output, records, how, as_json)
        if output is not None and _is_file(output):
            return _one_document(folder, names, session, output, recursive, allow_invalid, how)
        done = export.export_folder(
            folder,
            output=Path(output) if output else None,
            only=names,
            session=session,
            recursive=recursive,
            allow_invalid=allow_invalid,
            legacy=how.legacy,
            recheck=how.recheck,
            jobs=how.jobs,
            progress=told,
        )
    if as_json:
        printed_json(_summary(done))
    else:
        for path in done.files:
            row(_shown(path))
    code = _tell(done.findings, done.notes)
    _tell_foreign(done)
    if not done.sessions:
        raise nothing_recorded(folder, recursive="" if recursive else "-r")
    return code


def _tell_foreign(done: export.Exported) -> None:
    """Name the files whose format is not ours: nothing of them is in the graph."""
    for file, kind in done.foreign[:SHOWN]:
        tell(f"not read: {file}: {kind}: not a format of ours, and no session names it")
    if len(done.foreign) > SHOWN:
        tell(f"not read: {counted(len(done.foreign) - SHOWN, 'more file')} of other formats: lineage export --json names all")


def _records(folder: Path, names: tuple[str, ...], session: str | None, output: str | None, records: str, how: How, as_json: bool) -> int:
    """Records one by one; FOLDER may be one file of records then."""
    lines, place, file = _lines(records), folder, None
    if is_file(folder):
        place, sessions = sessions_around(folder)
        file = folder.absolute().relative_to(place).as_posix()
        found, _ = recorded_as(folder, place, sessions)
        session = session or (found.id if found else None)
    if output is None:
        done = export.export_records(place, session=session, lines=lines, only=names, file=file, how=how)
        if as_json:
            printed_json(_summary(done))
        else:
            for path in done.files:
                row(_shown(path))
        return _tell(done.findings, ())
    placed, findings = gathered(place, how)
    if session is None and len(placed) != 1:
        raise UsageError("one document holds the records of one session", at=output, hint="name it with --session, or leave --output away")
    where, one = pick(placed, session or placed[0][1].id)
    return _stream(Expansion(where, one, lines=lines, only=file, recheck=how.recheck), names, output, findings)


def _stream(expansion: Expansion, names: tuple[str, ...], output: str, findings: tuple[Finding, ...]) -> int:
    name = _only_name(names, output)
    wrong = validate(export.sampled(expansion), output)
    if wrong:
        return _tell((*findings, *wrong, finding("prov-not-written", output)), ())
    _put(export.records_document(expansion), name, output)
    return _tell((*findings, *expansion.findings.values()), ())


def _lines(text: str) -> Lines:
    found = re.fullmatch(r"(\d{1,18})(?:(-)(\d{1,18})?)?", text)
    if not found or int(found[1]) < 1:
        raise UsageError("these are no lines", at=text, hint="say 5, 5-90 or 5-; lines count from 1")
    return Lines(int(found[1]), int(found[3]) if found[3] else None if found[2] else int(found[1]))


def _is_file(output: str) -> bool:
    return output == "-" or bool(Path(output).suffix)


def _one_document(
    folder: Path,
    names: tuple[str, ...],
    session: str | None,
    output: str,
    recursive: bool,
    allow_invalid: bool,
    how: How,
) -> int:
    name = _only_name(names, output)
    document, findings, notes = _document(folder, session, recursive, how, name)
    invalid = validate(document, output)
    if invalid and not allow_invalid:
        return _tell((*findings, *invalid, finding("prov-not-written", output)), notes)
    _put(document, name, output)
    return _tell((*findings, *invalid), notes)


def _only_name(names: tuple[str, ...], output: str) -> str:
    if len(names) > 1 or (output == "-" and not names):
        raise UsageError("one document is written in one format", at=output, hint="name it with --format")
    return names[0] if names else formats.by_path(Path(output)).name


def _put(document: Document, name: str, output: str) -> None:
    if output == "-":
        out = document_out(name)
        formats.dump(document, out, name)
        out.flush()
    else:
        write_output(Path(output), lambda out: formats.dump(document, out, name))
        row(output)


def _document(
    folder: Path, session: str | None, recursive: bool, how: How, name: str
) -> tuple[Document, tuple[Finding, ...], tuple[str, ...]]:
    placed, findings = gathered(folder, how, recursive=recursive)
    if not placed:
        raise nothing_recorded(folder, recursive="" if recursive else "-r")
    if session is not None:
        return export.session_document(pick(placed, session)[1]), findings, ()
    document, circles = export.combined_document([one for _, one in placed])
    if formats.by_name(name).holds_bundles:
        return document, (*findings, *circles), ()
    return flattened(document), (*findings, *circles), (f"{name} holds no bundles: the statements of all sessions stand together",)


def _summary(done: export.Exported) -> dict[str, object]:
    findings = [
        {"file": one.file, "line": one.line, "code": one.code, "message": one.message, "hint": one.rule.hint} for one in done.findings
    ]
    return {
        "sessions": [one.id for one in done.sessions],
        "files": [str(path) for path in done.files],
        "findings": findings,
        "notes": list(done.notes),
        "not_read": [{"file": file, "format": kind} for file, kind in done.foreign],
    }


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _tell(findings: tuple[Finding, ...], notes: tuple[str, ...]) -> int:
    for note in notes:
        tell(f"note: {note}")
    for one in findings:
        tell(str(one))
    if findings:
        tell(counted(len(findings), "finding"))
    if any(isinstance(one, Violation) for one in findings):
        return INVALID
    return 1 if serious(findings) else 0
