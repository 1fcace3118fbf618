"""How many threads the kernels may use.  No result depends on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from trabsim.errors import ConfigError


@contextmanager
def kernel_threads(threads: int | None) -> Iterator[int]:
    """Run the kernels called inside on `threads` threads (None: as many as numba is set to).

    Yields
    ------
    int
        The number in use: what was asked for, at most what numba was started with.

    Raises
    ------
    ConfigError
        If `threads` is not a whole number above zero.
    """
    import numba

    before = numba.get_num_threads()
    if threads is None:
        yield before
        return
    if not isinstance(threads, int) or isinstance(threads, bool) or threads < 1:
        raise ConfigError(f"threads is {threads!r}: give a whole number above zero, or None for all")
    in_use = min(threads, numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]
    numba.set_num_threads(in_use)
    try:
        yield in_use
    finally:
        numba.set_num_threads(before)
