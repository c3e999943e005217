"""The shelf above the textbook: for each class that can do better, one that gives the same with less work.

`switch.py` has the table and the switch. All that is not the textbook is in this folder and is put in there.
"""

from .switch import MODES, SWAPS, run_as, set_exact

__all__ = ["MODES", "SWAPS", "run_as", "set_exact"]
