"""Tanji (碳计): carbon metering for cement plants. The library; `tanji.cli` is the composition root."""

__version__ = "0.1.0"
