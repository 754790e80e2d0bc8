"""Progress bars on a terminal, silence in a pipe (DESIGN section 5)."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

Advance = Callable[[float], None]
"""Tells how much is done so far, in the bar's own unit."""


@contextmanager
def bar(title: str, *, total: float) -> Iterator[Advance]:
    """Show one bar on standard error while the block runs; call what it yields with the amount done so far."""
    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(title, total=total)

        def advance(done: float) -> None:
            progress.update(task, completed=done)

        yield advance
