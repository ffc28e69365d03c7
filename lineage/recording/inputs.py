"""Arguments that name inputs: one path or several, data sets, models, parameters.

Every argument is checked before a file is read and before anything is recorded. An argument of
another type is a TypeError that says what to pass; a text that can be no path is a `PathError`.

    paths_of("a.jsonl", "prompts")          ["a.jsonl"]
    paths_of(["a.jsonl", b], "prompts")     ["a.jsonl", b]
    paths_of(5, "prompts")                  TypeError
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from lineage.capture import files
from lineage.core import secrets
from lineage.errors import PathError
from lineage.facts import Artifact, Gap, ModelLoad
from lineage.recording import datasets

if TYPE_CHECKING:
    from lineage.recording.session import Session

PathLike: TypeAlias = str | os.PathLike[str]
Paths: TypeAlias = PathLike | Iterable[PathLike]
Data: TypeAlias = Any  # Paths, a data set in memory, or an iterable of both; no class of its own

EXAMPLE_OF_PATHS = '"prompts.jsonl" or ["a.jsonl", "b.jsonl"]'
OWN_FOLDER = "the session records into this folder while it runs; name the files in it that were used"


# --- arguments


def paths_of(value: object, argument: str) -> list[PathLike]:
    """Return the paths of an argument: of one path, or of an iterable of them; None has none.

    Raises:
        TypeError: It is something else; the message says what to pass.
        PathError: A path is empty or has a null byte.
    """
    return [_path(one, where, argument) for one, where in _listed(value, argument)]


def sources_of(value: Data, argument: str) -> list[Any]:
    """Return the paths and data sets of an argument: of one, or of an iterable of them.

    Raises:
        TypeError: It is something else; the message says what to pass.
        PathError: A path is empty or has a null byte.
    """
    if _is_data(value):
        return [value]
    found = _listed(value, argument)
    return [one if _is_data(one) else _path(one, where, argument) for one, where in found]


def one_path(value: object, argument: str, example: str = "model/adapter.safetensors") -> PathLike:
    """Return the one path of an argument; the message of an error shows *example*.

    Raises:
        TypeError: It is something else.
        PathError: It is empty or has a null byte.
    """
    return _path(value, argument, argument, hint=f'one path, as "{example}"')


def text_of(value: object, argument: str, example: str) -> str:
    """Return the text of an argument.

    Raises:
        TypeError: It is something else; the message shows *example*.
    """
    if not isinstance(value, str):
        raise _type_error(value, argument, "a text", f'{argument}="{example}"')
    return value


def _is_data(value: object) -> bool:
    if isinstance(value, str | bytes | bytearray | memoryview | os.PathLike):
        return False
    return datasets.is_dictionary_of_datasets(value) or datasets.is_dataset(value)


def _listed(value: Any, argument: str) -> list[tuple[object, str]]:
    """Return each element with its name in messages: `prompts`, or `prompts[2]`."""
    if value is None:
        return []
    if isinstance(value, str | os.PathLike):
        return [(value, argument)]
    is_bytes = isinstance(value, bytes | bytearray | memoryview)
    if is_bytes or _is_file(value) or isinstance(value, Mapping) or not _is_iterable(value):
        raise _type_error(value, argument, "a path or a list of paths", EXAMPLE_OF_PATHS)
    elements = sorted(value, key=str) if isinstance(value, set | frozenset) else list(value)
    return [(one, f"{argument}[{number}]") for number, one in enumerate(elements)]


def _is_file(value: object) -> bool:
    return isinstance(value, io.IOBase) or callable(getattr(value, "read", None))


def _is_iterable(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, type)


def _path(value: object, where: str, argument: str, hint: str = EXAMPLE_OF_PATHS) -> PathLike:
    if not isinstance(value, str | os.PathLike):
        raise _type_error(value, where, "a path", hint)
    text = os.fspath(value)
    if isinstance(text, bytes):
        raise _type_error(text, where, "a path", hint)
    if not text:
        raise PathError("an empty text is no path", at=where, hint=f"leave {argument} out, or name a file")
    if "\0" in text:
        raise PathError("a path has no null byte", at=where, hint="no file can be called so")
    return value


def _type_error(value: object, where: str, expected: str, hint: str) -> TypeError:
    return TypeError(f"{where}: expected {expected}, got {type(value).__name__}; pass {hint}")


def loads_of(value: object, argument: str) -> tuple[ModelLoad, ...]:
    """Return the loads of an argument: of one, or of an iterable of them; None has none.

    Raises:
        TypeError: It is something else, such as the name of a model.
    """
    if value is None:
        return ()
    if isinstance(value, ModelLoad):
        return (value,)
    hint = 'what session.model_load({"model_name": "org/name"}) returned'
    is_plain = isinstance(value, str | bytes | Mapping) or not _is_iterable(value)
    if is_plain:
        raise _type_error(value, argument, "a loaded model", hint)
    loads: tuple[Any, ...] = tuple(value)  # type: ignore[arg-type]
    for number, one in enumerate(loads):
        if not isinstance(one, ModelLoad):
            raise _type_error(one, f"{argument}[{number}]", "a loaded model", hint)
    return loads


def mapping_of(value: object, argument: str, example: str) -> Mapping[str, Any]:
    """Return a mapping; None is an empty one.

    Raises:
        TypeError: It is something else; the message shows *example*.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _type_error(value, argument, "a mapping", example)
    return value


