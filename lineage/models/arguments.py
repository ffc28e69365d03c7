"""Arguments of a call that are parameters, apart from what the model reads and from credentials."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Mapping, Set
from enum import Enum
from numbers import Number
from typing import Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

MAX_TEXT = 200  # characters; a longer text is content
MAX_ITEMS = 1000  # of a list or object; a longer one is data
# Names of what a model reads, and of what carries the call.
_CONTENT = re.compile(
    r"(?i)(?:^|_)(?:messages?|prompts?|inputs?|contents?|texts?|instructions?|system|questions?|query|queries|conversations?|history|chat"
    r"|documents?|contexts?|images?|audios?|videos?|files?|examples?|records?|rows?|suffix|prefix|assistant|tools?|functions?)(?:_ids?|_embeds?|_inputs?)?$"
)
_TRANSPORT = re.compile(
    r"(?i)(?:^|_)(?:headers?|clients?|timeout|max_retries|callbacks?|loggers?|sessions?|tokenizer|use_tqdm|verbose|stream)$"
)
_CREDENTIAL = re.compile(
    r"(?i)(?:api|access|private|secret|auth|account|subscription)_?key$|(?:^|(?:hf|hub|auth|api|access|session|bearer|refresh|secret|client|my)_?)token$"
    r"|secret|passw(?:or)?d|passphrase|credential|authorization|cookie|^auth$|bearer"
)
_CARRIER = re.compile(r"(?i)(?:params?|parameters|config|options|settings)$")
WITHHELD = "left out: a credential"


class Found(NamedTuple):
    """Parameters by name, and the reason for each that is not known."""

    params: dict[str, Any]
    gaps: dict[str, str]


def bound(
    function: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], *, defaults: bool = False
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the arguments by the names of the signature, and those that only `**kwargs` takes."""
    try:
        signature = inspect.signature(function)
        call = signature.bind_partial(*args, **kwargs)
    except (TypeError, ValueError):  # no signature, or a call that will fail by itself
        return {}, dict(kwargs)
    if defaults:
        call.apply_defaults()
    kinds = {name: parameter.kind for name, parameter in signature.parameters.items()}
    named = {
        name: value
        for name, value in call.arguments.items()
        if kinds[name] not in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    }
    rest = [value for name, value in call.arguments.items() if kinds[name] is inspect.Parameter.VAR_KEYWORD]
    return named, dict(rest[0]) if rest else {}


def plain_arguments(given: Mapping[str, Any], *, content: Set[str] = frozenset()) -> Found:
    """Return the arguments that are parameters. Texts among those called *content* are what the model reads."""
    params: dict[str, Any] = {}
    gaps: dict[str, str] = {}
    for name, value in given.items():
        if name.startswith("_") or _is_carried(name, value) or (name in content and not _is_number(value) and not _is_name(name, value)):
            continue
        _add(name, value, params, gaps)
    return Found(params, gaps)


def _add(name: str, value: Any, params: dict[str, Any], gaps: dict[str, str]) -> None:
    if is_credential(name, value):
        params[name], gaps[name] = None, WITHHELD
    elif isinstance(value, str) and len(value) > MAX_TEXT:
        params[name], gaps[name] = None, f"left out: a text of {len(value):,} characters"
    elif value is not None and is_plain(value):
        params[name] = _shown(value)
    elif value is not None and not _is_absent(value):
        params[name], gaps[name] = None, _described(value)


def _is_carried(name: str, value: Any) -> bool:
    """Is it what the model reads, or how the call is carried?"""
    if is_tensor(value) or _TRANSPORT.search(name):
        return True
    return _CONTENT.search(name) is not None and not _is_number(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, Number)  # True and False too


def _is_name(name: str, value: Any) -> bool:
    """Is it the name of a model, given by position?"""
    return isinstance(value, str) and name in ("model", "model_name", "engine", "deployment")


def is_credential(name: str, value: Any) -> bool:
    """Return whether the argument is a key or a password, as its name says."""
    return not _is_number(value) and value is not None and _CREDENTIAL.search(name) is not None


def is_tensor(value: Any) -> bool:
    """Return whether *value* is an array of any library."""
    return hasattr(value, "shape") and hasattr(value, "dtype") and getattr(value, "shape", ()) != ()


