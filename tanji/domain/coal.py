"""Laboratory figures of coal brought to the moisture of the scale: standard.md section 3 (R16, R26).

One place, one moisture: mass, calorific value and carbon belong to the moisture of the coal where it is weighed. Raw
coal at the truck scale and pulverised coal at the kiln rotor scale differ by about 8 % in carbon per tonne, so scale
and laboratory record both name their place, and a mismatch is an error. After GB/T 213, GB/T 476 and GB/T 31391 [M];
texts not yet checked. A missing input (not-a-number) gives a missing result.
"""

from __future__ import annotations

from tanji.domain.limits import Quantity, Ranges, require
from tanji.errors import DomainError

HYDROGEN_COEFFICIENT = 20.6
"""GJ/t lost per unit hydrogen fraction as vapour: 206 J/g per percent (GB/T 213 [M], not yet checked)."""

MOISTURE_COEFFICIENT = 2.3
"""GJ/t lost per unit moisture fraction as vapour: 23 J/g per percent (GB/T 213 [M], not yet checked)."""


def carbon_from_air_dried(
    carbon_air_dried: Quantity,
    *,
    moisture_as_received: Quantity,
    moisture_air_dried: Quantity,
    hard_ranges: Ranges | None = None,
) -> Quantity:
    """Carbon on received basis from the laboratory's air-dried figure. [tC/t]

    C_ar = C_ad x (1 - M_ar) / (1 - M_ad); GB/T 476 family, standard.md section 3 [M]; standard text not yet checked.

    carbon_air_dried : elemental carbon, air-dried basis. [tC/t]
    moisture_as_received : moisture of the coal where it is weighed. [1]
    moisture_air_dried : moisture of the air-dried sample. [1]

    >>> round(carbon_from_air_dried(0.65, moisture_as_received=0.09, moisture_air_dried=0.02), 6)
    0.603571

    By hand: 0.65 x 0.91 / 0.98 = 0.5915 / 0.98 = 0.603571.
    """
    require(hard_ranges=hard_ranges, carbon_air_dried=carbon_air_dried)
    return carbon_air_dried * _moisture_ratio(moisture_as_received, moisture_air_dried, hard_ranges)


def carbon_from_dry(
    carbon_dry: Quantity, *, moisture_as_received: Quantity, hard_ranges: Ranges | None = None
) -> Quantity:
    """Carbon on received basis from the laboratory's dry figure. [tC/t]

    C_ar = C_d x (1 - M_ar); standard.md section 3 [M]; standard text not yet checked.

    carbon_dry : elemental carbon, dry basis. [tC/t]
    moisture_as_received : moisture of the coal where it is weighed. [1]

    >>> round(carbon_from_dry(0.7, moisture_as_received=0.1), 6)
    0.63
    """
    require(hard_ranges=hard_ranges, carbon_dry=carbon_dry)
    return carbon_dry * _moisture_ratio(moisture_as_received, 0.0, hard_ranges)


def _moisture_ratio(
    moisture_as_received: Quantity, moisture_air_dried: Quantity, hard_ranges: Ranges | None
) -> Quantity:
    require(hard_ranges=hard_ranges, moisture_as_received=moisture_as_received, moisture_air_dried=moisture_air_dried)
    return (1 - moisture_as_received) / (1 - moisture_air_dried)


def net_calorific_value_from_gross(
    gross_calorific_value_air_dried: Quantity,
    *,
    hydrogen_air_dried: Quantity,
    moisture_total: Quantity,
    moisture_air_dried: Quantity,
    hard_ranges: Ranges | None = None,
) -> Quantity:
    """Net calorific value on received basis from the bomb calorimeter's gross, air-dried value. [GJ/t]

    Qnet,ar = (Qgr,ad - 20.6 H_ad)(1 - M_t)/(1 - M_ad) - 2.3 M_t, in GJ/t with fractions; GB/T 213, standard.md
    section 3 [M]; standard text not yet checked.

    gross_calorific_value_air_dried : gross calorific value, air-dried basis; 1 J/g is 0.001 GJ/t. [GJ/t]
    hydrogen_air_dried : hydrogen of the coal without that of its moisture, air-dried basis. [1]
    moisture_total : total moisture of the coal where it is weighed. [1]
    moisture_air_dried : moisture of the air-dried sample. [1]

    >>> round(net_calorific_value_from_gross(
    ...     27.0, hydrogen_air_dried=0.04, moisture_total=0.09, moisture_air_dried=0.02), 6)
    24.099286

    By hand, J/g and percents: (27000 - 206 x 4) x 91/98 - 23 x 9 = 26176 x 0.928571 - 207 = 24099.3 J/g.
    """
    require(
        hard_ranges=hard_ranges,
        gross_calorific_value_air_dried=gross_calorific_value_air_dried,
        hydrogen_air_dried=hydrogen_air_dried,
        moisture_total=moisture_total,
        moisture_air_dried=moisture_air_dried,
    )
    dry_gas = gross_calorific_value_air_dried - HYDROGEN_COEFFICIENT * hydrogen_air_dried
    return dry_gas * (1 - moisture_total) / (1 - moisture_air_dried) - MOISTURE_COEFFICIENT * moisture_total


