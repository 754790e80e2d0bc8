"""Process emissions of clinker: F4 and F5 (method A), G2 (method B) of standard.md section 5 (R18).

The two methods stand side by side; which one a rule set uses is data in `rulesets.toml`, and factors come from
`factors.toml` or a plant's ledger. The texts of GB/T 32151.8-2023 and CETS-AG-02.01-V01-2024 have not been checked
yet: equation numbers are those of standard.md. The optional dust form F9 of CSI and EU is `tanji.domain.dust`. A
missing input (not-a-number) gives a missing result.
`hard_ranges` of a formula holds a plant's own ranges where they differ from `limits.toml`.
"""

from __future__ import annotations

import numpy as np

from tanji.domain.limits import Quantity, Ranges, hard_range, range_name, require, require_finite, require_range
from tanji.domain.ratios import CO2_PER_CAO as CO2_PER_CAO
from tanji.domain.ratios import CO2_PER_CARBON, quotient
from tanji.domain.ratios import CO2_PER_MGO as CO2_PER_MGO
from tanji.errors import DomainError

CLINKER_KINDS = ("portland", "white_portland", "sulfoaluminate", "aluminate")
"""Kinds of clinker with a factor of their own in G2; for F4 the kind decides the hard range of CaO only."""


def clinker_oxide_factor(
    *,
    clinker_cao: Quantity,
    clinker_mgo: Quantity,
    clinker_cao_non_carbonate: Quantity = 0.0,
    clinker_mgo_non_carbonate: Quantity = 0.0,
    clinker_kind: str = "portland",
    hard_ranges: Ranges | None = None,
) -> Quantity:
    """Process CO2 of a tonne of clinker, from its oxides. [tCO2/t]

    EF = (FR1 - FR10) x 44/56 + (FR2 - FR20) x 44/40. F4, standard.md section 5.1 [C field names, M formula];
    standard text not yet checked.

    clinker_cao, clinker_mgo : FR1, FR2, oxides of the clinker. [t/t]
    clinker_cao_non_carbonate, clinker_mgo_non_carbonate : FR10, FR20, the part of them that did not come from
        carbonates; zero where no such material is used. [t/t]
    clinker_kind : decides the hard range of CaO only: portland, white_portland, sulfoaluminate, aluminate.

    >>> round(clinker_oxide_factor(clinker_cao=0.652, clinker_mgo=0.021), 6)
    0.535386

    By hand: 0.652 x 44/56 = 0.512286; 0.021 x 1.1 = 0.0231; together 0.535386.
    """
    if clinker_kind not in CLINKER_KINDS:
        raise DomainError(f"clinker_kind: expected one of {', '.join(CLINKER_KINDS)}, got {clinker_kind}")
    cao_range = hard_range(range_name("clinker_cao", clinker_kind=clinker_kind), hard_ranges=hard_ranges)
    require_range("clinker_cao", clinker_cao, bounds=cao_range)
    require(
        hard_ranges=hard_ranges,
        clinker_mgo=clinker_mgo,
        clinker_cao_non_carbonate=clinker_cao_non_carbonate,
        clinker_mgo_non_carbonate=clinker_mgo_non_carbonate,
    )
    carbonate_cao = _carbonate_part("cao", clinker_cao, clinker_cao_non_carbonate)
    carbonate_mgo = _carbonate_part("mgo", clinker_mgo, clinker_mgo_non_carbonate)
    return carbonate_cao * CO2_PER_CAO + carbonate_mgo * CO2_PER_MGO


def _carbonate_part(oxide: str, whole: Quantity, non_carbonate: Quantity) -> Quantity:
    part = whole - non_carbonate
    if np.any(np.asarray(part) < 0):
        raise DomainError(
            f"clinker_{oxide}_non_carbonate: expected at most clinker_{oxide}, a part of it; "
            f"got {non_carbonate} with clinker_{oxide} {whole}"
        )
    return part


