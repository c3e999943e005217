"""The options of each command, and what is wrong with them; nothing here imports PyTorch before a command runs."""

from .benchmark import BENCHMARK
from .check_data import CHECK_DATA
from .detect import DETECT
from .evaluate import EVALUATE
from .export import EXPORT
from .figures import FIGURES
from .notebooks import NOTEBOOKS
from .site import SITE
from .train import TRAIN

#: In the order in which `--help` lists them.
COMMANDS = (CHECK_DATA, TRAIN, EVALUATE, DETECT, EXPORT, FIGURES, NOTEBOOKS, SITE, BENCHMARK)
