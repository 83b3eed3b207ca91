"""Work that is done in advance, in threads, while earlier results are used."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class ReadAhead(Generic[T]):
    """Calls `work` for the number asked for, and in advance for the next `depth` numbers.

    Numbers may be asked for in any order. With a depth of 0, `work` is called when its number is asked for.
    """

    def __init__(self, work: Callable[[int], T], *, depth: int) -> None:
        self.work, self.depth = work, depth
        self._pool = ThreadPoolExecutor(depth + 1, thread_name_prefix="read-ahead")
        self._under_way: dict[int, Future[T]] = {}

    def __call__(self, number: int) -> T:
        """Return what `work` returns for `number`, or raise what it raises."""
        if self.depth == 0:
            return self.work(number)
        wanted = range(number, number + self.depth + 1)
        for stale in self._under_way.keys() - set(wanted):
            self._under_way.pop(stale).cancel()
        for near in wanted:
            if near not in self._under_way:
                self._under_way[near] = self._pool.submit(self.work, near)
        return self._under_way.pop(number).result()
