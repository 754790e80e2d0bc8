"""A cement line with known truth: process model, meters with errors, faults, history, and real protocol servers."""
