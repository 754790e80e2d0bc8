"""What pollers, simulator, sealer and importers share: flags, register codecs, block plans, line protocol, outbox."""
