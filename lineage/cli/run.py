"""`lineage run`: a session around a command that knows nothing of us."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from lineage.cli import tell
from lineage.core import secrets
from lineage.recording import command as commands
from lineage.recording import declared_outputs as declaring
from lineage.recording.command import Ended
from lineage.recording.declared_outputs import Declared
from lineage.recording.inputs import paths_of
from lineage.recording.runs import Run
from lineage.recording.script_of import script_of
from lineage.recording.session import Session, session

TYPES = ("transformation", "training", "evaluation", "generation")


@click.command(
    "run",
    context_settings={"ignore_unknown_options": True},
    epilog="Example: lineage run --type training -i data.jsonl -o artifacts/adapter -- python train.py",
)
@click.option("--folder", default="artifacts", show_default=True, type=click.Path(path_type=Path), help="Where the session is recorded.")
@click.option("--type", "type_", default=TYPES[0], show_default=True, type=click.Choice(TYPES), help="What the command does.")
@click.option("--input", "-i", "inputs", multiple=True, metavar="PATH", help="File or folder that it reads (repeatable).")
@click.option("--output", "-o", "outputs", multiple=True, metavar="PATH", help="File or folder that it makes in --folder (repeatable).")
@click.option("--title", help="What the experiment is called in the graph.")
@click.argument("command_line", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND…")
def command(folder: Path, type_: str, inputs: Sequence[str], outputs: Sequence[str], title: str | None, command_line: Sequence[str]) -> int:
    """Run COMMAND in a session. Record its command line, code version, environment, inputs and outputs.

    Paths are read from the working directory. Signals are passed on to the command, and the exit code is its own.
    A script that uses lineage itself joins the session.
    """
    problem = commands.not_startable(command_line[0])
    if problem:
        return _refused(command_line[0], problem)
    declared = declaring.declared(folder, outputs)
    paths_of(inputs, "--input")
    shown = secrets.command_line(command_line)
    called = secrets.redact(title) if title else " ".join(shown)
    script = script_of(command_line)
    opened = session(folder, title=called, script=script)
    if script is None:
        opened.without_script()
    with opened, commands.held_signals() as mask:
        with _activity(opened, type_, inputs) as run:
            run.wraps(shown)
            for path in inputs[1:] if type_ == "evaluation" else ():
                run.use(path, type="test_set", role="testSet")
            ended = commands.run(command_line, mask)
            _record(opened, run, ended, declared)
            run.close(ended.status)
        opened.close(ended.status)
    if ended.problem:
        _refused(command_line[0], ended)
    if opened.recording and opened.manifest.exists():
        tell(f"recorded in {folder / opened.manifest.name}")
    return ended.code


def _refused(name: str, problem: Ended) -> int:
    tell(f"lineage: {name}: {problem.problem}")
    return problem.code


def _activity(opened: Session, type_: str, inputs: Sequence[str]) -> Run:
    """The run of a type, with the inputs in the role that they have for it."""
    if type_ == "training":
        return opened.training(datasets=list(inputs))
    if type_ == "generation":
        return opened.generation(prompts=list(inputs))
    if type_ == "transformation":
        return opened.transformation("command", inputs=list(inputs))
    return opened.evaluation(dataset=inputs[0] if inputs else None)


def _record(opened: Session, run: Run, ended: Ended, declared: Sequence[Declared]) -> None:
    run.finished(ended.code)
    if ended.problem:
        run.gap("command", ended.problem)
    for path, reason in declaring.record(opened, run, declared):
        tell(f"lineage: {path}: {reason}; it is not recorded as an output")
