"""Amounts by stocktake, and the month that closes over its hours: standard.md section 9, stock-change rules (R21, R52).

The official month comes from the plan's source (stock change of fuel, 盘库 of clinker), hours come from scales. Hours
of a closed month are multiplied by one factor, shown and written as a revision, so that they still add up. Appendix B
of CETS-AG-02.01 (熟料盘库方法) has not been checked yet. A missing input (not-a-number) gives a missing result.
"""

from __future__ import annotations

import numpy as np

from tanji.domain.limits import Quantity, require_finite
from tanji.errors import DomainError


def stock_consumption(
    purchase_amount: Quantity, *, opening_stock: Quantity, closing_stock: Quantity, sold_amount: Quantity
) -> Quantity:
    """Fuel or material consumed in a period, from purchases and stocks. [t]

    consumption = purchase + opening stock - closing stock - sold / other; standard.md section 9 [M; papers C].

    purchase_amount : bought in the period. [t]
    opening_stock, closing_stock : stock at its start and its end, by stocktake. [t]
    sold_amount : sold on or used for other ends; a plant without any states 0. [t]

    >>> stock_consumption(12000.0, opening_stock=3000.0, closing_stock=2500.0, sold_amount=100.0)
    12400.0

    By hand: 12000 + 3000 - 2500 - 100 = 12400 t.
    """
    require_finite(
        purchase_amount=purchase_amount,
        opening_stock=opening_stock,
        closing_stock=closing_stock,
        sold_amount=sold_amount,
    )
    return purchase_amount + opening_stock - closing_stock - sold_amount


def clinker_by_stocktake(
    clinker_to_mill: Quantity,
    *,
    clinker_dispatched: Quantity,
    opening_stock: Quantity,
    closing_stock: Quantity,
    clinker_bought: Quantity,
) -> Quantity:
    """Clinker produced in a period, by stocktake (盘库). [t]

    Q = to mill + dispatched + (closing - opening silo stock) - bought in; standard.md section 9 [M]; appendix B of
    CETS-AG-02.01 not yet checked.

    clinker_to_mill : ground into cement. [t]
    clinker_dispatched : sold as clinker. [t]
    opening_stock, closing_stock : in the silos at start and end. [t]
    clinker_bought : bought in; a plant without any states 0. [t]

    >>> clinker_by_stocktake(
    ...     90000.0, clinker_dispatched=50000.0, opening_stock=30000.0, closing_stock=34000.0, clinker_bought=1000.0)
    143000.0

    By hand: 90000 + 50000 + (34000 - 30000) - 1000 = 143000 t.
    """
    require_finite(
        clinker_to_mill=clinker_to_mill,
        clinker_dispatched=clinker_dispatched,
        opening_stock=opening_stock,
        closing_stock=closing_stock,
        clinker_bought=clinker_bought,
    )
    return clinker_to_mill + clinker_dispatched + (closing_stock - opening_stock) - clinker_bought


def closing_factor(month_amount: float, *, hour_amounts: Quantity) -> float:
    """The factor that closes a month: its official amount over the sum of its hours. [1]

    k = month / sum of hours, standard.md section 9 (own rule). A missing hour makes it missing: hours are substituted
    before the month is closed. A month with an amount but without hours cannot be closed, and one factor for a
    negative amount would turn hours round: both raise DomainError.

    month_amount : official amount of the month, from the plan's source. [t, MWh or the unit of the hours]
    hour_amounts : amounts of its hours, from the scales. [same unit]

    >>> closing_factor(1030.0, hour_amounts=np.array([400.0, 0.0, 600.0]))
    1.03
    """
    require_finite(month_amount=month_amount, hour_amounts=hour_amounts)
    whole = float(np.sum(np.asarray(hour_amounts, dtype=np.float64)))
    if np.isnan(month_amount) or np.isnan(whole):
        return float("nan")
    if month_amount == 0 and whole == 0:
        return 1.0  # a month of standstill closes on itself
    if month_amount < 0 or whole <= 0:
        raise DomainError(f"closing_factor: expected a month and hours above 0, got {month_amount:g} and {whole:g}")
    return float(month_amount) / whole


def close_month(hour_amounts: Quantity, *, month_amount: float) -> Quantity:
    """Hours of a closed month, scaled so that they add up to its official amount. [unit of the hours]

    hours x k with k as in `closing_factor`. Emissions of the hours scale by the same k, since every formula is
    proportional to its amount. A stopped hour stays zero.

    hour_amounts, month_amount : as in `closing_factor`. [t, MWh]

    >>> close_month(np.array([400.0, 0.0, 600.0]), month_amount=1030.0).tolist()
    [412.0, 0.0, 618.0]
    """
    return np.asarray(hour_amounts, dtype=np.float64) * closing_factor(month_amount, hour_amounts=hour_amounts)
