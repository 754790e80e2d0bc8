"""Carbon formulas of cement plants: pure functions on scalars and arrays, and the two data files they are used with."""