def check_coal_analysis(
    net_calorific_value: Quantity, *, carbon_as_received: Quantity, hard_ranges: Ranges | None = None
) -> None:
    """Raise DomainError unless a coal sheet is consistent: NCV, C_ar and their quotient inside standard.md 14.5.

    net_calorific_value : received basis. [GJ/t]
    carbon_as_received : same basis and same place. [tC/t]
    """
    require(
        hard_ranges=hard_ranges, coal_net_calorific_value=net_calorific_value, carbon_as_received=carbon_as_received
    )
    require(hard_ranges=hard_ranges, coal_carbon_per_energy=carbon_as_received / net_calorific_value)


def carbon_at_scale(
    carbon_as_received: Quantity,
    *,
    moisture_as_received: Quantity,
    moisture_at_scale: Quantity,
    hard_ranges: Ranges | None = None,
) -> Quantity:
    """Carbon of coal at the scale, from its figure at another moisture: raw coal to pulverised coal. [tC/t]

    C_w = C_ar x (1 - M_w) / (1 - M_ar); standard.md section 3, "one place, one moisture" [M]; text not yet checked.

    carbon_as_received : elemental carbon where it was sampled. [tC/t]
    moisture_as_received : moisture there. [1]
    moisture_at_scale : moisture of the coal where it is weighed. [1]
    hard_ranges : the plant's own, where they differ from `limits.toml`.

    >>> round(carbon_at_scale(0.6, moisture_as_received=0.1, moisture_at_scale=0.01), 6)
    0.66

    By hand: dry 0.6 / 0.9 = 0.666667; at 1 % moisture x 0.99 = 0.66, a tenth more than of the raw coal.
    """
    require(
        hard_ranges=hard_ranges,
        carbon_as_received=carbon_as_received,
        moisture_as_received=moisture_as_received,
        moisture_at_scale=moisture_at_scale,
    )
    return carbon_as_received * (1 - moisture_at_scale) / (1 - moisture_as_received)


def net_calorific_value_at_scale(
    net_calorific_value: Quantity,
    *,
    moisture_as_received: Quantity,
    moisture_at_scale: Quantity,
    hard_ranges: Ranges | None = None,
) -> Quantity:
    """Net calorific value of coal at the scale, from its figure at another moisture. [GJ/t]

    Q_w = (Q_ar + 2.3 M_ar) x (1 - M_w) / (1 - M_ar) - 2.3 M_w, in GJ/t with fractions; GB/T 213 family, standard.md
    section 3 [M]; text not yet checked.

    net_calorific_value : received basis, where the coal was sampled. [GJ/t]
    moisture_as_received : moisture there. [1]
    moisture_at_scale : moisture of the coal where it is weighed. [1]
    hard_ranges : the plant's own, where they differ from `limits.toml`.

    >>> round(net_calorific_value_at_scale(22.27, moisture_as_received=0.1, moisture_at_scale=0.01), 6)
    24.727

    By hand: (22.27 + 2.3 x 0.1) = 22.5; / 0.9 x 0.99 = 24.75; less 2.3 x 0.01 = 24.727 GJ/t.
    """
    require(
        hard_ranges=hard_ranges,
        net_calorific_value=net_calorific_value,
        moisture_as_received=moisture_as_received,
        moisture_at_scale=moisture_at_scale,
    )
    free_of_vapour = net_calorific_value + MOISTURE_COEFFICIENT * moisture_as_received
    dry = free_of_vapour / (1 - moisture_as_received)
    return dry * (1 - moisture_at_scale) - MOISTURE_COEFFICIENT * moisture_at_scale


def require_same_place(scale_place: str, *, laboratory_place: str) -> None:
    """Raise DomainError unless scale and laboratory record name the same place: the mismatch is no mere warning.

    scale_place, laboratory_place : where coal is weighed, and where the record's moisture holds. [name]
    """
    if not scale_place or scale_place != laboratory_place:
        raise DomainError(
            f"laboratory_place: expected the place of the scale, {scale_place or 'which has no name'}, "
            f"got {laboratory_place or 'none'}; convert by the moisture at the scale"
        )
