"""How far a metering device can be trusted: two numbers, systematic and random (standard.md section 13, R37).

A certificate with a printed uncertainty: U / k, split as it says. Without one the whole permissible error of the class
is systematic, a rectangle, a / sqrt(3). Neither: the typical value of the factor library, which the caller brings. A
class of full scale is the same in absolute terms at every reading.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tanji.domain import uncertainty, units
from tanji.domain.limits import Quantity
from tanji.plant.model import Meter, Point


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Standard uncertainties of an instrument, relative to its reading, or to `full_scale` where it has one.

    systematic, random : float  The part that all readings share, and the part new in each. [1]
    full_scale : float | None  Span of the range in the unit used inside the code; None for a class of the reading.
    """

    systematic: float
    random: float
    full_scale: float | None = None

    @property
    def total(self) -> float:
        """Both parts together. [1]"""
        return math.hypot(self.systematic, self.random)

    @property
    def systematic_share(self) -> float:
        """Systematic part of the whole; 1 where there is no error at all. [1]"""
        return self.systematic / self.total if self.total else 1.0

    @property
    def random_share(self) -> float:
        """Random part of the whole; the squares of both add up to 1. [1]"""
        return self.random / self.total if self.total else 0.0

    def at(self, reading: Quantity) -> Quantity:
        """Total relative standard uncertainty at a reading; the class itself where nothing is read. [1]

        reading : in the unit of `full_scale`. [any]

        By hand: class 1.0 of 400 t/h at 100 t/h: 0.01 x 400 / (1.732 x 100) = 2.309 %.
        """
        size = np.abs(np.asarray(reading, np.float64))
        if self.full_scale is None:
            return np.full(size.shape, self.total)
        known = size > 0
        times = np.divide(self.full_scale, size, out=np.ones(size.shape), where=known)
        return self.total * times


def accuracy(meter: Meter, *, typical: float) -> Accuracy:
    """What certificate, class or else the typical value say of a meter.

    typical : relative standard uncertainty of a meter nobody has said anything about. [1]
    """
    span = full_scale(meter)
    certificate = meter.certificate
    if certificate is not None and certificate.expanded_uncertainty is not None:
        standard = float(
            uncertainty.from_certificate(certificate.expanded_uncertainty, coverage_factor=certificate.coverage_factor)
        )
        share = certificate.random_share
        return Accuracy(standard * math.sqrt(1 - share**2), standard * share, span)
    if meter.permissible_error is not None:
        return Accuracy(float(uncertainty.from_permissible_error(meter.permissible_error)), 0.0, span)
    return Accuracy(typical, 0.0)


def metered_by_volume(point: Point) -> bool:
    """Whether a density has to turn what a point gives into tonnes."""
    return units.conversion(point.unit).dimension in ("volume", "volume_rate")


def full_scale(meter: Meter) -> float | None:
    """Span of a meter's range in the unit used inside the code, where its class is of full scale."""
    if meter.class_of != "full_scale" or meter.range is None:
        return None
    return (meter.range.high - meter.range.low) * units.conversion(meter.range.unit).factor
