"""The lesson stride_grid: anchors everywhere, and which objects they reach."""