def carbonate_emission(
    clinker_output: Quantity,
    *,
    kiln_dust: Quantity,
    bypass_dust: Quantity,
    clinker_cao: Quantity,
    clinker_mgo: Quantity,
    clinker_cao_non_carbonate: Quantity = 0.0,
    clinker_mgo_non_carbonate: Quantity = 0.0,
    clinker_kind: str = "portland",
    hard_ranges: Ranges | None = None,
) -> Quantity:
    """CO2 of carbonate decomposition, method A. [tCO2]

    E = (Q + Q_ckd + Q_bpd) x EF, EF as in `clinker_oxide_factor`. F4, standard.md section 5.1 [C/M]; standard text
    not yet checked. Dust is taken as fully calcined [M].

    clinker_output : clinker produced. [t]
    kiln_dust, bypass_dust : dust that leaves the system; a plant without any states 0. [t]
    clinker_cao, clinker_mgo, clinker_cao_non_carbonate, clinker_mgo_non_carbonate : as above. [t/t]
    clinker_kind : as above.

    >>> round(carbonate_emission(5000.0, kiln_dust=10.0, bypass_dust=0.0, clinker_cao=0.65, clinker_mgo=0.02,
    ...                          clinker_cao_non_carbonate=0.01), 4)
    2629.5343

    By hand: (0.64 x 44/56 + 0.02 x 1.1) = 0.502857 + 0.022 = 0.524857 tCO2/t; x 5010 t = 2629.534 t.
    """
    require_finite(clinker_output=clinker_output, kiln_dust=kiln_dust, bypass_dust=bypass_dust)
    factor = clinker_oxide_factor(
        clinker_cao=clinker_cao,
        clinker_mgo=clinker_mgo,
        clinker_cao_non_carbonate=clinker_cao_non_carbonate,
        clinker_mgo_non_carbonate=clinker_mgo_non_carbonate,
        clinker_kind=clinker_kind,
        hard_ranges=hard_ranges,
    )
    return (clinker_output + kiln_dust + bypass_dust) * factor


def non_carbonate_oxide(
    oxide_amount: Quantity, *, clinker_output: Quantity, kiln_dust: Quantity = 0.0, bypass_dust: Quantity = 0.0
) -> Quantity:
    """FR10 or FR20: non-carbonate CaO or MgO per tonne of clinker and counted dust. [t/t]

    FR10 = sum(m_j x CaO_j) / (Q + Q_ckd + Q_bpd), standard.md section 5.1 [C]; dividing by the dust too, where it is
    counted, is our own reading: every tonne of oxide is deducted once. Not defined (not-a-number) without clinker.

    oxide_amount : sum over substitute materials of dry mass x oxide fraction, same period as the clinker. [t]
    clinker_output, kiln_dust, bypass_dust : as in `carbonate_emission`. [t]

    >>> round(non_carbonate_oxide(300 * 0.6, clinker_output=5000.0), 6)
    0.036
    """
    require_finite(
        oxide_amount=oxide_amount, clinker_output=clinker_output, kiln_dust=kiln_dust, bypass_dust=bypass_dust
    )
    return quotient(oxide_amount, denominator=clinker_output + kiln_dust + bypass_dust)


def non_carbonate_deduction(
    material_amount: Quantity, *, material_cao: Quantity, material_mgo: Quantity, hard_ranges: Ranges | None = None
) -> Quantity:
    """What the non-carbonate oxides of one raw material take off F4. [tCO2]

    m_j x (CaO_j x 44/56 + MgO_j x 44/40): F4 with FR10 and FR20 of `non_carbonate_oxide` is F4 without them less the
    sum of this over the materials, hour by hour as over any period. standard.md section 5.1 [C].

    material_amount : material consumed, dry. [t]
    material_cao, material_mgo : CaO_j, MgO_j, its oxides that are not from carbonates. [t/t]

    >>> round(non_carbonate_deduction(1900.0, material_cao=0.40, material_mgo=0.06), 4)
    722.5429

    By hand: 1900 x 0.40 = 760 t CaO x 44/56 = 597.142857; 1900 x 0.06 = 114 t MgO x 1.1 = 125.4; together 722.5429.
    """
    require_finite(material_amount=material_amount)
    require(hard_ranges=hard_ranges, material_cao=material_cao, material_mgo=material_mgo)
    return material_amount * (material_cao * CO2_PER_CAO + material_mgo * CO2_PER_MGO)


def non_carbonate_oxide_of_meal(raw_meal_oxide: Quantity, *, meal_clinker_ratio: Quantity) -> Quantity:
    """FR10 or FR20 where the laboratory states the non-carbonate oxide of the raw meal instead. [t/t]

    FR10 = oxide of the dry meal x meal : clinker, since the meal loses its CO2; standard.md section 5.1, a separate
    input and never FR10 itself.

    raw_meal_oxide : CaO or MgO of the dry meal that is not from carbonates. [t/t]
    meal_clinker_ratio : dry meal per tonne of clinker. [t/t]

    >>> round(non_carbonate_oxide_of_meal(0.02, meal_clinker_ratio=1.55), 6)
    0.031
    """
    require_finite(raw_meal_oxide=raw_meal_oxide, meal_clinker_ratio=meal_clinker_ratio)
    return raw_meal_oxide * meal_clinker_ratio


