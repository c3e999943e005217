"""The formats that annotation tools export: one file per format recognises and reads it. Nothing here needs PyTorch."""
