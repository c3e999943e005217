"""The lesson base_anchors: side, ratio and rounding."""
