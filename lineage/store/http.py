"""How an endpoint is spoken to: HTTP by the standard library, to the host that was named and no other.

Credentials come from the environment alone and are sent to the origin that the user named: not to where it redirects, not in a message.

    LINEAGE_ENDPOINT_TOKEN                                  sent as a bearer token (RFC 6750)
    LINEAGE_ENDPOINT_USER and LINEAGE_ENDPOINT_PASSWORD     sent when the endpoint asks for them (Basic and Digest, RFC 7617 and 7616)
"""

from __future__ import annotations

import http.client
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from email.message import Message
from typing import IO, Any

from lineage.errors import LateError, LineageError, NotFoundError, UsageError
from lineage.store.child import seconds
from lineage.store.guard import Guard, PlainHandler, Request, SecureHandler

USER, PASSWORD, TOKEN = "LINEAGE_ENDPOINT_USER", "LINEAGE_ENDPOINT_PASSWORD", "LINEAGE_ENDPOINT_TOKEN"  # names of variables
TRIES = 4
FIRST_PAUSE = 0.5  # seconds; each pause is twice the one before
LONGEST_PAUSE = 30.0  # seconds, whatever the endpoint asks for
PATIENCE = 60.0  # seconds for an answer, where the user says nothing
AGAIN = frozenset([429, 500, 502, 503, 504])  # what may be different next time
SAID = 300  # characters of an endpoint's own message that are shown


class RefusedError(LineageError):
    """The endpoint answered with an error that trying again does not change."""

    def __init__(self, message: str, *, status: int, at: str, hint: str | None = None) -> None:
        super().__init__(message, at=at, hint=hint)
        self.status = status


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A URL that speaks HTTP. Raises UsageError for one that is not http(s) or that has credentials in it."""

    url: str
    timeout: float | None = None  # seconds for all of a request
    pause: float = FIRST_PAUSE
    _opener: urllib.request.OpenerDirector = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        seconds(self.timeout)
        parts = _split(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError("an endpoint is a URL that begins with http:// or https://", at=self.shown[:200])
        if parts.username or parts.password:
            hint = f"set {USER} and {PASSWORD}, or {TOKEN}"
            raise UsageError("credentials do not belong in a URL", at=self.shown[:200], hint=hint)
        object.__setattr__(self, "_opener", _opener(self.url))

    @property
    def shown(self) -> str:
        """The URL for a message, without what may be a password."""
        return _shown(self.url)

    def send(self, method: str, body: bytes | None, headers: dict[str, str], **query: str) -> Reply:
        """One request, tried again while it may yet succeed; *query* is added to the URL's own.

        Raises:
            RefusedError: the endpoint said no. NotFoundError: there is nothing at the URL. LateError: time is over. LineageError: it cannot be reached.
        """
        deadline = time.monotonic() + (self.timeout or PATIENCE)
        guard = Guard(deadline)
        try:
            return self._tried(Request(_with(self.url, query), body, headers, method, guard), guard)
        except LineageError:
            guard.release()
            if guard.is_over:
                raise self.late() from None
            raise

    def _tried(self, request: Request, guard: Guard) -> Reply:
        deadline = guard.deadline
        if token := _token():
            request.add_unredirected_header("Authorization", f"Bearer {token}")
        pause = self.pause
        for left in range(TRIES - 1, -1, -1):
            try:
                return self._opened(request, guard)
            except urllib.error.HTTPError as error:
                wait = _asked_for(error.headers, pause)
                if error.code not in AGAIN or not left or time.monotonic() + wait > deadline:
                    raise self._refused(error) from None
            except TimeoutError:
                raise self.late() from None
            except (urllib.error.URLError, OSError, http.client.HTTPException, UnicodeError) as error:
                wait = pause
                if isinstance(getattr(error, "reason", None), TimeoutError):
                    raise self.late() from None
                if not left or time.monotonic() + wait > deadline:
                    raise LineageError(
                        f"the endpoint cannot be reached: {_why(error)}", at=self.shown, hint="is it running, and is the URL right?"
                    ) from None
            except ValueError as error:  # of urllib, for a Location that is no URL
                raise LineageError(
                    "the endpoint redirects to what is no URL", at=self.shown, hint="is this the URL of a SPARQL endpoint?"
                ) from error
            time.sleep(wait)
            pause *= 2
        raise AssertionError("the last try returns or raises")

    def _opened(self, request: Request, guard: Guard) -> Reply:
        stream = self._opener.open(request, timeout=max(0.01, guard.deadline - time.monotonic()))
        if guard.is_over:  # its headers end where they were cut
            stream.close()
            raise self.late()
        return Reply(stream, guard, self)

    def late(self) -> LateError:
        """Time is over."""
        return LateError(
            f"no answer within {self.timeout or PATIENCE:g} seconds", at=self.shown, hint="say --timeout with more seconds, or ask for less"
        )

    def _refused(self, error: urllib.error.HTTPError) -> LineageError:
        try:
            said = error.read(4 * SAID).decode("utf-8", "replace").strip()[:SAID]
        except (OSError, http.client.HTTPException):  # the status says enough
            said = ""
        if error.code in (401, 403):
            return RefusedError(
                f"the endpoint refuses access ({error.code})",
                status=error.code,
                at=self.shown,
                hint=f"set {USER} and {PASSWORD}, or {TOKEN}",
            )
        if error.code == 404 and not said:
            return NotFoundError(
                "there is nothing at this URL (404)", at=self.shown, hint="see docs/how-to/push-to-an-endpoint.md for the URLs of servers"
            )
        return RefusedError(f"the endpoint says {error.code} {error.reason}{f': {said}' if said else ''}", status=error.code, at=self.shown)


@dataclass(slots=True)
class Reply:
    """What an endpoint answered, read as it comes."""

    stream: Any
    guard: Guard
    endpoint: Endpoint
    error: LineageError | None = None

    @property
    def media_type(self) -> str:
        """The answer's Content-Type without its parameters."""
        return str(self.stream.headers.get_content_type())

    def read(self, size: int = -1) -> bytes:
        """The next bytes. Raises LateError when time is over, LineageError when the connection breaks."""
        if self.guard.is_over:
            self.error = self.endpoint.late()
            raise self.error
        try:
            found = bytes(self.stream.read() if size < 0 else self.stream.read1(size))  # what has come
            if not self.guard.is_over:
                return found
            self.error = self.endpoint.late()
        except TimeoutError:
            self.error = self.endpoint.late()
        except (OSError, http.client.HTTPException) as error:
            self.error = (
                self.endpoint.late()
                if self.guard.is_over
                else LineageError(f"the connection broke: {_why(error)}", at=self.endpoint.shown, hint="ask again")
            )
        raise self.error

    def close(self) -> None:
        """The connection is not needed any more."""
        self.stream.close()
        self.guard.release()


