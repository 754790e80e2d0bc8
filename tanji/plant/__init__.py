"""The plant model: one YAML file in, frozen objects out, every fault told with its line; every name is made from it."""
