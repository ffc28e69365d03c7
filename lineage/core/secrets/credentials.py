"""Find secrets behind the name of a scheme, a user, a program's option, and in sentences about them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from lineage.core.secrets.patterns import Pattern

Place = tuple[str, int, int]

_LINE = 200  # characters of a command that are looked at
_LONG = 4096  # the same of a command that stores several secrets
_BEARER = Pattern(r"\b(?:[Bb]earer|BEARER)[ \t]+(?=[\w\-.~+/=]{0,60}[0-9A-Z_~+/])([\w\-.~+/]{6,}=*)")
_BASIC = Pattern(r"\b[Bb]asic[ \t]+([A-Za-z0-9+/]{6,}={0,2})")
_USER = Pattern(
    r"(?<![\w\-])(?:-[sSkLfigvX]{0,5}u|-U|--(?:proxy-|http-|ftp-)?user(?:pass|pwd)?)(?:[\"']\s{0,8},\s{0,8}[\"']|[=\s]\s{0,8}|)"
    r"(?:(?P<quote>[\"'])(?P<who>[^\"':\s]{1,128}):(?P<quoted>[^\"']+)|(?P<name>[^\"':\s=]{1,128}):(?P<bare>[^\s\"']+))"
)
_GROUPS = Pattern(r"\b(?:docker|podman|nerdctl|sort)\b[^\n;|]*\Z")  # `-u me:users` there is a user and his group
_PIPED = Pattern(
    r"\b(?:echo\s+(?:-n\s+)?|printf\s+(?:[\"']?%s(?:\\n)?[\"']?\s+)?)[\"']?([^\s\"'|]+)[\"']?\s*\|[^|\n]{0,200}(?:password-stdin|sudo\s+-S|passwd)"
)
_NETRC = Pattern(r"\blogin\s+\S{1,256}\s+(?:\+\s*)?password\s+(\S+)")
_ADDRESS = Pattern(r"localhost|[0-9]+|.*[./\\].*")
_VALUE = r"\s?[\"']?([^\s\"';|&$\-][^\s\"';|&]*)"
# Programs with a password behind an option of one letter, each with a text that must be there.
_OF_PROGRAMS = tuple(
    (needed, Pattern(rf"\b{program}\b(?:[^\n;|&]{{0,{_LINE}}}?\s){option}{_VALUE}"))
    for needed, program, option in (
        ("mysql", r"mysql(?:dump|admin)?", r"-p(?=\S)"),
        ("mariadb", r"mariadb(?:-dump)?", r"-p(?=\S)"),
        ("sshpass", "sshpass", "-p"),
        ("7z", "7za?", r"-p(?=\S)"),
        ("mongo", r"mongo(?:sh|dump|restore)?", "-p"),
        ("twine", "twine", "-p"),
        (" login", r"(?:docker|podman|nerdctl|az|oc|helm)\b[ \w\-]{0,20}? login", "-p"),
        ("zip", "(?:un)?zip", "-P"),
        ("sqlcmd", "sqlcmd", "-P"),
        ("ipmitool", "ipmitool", "-P"),
        ("redis-cli", "redis-cli", "-a"),
        ("ldap", r"ldap(?:search|add|modify|delete|whoami)", "-w"),
        ("openssl", "openssl", "-k"),
        ("htpasswd", "htpasswd", r"-[a-zA-Z]{0,4}b[a-zA-Z]{0,4}\s\S{1,128}\s\S{1,128}"),
        ("sqlplus", r"sqlplus(?:\s-\w{1,8}){0,4}", r"[\w$#]{1,64}/"),
        ("%", r"(?:smb(?:client|get|map)|rpcclient|net)", r"(?:-U|--user(?:=|\s))\s?[^\s%\"']{1,128}%"),
        ("put-parameter", r"aws\s[\w\-\s]{0,64}put-parameter", r"--value[=\s]"),
        ("secret set", r"gh\s+secret\s+set", r"(?:--body[=\s]|-b)"),
        ("keytool", "keytool", r"-(?:src|dest)?(?:store|key)pass\s"),
        ("rabbitmqctl", "rabbitmqctl", r"(?:add_user|change_password)\s\S{1,128}\s"),
    )
)
# Commands that store secrets, each with a text that must be there: what they store, under names of the user's own.
_STORING = tuple(
    (needed, Pattern(command), Pattern(item))
    for needed, command, item in (
        ("--from-literal", r"\bkubectl\b[^\n;|&]{0,100}?\bsecret\b", r"--from-literal[= ][\"']?[\w.\-]{1,64}=([^\s\"';|&$]+)"),
        ("vault kv", r"\bvault\s+kv\s+(?:put|patch)\b", r"(?<=\s)[\w.\-]{1,64}=[\"']?([^\s\"';|&$@\-][^\s\"';|&]*)"),
        (
            "secrets set",
            r"\b(?:fly|flyctl|doppler|supabase)\s[^\n;|&]{0,64}?\bsecrets\s+set\b",
            r"(?<=\s)[\w.\-]{1,64}=[\"']?([^\s\"';|&$@\-][^\s\"';|&]*)",
        ),
    )
)
_END = Pattern(r"[\n;|&]|\Z")  # of a command
# https://www.postgresql.org/docs/current/libpq-pgpass.html: host:port:database:user:password
_PGPASS = Pattern(
    r"(?<![\w.:/*\-])(?:localhost|\*|[\w\-]{1,63}(?:\.[\w\-]{1,63}){1,8}):(?:[0-9]{4,5}|\*):"
    r"(?![0-9]+:)(?:[\w.\-]{1,64}|\*):[\w.\-]{1,64}:([^\s:\"']{4,200})"
)
_CALLED = Pattern(
    r"(?:(?:Basic|Digest)Auth\(\s{0,8}[\"'][^\"'\n]{0,128}[\"'],\s{0,8}|\blogin\(\s{0,8}(?:key\s?=\s?)?(?=.\S{0,64}[0-9]))"
    r"[\"']([^\"'\s]{8,512})[\"']"
)
_RANDOM = (
    r"(?=[A-Za-z0-9]*[0-9][A-Za-z]+[0-9])(?=[A-Za-z0-9]*[a-z])(?=[A-Za-z0-9]*[A-Z])[A-Za-z0-9+=]{12,}"
    r"|(?=[A-Za-z0-9]*[0-9])(?=[A-Za-z0-9]*[a-z])(?=[A-Za-z0-9]*[A-Z])[A-Za-z0-9+=]{20,}|(?<=[ :\"'])[0-9a-f]{32,64}"
    r"|(?<=[ :\"'])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
)
_SAID = Pattern(
    r"\b(?i:(?:api|access|secret|private|account|auth|session|subscription)[ _\-]?(?:key|token|secret)s?|password|passphrase|secret)\b"
    rf"(?:[ ][a-z]{{1,16}}){{0,5}}\s{{0,2}}[:=]?\s{{0,2}}[\"'`(]{{0,2}}({_RANDOM})(?!\w)"
)
_SQL = Pattern(r"\b(?i:password(?: is)?|identified by)\s{1,4}'([^'\n]{4,256})'")


def places(text: str) -> Iterator[Place]:
    """Return the kind and place of each secret in *text*."""
    if "earer" in text or "EARER" in text:
        yield from (("bearer token", *found.span(1)) for found in _BEARER.finditer(text))
    if "asic" in text:
        yield from (("password", *found.span(1)) for found in _BASIC.finditer(text) if _is_pair(found[1]))
    yield from (("password", start, end) for start, end in in_commands(text))
    lower = text.lower()
    if "password" in lower or "identified by" in lower:
        yield from (("password", *found.span(1)) for found in _SQL.finditer(text))
    if any(word in lower for word in ("key", "token", "secret", "password", "passphrase")):
        yield from (("value of a secret's name", *found.span(1)) for found in _SAID.finditer(text))


def in_commands(text: str) -> Iterator[tuple[int, int]]:
    """Find passwords in commands and calls."""
    if "-" in text and ":" in text:
        yield from (span for found in _USER.finditer(text) for span in _password(text, found))
    if "|" in text and ("echo" in text or "printf" in text):
        yield from (found.span(1) for found in _PIPED.finditer(text))
    if "password" in text and "login" in text:
        yield from (found.span(1) for found in _NETRC.finditer(text))
    if "Auth(" in text or "login(" in text:
        yield from (found.span(1) for found in _CALLED.finditer(text))
    if ":" in text:
        yield from (found.span(1) for found in _PGPASS.finditer(text))
    for needed, pattern in _OF_PROGRAMS:
        if needed in text:
            yield from (found.span(1) for found in pattern.finditer(text))
    for needed, command, item in _STORING:
        if needed in text:
            yield from _stored(text, command, item)


def _stored(text: str, command: Pattern, item: Pattern) -> Iterator[tuple[int, int]]:
    """Find the values in the arguments of each *command*."""
    done = 0
    for found in command.finditer(text):
        if found.start() < done:
            continue
        end = _END.search(text, found.end(), found.end() + _LONG)
        done = end.start() if end else found.end() + _LONG
        yield from (value.span(1) for value in item.finditer(text, found.end(), done))


def _is_pair(encoded: str) -> bool:
    """Say whether *encoded* is `user:password` in base 64."""
    try:
        return b":" in base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False


def _password(text: str, found: re.Match[str]) -> Iterator[tuple[int, int]]:
    group = "quoted" if found["quote"] else "bare"
    name, value = found["who"] or found["name"], found[group]
    is_group = found[0].startswith("-u") and _GROUPS.search(text, max(0, found.start() - _LINE), found.start())
    if not is_address(name, value) and not is_group:
        yield found.span(group)


def is_address(name: str, value: str) -> bool:
    """Say whether `name:value` is a host and a port, or a user's and a group's number."""
    return value.isdigit() and bool(_ADDRESS.fullmatch(name))
