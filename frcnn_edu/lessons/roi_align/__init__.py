"""The lesson roi_align: the same 7×7 window for every box."""
