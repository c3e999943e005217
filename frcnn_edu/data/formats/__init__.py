"""What annotation tools export: one file a format, which recognises it and reads it. Nothing here needs PyTorch."""
