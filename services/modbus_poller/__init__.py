"""Reads the Modbus TCP devices of a plant file and hands their readings on as line protocol."""
