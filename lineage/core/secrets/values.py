"""Hide secrets in JSON values: parameters, provenance, variables, metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from lineage.core.secrets.arguments import command_line
from lineage.core.secrets.messages import redact
from lineage.core.secrets.names import Level, level
from lineage.core.secrets.patterns import Pattern
from lineage.core.secrets.text import HIDDEN, removed

WHOLE = "looks like a secret and is not recorded"
PART = "holds what looks like a secret; that part is not recorded"
# What holds a secret that is called `key`.
_HOLDERS = frozenset(("anthropic", "api", "aws", "azure", "comet", "gemini", "hf", "huggingface", "kaggle", "langfuse", "openai", "wandb"))
# Objects whose names are those of something else, and what their values look like: reasons and versions.
_ABOUT = {"gaps": Pattern(r".*\S \S.*", re.DOTALL), "packages": Pattern(r"[0-9][\w.+!\-]*")}
_CACHED = 200  # characters of a text whose answer is kept
_PLAIN = Pattern(r"[A-Za-z][a-z]*(?:[-_ ][a-z]+)*")
_INERT = Pattern(r"[0-9a-f]{32,64}|[0-9T:.+\-]{10,40}|\w{0,8}")  # digests, ids, times, short words
_MARK = Pattern(r"<[^<>]{1,40}>|\[[A-Za-z_]{1,20}\]|[A-Za-z]{0,5}|[^A-Za-z0-9*]{1,8}")
_FOLDER = Pattern(r"[/~.].*", re.DOTALL)
_RANDOM = Pattern(r"(?=[^\s]*[0-9])(?=[^\s]*[a-z])(?=[^\s]*[A-Z])[A-Za-z0-9+/=]{20,}")

Hidden = tuple[str, str]  # the path of a value, and why it is not there
Taken = tuple[str, str, object]  # and the value itself


def hide(value: Mapping[str, Any], at: str) -> tuple[dict[str, Any], tuple[Hidden, ...]]:
    """Return *value* without secrets, and what was taken out.

    A value whose name says that it is a secret becomes null; a text that holds one by its shape keeps
    the rest, with `***` in place of it. Everything else is returned as it is.

    Args:
        value: A JSON object; tuples and other values are passed through.
        at: What the object is called, the beginning of each path: `params`.

    Returns:
        The object, and a pair of path (`params.client.api_key`) and reason for each value that was changed.
    """
    hidden: list[Taken] = []
    return _object(value, at, hidden), tuple((way, reason) for way, reason, _ in hidden)


def reasons(params: Mapping[str, Any]) -> dict[str, str]:
    """Return why values of *params* are not recorded, by their paths: the gaps of a run."""
    return dict(hide(params, "params")[1])


def hidden_params(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return *params* itself where it holds no secret, else a copy without: made for every record."""
    for name, value in params.items():
        is_plain = type(value) in _NUMBERS and _of(name) is not Level.ALL
        if not is_plain and not (type(value) is str and len(value) <= _CACHED and _is_clean(name, value)):
            shown, hidden = hide(params, "params")
            return shown if hidden else params
    return params


@lru_cache(maxsize=4096)
def _is_clean(name: str, value: str) -> bool:
    return not hide({name: value}, "")[1]


_NUMBERS = frozenset((int, float, bool, type(None)))


def _of(name: object) -> Level:
    return level(name) if isinstance(name, str) else Level.NONE


def _object(value: Mapping[str, Any], at: str, hidden: list[Taken]) -> dict[str, Any]:
    pair = _named_value(value)
    return {
        _key(name): _member(pair if name == "value" and pair else name, inner, f"{at}.{_key(name)}", hidden)
        for name, inner in value.items()
    }


def _named_value(value: Mapping[str, Any]) -> str:
    """Return the name in an object of a name and a value, as lists of headers and variables have them."""
    name = value.get("name", value.get("key")) if "value" in value else None
    return name if isinstance(name, str) else ""


def _key(name: Any) -> Any:
    return _shown(name) if isinstance(name, str) else name


