"""Refusals as plain text, and the headers that every reply has."""

from __future__ import annotations

from starlette.responses import Response

from lineage.core.printing import printable

# Data in a reply is never run, framed or sent elsewhere; a reply opened by itself is inert.
DEAD = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox"
TEXT = "text/plain; charset=utf-8"
JSON = "application/json"
ALWAYS = {
    "Content-Security-Policy": DEAD,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


class Refusal(Exception):  # noqa: N818  # it is an answer, not a failure
    """A request that is answered with an error status."""

    def __init__(
        self,
        status: int,
        what: str,
        *,
        at: str = "",
        todo: str = "",
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(what)
        self.status, self.what, self.at, self.todo, self.headers = (
            status,
            what,
            at,
            todo,
            headers or {},
        )

    def text(self) -> bytes:
        """Return where, what and what to do, a line each, with control characters as escapes."""
        parts = (("where", self.at), ("what", self.what), ("to do", self.todo))
        lines = [_shown(f"{name}: {text}") for name, text in parts if text]
        return "".join(f"{line}\n" for line in lines).encode("utf-8", "replace")

    def response(self) -> Response:
        """Return the reply."""
        return Response(self.text(), self.status, self.headers, TEXT)


def _shown(text: str) -> str:
    return printable(text, keep="\n")
