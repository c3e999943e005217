import torch

from frcnn_edu import AnchorGenerator, ImageList
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


def test_whoever_writes_into_them_spoils_none_that_come_later() -> None:
    generator, plain = (cls(((16,),), ((1.0,),)) for cls in (ExactAnchorGenerator, AnchorGenerator))
    maps, batch = [torch.zeros(2, 1, 4, 6)], image_list(32, 48)
    expected = plain(batch, maps)
    generator(batch, maps)[0].zero_()
    assert all(map(torch.equal, generator(batch, maps), expected))
    for each in (generator, plain):  # as in torchvision, each image has its own
        each.register_forward_hook(lambda module, inputs, output: [anchors.add_(4) for anchors in output])
        for _ in range(2):
            assert all(torch.equal(anchors, expected[0] + 4) for anchors in each(batch, maps))


def test_made_in_inference_mode_they_are_kept_all_the_same() -> None:
    generator, maps = ExactAnchorGenerator(((16,),), ((1.0,),)), [torch.zeros(2, 1, 4, 6, dtype=torch.float64)]
    with torch.inference_mode():
        first, again = (generator(image_list(32, 48), maps)[0] for _ in range(2))
    assert first is again
    assert not first.is_inference()
