"""Process emissions as other texts print them, so that Tanji can be checked against those texts (R58).

Nothing here enters a figure of a plant. Foreign rules have ratios of their own (0.785 for CaO in 40 CFR 98.83 [T]), so
here the ratio is an input; the Chinese method uses 44/56 and 44/40, always, and has them in `tanji.domain.process`.
The texts named in the docstrings have not been compared with these lines, unless the mark is [T].
"""

from __future__ import annotations

import numpy as np

from tanji.domain.limits import Quantity, require, require_finite
from tanji.domain.published import not_zero
from tanji.domain.ratios import CO2_PER_CAO, CO2_PER_CARBON, CO2_PER_MGO
from tanji.errors import DomainError


def clinker_factor_by_ratio(
    clinker_cao: Quantity,
    *,
    clinker_mgo: Quantity = 0.0,
    clinker_cao_non_carbonate: Quantity = 0.0,
    clinker_mgo_non_carbonate: Quantity = 0.0,
    ratio_co2_cao: Quantity = CO2_PER_CAO,
    ratio_co2_mgo: Quantity = CO2_PER_MGO,
) -> Quantity:
    """Process CO2 of a tonne of clinker with the ratios of the text it was published in. [tCO2/t]

    EF = (CaO - CaO_nc) x ratio + (MgO - MgO_nc) x ratio. The form of IPCC counts CaO only, 40 CFR 98.83 both [T].

    clinker_cao, clinker_mgo : oxides of the clinker. [t/t]
    clinker_cao_non_carbonate, clinker_mgo_non_carbonate : the part of them not from carbonates. [t/t]
    ratio_co2_cao, ratio_co2_mgo : CO2 per oxide. [tCO2/t]

    >>> round(clinker_factor_by_ratio(0.646, ratio_co2_cao=0.785), 6), round(clinker_factor_by_ratio(0.646), 6)
    (0.50711, 0.507571)

    By hand: 0.646 x 0.785 = 0.50711, published as 0.507; with 44/56 it is 0.507571.
    """
    require(clinker_cao=clinker_cao, clinker_mgo=clinker_mgo)
    require(clinker_cao_non_carbonate=clinker_cao_non_carbonate, clinker_mgo_non_carbonate=clinker_mgo_non_carbonate)
    _require_ratio("ratio_co2_cao", ratio_co2_cao, middle=CO2_PER_CAO)
    _require_ratio("ratio_co2_mgo", ratio_co2_mgo, middle=CO2_PER_MGO)
    carbonate_cao = clinker_cao - clinker_cao_non_carbonate
    carbonate_mgo = clinker_mgo - clinker_mgo_non_carbonate
    return carbonate_cao * ratio_co2_cao + carbonate_mgo * ratio_co2_mgo


def dust_factor_by_ratio(
    dust_cao: Quantity,
    *,
    dust_mgo: Quantity = 0.0,
    dust_cao_non_carbonate: Quantity = 0.0,
    dust_mgo_non_carbonate: Quantity = 0.0,
    ratio_co2_cao: Quantity = CO2_PER_CAO,
    ratio_co2_mgo: Quantity = CO2_PER_MGO,
) -> Quantity:
    """The same for a tonne of kiln dust, which may hold any share of oxides: 40 CFR 98.83 [M]. [tCO2/t]

    dust_cao, dust_mgo : oxides of the dust. [t/t]
    dust_cao_non_carbonate, dust_mgo_non_carbonate : the part of them that is not calcined or not from carbonates. [t/t]
    ratio_co2_cao, ratio_co2_mgo : CO2 per oxide. [tCO2/t]

    >>> round(dust_factor_by_ratio(0.42, dust_mgo=0.015, ratio_co2_cao=0.785, ratio_co2_mgo=1.092), 5)
    0.34608

    By hand: 0.42 x 0.785 = 0.3297; 0.015 x 1.092 = 0.01638.
    """
    _require_fraction("dust_cao", dust_cao)
    _require_fraction("dust_mgo", dust_mgo)
    _require_fraction("dust_cao_non_carbonate", dust_cao_non_carbonate)
    _require_fraction("dust_mgo_non_carbonate", dust_mgo_non_carbonate)
    _require_ratio("ratio_co2_cao", ratio_co2_cao, middle=CO2_PER_CAO)
    _require_ratio("ratio_co2_mgo", ratio_co2_mgo, middle=CO2_PER_MGO)
    carbonate_cao, carbonate_mgo = dust_cao - dust_cao_non_carbonate, dust_mgo - dust_mgo_non_carbonate
    return carbonate_cao * ratio_co2_cao + carbonate_mgo * ratio_co2_mgo


def _require_ratio(name: str, value: Quantity, *, middle: float) -> None:
    """Molar ratios differ by rounding only; anything else is another quantity."""
    if np.any(np.abs(np.asarray(value, dtype=np.float64) / middle - 1) > 0.02):
        raise DomainError(f"{name}: expected within 2 % of {middle:.6f}, the ratio of the molar masses, got {value}")


