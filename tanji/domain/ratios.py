"""Mass ratios of the Chinese methods, integer molar masses (standard.md section 1), and the quotient of two amounts.

44/56 = 0.785714 is not the foreign 0.785: against ratios of exact molar masses these are about 0.1 % higher for CaO and
0.7 % higher for MgO. A quotient without a denominator is not defined: neither zero nor infinite (section 7).
"""

from __future__ import annotations

import numpy as np

from tanji.domain.limits import Quantity

CO2_PER_CARBON = 44 / 12
"""tCO2 per tC."""

CO2_PER_CAO = 44 / 56
"""tCO2 per t CaO from carbonate."""

CO2_PER_MGO = 44 / 40
"""tCO2 per t MgO from carbonate."""

KGCE_PER_GJ = 1000 / 29.3076
"""Kilograms of standard coal per GJ: 1 kgce = 29.3076 MJ [M]."""


def quotient(numerator: Quantity, *, denominator: Quantity) -> Quantity:
    """Numerator per denominator; not defined (not-a-number) where the denominator is not above zero. [their units]

    numerator, denominator : amounts of the same period and boundary. [any]

    >>> quotient(4025.0, denominator=5000.0), quotient(12.0, denominator=0.0)
    (0.805, nan)
    """
    below = np.asarray(denominator, dtype=np.float64)
    result = np.asarray(numerator / np.where(below > 0, below, np.nan))
    return float(result) if result.ndim == 0 else result
