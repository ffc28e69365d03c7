"""What is sent back: a status, a type and bytes; and what is refused, with where, what and what to do."""

from __future__ import annotations

from dataclasses import dataclass, field

from lineage.core.printing import printable

# Nothing that data says is ever run, framed or told to another host; a reply that is opened by itself is as dead as a text.
DEAD = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox"
TEXT = "text/plain; charset=utf-8"
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    body: bytes
    type: str = TEXT
    status: int = 200
    policy: str = DEAD
    headers: dict[str, str] = field(default_factory=dict)


class Refusal(Exception):  # noqa: N818  # it is an answer, not a failure
    """A request that gets an answer other than what it asks for."""

    def __init__(self, status: int, what: str, *, at: str = "", todo: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(what)
        self.status, self.what, self.at, self.todo, self.headers = status, what, at, todo, headers or {}

    def reply(self) -> Reply:
        """It as plain text on a line for each of where, what and what to do; control characters are shown and not sent."""
        lines = [f"{name}: {text}" for name, text in (("where", self.at), ("what", self.what), ("to do", self.todo)) if text]
        text = "".join(_shown(line) + "\n" for line in lines)
        return Reply(text.encode("utf-8", "replace"), TEXT, self.status, headers=self.headers)


def _shown(text: str) -> str:
    return printable(text, keep="\n")