def _member(name: object, value: Any, at: str, hidden: list[Taken]) -> Any:
    if name in _ABOUT and isinstance(value, Mapping):
        is_about = _ABOUT[str(name)]
        return {
            _key(about): (_value if is_about.fullmatch(str(told)) else partial(_member, about))(told, f"{at}.{_key(about)}", hidden)
            for about, told in value.items()
        }
    named = _of(name) or _of_key(name, at)
    if named is not Level.NONE and _is_secret(str(name), value, named):
        hidden.append((at, WHOLE, value))
        return None
    if isinstance(name, str) and isinstance(value, str) and name.lower().endswith("key") and _RANDOM.fullmatch(value):
        hidden.append((at, WHOLE, value))
        return None
    return _value(value, at, hidden)


def _of_key(name: object, at: str) -> Level:
    """Decide what a `key` is by what holds it: `wandb.key` is a secret, `item.key` is none."""
    holder = at.split(".")[-2] if name in ("key", "keys") and "." in at else ""
    return Level.TEXT if holder in _HOLDERS else Level.NONE


def _is_secret(name: str, value: Any, named: Level) -> bool:
    """Decide whether a value under the name of a secret is one: null and nothing are none."""
    if named is Level.TEXT and isinstance(value, str) and _is_word_of_a_model(name, value):
        return False
    if isinstance(value, str | bytes):
        is_folder = name.lower() == "pwd" and isinstance(value, str) and _FOLDER.fullmatch(value)
        return bool(value) and value != HIDDEN and not is_folder
    if value is None or isinstance(value, Mapping | list | tuple | set | frozenset):
        return bool(value) and (named is Level.ALL or _holds_text(value))
    return named is Level.ALL


def _is_word_of_a_model(name: str, value: str) -> bool:
    """Say whether a text under the name of a token or key is a mark of a vocabulary, a short word or signs: no service gives these out."""
    return name.lower().rstrip("s").endswith(("token", "key")) and bool(_MARK.fullmatch(value))


def _holds_text(values: Any) -> bool:
    if isinstance(values, Mapping):  # a scheme or a kind beside it is no secret
        return any(isinstance(one, str) and one not in ("", HIDDEN) and not _PLAIN.fullmatch(one) for one in values.values())
    return any(isinstance(one, str) and one not in ("", HIDDEN) for one in values)


def _value(value: Any, at: str, hidden: list[Taken]) -> Any:
    if isinstance(value, str):
        shown = _shown(value)
        if shown != value:
            hidden.append((at, PART, removed(value, shown)))
        return shown
    if isinstance(value, Mapping):
        return _object(value, at, hidden)
    if isinstance(value, list | tuple):
        return _list(value, at, hidden)
    return value


def _list(value: Any, at: str, hidden: list[Taken]) -> Any:
    if _is_pair(value):
        hidden.append((f"{at}[1]", WHOLE, value[1]))
        items = [value[0], None]
    elif any(isinstance(one, str) and one[:1] == "-" for one in value) and all(isinstance(one, str) for one in value):
        items = _command(value, at, hidden)
    else:
        items = [_value(inner, f"{at}[{n}]", hidden) for n, inner in enumerate(value)]
    return tuple(items) if type(value) is tuple else items


def _command(argv: Sequence[str], at: str, hidden: list[Taken]) -> list[str]:
    """Return the arguments of a command: what follows an option may be a secret by the option's name."""
    shown = command_line(argv)
    hidden += [
        (f"{at}[{n}]", PART, removed(before, after)) for n, (before, after) in enumerate(zip(argv, shown, strict=True)) if before != after
    ]
    return shown


def _is_pair(value: Any) -> bool:
    """Say whether a list is a name and its value, as lists of headers have them."""
    if len(value) != 2 or not all(isinstance(one, str) for one in value):
        return False
    name, given = value
    return level(name) is not Level.NONE and given not in ("", HIDDEN) and not _PLAIN.fullmatch(given)


def _shown(text: str) -> str:
    if _INERT.fullmatch(text):
        return text
    return _remembered(text) if len(text) <= _CACHED else redact(text)


@lru_cache(maxsize=4096)
def _remembered(text: str) -> str:
    return redact(text)


def found(value: object, at: str = "") -> Iterator[tuple[str, tuple[str, ...]]]:
    """Return where secrets stand in a JSON value, and the secrets: `("params.api_key", ("…",))`."""
    hidden: list[Taken] = []
    _value(value, at, hidden)
    yield from ((way, tuple(_texts(taken))) for way, _, taken in hidden)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
    elif value is not None:
        yield str(value)
