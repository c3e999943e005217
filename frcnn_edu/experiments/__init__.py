"""Questions answered by training: `python -m frcnn_edu.experiments.NAME`."""
