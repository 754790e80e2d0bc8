"""What a meter is worth: certificate, else class, else the typical value (R37, standard.md section 13)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tanji.plant.instruments import Accuracy, accuracy
from tanji.plant.model import Certificate, Meter, MeterRange, Name

SCALE = Meter(
    id="scale", name=Name(zh="秤", en="scale"), kind="belt_scale", device="d", accuracy_class="0.5",
    range=MeterRange(low=0, high=400, unit="t/h"),
)  # fmt: skip


def test_a_class_without_certificate_is_wholly_systematic():
    # by hand: 0.5 % / 1.7320508 = 0.288675 %
    known = accuracy(SCALE, typical=0.02)
    assert known.systematic == pytest.approx(0.00288675, abs=5e-9) and known.random == 0.0
    assert (known.systematic_share, known.random_share) == (1.0, 0.0)


def test_a_certificate_without_a_number_leaves_the_class_in_force():
    held = SCALE.model_copy(update={"certificate": Certificate(number="1", due="2027-01-01")})
    assert accuracy(held, typical=0.02) == accuracy(SCALE, typical=0.02)


def test_a_certificate_with_a_number_goes_before_the_class_and_says_what_is_random():
    # by hand: U 1.0 %, k 2: 0.5 %; 60 % of it random: 0.3 %, the rest root(1 - 0.36) x 0.5 = 0.4 %
    certificate = Certificate(number="1", due="2027-01-01", expanded_uncertainty=0.01, random_share=0.6)
    known = accuracy(SCALE.model_copy(update={"certificate": certificate}), typical=0.02)
    assert (known.systematic, known.random, known.total) == pytest.approx((0.004, 0.003, 0.005), rel=1e-12)
    wide = Certificate(number="1", due="2027-01-01", expanded_uncertainty=0.012, coverage_factor=3.0)
    assert accuracy(SCALE.model_copy(update={"certificate": wide}), typical=0.02).total == pytest.approx(0.004)


def test_a_meter_nobody_has_said_anything_about_takes_the_typical_value():
    assert accuracy(SCALE.model_copy(update={"accuracy_class": None}), typical=0.02) == Accuracy(0.02, 0.0)


def test_a_class_of_full_scale_is_the_same_in_tonnes_at_every_reading():
    # by hand: 0.5 % of 400 t/h is 2 t/h, 1.154701 t/h as u: of 200 t/h 0.577350 %, of 100 t/h 1.154701 %
    known = accuracy(SCALE.model_copy(update={"class_of": "full_scale"}), typical=0.02)
    relative = known.at(np.array([400.0, 200.0, 100.0, 0.0]))
    assert relative == pytest.approx([0.00288675, 0.00577350, 0.01154701, 0.00288675], abs=5e-9)
    kilowatts = MeterRange(low=0, high=40_000, unit="kW")
    meter = SCALE.model_copy(update={"class_of": "full_scale", "range": kilowatts})
    assert accuracy(meter, typical=0.02).at(20.0) == pytest.approx(2 * 0.005 / math.sqrt(3), rel=1e-12)
