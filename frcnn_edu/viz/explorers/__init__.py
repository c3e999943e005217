"""Interactive pictures: what moves is what the model's code computes. They are opened by `frcnn_edu.viz.explore`."""
