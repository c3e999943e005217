"""The lesson box_head: class scores, and a box for every class."""
