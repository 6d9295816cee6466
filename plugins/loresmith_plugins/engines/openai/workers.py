"""Does like jobs at the same time, and ends well: what was under way when one failed is still finished."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from queue import Empty, SimpleQueue
from threading import Thread
from typing import TypeVar

from loresmith_plugins.engines.openai.endpoint import Stopped
from loresmith_plugins.engines.openai.pace import Pace

J = TypeVar("J")
R = TypeVar("R")


def done_together(work: Callable[[J], R], jobs: Sequence[J], count: int, pace: Pace) -> Iterator[tuple[J, R]]:
    """Yield (job, result) as they are done, by `count` workers; the first error ends it.

    After an error the jobs under way are waited for, since what they were answered is paid. After Ctrl-C they are not.
    """
    todo: SimpleQueue[J] = SimpleQueue()
    done: SimpleQueue[tuple[J, R] | Exception] = SimpleQueue()
    for job in jobs:
        todo.put(job)

    def run() -> None:
        while not pace.over.is_set():
            try:
                job = todo.get_nowait()
                done.put((job, work(job)))
            except (Empty, Stopped):
                return
            except Exception as error:  # noqa: BLE001  # raised again where the results are read
                pace.over.set()
                done.put(error)

    # Threads of a pool would be joined at exit, and Ctrl-C would wait for the slowest answer.
    workers = [Thread(target=run, name="endpoint", daemon=True) for _ in range(min(count, len(jobs)))]
    for worker in workers:
        worker.start()
    try:
        for _ in jobs:
            result = done.get()
            if isinstance(result, Exception):
                raise result
            yield result
    except Exception:
        for worker in workers:
            worker.join()
        raise
    finally:
        pace.over.set()
