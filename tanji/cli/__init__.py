"""The `tanji` command and the composition root: the only place that may import everything."""
