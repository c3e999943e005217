"""Data sets for detection: generated shapes, Pascal VOC folders, COCO json files and Penn-Fudan.

They all give the same kind of item, (image, target): the image float32 (3, H, W) in 0–1, the target a dict of `boxes`
float32 (N, 4) xyxy in pixels, `labels` int64 (N,), `image_id` int, `area` float32 (N,) and `iscrowd` int64 (N,), where
1 means "to be ignored". Their `classes` name the labels, with "background" at 0.
"""

from .coco import CocoDetection
from .images import IMAGE_SUFFIXES, load_image
from .loading import collate, existing_splits, open_dataset
from .penn_fudan import PennFudanDetection
from .shapes import ShapesDetection
from .transforms import DetectionTransforms, train_transforms
from .voc import VOCDetection
from .voc_writer import write_voc

__all__ = [
    "IMAGE_SUFFIXES",
    "CocoDetection",
    "DetectionTransforms",
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