def is_plain(value: Any) -> bool:
    """Return whether *value* is a number, a short text, or a list or object of these."""
    if isinstance(value, str):
        return len(value) <= MAX_TEXT
    if value is None or isinstance(value, Number | Enum) or _is_scalar(value) or _is_word_of_torch(value):
        return True
    if isinstance(value, Mapping):
        return len(value) <= MAX_ITEMS and all(is_plain(key) and is_plain(inner) for key, inner in value.items())
    if isinstance(value, list | tuple | set | frozenset | range):
        return len(value) <= MAX_ITEMS and all(is_plain(inner) for inner in value)
    return False


def _is_scalar(value: Any) -> bool:
    """Is it one number of numpy or torch?"""
    return hasattr(value, "dtype") and hasattr(value, "item") and getattr(value, "shape", None) == ()


def _is_word_of_torch(value: Any) -> bool:
    return type(value).__module__ == "torch" and type(value).__name__ in ("dtype", "device")


def _shown(value: Any) -> Any:
    """Return *value* as JSON holds it; a URL without the user in it and without its query."""
    if isinstance(value, Mapping):
        return {str(key): None if is_credential(str(key), inner) else _shown(inner) for key, inner in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((_shown(inner) for inner in value), key=repr)
    if isinstance(value, list | tuple | range):
        return [_shown(inner) for inner in value]
    if isinstance(value, str):
        return _without_user(value) if "://" in value else value
    if _is_scalar(value):
        return value.item()
    return str(value).removeprefix("torch.") if _is_word_of_torch(value) else value


def _without_user(text: str) -> str:
    parts = urlsplit(text)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _is_absent(value: Any) -> bool:
    """Is it the mark of an argument that was not given, as API clients have it?"""
    return type(value).__name__ in ("NotGiven", "Omit", "Unset", "UNSET", "_Unset", "UnsetType", "_empty")


# --- objects


def objects(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the reason for each argument that is an object: its class, and those of its members."""
    return {
        name: _described(value)
        for name, value in given.items()
        if value is not None and not (isinstance(value, list | tuple) and not value)
    }


def _described(value: Any) -> str:
    """Describe an object by its class, for only its code says what it does."""
    if is_tensor(value):
        return "an array, which is not recorded"
    if isinstance(value, list | tuple | set | frozenset | Mapping):
        members = value.values() if isinstance(value, Mapping) else value
        names = sorted({_class(member) for member in members if not is_plain(member)}) or ["many values"]
        return f"a {type(value).__name__} of {', '.join(names[:5])}, which is not recorded"
    return f"{_class(value)}, which is not recorded"


def _class(value: Any) -> str:
    name = getattr(value, "__qualname__", None) if callable(value) else None
    return str(name or type(value).__qualname__)


def carries(name: str, value: Any) -> bool:
    """Return whether an argument is an object, or a list of objects, whose fields are parameters: `sampling_params` of vLLM."""
    one = value[0] if isinstance(value, list | tuple) and value else value
    if one is None or isinstance(one, str | Number | Mapping) or is_tensor(one):
        return isinstance(one, Mapping) and _CARRIER.search(name) is not None and is_plain(one)
    return _read(one) is not None and (_CARRIER.search(name) is not None or _CARRIER.search(type(one).__name__) is not None)


def fields(name: str, carrier: Any) -> Found:
    """Return the fields of an object that carries parameters; of several objects, what they have in common."""
    if isinstance(carrier, list | tuple):
        return _common([fields(name, one) for one in carrier])
    read = _read(carrier) or {}
    return plain_arguments({key: value for key, value in read.items() if value is not None})


def _read(one: Any) -> dict[str, Any] | None:
    """Return the fields of an object by their names: of a dataclass, of msgspec, of pydantic, or its public attributes."""
    if isinstance(one, Mapping):
        return {str(key): value for key, value in one.items()}
    if dataclasses.is_dataclass(one) and not isinstance(one, type):
        names: Any = [part.name for part in dataclasses.fields(one)]
    else:
        names = getattr(type(one), "__struct_fields__", None) or getattr(type(one), "model_fields", None) or getattr(one, "__dict__", None)
    return None if names is None else {str(key): getattr(one, key, None) for key in names if not str(key).startswith("_")}


def _common(found: list[Found]) -> Found:
    """Return what all of a list of parameter objects have in common."""
    first = found[0]
    names = {key for one in found for key in (*one.params, *one.gaps)}
    same = {
        key
        for key in names
        if all(one.params.get(key) == first.params.get(key) and one.gaps.get(key) == first.gaps.get(key) for one in found)
    }
    params = {key: value for key, value in first.params.items() if key in same}
    gaps = {key: value for key, value in first.gaps.items() if key in same}
    return Found(params, gaps | dict.fromkeys(sorted(names - same), "it differs between the prompts of one call"))
