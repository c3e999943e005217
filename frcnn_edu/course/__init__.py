"""The old name of `frcnn_edu.notebook_checks`; it goes with the next version."""
