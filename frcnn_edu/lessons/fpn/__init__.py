"""The lesson fpn: a pyramid in which every level knows what the deepest one knows."""
