"""Processes with clocks: one file = one job = read a window -> pure functions -> write (DESIGN section 1)."""
