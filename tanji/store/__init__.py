"""The store: a port, and the adapters for DuckDB and the InfluxDB family."""
