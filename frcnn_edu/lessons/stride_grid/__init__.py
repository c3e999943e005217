"""The lesson stride_grid: anchors everywhere."""