def words_of(value: object, argument: str) -> tuple[str, ...]:
    """Return the words of a command line.

    Raises:
        TypeError: It is one text, which would be taken letter by letter, or something else.
    """
    if isinstance(value, str | bytes) or not _is_iterable(value):
        raise _type_error(value, argument, "a list of words", '["python", "train.py"]')
    found: tuple[Any, ...] = tuple(value)  # type: ignore[arg-type]
    for number, one in enumerate(found):
        if not isinstance(one, str):
            raise _type_error(one, f"{argument}[{number}]", "a word", '["python", "train.py"]')
    return found


def named_model(provenance: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a provenance in which an empty model name is null, with the reason among its gaps."""
    name = provenance.get("model_name")
    if not isinstance(name, str) or name.strip():
        return provenance
    gaps = provenance.get("gaps")
    reasons = {"model_name": "the name was empty", **(gaps if isinstance(gaps, Mapping) else {})}
    return {**provenance, "model_name": None, "gaps": reasons}


# --- what they name


def used_files(session: Session, value: Paths, argument: str, *, type: str, role: str) -> Iterator[Artifact]:
    """Check an argument that names files now, and return an iterator that looks at them.

    Args:
        session: The session that uses them.
        value: What the caller gave.
        argument: The name of the argument, for messages.
        type: Their type.
        role: What they are used as.

    Raises:
        TypeError: *value* is neither a path nor an iterable of paths.
        PathError: A path is empty or has a null byte.
    """
    found = paths_of(value, argument)
    return (_file(session, one, type, role) for one in found)


def used_data(session: Session, value: Data, argument: str, *, type: str, role: str) -> Iterator[Artifact]:
    """Check an argument that names data, and return an iterator that looks at it; see `used_files`.

    A data set in memory is data too; one of several splits is several inputs.
    """
    found = sources_of(value, argument)
    return (artifact for one in found for artifact in _inputs(session, one, type, role))


def test_set(used: Sequence[Artifact], name: str | None, size: int | None) -> dict[str, Any]:
    """Return what a report says of the data set of an evaluation: its name, size and version."""
    about: dict[str, Any] = {"name": name, "size": size, "version": None}
    if not used:
        return about
    first = used[0]
    is_alone = len(used) == 1
    about["name"] = name or (first.path if first.dataset else Path(first.path).stem)
    about["version"] = first.sha256 if is_alone else None
    if size is None and is_alone and first.dataset:
        about["size"] = first.dataset.get("rows")
    return about


def _inputs(session: Session, value: Any, type: str, role: str) -> Iterator[Artifact]:
    if not _is_data(value):
        yield _file(session, value, type, role)
        return
    for split, data in datasets.splits(value):
        yield _data_set(session, data, split, type, role)


def _data_set(session: Session, value: Any, split: str | None, type: str, role: str) -> Artifact:
    with session.guard(f"{role}: a data set in memory"):
        return datasets.in_memory(value, split, folder=session.folder, type=type, role=role)
    name = value.__class__.__qualname__
    gap = Gap("sha256", "a data set in memory that could not be asked what it is")
    return Artifact(path=name, type=type, role=role, gaps=(gap,))


def _file(session: Session, given: PathLike, type: str, role: str) -> Artifact:
    text = os.fspath(given)
    if not session.recording:
        return Artifact(path=text, type=type, role=role)
    with session.guard(f"{role}: {text[:200]!r}"):
        return _looked_up(session, given, type, role)
    return Artifact(path=text, type=type, role=role, gaps=(Gap("sha256", "cannot be looked at"),))


def _looked_up(session: Session, given: PathLike, type: str, role: str) -> Artifact:
    here, inside = Path(given), session.folder / given
    found = inside if not _is_there(here) and _is_there(inside) else here
    if isinstance(given, str) and not _is_there(found):
        other = datasets.elsewhere(secrets.redact(given), folder=session.folder, type=type, role=role)
        if other:
            return other
    if found.is_dir() and Path(os.path.realpath(session.folder)).is_relative_to(os.path.realpath(found)):
        gaps = (Gap("sha256", OWN_FOLDER),)
        return Artifact(path=session.relative(found), type=type, role=role, gaps=gaps)
    return files.artifact(found, folder=session.folder, type=type, role=role)


def _is_there(path: Path) -> bool:
    """Return whether something has this name, a link to nothing too. Never raises."""
    return os.path.lexists(path)
