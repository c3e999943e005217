"""The figures of notebook 02: the bottom-up path from a batch to C2 … C5."""

from collections.abc import Callable

from matplotlib.figure import Figure

from frcnn_edu.lessons.story import story

from .blocks import plot_blocks
from .fields import receptive_fields
from .networks import padded_picture, resnet50_backbone, small_backbone
from .pathway import backbone_steps, plot_pathway, plot_stages
from .seen import plot_seen


def backbone() -> Figure:
    """The course's image on its way to C5."""
    return plot_pathway(padded_picture(), story().trace.bottom_up)


def resnet50_stages() -> Figure:
    """ResNet-50 on an image of the usual size."""
    return plot_stages(backbone_steps(resnet50_backbone(), (800, 1344)))


def residual_blocks() -> Figure:
    """A bottleneck, one that halves the map, and the small model's basic block."""
    resnet, slim = resnet50_backbone(), small_backbone()
    return plot_blocks(
        [
            ("Bottleneck", resnet["layer1"][1]),
            ("First block of layer2", resnet["layer2"][0]),
            ("BasicBlock (small model)", slim["layer2"][1]),
        ]
    )


def seen() -> Figure:
    """Where the cells of C2 … C5 resemble the one in the middle of the cross."""
    return plot_seen(padded_picture(), story().trace.bottom_up, story().box)


FIGURES: dict[str, Callable[[], Figure]] = {
    "backbone": backbone,
    "resnet50_stages": resnet50_stages,
    "residual_blocks": residual_blocks,
    "receptive_fields": receptive_fields,
}
