"""What a relative error of one input does to a figure where it is neither a factor nor a term of it (R37).

Sensitivities d ln(y) / d ln(x) for the weights c_i of JJF 1059.1: dry mass from wet, heat of water and steam, partly
calcined dust (standard.md sections 5.1 and 6). Inputs that are plain factors have weight 1 and are not here; the stack
has `uncertainty_flue_gas`. Both the hourly rows and the budget of a period take them from here.
"""

from __future__ import annotations

from tanji.domain.electricity import WATER_REFERENCE_ENTHALPY, WATER_REFERENCE_TEMPERATURE
from tanji.domain.limits import Quantity


def dry_mass_weight(moisture: Quantity) -> Quantity:
    """Of the moisture in m (1 - M): -M / (1 - M). [1]

    moisture : where it is weighed. [1]

    By hand: carbide slag at 34 %: a tenth more moisture, 37.4 %, is 0.34/0.66 = 0.515 tenths less of dry mass.

    >>> round(dry_mass_weight(0.34), 4)
    -0.5152
    """
    return -moisture / (1 - moisture)


def hot_water_weight(water_temperature: Quantity) -> Quantity:
    """Of the temperature in Ma (Tw - 20) x 4.1868e-3: Tw / (Tw - 20). [1]

    water_temperature : of the water. [degC]

    >>> hot_water_weight(80.0)
    1.3333333333333333
    """
    return water_temperature / (water_temperature - WATER_REFERENCE_TEMPERATURE)


def steam_weight(steam_enthalpy: Quantity) -> Quantity:
    """Of the enthalpy in Ma (En - 83.74) x 1e-3: En / (En - 83.74). [1]

    steam_enthalpy : of the steam. [kJ/kg]

    >>> round(steam_weight(2783.74), 6)
    1.031015
    """
    return steam_enthalpy / (steam_enthalpy - WATER_REFERENCE_ENTHALPY)


def partly_calcined_weights(
    clinker_process_factor: Quantity, *, calcination_fraction: Quantity
) -> tuple[Quantity, Quantity]:
    """Of the clinker's factor and of d in F9, EF_ckd = e d / (1 - e d) with e = EF / (1 + EF). [1]

    d ln(EF_ckd) / d ln(d) = 1 / (1 - e d), and with d ln(e) / d ln(EF) = 1 / (1 + EF) the other.

    clinker_process_factor : of the clinker. [tCO2/t]
    calcination_fraction : of the dust. [1]

    By hand: EF 0.5, d 0.6: e = 1/3, 1 - 0.2 = 0.8: 1.25 for d, 1.25 / 1.5 = 0.8333 for EF; at d = 1 the dust is
    clinker and EF weighs 1.
    """
    share = clinker_process_factor / (1 + clinker_process_factor)
    of_fraction = 1 / (1 - share * calcination_fraction)
    return of_fraction / (1 + clinker_process_factor), of_fraction


def calcination_weights(
    loss_on_ignition_dust: Quantity, *, loss_on_ignition_raw_meal: Quantity
) -> tuple[Quantity, Quantity]:
    """Of both losses on ignition in d = 1 - a (1 - b) / ((1 - a) b): with r = 1 - d, -r/(d (1 - a)), r/(d (1 - b)). [1]

    loss_on_ignition_dust, loss_on_ignition_raw_meal : a and b. [1]

    By hand: a 0.2, b 0.36: r = 0.2 x 0.64 / (0.8 x 0.36) = 0.4444, d = 0.5556: -0.8 / 0.8 = -1 and 0.8 / 0.64 = 1.25.
    """
    rest = loss_on_ignition_dust * (1 - loss_on_ignition_raw_meal)
    rest = rest / ((1 - loss_on_ignition_dust) * loss_on_ignition_raw_meal)
    return -rest / ((1 - rest) * (1 - loss_on_ignition_dust)), rest / ((1 - rest) * (1 - loss_on_ignition_raw_meal))
