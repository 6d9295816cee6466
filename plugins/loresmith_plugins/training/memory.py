"""Memory that runs out is told as what it is: by which batch, and what to lower."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from loresmith.errors import TrainError

_SIGNS = ("not enough memory", "can't allocate memory", "cannot allocate memory", "out of memory")


@contextmanager
def memory_named(when: str, parts: Sequence[Any]) -> Iterator[None]:
    """Turn an allocation that fails inside into a `TrainError`.

    Args:
        when: What was being done (`step 3`).
        parts: The parts of a step (see `loop.Part`) that were being computed.
    """
    try:
        yield
    # The accelerator's error is a RuntimeError; the CPU's allocator raises a plain one.
    except (RuntimeError, MemoryError) as error:
        if not isinstance(error, MemoryError) and not any(sign in str(error).lower() for sign in _SIGNS):
            raise
        rows = sum(part.rows for part in parts)
        longest = max((part.longest for part in parts), default=0)
        on = f", on a batch of {rows} rows, the longest of {longest} tokens" if parts else ""
        raise TrainError(
            f"memory ran out at {when}{on}",
            "Lower `batch` and raise `accumulation` by as much, set `gradient_checkpointing: true`, shorten the "
            "longest rows, or train with `adapter: qlora`. The last checkpoint is kept: with the same settings and "
            "more memory, `loresmith build --resume` goes on from it.",
        ) from error
