"""Figures for people: the summary of a period, its plots, and the HTML report (R8, R25, R41, R47)."""
