"""Blocks of hours one after the other, their stages overlapped on two cores: read ahead, compute, write behind.

A thread reads the next block's raw readings while this one is computed, another writes the block before. Order is
kept where it matters: blocks are written one after the other, and a block's flags are in the store before the next one
is computed, so that figures do not depend on how hours were cut into blocks. An error anywhere ends the run; what had
been written stays, and the next run repeats the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from calc_jobs.hourly import BlockResult, HourlyJob

Done = Callable[[int], None]
"""Told the number of hours of each block once they are written."""


def run(
    job: HourlyJob, blocks: Sequence[tuple[int, ...]], *, reasons: Mapping[int, str], done: Done
) -> list[BlockResult]:
    """Compute and write the blocks in their order."""
    wanted = [{hour: reasons[hour] for hour in block} for block in blocks]
    if len(wanted) < 2:
        return [_told(job.compute(block), len(block), done) for block in wanted]
    results: list[BlockResult] = []
    reader, writer = ThreadPoolExecutor(1, "read-ahead"), ThreadPoolExecutor(1, "write-behind")
    try:
        ahead = reader.submit(job.fetch, wanted[0])
        behind: tuple[Future[BlockResult], int] | None = None
        for place, block in enumerate(wanted):
            fetched = ahead.result()
            if place + 1 < len(wanted):
                ahead = reader.submit(job.fetch, wanted[place + 1])
            computed = job.work(fetched)
            del fetched
            if behind is not None:
                results.append(_told(behind[0].result(), behind[1], done))
            behind = writer.submit(job.commit, computed), len(block)
        if behind is not None:
            results.append(_told(behind[0].result(), behind[1], done))
    finally:
        reader.shutdown(cancel_futures=True)
        writer.shutdown()
    return results


def _told(result: BlockResult, hours: int, done: Done) -> BlockResult:
    done(hours)
    return result
