"""Writes the file of shipped.py: the candidates of the course's model in the validation images.

python -m frcnn_edu.lessons.box_head.explorer.write_shipped
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from frcnn_edu.lessons.story import story
from frcnn_edu.training.files import replacing

from .seen import OTHERS, Seen, see
from .shipped import FILE


def main(path: Path = FILE) -> None:
    """Compute all images of `OTHERS` and write them to the file."""
    torch.set_num_threads(1)  # a fixed order of summation, so that the file does not depend on the number of cores
    every = [see(story().model, index) for index in range(len(OTHERS))]
    with replacing(path) as temporary:
        save_file(columns_of(every), temporary)
    print(path)


def columns_of(every: Sequence[Seen]) -> dict[str, Tensor]:
    """The rows of all images one after another, and their number per image."""
    boxes, scores, labels = zip(*(seen.candidates for seen in every), strict=True)
    return {
        "boxes": torch.cat([seen.boxes for seen in every]),
        "labels": torch.cat([seen.labels for seen in every]).byte(),
        "objects_each": torch.tensor([len(seen.boxes) for seen in every]),
        "found_boxes": torch.cat(boxes),
        "found_scores": torch.cat(scores),
        "found_labels": torch.cat(labels).byte(),
        "candidates_each": torch.tensor([len(one) for one in scores]),
    }


if __name__ == "__main__":
    main()
