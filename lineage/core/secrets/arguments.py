"""Hide secrets in the arguments of a command, also in commands within arguments."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import PurePath

from lineage.core.secrets.credentials import in_commands, is_address
from lineage.core.secrets.names import Level, level
from lineage.core.secrets.patterns import Pattern
from lineage.core.secrets.text import HIDDEN, masked, removed

DEEPEST = 4  # commands within commands
LONGEST = 1 << 16  # characters of an argument that is read as a command
_OPTION = Pattern(r"(?:--?|/|\+{1,2}|~)?([^\W\d][\w.\-]*)")
_ASSIGNED = Pattern(r"((?:-[a-zA-Z])?(?:--?|/|\+{1,2}|~)?([^\W\d][\w.\-/@]*)(?:=|:=|\+=))(.+)", re.DOTALL)
_SWITCH = Pattern(r"true|false|yes|no|none|null|[01]", re.IGNORECASE)
_ORDINARY = Pattern(r"[a-z][a-z\-]*|.*[/\\].*|[\w.\-]*[A-Za-z_]\.[A-Za-z]{1,5}|[-+]?[0-9][0-9_.e\-]*|[\w.\-]+=.*", re.DOTALL)
_RANDOM = Pattern(r"(?=[^0-9]*[0-9])(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])[A-Za-z0-9+=!#%^*~]{8,}|[0-9a-f]{32,}")
_USER = Pattern(r"(-[sSkLfigvX]{0,5}u|-U|--(?:proxy-|http-|ftp-)?user(?:pass|pwd)?)(=?)(.*)", re.DOTALL)
_PART = Pattern(r"(?:[^\s\"';|&()\\]|\\.|\"(?:[^\"\\]|\\.)*\"|'[^']*')+", re.DOTALL)
# Options that hold a password in some programs and something else in others.
_OF_PROGRAM = {
    "mysql": "p", "mysqldump": "p", "mysqladmin": "p", "mariadb": "p", "mariadb-dump": "p", "sshpass": "p", "docker login": "p", "podman login": "p", "nerdctl login": "p",
    "helm login": "p", "az login": "p", "redis-cli": "a", "zip": "P", "unzip": "P", "7z": "p", "7za": "p", "ldapsearch": "w", "ldapadd": "w",
    "mongo": "p", "mongosh": "p", "mongodump": "p", "twine": "p", "sqlcmd": "P", "bcp": "P", "ipmitool": "P", "curl": "b", "oc login": "p",
}  # fmt: skip
_LOGIN = frozenset(name.removesuffix(" login") for name in _OF_PROGRAM if name.endswith(" login"))
_MIXED = Pattern(r"(?=\S*[0-9])(?=\S*[A-Za-z])[A-Za-z0-9+/=_.\-]{12,}")
_UNSURE = frozenset(("key", "k", "p", "P", "login", "relogin", "auth-key", "w"))
_GLUED = frozenset(("mysql", "mysqldump", "mysqladmin", "mariadb", "mariadb-dump", "sshpass", "7z", "7za"))


def command_line(argv: Sequence[str]) -> list[str]:
    """Return the arguments with `***` in place of each secret.

    Options count by their names (`--token X`, `--clientSecret=X`, several values, also behind `--`),
    and so do variables, JSON, headers, addresses, and commands in a text (`sh -c '…'`).

    Args:
        argv: The program and its arguments, as a process gets them.
    """
    return _without_places(_arguments([str(argument) for argument in argv], DEEPEST))


def _without_places(argv: list[str]) -> list[str]:
    """Hide what is a secret by its place in the command of a known program."""
    text = " ".join(argv)
    if len(text) > LONGEST:
        return argv
    starts = list(accumulate((len(argument) + 1 for argument in argv), initial=0))
    for start, end in sorted(in_commands(text), reverse=True):
        n = bisect_right(starts, start) - 1
        first, last = start - starts[n], min(end - starts[n], len(argv[n]))
        if argv[n][first:last].strip("*"):
            argv[n] = argv[n][:first] + HIDDEN + argv[n][last:]
    return argv


def _arguments(argv: Sequence[str], depth: int) -> list[str]:
    shown: list[str] = []
    option, many, program, before = "", False, "", ""
    for argument in argv:
        value = _after(option, argument, many, program)
        if value is None and _is_set(before, argument):
            value = HIDDEN
        before = argument
        if value is not None:
            shown.append(value)
            many = True
            continue
        if argument == "--" and option and not many and _hides(option):
            shown.append(argument)
            continue
        if not argument.startswith("-"):
            program = _program(argument, program)
        option, many = (argument, False) if _is_option(argument) else ("", False)
        shown.append(_argument(argument, program, depth))
    return shown


def _program(argument: str, before: str) -> str:
    """Return the program whose options follow; some take a password only where one logs in."""
    name = PurePath(argument).name
    if argument == "login" and before in _LOGIN:
        return f"{before} login"
    if argument in ("run", "exec", "create") and before in _LOGIN:
        return f"{before} {argument}"
    return name if name in _OF_PROGRAM or name in _LOGIN or name == "sort" else before


def _is_set(name: str, value: str) -> bool:
    """Say whether *value* follows the name of a variable that it is set to: `aws configure set NAME VALUE`, `setx NAME VALUE`."""
    is_variable = "_" in name and name.replace("_", "").isalnum()
    return is_variable and level(name) is not Level.NONE and bool(_MIXED.fullmatch(value))


def _is_option(argument: str) -> bool:
    """Say whether the next argument may be this one's value; `login` and `password` of some programs are words."""
    name = argument.lstrip("-")
    return bool(_OPTION.fullmatch(argument)) and (argument.startswith(("-", "/")) or name in ("login", "password", "passwd", "machine"))


