"""The lesson fpn: a pyramid in which every level has the information of the deepest one."""
