"""Our detector beside torchvision's: time, memory, synchronisations and kernels, after checking that both give the same results."""

from .agreement import Disagreement, compare_in_float32, compare_in_float64
from .bench import Bench
from .counts import Counts, as_on_a_gpu, count
from .memory import in_a_child, peaks_of_step
from .models import make_pair
from .pairs import Comparison, interleave
from .realistic import make_images, make_realistic, make_targets
from .stages import inference_stages, pair_up, training_stages
from .steps import Step

__all__ = [
    "Bench",
    "Comparison",
    "Counts",
    "Disagreement",
    "Step",
    "as_on_a_gpu",
    "compare_in_float32",
    "compare_in_float64",
    "count",
    "in_a_child",
    "inference_stages",
    "interleave",
    "make_images",
    "make_pair",
    "make_realistic",
    "make_targets",
    "pair_up",
    "peaks_of_step",
    "training_stages",
]
