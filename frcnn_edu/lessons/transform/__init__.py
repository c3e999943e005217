"""The lesson transform: photographs of any size become one batch."""
