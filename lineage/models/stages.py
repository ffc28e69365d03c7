"""What the experiment scripts share: their common options, a model in a session, progress, and going on after an interruption."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from lineage.contract.metadata import ours
from lineage.contract.slices import OWN_KEYS
from lineage.contract.strict import loads
from lineage.contract.times import now
from lineage.errors import LineageError, UsageError
from lineage.facts import ModelLoad
from lineage.models.loader import INT8, NF4, PLAIN, CleanModelLoader
from lineage.recording.session import Session, session

_MOVING = ("gaps", "sentinels")  # of the provenance: told again at each load, and no setting


class Base(NamedTuple):
    """A loaded base model, and the activity that loaded it."""

    model: Any
    tokenizer: Any
    provenance: Mapping[str, Any]
    load: ModelLoad
    files: Sequence[Path]


def parser(doc: str | None, **defaults: Any) -> argparse.ArgumentParser:
    """The options that every script has; the help shows *doc*, which says how to run it."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--model", required=True, help="folder of the base model, or its name on the hub")
    made.add_argument("--revision", help="branch, tag or commit of a model of the hub")
    made.add_argument("--quantization", default="nf4", choices=[NF4, INT8, *PLAIN], help="how it is loaded (default: nf4)")
    made.add_argument("--out", type=Path, default=Path("artifacts"), help="folder of the session (default: artifacts)")
    made.add_argument("--seed", type=int, default=42, help="of sampling and training (default: 42)")
    made.add_argument("--allow-contaminated", action="store_true", help="load it although a hard sentinel fails; this is recorded")
    made.set_defaults(**defaults)
    return made


def main(run: Any, argv: Sequence[str] | None = None) -> int:
    """Call *run*; what is wrong with the call or the data is told in a line, and is exit code 2."""
    try:
        run(argv)
    except LineageError as error:
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)  # noqa: T201 - a script's own message
        return 2
    return 0


def opened(title: str, asked: argparse.Namespace) -> Session:
    """A session in the folder that was asked for."""
    return session(asked.out, title=title, seeds={"seed": asked.seed})


def base(where: Session, asked: argparse.Namespace) -> Base:
    """The base model, loaded in the session."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    began = now()
    loader = CleanModelLoader(asked.model, asked.quantization, revision=asked.revision, allow_contaminated=asked.allow_contaminated)
    model, tokenizer, provenance = loader.load()
    load = where.model_load(provenance, files=loader.files, started_at=began, ended_at=now())
    return Base(model, tokenizer, provenance, load, loader.files)


def rows(path: Path) -> list[dict[str, Any]]:
    """The objects of a JSONL file.

    Raises:
        UsageError: a line is no object, or there is none.
    """
    if not path.is_file():
        raise UsageError("no such file", at=str(path))
    found = [(number, loads(line)[0]) for number, line in enumerate(path.read_bytes().splitlines(), 1) if line.strip()]
    for number, row in found:
        if not isinstance(row, dict) or not isinstance(row.get("instruction"), str):
            raise UsageError("the line has no instruction", at=f"{path}:{number}", hint='write {"instruction": "..."} on each')
    if not found:
        raise UsageError("the file is empty", at=str(path))
    return [dict(row) for _, row in found]


def progress(items: Iterable[Any], total: int, what: str) -> Iterator[Any]:
    """*items*, with a bar on a terminal."""
    from tqdm import tqdm

    yield from tqdm(items, total=total, desc=what, disable=None)


def stamp() -> str:
    """The time for a file's name."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"


def done(path: Path, provenance: Mapping[str, Any], params: Mapping[str, Any], *, mix: bool = False) -> set[int]:
    """The seeds of the whole records in *path*: those that need not be made again.

    Raises:
        UsageError: there are records of another configuration, and *mix* does not allow that.
    """
    seeds: set[int] = set()
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1) if path.exists() else ():
        value, _ = loads(line) if line.strip() else (None, ())
        metadata = ours(value.get("metadata")) if isinstance(value, dict) else {}
        if not metadata:
            continue
        other = differences(metadata, provenance, params)
        if other and not mix:
            raise UsageError(
                f"the file holds records of another configuration: {other}", at=f"{path}:{number}", hint="name another file, or say --mix"
            )
        seed = metadata.get("generation_params", {}).get("seed")
        if type(seed) is int and not other:
            seeds.add(seed)
    return seeds


def differences(metadata: Mapping[str, Any], provenance: Mapping[str, Any], params: Mapping[str, Any]) -> str:
    """The names of the settings in which a record differs from what would be written now."""
    pairs = ((metadata.get("provenance"), provenance, _MOVING), (metadata.get("generation_params"), params, ("seed", *OWN_KEYS)))
    found = []
    for then, now_, skip in pairs:
        before = then if isinstance(then, dict) else {}
        after = json.loads(json.dumps(dict(now_)))
        found += [key for key in sorted({*before, *after}) if key not in skip and before.get(key) != after.get(key)]
    return ", ".join(found)
