import torch

from frcnn_edu import ImageList
from frcnn_edu.model.fast import cache
from frcnn_edu.model.fast.anchors import MOST_KEPT, ExactAnchorGenerator


def image_list(height: int, width: int) -> ImageList:
    return ImageList(torch.zeros(2, 3, height, width), [(height, width)] * 2)


def test_anchors_are_computed_once_for_a_shape() -> None:
    generator = ExactAnchorGenerator(((16,),), ((1.0,),))
    maps = [torch.zeros(2, 1, 4, 6)]
    first, same_batch = generator(image_list(32, 48), maps)
    again, _ = generator(image_list(32, 48), maps)
    assert first is same_batch is again
    other_stride, _ = generator(image_list(64, 96), maps)
    assert not torch.equal(other_stride, first)
    assert torch.equal(generator(image_list(32, 48), [maps[0].double()])[0], first.double())
    generator.cell_anchors = [generator.cell_anchors[0] + 1]
    assert torch.equal(generator(image_list(32, 48), maps)[0], first + 1)


def test_only_a_few_shapes_are_kept() -> None:
    generator = ExactAnchorGenerator(((16,),), ((1.0,),))
    for rows in (*range(1, 9), 1):
        (anchors, _) = generator(image_list(8 * rows, 8), [torch.zeros(2, 1, rows, 1)])
        assert len(anchors) == rows
    assert len(cache._CACHES[generator]) == MOST_KEPT
