from typing import Any, Literal

source: str

class Batch:
    end: int
    def __init__(self, descriptor: int, /) -> None: ...
    @property
    def last(self) -> int: ...
    @property
    def count(self) -> int: ...
    @property
    def size(self) -> int: ...
    def put(
        self,
        record: object,
        body: bytes,
        before: bytes,
        seed: int | None,
        after: bytes,
        time: int,
        index: int,
        extra: bytes,
        waiting: list[Any],
        /,
    ) -> tuple[bytes, int, int] | Literal[False] | None: ...
    def add(self, line: bytes, /) -> None: ...
    def take(self) -> bytes: ...
    def stop(self) -> None: ...
