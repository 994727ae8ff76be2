"""Progress on stderr: a bar with rate and time left on a terminal, plain lines otherwise."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")

LINE_SECONDS = 10.0
"""Time between two lines where stderr is not a terminal."""


def say(message: str) -> None:
    """Write one line to stderr."""
    print(message, file=sys.stderr, flush=True)


def progress(items: Iterable[T], total: int, what: str, unit: str) -> Iterator[T]:
    """Yield ``items`` and show how many of ``total`` are done, how fast, and how long is left."""
    if sys.stderr.isatty():
        yield from tqdm(items, total=total, desc=what, unit=f" {unit}", dynamic_ncols=True, smoothing=0.05)
        return
    start = shown = time.monotonic()
    for done, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if now - shown >= LINE_SECONDS or (done == total and now - start >= LINE_SECONDS):
            shown = now
            rate = done / (now - start)
            left = tqdm.format_interval((total - done) / rate)
            say(f"{what}: {done} of {total} {unit}, {rate:.1f} a second, {left} left")
