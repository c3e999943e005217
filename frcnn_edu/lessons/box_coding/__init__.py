"""The lesson box_coding: four numbers that move a box."""