def clinker_emission_with_dust_correction(
    clinker_output: Quantity, *, clinker_factor: Quantity, dust_correction: Quantity
) -> Quantity:
    """Process CO2 of clinker with a correction for lost kiln dust, IPCC 2006 volume 3 tier 2 [M]. [tCO2]

    E = Q x EF x CF_ckd.

    clinker_output : clinker produced. [t]
    clinker_factor : tCO2 per tonne of clinker. [tCO2/t]
    dust_correction : 1 for no lost dust; 1.02 is the default of IPCC [M]. [1]

    >>> round(clinker_emission_with_dust_correction(1000.0, clinker_factor=0.51, dust_correction=1.02), 4)
    520.2
    """
    require_finite(clinker_output=clinker_output, dust_correction=dust_correction)
    require(clinker_process_factor=clinker_factor)
    return clinker_output * clinker_factor * dust_correction


def dust_correction(
    kiln_dust: Quantity,
    *,
    clinker_output: Quantity,
    carbonate_fraction: Quantity,
    calcination_fraction: Quantity,
    carbonate_factor: Quantity,
    clinker_factor: Quantity,
) -> Quantity:
    """Correction for kiln dust that is not returned to the kiln, IPCC 2006 volume 3 equation 2.5 [M]. [1]

    CF_ckd = 1 + (M_d / M_cl) x C_d x F_d x (EF_c / EF_cl).

    kiln_dust : dust not returned to the kiln. [t]
    clinker_output : clinker produced. [t]
    carbonate_fraction : C_d, original carbonate in the dust. [1]
    calcination_fraction : F_d, how far that carbonate is calcined. [1]
    carbonate_factor : EF_c of the carbonate, 0.43971 for CaCO3. [tCO2/t]
    clinker_factor : EF_cl of the clinker. [tCO2/t]

    >>> round(dust_correction(20.0, clinker_output=1000.0, carbonate_fraction=0.8, calcination_fraction=0.5,
    ...                       carbonate_factor=0.44, clinker_factor=0.51), 6)
    1.006902

    By hand: 0.02 x 0.8 x 0.5 = 0.008; 0.44 / 0.51 = 0.862745; 1 + 0.008 x 0.862745.
    """
    require(calcination_fraction=calcination_fraction, clinker_process_factor=clinker_factor)
    _require_factor("carbonate_factor", carbonate_factor)
    _require_fraction("carbonate_fraction", carbonate_fraction)
    lost = kiln_dust / not_zero("clinker_output", clinker_output)
    ratio = carbonate_factor / not_zero("clinker_factor", clinker_factor)
    return 1 + lost * carbonate_fraction * calcination_fraction * ratio


def cement_emission(
    cement_amount: Quantity,
    *,
    clinker_fraction: Quantity,
    clinker_imported: Quantity = 0.0,
    clinker_exported: Quantity = 0.0,
    clinker_factor: Quantity,
) -> Quantity:
    """Process CO2 from cement production, IPCC 2006 volume 3 equation 2.1, tier 1 [M]. [tCO2]

    E = (M_c x C_cl - Im + Ex) x EF_clc.

    cement_amount : cement produced. [t]
    clinker_fraction : clinker in it. [1]
    clinker_imported, clinker_exported : clinker that crossed the border. [t]
    clinker_factor : with its correction for dust, 0.52 by default of IPCC [M]. [tCO2/t]

    >>> round(cement_emission(1000.0, clinker_fraction=0.75, clinker_imported=50.0, clinker_factor=0.52), 4)
    364.0
    """
    require(clinker_process_factor=clinker_factor)
    _require_fraction("clinker_fraction", clinker_fraction)
    return (cement_amount * clinker_fraction - clinker_imported + clinker_exported) * clinker_factor


def material_emission(
    activity_amount: Quantity, *, material_factor: Quantity, conversion_fraction: Quantity = 1.0
) -> Quantity:
    """CO2 of a material by its own factor, like carbonates by kiln input: IPCC tier 3, (EU) 2018/2066 [M]. [tCO2]

    E = AD x EF x CF.

    activity_amount : material used, for carbonates the pure one. [t]
    material_factor : CO2 of a tonne, 0.440 for CaCO3 and 0.522 for MgCO3 in the EU's table [M]. [tCO2/t]
    conversion_fraction : share that is converted. [1]

    >>> round(material_emission(1000.0, material_factor=0.440), 4)
    440.0
    """
    _require_factor("material_factor", material_factor)
    _require_fraction("conversion_fraction", conversion_fraction)
    return activity_amount * material_factor * conversion_fraction


def _require_factor(name: str, value: Quantity) -> None:
    """Pure carbon gives 44/12 t of CO2 per tonne, nothing gives more."""
    if np.any(np.asarray(value) < 0) or np.any(np.asarray(value) > CO2_PER_CARBON):
        raise DomainError(f"{name}: expected 0 to 3.667 tCO2/t, which pure carbon gives, got {value}")


def _require_fraction(name: str, value: Quantity) -> None:
    if np.any(np.asarray(value) < 0) or np.any(np.asarray(value) > 1):
        raise DomainError(f"{name}: expected 0 to 1, a fraction and no percent, got {value}")
