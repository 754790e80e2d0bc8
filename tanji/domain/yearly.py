"""Means of a year from its months, weighted by consumption: standard.md section 3, rule on yearly values (R16, R21).

Weights: fuel amount for NCV and elemental carbon, fuel amount x NCV for carbon per energy, output for oxides of
clinker. A yearly mean is for show; the year's emission is the sum of its months, never the product of yearly means.
"""

from __future__ import annotations

import numpy as np

from tanji.domain.limits import Quantity, require_finite


def weighted_mean(values: Quantity, *, weights: Quantity) -> float:
    """Mean of values, each weighted by the amount it holds for. [unit of the values]

    sum(w x v) / sum(w). A value of zero weight does not count, even if it is missing: nobody samples coal that was not
    burned. Not defined (not-a-number) without any weight, or where a value or weight that counts is missing.

    values : values of the months. [any]
    weights : amounts they hold for. [any]

    >>> weighted_mean(np.array([20.0, 22.0, float("nan")]), weights=np.array([100.0, 300.0, 0.0]))
    21.5
    """
    require_finite(weights=weights)
    value, weight = np.broadcast_arrays(np.asarray(values, np.float64), np.asarray(weights, np.float64))
    counts = weight != 0
    whole = float(weight[counts].sum())
    return float((value[counts] * weight[counts]).sum() / whole) if whole > 0 else float("nan")


def yearly_net_calorific_value(net_calorific_value: Quantity, *, fuel_amount: Quantity) -> float:
    """Net calorific value of a year, weights FC. [GJ/t, gas: GJ/10^4 Nm3]

    net_calorific_value : of the months, received basis. [GJ/t]
    fuel_amount : burned in the months. [t]

    >>> yearly_net_calorific_value(np.array([20.0, 22.0]), fuel_amount=np.array([100.0, 300.0]))
    21.5
    """
    return weighted_mean(net_calorific_value, weights=fuel_amount)


def yearly_carbon_as_received(carbon_as_received: Quantity, *, fuel_amount: Quantity) -> float:
    """Elemental carbon of a year, weights FC. [tC/t]

    carbon_as_received : of the months. [tC/t]
    fuel_amount : burned in the months. [t]

    >>> round(yearly_carbon_as_received(np.array([0.5, 0.6]), fuel_amount=np.array([100.0, 300.0])), 6)
    0.575
    """
    return weighted_mean(carbon_as_received, weights=fuel_amount)


def yearly_carbon_per_energy(
    carbon_per_energy: Quantity, *, fuel_amount: Quantity, net_calorific_value: Quantity
) -> float:
    """Carbon per unit of heat of a year, weights FC x NCV. [tC/GJ]

    carbon_per_energy : of the months. [tC/GJ]
    fuel_amount : burned in the months. [t]
    net_calorific_value : of the months, received basis. [GJ/t]

    >>> round(yearly_carbon_per_energy(np.array([0.026, 0.027]), fuel_amount=np.array([100.0, 300.0]),
    ...                                net_calorific_value=np.array([20.0, 22.0])), 9)
    0.026767442

    By hand: heat 2000 and 6600 GJ; carbon 52 + 178.2 = 230.2 tC; / 8600 GJ = 0.026767442 tC/GJ.
    """
    heat = np.asarray(fuel_amount, np.float64) * np.where(np.asarray(fuel_amount) == 0, 0.0, net_calorific_value)
    return weighted_mean(carbon_per_energy, weights=heat)


def mean_of_output(values: Quantity, *, output: Quantity) -> float:
    """Monthly or yearly mean of clinker oxides, weights clinker output. [unit of the values]

    standard.md section 9, clinker CaO and MgO [M].

    values : results of shifts or days. [t/t]
    output : clinker made in them. [t]

    >>> round(mean_of_output(np.array([0.65, 0.66]), output=np.array([4000.0, 1000.0])), 6)
    0.652
    """
    return weighted_mean(values, weights=output)
