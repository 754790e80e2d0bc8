"""Random numbers that do not depend on how a period is cut into pieces.

Process noise is drawn once from the start of the scenario on, one generator per signal: a longer period begins with
the same numbers. Reading noise is a hash of seed, point and time, so that history, a second run and the live servers
agree on every reading.
"""

from __future__ import annotations

import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

Array = NDArray[np.float64]

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2: Final = np.uint64(0x94D049BB133111EB)
_HALVES: Final = 4 * 65535 / 2
_DEVIATION: Final = 65535 * (4 / 12) ** 0.5


def generator(seed: int, name: str) -> np.random.Generator:
    """The generator of one named signal."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def wander(seed: int, name: str, size: int, *, minutes: float, deviation: float) -> Array:
    """Autocorrelated noise in steps of a minute, mean 0, with its time constant [min] and standard deviation."""
    memory = float(np.exp(-1 / minutes))
    shocks = generator(seed, name).standard_normal(size)
    return np.asarray(lfilter([deviation * np.sqrt(1 - memory**2)], [1, -memory], shocks))


def stepped(seed: int, name: str, index: NDArray[np.int64], *, deviation: float, memory: float = 0.6) -> Array:
    """Noise that is constant as long as `index` (day or week number from 0) is."""
    size = int(index.max(initial=0)) + 1
    shocks = generator(seed, name).standard_normal(size)
    level = np.asarray(lfilter([deviation * np.sqrt(1 - memory**2)], [1, -memory], shocks))
    return np.clip(level, -2.5 * deviation, 2.5 * deviation)[index]


def words(seed: int, name: str, times: NDArray[np.int64]) -> NDArray[np.uint64]:
    """64 random bits for each time (splitmix64 of seed, name and time)."""
    key = np.uint64((seed * 0x100000001B3 + zlib.crc32(name.encode()) * 0x9E3779B1) & 0xFFFFFFFFFFFFFFFF)
    with np.errstate(over="ignore"):
        state = times.astype(np.uint64) * _GOLDEN + key
        state = (state ^ (state >> np.uint64(30))) * _MIX_1
        state = (state ^ (state >> np.uint64(27))) * _MIX_2
    return state ^ (state >> np.uint64(31))


def reading_noise(seed: int, name: str, times: NDArray[np.int64]) -> Array:
    """Noise for each time: mean 0, standard deviation 1, nearly normal, never beyond 3.5."""
    # The sum of four uniform 16-bit numbers; bounded, so that a healthy meter cannot leave its limits by chance.
    quarters = words(seed, name, times).view(np.uint16).reshape(-1, 4)
    return (quarters.sum(axis=1, dtype=np.float64) - _HALVES) / _DEVIATION


def systematic(seed: int, name: str, *, bound: float) -> float:
    """The lasting error of one instrument, uniform within +-bound."""
    return float(generator(seed, f"{name} systematic").uniform(-bound, bound))