def organic_carbon_emission(
    raw_meal_amount: Quantity, *, raw_meal_organic_carbon: Quantity, hard_ranges: Ranges | None = None
) -> Quantity:
    """CO2 of the organic carbon in raw meal, method A. [tCO2]

    E = Q_meal x FR0 x 44/12. F5, standard.md section 5.1 [C/M]; standard text not yet checked.

    raw_meal_amount : raw meal fed, dry; see `dry_amount`. [t]
    raw_meal_organic_carbon : FR0, non-fuel carbon of the dry meal; a fraction, 0.001 and not 0.1 %. [tC/t]

    >>> round(organic_carbon_emission(7800.0, raw_meal_organic_carbon=0.002), 4)
    57.2

    By hand: 7800 t x 0.002 = 15.6 tC; x 44/12 = 57.2 tCO2.
    """
    require_finite(raw_meal_amount=raw_meal_amount)
    require(hard_ranges=hard_ranges, raw_meal_organic_carbon=raw_meal_organic_carbon)
    return raw_meal_amount * raw_meal_organic_carbon * CO2_PER_CARBON


def clinker_factor_emission(
    clinker_output: Quantity,
    *,
    clinker_process_factor: Quantity,
    deduction: Quantity = 0.0,
    hard_ranges: Ranges | None = None,
) -> Quantity:
    """Process CO2 of clinker by the clinker factor, method B; not cut off at zero. [tCO2]

    E = Q x EF - sum(m_j x D_j). G2, standard.md section 5.2 [C/M]; standard text not yet checked. Hours stay
    unfloored so that hours add up; the month's floor is `floor_correction`.

    clinker_output : clinker produced. [t]
    clinker_process_factor : process factor of the clinker kind. [tCO2/t]
    deduction : sum of `substitute_deduction` over the substitute raw materials. [tCO2]

    >>> round(clinker_factor_emission(5000.0, clinker_process_factor=0.535, deduction=48.0), 4)
    2627.0

    By hand: 5000 x 0.535 = 2675; less 48 = 2627 tCO2.
    """
    require_finite(clinker_output=clinker_output, deduction=deduction)
    require(hard_ranges=hard_ranges, clinker_process_factor=clinker_process_factor)
    return clinker_output * clinker_process_factor - deduction


def substitute_deduction(
    substitute_amount: Quantity, *, deduction_factor: Quantity, hard_ranges: Ranges | None = None
) -> Quantity:
    """CO2 deducted for a non-carbonate substitute raw material, m_j x D_j of G2. [tCO2]

    standard.md section 5.2 [C]; standard text not yet checked.

    substitute_amount : substitute material consumed, dry unless its factor record says otherwise [U]. [t]
    deduction_factor : D_j of the material. [tCO2/t]

    >>> round(substitute_deduction(100.0, deduction_factor=0.48), 4)
    48.0
    """
    require_finite(substitute_amount=substitute_amount)
    require(hard_ranges=hard_ranges, deduction_factor=deduction_factor)
    return substitute_amount * deduction_factor


def floor_correction(month_emission: Quantity) -> Quantity:
    """What a month's process emission lacks to zero, as a row of its own. [tCO2]

    The code read floors G2 at zero per month and line [C]; whether the official text does is unknown [U].

    month_emission : sum of the month's unfloored hours of one line. [tCO2]
    """
    require_finite(month_emission=month_emission)
    missing = np.asarray(np.maximum(0.0, -np.asarray(month_emission, dtype=np.float64)))
    return float(missing) if missing.ndim == 0 else missing


def dry_amount(wet_amount: Quantity, *, moisture: Quantity, hard_ranges: Ranges | None = None) -> Quantity:
    """Dry mass of a material weighed wet, m x (1 - M). [t]

    wet_amount : mass as weighed. [t]
    moisture : moisture where it is weighed. [1]

    >>> round(dry_amount(100.0, moisture=0.34), 4)
    66.0
    """
    require_finite(wet_amount=wet_amount)
    require(hard_ranges=hard_ranges, moisture=moisture)
    return wet_amount * (1 - moisture)