def _hides(option: str) -> bool:
    return level(option) is not Level.NONE


def _after(option: str, argument: str, many: bool, program: str) -> str | None:
    """Return what to show of the value of *option*; None where it is none, or no secret."""
    if not option or argument == "--" or _looks_like_option(argument):
        return None
    name = option.lstrip("-/")
    if (user := _USER.fullmatch(option)) and not user[3] and not _has_groups(program, option):
        return _user(argument) if not many else None
    if _hides(option):
        return _value(option, argument, many)
    if name == "b" and program == "curl" and "=" not in argument:  # a file of cookies
        return None
    is_password = len(name) == 1 and _OF_PROGRAM.get(program) == name and option.startswith("-")
    is_unsure = name in _UNSURE and _RANDOM.fullmatch(argument)
    return HIDDEN if not many and (is_password or is_unsure) else None


def _looks_like_option(argument: str) -> bool:
    return argument.startswith("--") or (argument.startswith("-") and len(argument) == 2 and argument[1].isalpha())


def _value(option: str, argument: str, many: bool) -> str | None:
    """Return what to show of a value under the name of a secret; a switch stays, and words behind the first that are plain."""
    if many and (_ORDINARY.fullmatch(argument) or argument.startswith("-")):
        return None
    is_switch = level(option) is Level.TEXT and _SWITCH.fullmatch(argument)
    is_word = not option.startswith(("-", "/")) and _ORDINARY.fullmatch(argument)
    return None if is_switch or is_word else HIDDEN


def _argument(argument: str, program: str, depth: int) -> str:
    """Return one argument as it may be shown."""
    if program in _GLUED and argument.startswith(f"-{_OF_PROGRAM[program]}") and len(argument) > 2:
        return argument[:2] + HIDDEN
    if (user := _USER.fullmatch(argument)) and user[3] and not _has_groups(program, argument):
        return user[1] + user[2] + _user(user[3])
    if argument.startswith("pass:"):
        return "pass:" + HIDDEN
    if found := _ASSIGNED.fullmatch(argument):
        head, name, value = found.groups()
        named = level(name) or level(name.rpartition("/")[2])
        if named and not (named is Level.TEXT and _SWITCH.fullmatch(value)) and not _is_folder(name, value):
            return head + HIDDEN
        return masked(head + _argument(value, program, depth - 1) if depth > 0 else argument)
    return masked(within(argument, depth))


def _has_groups(program: str, option: str) -> bool:
    """Say whether what follows is a user and his group, as `docker run -u me:users` has them."""
    return program.partition(" ")[0] in {*_LOGIN, "sort"} and not program.endswith("login") and option.lstrip("-")[:1] == "u"


def _is_folder(name: str, value: str) -> bool:
    return name.lower() == "pwd" and value[:1] in ("/", "~", ".")


def _user(argument: str) -> str:
    """Return `name:***` for a name and a password."""
    name, colon, password = argument.partition(":")
    is_password = colon and password and not is_address(name, password)
    return f"{name}:{HIDDEN}" if is_password else masked(argument)


def within(argument: str, depth: int = DEEPEST) -> str:
    """Return an argument that is a command itself with its own arguments hidden."""
    if depth <= 0 or len(argument) > LONGEST or not re.search(r"\s", argument.strip()):
        return argument
    found = list(_PART.finditer(argument))
    plain = [_unquoted(one[0]) for one in found]
    shown, done = [], 0
    for one, before, after in zip(found, plain, _arguments(plain, depth - 1), strict=True):
        shown += [argument[done : one.start()], one[0] if before == after else _quoted(after)]
        done = one.end()
    return "".join([*shown, argument[done:]])


def _unquoted(part: str) -> str:
    import shlex

    try:
        return " ".join(shlex.split(part))
    except ValueError:
        return part


def _quoted(part: str) -> str:
    return f'"{part}"' if re.search(r"\s", part) else part


def changed(argv: Sequence[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Return the place of each argument that holds a secret, and the secrets."""
    for n, (before, after) in enumerate(zip(argv, command_line(argv), strict=True)):
        if before != after:
            yield n, tuple(removed(before, after))
