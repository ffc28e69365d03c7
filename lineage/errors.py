"""Everything `lineage` raises on purpose, in one tree.

    LineageError              where, what and what to do: `graphs/run.rdf: unknown format '.rdf' (use one of .json .ttl)`
    ├── UsageError            the caller asked for something that cannot be meant
    │   ├── ForbiddenError    what is never done, however it is asked for
    │   ├── PathError         a text that no file can be called (also a ValueError)
    │   ├── OutputExistsError an output exists, and no choice was made (also a FileExistsError, as `open(path, "x")` raises)
    │   └── ClosedError       a writer was used after it was closed (also a ValueError, as a closed file raises)
    ├── NotFoundError         the thing that was named is not there
    │   └── NothingRecordedError   the folder is there, and no session is recorded in it
    ├── ContractError         a file, or a value in it, has not the shape that docs/reference/files.md promises
    ├── FormatError           bytes that are not a document of the format, or a document the format cannot hold
    ├── ModelError            a model that cannot be loaded, or whose files contradict each other
    ├── ContaminationError    a base model that is not clean, or a prompt that would reach it as chat markup
    ├── LateError             there was no answer in the time that was given
    └── RecordError           a record that JSON cannot hold (also a TypeError, as `json.dumps` raises)

What is wrong with a user's *data* is no exception but a `lineage.findings.Finding`.
"""

from __future__ import annotations

import errno


class LineageError(Exception):
    """What went wrong, where, and what to do about it."""

    def __init__(self, message: str, *, at: str | None = None, hint: str | None = None) -> None:
        self.message, self.at, self.hint = message, at, hint
        where = f"{at}: " if at else ""
        todo = f" ({hint})" if hint else ""
        super().__init__(f"{where}{message}{todo}")


class UsageError(LineageError):
    """The caller asked for something that cannot be meant."""


class ForbiddenError(UsageError):
    """What is never done, however it is asked for: a query that changes the graph, or opens a connection."""


class PathError(UsageError, ValueError):
    """A text that no file can be called."""


class OutputExistsError(UsageError, FileExistsError):
    """The output exists, this session did not make it, and the caller did not say what to do with it."""

    def __init__(self, message: str, *, at: str, hint: str | None = None) -> None:
        super().__init__(message, at=at, hint=hint)
        self.errno, self.strerror, self.filename = errno.EEXIST, message, at

    def __str__(self) -> str:
        return str(self.args[0])


class ClosedError(UsageError, ValueError):
    """A writer was used after it was closed."""


class NotFoundError(LineageError):
    """The thing that was named is not there."""


class NothingRecordedError(NotFoundError):
    """The folder is there, and no session is recorded in it."""


class ContractError(LineageError):
    """A file, or a value in it, is not of the shape the contract promises."""


class FormatError(LineageError):
    """Bytes that are not a document of the format, or a document that the format cannot hold."""


class ModelError(LineageError):
    """A model that cannot be loaded, or whose files contradict each other."""


class ContaminationError(LineageError):
    """A base model that is not clean, or a prompt that would reach it as chat markup."""


class LateError(LineageError):
    """There was no answer in the time that was given."""


class RecordError(LineageError, TypeError):
    """A record that JSON cannot hold."""
