"""`lineage audit`: do the records still hold?"""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from lineage.auditing import machines, page, plain
from lineage.auditing.audit import audit
from lineage.auditing.config import Config, nearest
from lineage.auditing.replayed import Replay
from lineage.auditing.report import FAILED, Audit
from lineage.auditing.report_check import check_report
from lineage.cli import document, printed_json, processors, row, tell
from lineage.cli.progress import progress
from lineage.core.printing import safe_document
from lineage.core.writing import write_output

FORMATS: dict[str, Callable[[Audit], str]] = {
    "text": lambda report: "\n".join(plain.text(report)) + "\n",
    "markdown": lambda report: "\n".join(plain.markdown(report)) + "\n",
    "html": page.html,
    "json": lambda report: json.dumps(machines.as_json(report), indent=2) + "\n",
    "sarif": lambda report: json.dumps(machines.sarif(report), indent=2) + "\n",
    "junit": machines.junit,
}


@click.command(
    "audit",
    epilog="Examples: lineage audit artifacts/ · lineage audit --key lineage.pem.pub · lineage audit --format html -o audit.html · lineage audit --ignore prov-stale --fail-on error",
)
@click.argument("folder", type=click.Path(path_type=Path), default=Path("artifacts"))
@click.option("--select", multiple=True, metavar="CODE", help="Check only rules with this prefix (repeatable).")
@click.option("--ignore", multiple=True, metavar="CODE", help="Leave out rules with this prefix (repeatable).")
@click.option("--fail-on", type=click.Choice(["error", "warning", "note", "never"]), help="Lowest level that fails (default: warning).")
@click.option("--format", "-f", "name", type=click.Choice(list(FORMATS)), default="text", help="Format of the report (default: text).")
@click.option("--output", "-o", type=click.Path(path_type=Path), metavar="FILE", help="Write the report to FILE, not to stdout.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option("--shacl", "shapes", is_flag=True, help="Check the graph with SHACL too (extra `audit`).")
@click.option("--key", type=click.Path(path_type=Path), metavar="PUB", help="Public key of the signer (PEM or OpenSSH).")  # fmt: skip
@click.option("--head", metavar="HEX", help="Digest of the last signature you saved earlier. Fails if later sessions were deleted.")
@click.option("--graphs", type=click.Path(path_type=Path, file_okay=False, exists=True), metavar="FOLDER", help="Folder with the graph of all sessions, to compare it.")  # fmt: skip
@click.option("--recheck", is_flag=True, help="Read every file again, changed or not.")
@click.option("--jobs", "-j", type=click.IntRange(1), help="Processes for large files (default: one a processor).")
@click.option("--recursive", "-r", is_flag=True, help="Audit sessions in folders inside FOLDER too.")
@click.option("--replay", type=click.IntRange(1), metavar="N", help="Repeat N records and results with the model, chosen by --seed.")
@click.option("--seed", default=0, show_default=True, help="Seed that chooses the sample of --replay.")
@click.option("--verify-report", type=click.Path(path_type=Path), metavar="REPORT", help="Check that REPORT is about FOLDER as it is now.")  # fmt: skip
def command(
    folder: Path,
    select: tuple[str, ...],
    ignore: tuple[str, ...],
    fail_on: str | None,
    name: str,
    output: Path | None,
    as_json: bool,
    shapes: bool,
    key: Path | None,
    head: str | None,
    graphs: Path | None,
    recheck: bool,
    jobs: int | None,
    recursive: bool,
    replay: int | None,
    seed: int,
    verify_report: Path | None,
) -> int:
    """Check every record, report and model in FOLDER. List problems, affected results, and anything that was not checked.

    FOLDER is `artifacts` by default. Only missing indexes of lines are written to it. [tool.lineage.audit] in the nearest pyproject.toml may select,
    ignore and suppress findings.

    The exit code is the first that applies: 4 a file differs from what was recorded or signed; 5 the PROV is invalid; 6 no session is recorded in
    FOLDER; 1 another finding has at least the level of --fail-on; 0 otherwise.

    With --verify-report, repeat the audit with the options of REPORT, and exit with 4 if REPORT is not about FOLDER as it is now.
    """
    if verify_report is not None:
        return _verify_report(verify_report, folder, key, jobs or processors(), as_json)
    config = _config(folder, select, ignore, fail_on)
    with progress() as told:
        how: dict[str, Any] = {"recursive": recursive, "recheck": recheck, "jobs": jobs or processors(), "shapes": shapes, "progress": told}
        how |= {"replay": _replay(replay, seed)}
        report = audit(folder, config=config, key=key, head=head, graphs=graphs, **how)
    _write(report, folder, "json" if as_json else name, output)
    return report.code()


def _write(report: Audit, folder: Path, name: str, output: Path | None) -> None:
    """Write the report in a format, to a file or to stdout."""
    if output is not None:
        data = safe_document(FORMATS[name](report), name).encode("utf-8", "replace")
        write_output(output, lambda out: out.write(data) and None)
        row(str(output))
        tell(f"{folder}: {plain.verdict(report)}")
    elif name == "text":
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        for part in (part for line in plain.text(report) for part in _fitted(line, width)):
            row(part)
    else:
        document(FORMATS[name](report), name)


def _replay(records: int | None, seed: int) -> Replay | None:
    if records is None:
        return None
    from lineage.models.replay_sample import replaying

    return replaying(records, seed)


def _verify_report(path: Path, folder: Path, key: Path | None, jobs: int, as_json: bool) -> int:
    """Hold a report against the folder, with the options that the report names; exit code 4 where they differ."""
    found = check_report(path, folder, key=key, jobs=jobs)
    if as_json:
        printed_json({"report": str(path), "folder": str(folder), "verified": not found.differences, "differences": list(found.differences), "notes": list(found.notes)})  # fmt: skip
    for line in () if as_json else found.differences:
        row(line)
    for note in found.notes:
        tell(f"note: {note}")
    tell(f"{path}: {f'not about {folder} as it is now' if found.differences else f'about {folder} as it is now'}")
    return FAILED if found.differences else 0


def _fitted(line: str, width: int | None) -> list[str]:
    """The line in parts of *width*, broken between words and never within a name; where there is no terminal, a line stays one."""
    if width is None or len(line) < width:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()) + 4)
    return textwrap.wrap(line, max(width - 1, 40), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _config(folder: Path, select: tuple[str, ...], ignore: tuple[str, ...], fail_on: str | None) -> Config:
    """The configuration of the project, under the options."""
    config = nearest(folder, Path.cwd())
    said = {"select": select or config.select, "ignore": (*config.ignore, *ignore), "fail_on": fail_on or config.fail_on}
    return replace(config, **said)  # type: ignore[arg-type]
