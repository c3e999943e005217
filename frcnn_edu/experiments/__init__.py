"""Questions that need training to answer: `python -m frcnn_edu.experiments.NAME`."""
