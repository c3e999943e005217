"""The old place of the pytest plugin, `strict`; it goes with version 0.2."""
