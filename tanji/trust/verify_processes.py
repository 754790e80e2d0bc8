"""One piece of work after the other, done by several processes of this Python, answers in the order of the pieces.

The standard library's pools run the caller's main module again in each process, do not work below a daemon, and end a
whole audit when one process is killed. Here a process is the interpreter with this module and nothing of the caller;
pieces go in and answers come out by pickle between processes of one user, and what a killed one leaves is done here.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Generator, Sequence
from typing import IO, Any, TypeVar

Piece = TypeVar("Piece")
Answer = TypeVar("Answer")

SERVE = "from tanji.trust.verify_processes import serve; serve()"
"""What a process is started with."""

GONE = (EOFError, OSError, pickle.UnpicklingError)
"""How it looks when a process ended before its work."""


def spread(
    work: Callable[[Piece], Answer], pieces: Sequence[Piece], *, processes: int
) -> Generator[Answer, None, None]:
    """The answer to each piece, in order; close the iterator to stop early. `work` and pieces can be pickled."""
    shares = [pieces[place::processes] for place in range(min(processes, len(pieces)))]
    running = [_start() for _ in shares]
    try:
        for process, share in zip(running, shares, strict=True):
            _tell(process, (work, share))
        for place, piece in enumerate(pieces):
            answer: Answer
            try:
                answer = pickle.load(_pipe(running[place % len(running)].stdout))
            except GONE:
                answer = work(piece)
            yield answer
    finally:
        for process in running:
            process.kill()
            process.communicate()


def serve() -> None:
    """Do one share of the work: read it from standard input, write the answers to standard output."""
    work, share = pickle.load(sys.stdin.buffer)
    for piece in share:
        pickle.dump(work(piece), sys.stdout.buffer)
        sys.stdout.buffer.flush()


def _start() -> subprocess.Popen[bytes]:
    """A process that finds the same modules."""
    paths = os.pathsep.join(path for path in sys.path if path)
    return subprocess.Popen(
        [sys.executable, "-c", SERVE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": paths},
    )


def _tell(process: subprocess.Popen[bytes], what: Any) -> None:
    pipe = _pipe(process.stdin)
    try:
        pickle.dump(what, pipe)
        pipe.flush()
    except OSError:
        pass  # it is gone; its pieces are done here


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # both were asked for
    return stream
