"""Data quality: rules that set flags, and what makes an hour of readings valid (quality.md sections 5 and 7)."""
