"""The figures of notebook 01: from photographs of any size to one batch."""

from collections.abc import Callable

import torch
from matplotlib.figure import Figure

from frcnn_edu.lessons.story import story
from frcnn_edu.model import GeneralizedRCNNTransform

from .batching import plot_batching
from .colours import as_colours, plot_padding_order
from .examples import mixed_pictures, rings, tiny_images, tiny_transform
from .resizing import plot_aliasing, plot_corners, plot_resampling


def transform() -> Figure:
    """Three images of different sizes, and the batch that the course's model makes of them."""
    images, targets = mixed_pictures()
    module = story().model.transform
    batch, resized = module(images, targets)
    boxes, new_boxes = ([target["boxes"] for target in each] for each in (targets, resized))
    return plot_batching(images, boxes, batch, new_boxes, module.image_mean, module.image_std)


def tiny_batch() -> Figure:
    """The two tiny images pixel by pixel, and their batch."""
    (images, targets), module = tiny_images(), tiny_transform()
    batch, resized = module(images, targets)
    boxes, new_boxes = ([target["boxes"] for target in each] for each in (targets, resized))
    return plot_batching(images, boxes, batch, new_boxes, module.image_mean, module.image_std, grid=True)


def resized_corners() -> Figure:
    """The sizes that images have after resizing with the defaults, 800 and 1333."""
    module = GeneralizedRCNNTransform(800, 1333, [0.0], [1.0])
    return plot_corners(module, [(333, 500), (300, 900), (1080, 1080), (500, 375), (640, 360)])


def resampling() -> Figure:
    """One column of the wide tiny image, its blue channel: 4 pixels become 5."""
    wide = tiny_images()[0][0]
    return plot_resampling(wide[2, :, 3], tiny_transform().resize_image(wide)[2, :, 4])


def padding_order() -> Figure:
    """The lower edge of the course's image, normalised before padding and after it."""
    module, image = story().model.transform, story().image
    black = torch.nn.functional.pad(image, (0, 0, 0, 16))  # 16 black rows below the 240
    batches = module([image])[0].tensors[0], module.resize_image(module.normalize(black))
    after, before = (as_colours(each, module.image_mean, module.image_std) for each in batches)  # (3, 128, 160)
    return plot_padding_order(after, before, 120)


def resizing_without_antialias() -> Figure:
    """Rings shrunk to a quarter, without and with antialiasing."""
    image = rings()
    shrunk = GeneralizedRCNNTransform(32, 32, [0.0] * 3, [1.0] * 3).resize_image(image)
    smooth = torch.nn.functional.interpolate(image[None], scale_factor=0.25, mode="bilinear", antialias=True)[0]
    return plot_aliasing(image, shrunk, smooth)


FIGURES: dict[str, Callable[[], Figure]] = {
    "transform": transform,
    "resized_corners": resized_corners,
    "resizing_without_antialias": resizing_without_antialias,
}
