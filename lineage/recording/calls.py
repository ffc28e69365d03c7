"""The calls of a model inside one run, and the parameters of the call that made a record.

    generate(...)  -> Calls.add       the wrapper of `lineage.models.hooks` reports each call that returned
    write(record)  -> Calls.in_force  the writer asks for each record

A record gets the parameters of its own call, never those of another. Which call that is follows from the order in one context: a thread, or a
task of asyncio. While every call is followed by a record before a call with other parameters, the last call made the record. Once two different
calls take place with no record between them (generate all, write all), the order no longer tells: from then on, that context gets what all calls
of the run have in common, and a gap for each parameter that differs. So does a context that made no call itself. After a call that raised, a record is
of that call (an error, a fallback) or of the one before; until a call returns, records get what these two have in common.
"""

from __future__ import annotations

import os
import sys
import weakref
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from threading import get_ident
from typing import Any

from lineage.contract.plain import plain

DIFFER = "calls with different values were made before this record was written"
VARIED = "calls were made with different values"  # of the run itself


@dataclass(frozen=True, slots=True)
class Call:
    """The parameters of one call, or those that several calls have in common.

    Attributes:
        params: Parameters in force, by name, as JSON holds them.
        gaps: Reason for each parameter that is not known, by its name.
    """

    params: Mapping[str, Any] = field(default_factory=dict)
    gaps: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Context:
    """The calls of one thread or task. Frozen, for a task of asyncio starts with a copy of its parent's context."""

    call: Call  # the last one
    place: _Place
    has_record: bool = False  # a record was written since the last call
    is_mixed: bool = False  # two different calls had no record between them
    failed: Call | None = None  # the last call, if it raised: a record that follows may be of it, or of the call before


@dataclass(frozen=True, slots=True)
class _Place:
    """A thread, and the task of asyncio that runs in it."""

    thread: int
    task: weakref.ReferenceType[Any] | None

    def is_here(self) -> bool:
        """Return whether the caller runs in this thread and task."""
        task = _running_task()
        is_same_task = task is None if self.task is None else task is not None and self.task() is task
        return self.thread == get_ident() and is_same_task


class Calls:
    """The calls of one run. Safe for threads, tasks and forks.

    Attributes:
        common: The parameters that all calls so far have in common; None before the first call.

    Args:
        exclusive: Returns a lock that a fork does not inherit as taken.
        changed: Called when the parameters that all calls have in common are others than before.
    """

    def __init__(self, exclusive: Callable[[], AbstractContextManager[None]], changed: Callable[[], None]) -> None:
        self._exclusive = exclusive
        self._listeners = [(os.getpid(), changed)]
        self.common: Call | None = None
        self._context: ContextVar[_Context | None] = ContextVar("calls", default=None)

    def add(self, params: Mapping[str, Any], gaps: Mapping[str, str]) -> None:
        """Add a call that has returned.

        Args:
            params: Parameters in force, by name.
            gaps: Reason for each parameter that is not known, by its name.
        """
        call = _as_json(params, gaps)
        context = self._own_context()
        if context is None:
            self._context.set(_Context(call, _here()))
        else:
            self._context.set(_next(context, call))
        self._add_to_common(call)

    def failed(self, params: Mapping[str, Any], gaps: Mapping[str, str]) -> None:
        """Note a call that raised. No parameter of it is recorded; a record that follows loses those that the call before did not have.

        Args:
            params: Parameters in force, by name.
            gaps: Reason for each parameter that is not known, by its name.
        """
        call = _as_json(params, gaps)
        context = self._own_context()
        if context is None or context.call is context.failed:  # none has returned here
            self._context.set(_Context(call, _here(), has_record=True, failed=call))
            return
        before = context.failed
        self._context.set(replace(context, failed=call if before is None else _shared(before, call)))

    def in_force(self) -> Call | None:
        """Return the call that made the record being written; None where no call was made. The same object while nothing changes."""
        if self.common is None:
            return None
        context = self._own_context()
        if context is None:
            return self.common
        if context.is_mixed or context.call is context.failed:
            return self.common if context.failed is None else _shared(self.common, context.failed)
        if not context.has_record:
            self._context.set(replace(context, has_record=True))
        if context.failed is not None:
            return _shared(context.call, context.failed)
        return context.call

    def follow(self, changed: Callable[[], None]) -> None:
        """Report changes to *changed* too: the run that a forked process goes on with."""
        self._listeners.append((os.getpid(), changed))

    def _own_context(self) -> _Context | None:
        """Return the calls that this thread or task made itself, not those of the one that started it."""
        context = self._context.get()
        return context if context is not None and context.place.is_here() else None

    def _add_to_common(self, call: Call) -> None:
        with self._exclusive():
            before = self.common
            self.common = call if before is None else _shared(before, call)
            is_changed = self.common != before
        if is_changed:
            for process, changed in list(self._listeners):
                if process == os.getpid():  # a fork does not speak for its parent's run
                    changed()


def _as_json(params: Mapping[str, Any], gaps: Mapping[str, str]) -> Call:
    """Return the call as JSON holds it. Every parameter of every call passes here."""
    values, unheld = plain(params, "params")
    lost = {gap.about.removeprefix("params."): gap.reason for gap in unheld}
    return Call(values, {**lost, **gaps})


def _next(context: _Context, call: Call) -> _Context:
    """Return *context* after one more call."""
    if not _differing(context.call, call):
        return replace(context, has_record=False, failed=None)
    return replace(context, call=call, has_record=False, failed=None, is_mixed=context.is_mixed or not context.has_record)


def _shared(one: Call, other: Call) -> Call:
    """Return what two calls have in common; *one* itself where *other* adds nothing."""
    differing = _differing(one, other)
    params = {key: value for key, value in one.params.items() if key not in differing}
    gaps = {key: reason for key, reason in one.gaps.items() if key not in differing}
    shared = Call(params, gaps | dict.fromkeys(sorted(differing), DIFFER))
    return one if shared == one else shared


def _differing(one: Call, other: Call) -> set[str]:
    """Return the names of which two calls do not say the same."""
    pairs = ((one.params, other.params), (one.gaps, other.gaps))
    return {key for before, after in pairs for key in before.keys() | after.keys() if not _is_same(before, after, key)}


def _is_same(one: Mapping[str, Any], other: Mapping[str, Any], key: str) -> bool:
    if key not in one or key not in other:
        return False
    return type(one[key]) is type(other[key]) and bool(one[key] == other[key])  # True is no 1, and 1 is no 1.0


def _here() -> _Place:
    task = _running_task()
    return _Place(get_ident(), weakref.ref(task) if task is not None else None)


def _running_task() -> Any:
    """Return the task of asyncio that runs; None outside of one. asyncio is not imported for the question."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return None
    try:
        return asyncio.current_task()
    except RuntimeError:  # no loop runs in this thread
        return None
