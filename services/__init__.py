"""Processes with sockets: pollers, sealer, simulator. Each folder is one process; none imports another."""
