"""Parts of one's own: transforms, anchors, a backbone that converts; what torchvision takes is taken."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import detection as theirs

from frcnn_edu import AnchorGenerator, GeneralizedRCNNTransform, ImageList, fasterrcnn_small_fpn, run_as
from frcnn_edu.model.fast import MODES

IMAGE = torch.rand(3, 60, 80, generator=torch.Generator().manual_seed(0))
TARGET = {"boxes": torch.tensor([[8.0, 8, 40, 50]]), "labels": torch.tensor([1])}
MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


@pytest.fixture
def model() -> Any:
    torch.manual_seed(0)
    return fasterrcnn_small_fpn(min_size=60, max_size=80).eval()


class Plain(nn.Module):
    """A transform that shares nothing with ours, as for images that are prepared already."""

    def forward(self, images: list[Tensor], targets: Any = None) -> tuple[ImageList, Any]:
        return ImageList(torch.stack(images), [(image.shape[1], image.shape[2]) for image in images]), targets

    def postprocess(self, result: Any, image_shapes: Any, original_image_sizes: Any) -> Any:
        return result


def test_a_transform_of_ones_own_without_image_mean(model: Any) -> None:
    model.transform = Plain()
    image = 20 * IMAGE[:, :32, :64] - 5  # of values only the transform knows
    assert model([image])[0].keys() == {"boxes", "labels", "scores"}
    assert set(model.train()([image], [TARGET])) >= {"loss_classifier", "loss_objectness"}
    with pytest.raises(ValueError, match=r"images\[0\] contains NaN"):
        model([image * float("nan")], [TARGET])


@pytest.mark.parametrize("base", [GeneralizedRCNNTransform, theirs.transform.GeneralizedRCNNTransform])
def test_a_transform_that_normalises_its_own_way_takes_any_values(model: Any, base: type) -> None:
    class Bytes(base):
        def normalize(self, image: Tensor) -> Tensor:
            return super().normalize(image / 255)

    expected = model([IMAGE])
    with pytest.raises(ValueError, match="divide by 255"):
        model([IMAGE * 255])
    model.transform = Bytes(60, 80, MEAN, STD).eval()
    torch.testing.assert_close(model([IMAGE * 255])[0]["boxes"], expected[0]["boxes"], rtol=0, atol=1e-2)


@pytest.mark.parametrize("base", [GeneralizedRCNNTransform, theirs.transform.GeneralizedRCNNTransform])
def test_a_transform_that_resizes_its_own_way(base: type) -> None:
    class HalfAsLarge(base):
        def resize(self, image: Tensor, target: Any = None) -> tuple[Tensor, Any]:
            if target is not None:
                target["boxes"] = target["boxes"] / 2  # in the dict it was given, as torchvision's own does
            return image[:, ::2, ::2], target

    batch, targets = HalfAsLarge(800, 1333, MEAN, STD)([IMAGE], [TARGET])
    assert batch.image_sizes == [(30, 40)]
    assert targets[0]["boxes"].tolist() == [[4, 4, 20, 25]]
    assert TARGET["boxes"].tolist() == [[8, 8, 40, 50]]  # the caller's stays as it is


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_resize_takes_and_gives_what_torchvisions_does(training: bool, skip: bool) -> None:
    found = []
    for lib in (GeneralizedRCNNTransform, theirs.transform.GeneralizedRCNNTransform):
        transform = lib([48, 96], 128, MEAN, STD, _skip_resize=skip).train(training)
        torch.manual_seed(3)
        alone, nothing = transform.resize(IMAGE)
        image, target = transform.resize(IMAGE, dict(TARGET))
        assert nothing is None
        found.append([alone, image, target["boxes"], target["labels"]])
    assert all(map(torch.equal, *found))


@pytest.mark.parametrize(
    ("image", "exception", "message"),
    [
        ((IMAGE * 255).byte(), TypeError, r"got torch.uint8: use image\.float\(\) / 255"),
        ((IMAGE * 255).long(), TypeError, r"got torch.int64: use image\.float\(\)$"),
        (IMAGE[None], ValueError, r"shape \(C, H, W\), got \(1, 3, 60, 80\)"),
    ],
    ids=["uint8", "int64", "a batch"],
)
def test_the_transform_alone_refuses_what_it_would_spoil(image: Tensor, exception: type, message: str) -> None:
    with pytest.raises(exception, match=message):
        GeneralizedRCNNTransform(60, 80, MEAN, STD)([image])


def test_a_batch_can_be_changed_in_place(model: Any) -> None:
    """As a hook does that adds noise to what the backbone will see."""

    def blank(module: nn.Module, arguments: Any, output: Any) -> None:
        output[0].tensors = torch.zeros_like(output[0].tensors)

    model.transform.register_forward_hook(blank)
    one, other = model([IMAGE]), model([1 - IMAGE])
    assert all(torch.equal(one[0][key], other[0][key]) for key in one[0])


# --- dtypes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["hooks", "a module around it"])
def test_a_backbone_that_converts(model: Any, way: str) -> None:
    """In half the precision, as memory is saved."""
    expected = model([IMAGE])[0]
    backbone = model.backbone.to(torch.bfloat16)
    if way == "hooks":
        backbone.register_forward_pre_hook(lambda module, arguments: (arguments[0].bfloat16(),))
        backbone.register_forward_hook(lambda module, arguments, maps: {k: v.float() for k, v in maps.items()})
    else:
        model.backbone = Converting(backbone)
    found = model([IMAGE])[0]
    assert found["boxes"].dtype == torch.float32
    assert abs(len(found["boxes"]) - len(expected["boxes"])) <= 10


class Converting(nn.Module):
    def __init__(self, backbone: Any) -> None:
        super().__init__()
        self.backbone, self.out_channels = backbone, backbone.out_channels

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return {name: level.float() for name, level in self.backbone(x.bfloat16()).items()}


def test_images_of_another_dtype_than_the_whole_model_are_still_refused(model: Any) -> None:
    with pytest.raises(TypeError, match=r"images\[0\] is torch.float64 but the model is torch.float32"):
        model([IMAGE.double()])


class WholeNumbers(AnchorGenerator):
    def forward(self, image_list: Any, feature_maps: list[Tensor]) -> list[Tensor]:
        return [boxes.long() for boxes in super().forward(image_list, feature_maps)]


@pytest.mark.parametrize("mode", MODES)
def test_anchors_of_whole_numbers_are_anchors(model: Any, mode: str) -> None:
    """Base anchors are rounded, so that nothing is lost; logits that became whole numbers as well would be."""
    run_as(model, mode)
    other = copy.deepcopy(model)
    other.rpn.anchor_generator.__class__ = WholeNumbers
    assert other.rpn.anchor_generator.cell_anchors[0].dtype == torch.float32
    (expected,), (found,) = model([IMAGE]), other([IMAGE])
    assert len(expected["boxes"]) > 10
    assert all(torch.equal(found[key], expected[key]) for key in expected)
    losses = []
    for each in (model, other):
        torch.manual_seed(0)
        losses.append(each.train()([IMAGE], [TARGET]))
    assert losses[0] == losses[1]
