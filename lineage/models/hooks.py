"""Record your own scripts in two lines.

trainer = Trainer(..., callbacks=[callback(run)])              # inside `with session.training(...) as run:`
generate = recorded(model.generate, run)                       # inside `with session.generation(...) as run:`
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from lineage.models.settings import Settings, settings
from lineage.models.trainer import callback
from lineage.recording.runs import Run

__all__ = ["callback", "recorded"]


def recorded(generate: Callable[..., Any], run: Run) -> Callable[..., Any]:
    """Wrap a function that calls a model, and record the parameters in force in each call.

    Each record that *run* writes gets the parameters and the seed of the call that made it. Where the order of calls and records does not tell which
    call that was, the record gets what all calls have in common, and a gap for the rest.

    Args:
        generate: `model.generate`, a pipeline, `llm.generate` of vLLM, the method of an API client, or a function of your own. Coroutine functions and
            generators stay what they are.
        run: The run whose records the calls make.

    Returns:
        A function with the same name and signature. It returns and raises what *generate* does.

    Raises:
        TypeError: *generate* cannot be called, or *run* is no run.
    """
    if not callable(generate):
        raise TypeError(f"generate: expected a function, got {type(generate).__name__}; pass model.generate, or a function of your own")
    if not isinstance(run, Run):
        raise TypeError(f"run: expected a run, got {type(run).__name__}; pass what `with session.generation(...) as run:` gives")
    return wraps(generate, updated=())(_kind(generate)(generate, run))


def _kind(generate: Callable[..., Any]) -> Callable[..., Callable[..., Any]]:
    method = vars(type(generate)).get("__call__")  # of an object that can be called
    for is_kind, kind in (
        (inspect.isasyncgenfunction, _async_generator),
        (inspect.iscoroutinefunction, _coroutine),
        (inspect.isgeneratorfunction, _generator),
    ):
        if is_kind(generate) or is_kind(method):
            return kind
    return _plain


def _plain(generate: Callable[..., Any], run: Run) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        found = _read(run, generate, args, kwargs)
        with _told_if_it_raises(run, found):
            made = generate(*args, **kwargs)
        if inspect.iscoroutine(made):
            return _awaited(made, run, found)
        _add(run, found)
        return made

    return wrapper


async def _awaited(made: Any, run: Run, found: Settings | None) -> Any:
    with _told_if_it_raises(run, found):
        answer = await made
    _add(run, found)
    return answer


def _coroutine(generate: Callable[..., Any], run: Run) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        found = _read(run, generate, args, kwargs)
        with _told_if_it_raises(run, found):
            made = await generate(*args, **kwargs)
        _add(run, found)
        return made

    return wrapper


def _generator(generate: Callable[..., Any], run: Run) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        _add(run, _read(run, generate, args, kwargs))
        return (yield from generate(*args, **kwargs))

    return wrapper


def _async_generator(generate: Callable[..., Any], run: Run) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        _add(run, _read(run, generate, args, kwargs))
        async for part in generate(*args, **kwargs):
            yield part

    return wrapper


def _read(run: Run, generate: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Settings | None:
    """Return the settings of a call. What cannot be read is a gap, and the call goes on. None where recording is off."""
    if not run.session.recording:
        return None
    with run.session.guard("the parameters of a call", ours=True):
        return settings(generate, args, kwargs)
    return Settings({}, {"parameters": "the arguments of the call could not be read"})


@contextmanager
def _told_if_it_raises(run: Run, found: Settings | None) -> Iterator[None]:
    """Tell the run of a call that raises, so that no record is taken for one of the call before."""
    returned = False
    try:
        yield
        returned = True
    finally:
        if found is not None and not returned:
            with run.session.guard("the parameters of a call", ours=True):
                run.failed(*found)


def _add(run: Run, found: Settings | None) -> None:
    """Add a call that returned, or a stream that begins."""
    if found is not None:
        with run.session.guard("the parameters of a call", ours=True):
            run.called(*found)