def _token() -> str:
    token = os.environ.get(TOKEN, "").strip()
    if not all(letter.isascii() and letter.isprintable() for letter in token):
        raise UsageError("the token has letters that no header holds", at=TOKEN, hint="it may have come from a file of another encoding")
    return token


def _split(url: str) -> urllib.parse.SplitResult:
    try:
        parts = urllib.parse.urlsplit(url)
        if parts.port == 0 or not url.isascii():
            raise ValueError("port 0, or letters that are not ASCII")
    except ValueError as error:
        why = "" if "@" in url else f": {error}"  # which may quote a part of a password
        raise UsageError(f"no URL{why}", at=_shown(url)[:200], hint="http://HOST:PORT/PATH, other letters percent-encoded") from None
    return parts


def _shown(url: str) -> str:
    """*url* without anything up to its last @."""
    return f"…@{url.rpartition('@')[2]}" if "@" in url else url


def _with(url: str, query: dict[str, str]) -> str:
    if not query:
        return url
    parts = _split(url)
    return parts._replace(query="&".join(part for part in (parts.query, urllib.parse.urlencode(query)) if part), fragment="").geturl()


Origin = tuple[str, str | None, int | None]  # scheme, host, port


def _origin(url: str) -> Origin:
    parts = _split(url)
    return parts.scheme, parts.hostname, parts.port


def _why(error: object) -> str:
    return str(getattr(error, "reason", None) or error or type(error).__name__)


def _asked_for(headers: Message, pause: float) -> float:
    """How long the endpoint asks us to wait, if it says so in seconds."""
    said = headers.get("Retry-After", "") if headers else ""
    return min(float(said), LONGEST_PAUSE) if said.isdecimal() else pause


def _opener(url: str) -> urllib.request.OpenerDirector:
    """Speaks HTTP and nothing else; knows the password for the origin of *url* only."""
    opener = urllib.request.OpenerDirector()
    handlers: list[urllib.request.BaseHandler] = [
        urllib.request.ProxyHandler(), PlainHandler(), SecureHandler(), urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(), _Redirects(),
    ]  # fmt: skip
    user, password = os.environ.get(USER), os.environ.get(PASSWORD)
    if user and password:
        known = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        parts = _split(url)
        known.add_password(None, f"{parts.scheme}://{parts.netloc}/", user, password)
        handlers += [urllib.request.HTTPBasicAuthHandler(known), urllib.request.HTTPDigestAuthHandler(known)]
    for handler in handlers:
        opener.add_handler(handler)
    return opener


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect with the same method and body (RFC 9110, 15.4.8 and 15.4.9), without what is for the first origin only."""

    def redirect_request(self, req: Any, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str) -> urllib.request.Request | None:
        try:
            old, new = self._followed(req.full_url, newurl, code)
        except LineageError:
            fp.close()
            raise
        again = Request(newurl, req.data, dict(req.headers), req.get_method(), req.guard)
        token = req.unredirected_hdrs.get("Authorization")
        if token and old == new:
            again.add_unredirected_header("Authorization", token)
        return again

    def _followed(self, url: str, newurl: str, code: int) -> tuple[Origin, Origin]:
        """The two origins, if the redirect is one that is followed. Raises LineageError."""
        old, new = _origin(url), _origin(newurl)
        is_upgrade = old[1] == new[1] and (old[0], new[0]) == ("http", "https")
        if new[0] not in ("http", "https") or (old[0] == "https" and new[0] == "http"):
            hint = "give the URL that it should be"
            raise LineageError("the endpoint redirects to where it is not safe to follow", at=_shown(url), hint=hint)
        if code == 303:
            raise LineageError("the endpoint redirects to a page (303)", at=_shown(url), hint="is this the URL of a SPARQL endpoint?")
        if old != new and not is_upgrade:
            hint = f"if you trust it, name it: {_shown(newurl)[:200]}"
            raise LineageError("the endpoint redirects to another host or port", at=_shown(url), hint=hint)
        return old, new

    http_error_308 = urllib.request.HTTPRedirectHandler.http_error_302
