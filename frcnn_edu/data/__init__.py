"""Data sets for detection: generated shapes, and annotated images as tools export them.

All of them return the same kind of item, (image, target): the image float32 (3, H, W) in 0–1, the target a dict of
`boxes` float32 (N, 4) xyxy in pixels, `labels` int64 (N,), `image_id` int, `area` float32 (N,) and `iscrowd` int64
(N,), where 1 means "to be ignored". Their `classes` name the labels, with "background" at 0.
"""

from typing import TYPE_CHECKING

from ..lazy import lazily

if TYPE_CHECKING:
    from .coco import CocoDetection
    from .images import load_image
    from .loading import collate, open_dataset
    from .names import IMAGE_SUFFIXES
    from .penn_fudan import PennFudanDetection
    from .shapes import ShapesDetection
    from .sources import existing_splits
    from .transforms import DetectionTransforms, train_transforms
    from .unreadable import ImageFileError
    from .voc import VOCDetection
    from .voc_writer import write_voc
else:  # the same, each imported when it is first used
    __getattr__, __dir__ = lazily(__name__, __file__)

__all__ = [
    "IMAGE_SUFFIXES",
    "CocoDetection",
    "DetectionTransforms",
    "ImageFileError",
    "PennFudanDetection",
    "ShapesDetection",
    "VOCDetection",
    "collate",
    "existing_splits",
    "load_image",
    "open_dataset",
    "train_transforms",
    "write_voc",
]
