"""A period is computed by the edition of the rule set that was in force in it (R4), by the plant's own days.

GB/T 32151.8 changes on 1 June 2024, 00:00 in Shanghai: 98 % of a kiln's carbon is oxidised under the edition of
2015, 99 % under that of 2023 (standard.md 2.2); CETS-AG-02.01 begins on 13 September 2024.
"""

from __future__ import annotations

import pytest

JUNE = (1_717_171_200_000 - 1_772_323_200_000) // 3_600_000
"""Hours from the rig's first hour to 2024-05-31 16:00 UTC, midnight of 1 June in Shanghai."""


@pytest.fixture
def june(rig):
    """Two hours of May and two of June, coal of 20 t/h; nothing else is metered."""
    rig.normal(4, from_h=JUNE - 2, without=("clinker", "power"))
    return rig


def coal(rig) -> list[dict]:
    return rig.rows(stream="coal", ruleset="gbt32151_8", boundary="clinker")


def test_hours_before_the_first_of_june_go_by_the_edition_of_2015(june) -> None:
    """20 t x 22 GJ/t x 0.0261 = 11.484 tC; x 0.98 x 44/12 = 41.26584 t; x 0.99 x 44/12 = 41.68692 t."""
    june.enter(22.0, from_h=JUNE - 2, to_h=JUNE + 2, basis="as_received")
    june.run(after_h=JUNE + 2)
    assert [row["co2_t"] for row in coal(june)] == pytest.approx([41.26584] * 2 + [41.68692] * 2)
    digests = [row["method_digest"] for row in coal(june)]
    assert digests[0] == digests[1] != digests[2] == digests[3]


def test_each_edition_names_what_stands_in_for_a_missing_calorific_value(june) -> None:
    """26.7 GJ/t of the older sheet until May, 23.076 by fuel from June (standard.md 8.1 and 9)."""
    june.run(after_h=JUNE + 2)
    rows = coal(june)
    assert [row["co2_t"] for row in rows] == pytest.approx(
        [20 * 26.7 * 0.0261 * 0.98 * 44 / 12] * 2 + [20 * 23.076 * 0.0261 * 0.99 * 44 / 12] * 2
    )
    assert {row["rule"] for row in rows} == {"net_calorific_value: reference_value"}


def test_a_day_before_the_first_edition_has_no_figure_and_the_run_says_so(june) -> None:
    report = june.run(after_h=JUNE + 2)
    assert report.no_edition == (("cets_ag_02_01", 4),)
    assert not june.rows(ruleset="cets_ag_02_01")


def test_an_hour_at_the_edge_has_one_version_of_one_row(june) -> None:
    june.run(after_h=JUNE + 2)
    history = june.rows("emission_history", stream="coal", ruleset="gbt32151_8", boundary="clinker")
    assert [(row["hour"] - JUNE, row["revision"]) for row in history] == [(-2, "1"), (-1, "1"), (0, "1"), (1, "1")]
