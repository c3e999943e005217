"""The lesson level_mapper: which map a box is read from."""
