"""One line on how a data set was recognised and how large it is."""

from collections.abc import Mapping
from typing import Any

from ..data.formats.layout import ALL, Layout
from ..data.formats.recognise import also_there
from ..data.names import counted
from ..data.sources import SHAPES, layout_of

ONE_IMAGE = "one image, for both training and evaluation: the numbers show only whether it is learnt by heart"


def recognised(source: str, images: str | None, datasets: Mapping[str, Any]) -> str:
    """ "Pascal VOC, images and xml side by side: 363 images, 6 classes, split by the folders train/ and test/".

    Args:
        source, images: the data set and the folder of its images, as in the options.
        datasets: the splits by name; their images are counted together.
    """
    if source == SHAPES:
        count, classes = _counts(datasets)
        return f"shapes, the built-in data set: {counted(count, 'image')}, {counted(classes, 'class')}"
    return in_words(layout_of(source, images), datasets)


def in_words(layout: Layout, datasets: Mapping[str, Any]) -> str:
    """The same for a known layout."""
    partly = ALL not in datasets and bool({*layout.splits} - {*datasets})
    return layout.in_words(*_counts(datasets), [*datasets] if partly else [], also_there(layout))


def _counts(datasets: Mapping[str, Any]) -> tuple[int, int]:
    return sum(map(len, datasets.values())), len(next(iter(datasets.values())).classes) - 1
