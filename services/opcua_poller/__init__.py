"""Reads the OPC UA servers of a plant file and hands their readings on as line protocol."""
