"""Bad input is named before anything is computed; good input, however odd, passes."""

import re
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torchvision.ops import box_convert
from torchvision.tv_tensors import BoundingBoxes, BoundingBoxFormat, Image

from frcnn_edu.model import checks
from frcnn_edu.model.checks import check_batch

NAN, INF = float("nan"), float("inf")


def good_batch(**changes) -> SimpleNamespace:
    """Two images, 60 × 80 and 50 × 90, the second with three boxes: the arguments of one legal call."""
    generator = torch.Generator().manual_seed(0)
    batch = {
        "images": [torch.rand(3, 60, 80, generator=generator), torch.rand(3, 50, 90, generator=generator)],
        "targets": [
            {"boxes": torch.tensor([[1.0, 2.0, 30.0, 40.0]]), "labels": torch.tensor([1])},
            {
                "boxes": torch.tensor([[0.0, 0.0, 90.0, 50.0], [5.5, 6.5, 7.0, 8.0], [60.0, 20.0, 75.0, 45.0]]),
                "labels": torch.tensor([1, 4, 2]),
            },
        ],
        "training": True,
        "num_classes": 5,
        "channels": 3,
        "device": torch.device("cpu"),
        "normalised": False,
        "dtype": torch.float32,
    }
    return SimpleNamespace(**{**batch, **changes})


def call(batch: SimpleNamespace) -> None:
    options = dict(vars(batch))
    check_batch(options.pop("images"), options.pop("targets"), **options)


# --- small edits: each returns a function that spoils a good batch ------------------------------------------------


def argument(name: str, value: object) -> Callable:
    return lambda batch: setattr(batch, name, value)


def image(value: object, i: int = 1) -> Callable:
    def edit(batch: SimpleNamespace) -> None:
        batch.images[i] = value(batch.images[i]) if callable(value) else value

    return edit


def pixel(value: float) -> Callable:
    return lambda batch: batch.images[1][2, 10, 20].fill_(value)


def target(key: str, value: object, i: int = 1) -> Callable:
    def edit(batch: SimpleNamespace) -> None:
        batch.targets[i][key] = value(batch.targets[i][key]) if callable(value) else value

    return edit


def box(*corners: float, n: int = 2) -> Callable:
    def edit(batch: SimpleNamespace) -> None:
        batch.targets[1]["boxes"][n] = torch.tensor(corners)

    return edit


def fractions(convert: Callable = lambda boxes: boxes, only: int | None = None) -> Callable:
    """The boxes of the second image, or one of them, divided by its size."""

    def edit(batch: SimpleNamespace) -> None:
        of_image, chosen = batch.targets[1], slice(None) if only is None else slice(only, only + 1)
        boxes, labels = of_image["boxes"][chosen], of_image["labels"][chosen]
        of_image.update(boxes=convert(boxes / torch.tensor([90.0, 50.0, 90.0, 50.0])), labels=labels)

    return edit


def cxcywh(boxes: torch.Tensor) -> torch.Tensor:
    return box_convert(boxes, "xyxy", "cxcywh")


def label(value: int, n: int = 2) -> Callable:
    def edit(batch: SimpleNamespace) -> None:
        batch.targets[1]["labels"][n] = value

    return edit


def drop(key: str) -> Callable:
    return lambda batch: batch.targets[1].pop(key)


def double_images(batch: SimpleNamespace) -> None:
    batch.images = [image.double() for image in batch.images]
    for target in batch.targets:
        target["boxes"] = target["boxes"].double()


BAD_BATCHES = [
    # the two lists
    ("no targets", argument("targets", None), ValueError, r"targets are required in training"),
    ("fewer targets", lambda b: b.targets.pop(), ValueError, r"2 images and 1 targets"),
    ("more targets", lambda b: b.targets.append(b.targets[0]), ValueError, r"2 images and 3 targets"),
    ("fewer targets in eval", lambda b: (b.targets.pop(), argument("training", False)(b)), ValueError, r"2 images and 1"),
    ("no images", lambda b: (b.images.clear(), b.targets.clear()), ValueError, r"images is an empty list"),
    ("images None", argument("images", None), TypeError, r"images must be a list .* got None"),
    ("images a generator", argument("images", (x for x in ())), TypeError, r"images must be a list .* generator"),
    ("images a dict", argument("images", {}), TypeError, r"images must be a list .* got a dict"),
    ("one image, no list", argument("images", torch.rand(3, 8, 9)), TypeError, r"\(3, 8, 9\): pass \[image\]"),
    ("one grey image, no list", argument("images", torch.rand(8, 9)), TypeError, r"got one tensor of shape \(8, 9\)$"),
    ("targets one dict", lambda b: setattr(b, "targets", b.targets[0]), TypeError, r"targets must be a list .* a dict"),
    # an image
    ("image not a tensor", image([[0.0]]), TypeError, r"images\[1\] must be a float tensor .* got a list"),
    ("image None", image(None), TypeError, r"images\[1\] .* got None"),
    ("image numpy", image(lambda x: x.numpy()), TypeError, r"images\[1\] .* got a ndarray"),
    ("image 2-D", image(torch.rand(8, 9)), ValueError, r"images\[1\] must have shape \(C, H, W\), got \(8, 9\)"),
    ("image 4-D", image(torch.rand(1, 3, 8, 9)), ValueError, r"images\[1\] .* got \(1, 3, 8, 9\)"),
    ("image uint8", image(torch.zeros(3, 8, 9).byte()), TypeError, r"images\[1\] .*uint8: use .*float\(\) / 255"),
    ("image int64", image(torch.zeros(3, 8, 9).long()), TypeError, r"images\[1\] must be floating point.*int64"),
    ("image complex", image(torch.zeros(3, 8, 9).cfloat()), TypeError, r"images\[1\] must be floating point.*complex"),
    ("image HWC", image(torch.rand(8, 9, 3)), ValueError, r"images\[1\] .*\(8, 9, 3\): it looks like \(H, W, C\); use .*permute"),
    ("image grey", image(torch.rand(1, 8, 9)), ValueError, r"images\[1\] .*\(1, 8, 9\): for a grey image"),
    ("image RGBA", image(torch.rand(4, 8, 9)), ValueError, r"shape \(3, H, W\), got \(4, 8, 9\): 3 channels, the length of image_mean"),
    (
        "images of two numbers of channels",
        lambda b: (argument("channels", None)(b), image(torch.rand(4, 8, 9))(b)),
        ValueError,
        r"images\[1\] must have shape \(3, H, W\), got \(4, 8, 9\)",
    ),
    ("image of no channels", image(torch.rand(0, 8, 9)), ValueError, r"images\[1\] .* got \(0, 8, 9\)"),
    ("image of no height", image(torch.rand(3, 0, 9)), ValueError, r"images\[1\] has no pixels.*\(3, 0, 9\)"),
    ("image of no width", image(torch.rand(3, 8, 0)), ValueError, r"images\[1\] has no pixels.*\(3, 8, 0\)"),
    ("image NaN", pixel(NAN), ValueError, r"images\[1\] contains NaN"),
    ("image infinite", pixel(INF), ValueError, r"images\[1\] contains an infinite value"),
    ("image minus infinite", pixel(-INF), ValueError, r"images\[1\] contains an infinite value"),
    ("image 0-255", image(lambda x: x * 255), ValueError, r"images\[1\] must .* 0–1, .*: if it is .*, divide by 255$"),
    ("darkest 0-255 image", image(torch.tensor([-0.5, 255]).expand(3, 4, 2)), ValueError, r"divide by 255$"),
    ("image slightly too bright", pixel(1.51), ValueError, r"images\[1\] .* 1\.51"),
    ("image normalised", image(lambda x: (x - 0.5) / 0.2), ValueError, r"images\[1\] .*: do not normalise it, because the model does so .* image_std$"),
    ("images of two dtypes", image(lambda x: x.half()), TypeError, r"images\[0\] is .*float32, images\[1\] is .*float16"),
    ("images not the model's dtype", double_images, TypeError, r"images\[0\] is .*float64 but the model is .*float32"),
    ("image elsewhere", image(torch.rand(3, 8, 9, device="meta")), ValueError, r"images\[1\] is on meta .* model is on cpu"),
    (
        "images not together",
        lambda b: (argument("device", None)(b), image(torch.rand(3, 8, 9, device="meta"))(b)),
        ValueError,
        r"images\[1\] is on meta but images\[0\] is on cpu",
    ),
    # a target and its boxes
    ("target None", lambda b: b.targets.__setitem__(1, None), TypeError, r"targets\[1\] must be a dict .* got None"),
    ("target a tensor", lambda b: b.targets.__setitem__(0, torch.rand(1, 4)), TypeError, r"targets\[0\] .* a Tensor"),
    ("no boxes key", drop("boxes"), ValueError, r"targets\[1\] has no 'boxes': its keys are \['labels'\]"),
    ("no labels key", drop("labels"), ValueError, r"targets\[1\] has no 'labels': its keys are \['boxes'\]"),
    ("boxes a list", target("boxes", [[0, 0, 1, 1]]), TypeError, r"targets\[1\]\['boxes'\] must be a tensor, got a list"),
    ("labels a list", target("labels", [1, 1, 1]), TypeError, r"targets\[1\]\['labels'\] must be a tensor, got a list"),
    ("boxes elsewhere", target("boxes", lambda x: x.to("meta")), ValueError, r"targets\[1\]\['boxes'\] is on meta .* cpu"),
    ("labels elsewhere", target("labels", lambda x: x.to("meta")), ValueError, r"targets\[1\]\['labels'\] is on meta"),
    ("boxes (N, 5)", target("boxes", torch.rand(3, 5)), ValueError, r"targets\[1\]\['boxes'\] .*\(N, 4\), got \(3, 5\)$"),
    ("boxes (4,)", target("boxes", torch.rand(4)), ValueError, r"targets\[1\]\['boxes'\] .*\(N, 4\), got \(4,\)"),
    ("boxes (1, N, 4)", target("boxes", torch.rand(1, 3, 4)), ValueError, r"targets\[1\]\['boxes'\] .* got \(1, 3, 4\)"),
    ("boxes (0,)", target("boxes", torch.zeros(0)), ValueError, r"got \(0,\): .*torch\.zeros\(\(0, 4\)\)"),
    ("boxes int64", target("boxes", lambda x: x.long()), TypeError, r"\['boxes'\] must be .*float32.*boxes\.to\(torch\.float32\)"),
    ("boxes float64", target("boxes", lambda x: x.double()), TypeError, r"\['boxes'\] must be .*float32 .* got .*float64"),
    ("box NaN", box(60, NAN, 75, 45), ValueError, r"targets\[1\]\['boxes'\]\[2\] = \[60, nan, 75, 45\] is not finite"),
    ("box infinite", box(60, 20, INF, 45), ValueError, r"targets\[1\]\['boxes'\]\[2\] .*inf.* is not finite"),
    ("box minus infinite", box(-INF, 20, 75, 45, n=0), ValueError, r"\['boxes'\]\[0\] = \[-inf, .* is not finite"),
    ("box from minus infinity", box(60, -INF, 75, 45), ValueError, r"\[2\] = \[60, -inf, .* is not finite"),
    ("box to infinity", box(60, 20, 75, INF), ValueError, r"\[2\] = \[60, 20, 75, inf\] is not finite"),
    ("box of no width", box(60, 20, 60, 45), ValueError, r"targets\[1\]\['boxes'\]\[2\] .* has width 0, .* positive"),
    ("box of no height", box(60, 20, 75, 20), ValueError, r"targets\[1\]\['boxes'\]\[2\] .* has height 0, .* positive"),
    ("box of negative width", box(75, 20, -60, 45), ValueError, r"has width -135, .* boxes are xyxy$"),
    ("box of negative height", box(60, 45, 75, -20), ValueError, r"has height -65, .* boxes are xyxy$"),
    ("box in xywh", box(60, 20, 15, 25, n=1), ValueError, r"\['boxes'\]\[1\] .*boxes are xyxy; this looks like xywh"),
    ("box low in xywh", box(10, 30, 45, 15, n=1), ValueError, r"has height -15.*; this looks like xywh"),
    *(
        (f"box in xywh {corners}", box(*corners), ValueError, r"this looks like xywh: use torchvision.ops.box_convert")
        for corners in ((30, 0, 15, 25), (0, 30, 45, 15), (60, 20, 1, 25), (10, 30, 45, 1), (70, 20, 20, 25), (10, 30, 45, 20))
    ),
    *(  # a width or height of 0, before the image or beyond it
        (f"box not in xywh {corners}", box(*corners), ValueError, r"must be positive; boxes are xyxy$")
        for corners in ((60, 20, 0, 25), (10, 30, 45, 0), (-1, 30, 45, 15), (60, -1, 15, 25), (80, 20, 20, 25), (10, 40, 45, 15))
    ),
    ("box right of the image", box(90, 20, 99, 45), ValueError, r"\[2\] .* completely outside .* 90 wide and 50 high"),
    ("box below the image", box(60, 50, 75, 51), ValueError, r"targets\[1\]\['boxes'\]\[2\] .* completely outside"),
    ("box left of the image", box(-9, 20, 0, 45), ValueError, r"targets\[1\]\['boxes'\]\[2\] .* completely outside"),
    ("box that touches the top edge", box(60, -9, 75, 0), ValueError, r"\[2\] .* completely outside"),
    ("box above the image", box(60, -9, 75, -1), ValueError, r"targets\[1\]\['boxes'\]\[2\] .* completely outside"),
    (
        "boxes that say they are cxcywh",
        target("boxes", lambda x: BoundingBoxes(x, format=BoundingBoxFormat.CXCYWH, canvas_size=(50, 90))),
        ValueError,
        r"targets\[1\]\['boxes'\] must be in xyxy format, got CXCYWH",
    ),
    *(
        (
            f"boxes for a canvas of {canvas}",
            target("boxes", lambda x, canvas=canvas: BoundingBoxes(x, format="XYXY", canvas_size=canvas)),
            ValueError,
            rf"targets\[1\]\['boxes'\] is for an image of \(height, width\) \({canvas[0]}, {canvas[1]}\) according to its canvas_size, "
            r"but images\[1\] has \(50, 90\)",
        )
        for canvas in ((90, 50), (100, 180), (50, 91))
    ),
    ("boxes as fractions", fractions(), ValueError, r"all of targets\[1\]\['boxes'\] are within 0…1, such as \[0, 0, 1, 1\], but their "
     r"image is 90 wide and 50 high: boxes are xyxy in pixels; multiply fractions by \[90, 50, 90, 50\]$"),
    ("one box as fractions", fractions(only=2), ValueError, r"targets\[1\]\['boxes'\] are within 0…1, such as \[0\.666\d*, 0\.4, "),
    ("the whole image as fractions", fractions(only=0), ValueError, r"are within 0…1, such as \[0, 0, 1, 1\]"),
    ("boxes as fractions of YOLO's", fractions(cxcywh), ValueError, r"by \[90, 50, 90, 50\], after .*'cxcywh', 'xyxy'\) if they are YOLO's$"),
    ("boxes as fractions in eval", lambda b: (argument("training", False)(b), fractions()(b)), ValueError, r"are within 0…1"),
    ("boxes of no size", lambda b: b.targets[1].update(boxes=torch.zeros(3, 4)), ValueError, r"\[0\] = \[0, 0, 0, 0\] has width 0"),
    # labels
    ("labels int32", target("labels", lambda x: x.int()), TypeError, r"\['labels'\] must be torch\.int64, got torch\.int32"),
    ("labels float", target("labels", lambda x: x.float()), TypeError, r"targets\[1\]\['labels'\] .* got torch\.float32"),
    ("labels bool", target("labels", lambda x: x.bool()), TypeError, r"targets\[1\]\['labels'\] .* got torch\.bool"),
    ("too few labels", target("labels", lambda x: x[:2]), ValueError, r"\['labels'\] must have shape \(3,\).*got \(2,\)"),
    ("labels for no boxes", target("boxes", torch.zeros(0, 4)), ValueError, r"\['labels'\] .* \(0,\).* got \(3,\)"),
    ("labels (N, 1)", target("labels", lambda x: x[:, None]), ValueError, r"targets\[1\]\['labels'\] .* got \(3, 1\)"),
    ("labels one-hot", target("labels", torch.eye(3, 5).long()), ValueError, r"targets\[1\]\['labels'\] .* got \(3, 5\)"),
    ("label 0", label(0), ValueError, r"targets\[1\]\['labels'\]\[2\] is 0, but objects are 1 … 4 .*0 is the background"),
    ("label negative", label(-1, n=0), ValueError, r"targets\[1\]\['labels'\]\[0\] is -1, but objects are 1 … 4"),
    ("label num_classes", label(5), ValueError, r"targets\[1\]\['labels'\]\[2\] is 5, .* 1 … 4 \(num_classes=5\)"),
    ("label 0, open-ended", lambda b: (argument("num_classes", None)(b), label(0)(b)), ValueError, r"\[2\] is 0, .* 1 or more"),
    # found in evaluation too
    ("box NaN in eval", lambda b: (argument("training", False)(b), box(1, NAN, 2, 3)(b)), ValueError, r"\[2\] .* not finite"),
    # finiteness matters even to a caller who normalises
    ("NaN, normalised", lambda b: (argument("normalised", True)(b), pixel(NAN)(b)), ValueError, r"images\[1\] contains NaN"),
    ("infinite, normalised", lambda b: (argument("normalised", True)(b), pixel(INF)(b)), ValueError, r"images\[1\] .* infinite"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("spoil", "exception", "message"),
    [case[1:] for case in BAD_BATCHES],
    ids=[case[0] for case in BAD_BATCHES],
)
def test_bad_batch_is_named(spoil: Callable, exception: type[Exception], message: str) -> None:
    batch = good_batch()
    call(batch)  # it was good before
    spoil(batch)
    with pytest.raises(exception) as caught:
        call(batch)
    assert type(caught.value) is exception
    assert re.search(message, str(caught.value)), f"{message!r} not in {str(caught.value)!r}"


def no_objects(batch: SimpleNamespace) -> None:
    batch.targets[0] = {"boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.int64)}


def of_dtype(dtype: torch.dtype) -> Callable:
    def edit(batch: SimpleNamespace) -> None:
        batch.dtype = dtype
        batch.images = [image.to(dtype) for image in batch.images]
        for target in batch.targets:
            target["boxes"] = target["boxes"].to(dtype)

    return edit


def few_pixels(batch: SimpleNamespace) -> None:
    batch.images[1] = torch.rand(3, 8, 9)
    batch.targets[1]["boxes"] = torch.tensor([[0.0, 0.0, 1.0, 1.0]] * 3)


def one_channel(batch: SimpleNamespace) -> None:
    batch.channels, batch.images = 1, [image[:1] for image in batch.images]


GOOD_BATCHES = [
    ("plain", lambda b: None),
    ("tuples", lambda b: (argument("images", tuple(b.images))(b), argument("targets", tuple(b.targets))(b))),
    ("one image", lambda b: (b.images.pop(), b.targets.pop())),
    ("an image without objects", no_objects),
    ("no objects at all", lambda b: (no_objects(b), b.targets.__setitem__(1, b.targets[0]))),
    ("box partly outside", box(-20, -20, 10, 10)),
    ("box of which half a pixel is inside", box(-9, -9, 0.5, 0.5)),
    ("box around the whole image", box(-9, -9, 200, 200)),
    ("box touching the last pixel", box(89.5, 49.5, 95, 60)),
    ("tiny box", box(1, 1, 1.001, 1.001)),
    ("highest label", label(4)),
    ("any label", lambda b: (argument("num_classes", None)(b), label(10_000)(b))),
    ("eval without targets", lambda b: (argument("training", False)(b), argument("targets", None)(b))),
    ("eval with targets", argument("training", False)),
    ("resampling overshoot", lambda b: (pixel(1.4)(b), image(lambda x: x - 0.4, i=0)(b))),
    ("as dark and as bright as may be", lambda b: (pixel(1.5)(b), image(lambda x: x.clone().fill_(-0.5), i=0)(b))),
    ("black and white", lambda b: (image(torch.zeros_like)(b), image(torch.ones_like, i=0)(b))),
    ("normalised by the caller", lambda b: (argument("normalised", True)(b), image(lambda x: (x - 0.5) / 0.01)(b))),
    ("one channel", one_channel),
    ("any number of channels", lambda b: (argument("channels", None)(b), setattr(b, "images", [x[:2] for x in b.images]))),
    ("a box within a pixel, and others", box(0.2, 0.3, 0.8, 0.9)),
    ("boxes within a pixel that begin outside", lambda b: b.targets[1].update(boxes=torch.tensor([[-0.1, 0, 0.9, 1]] * 3))),
    ("boxes of a pixel in an image of a few", few_pixels),
    ("as high as it has channels", lambda b: (no_objects(b), image(torch.rand(3, 3, 3), i=0)(b))),
    ("one-pixel image", lambda b: (b.images.pop(), b.targets.pop(), no_objects(b), image(torch.rand(3, 1, 1), i=0)(b))),
    ("device not told", argument("device", None)),
    ("dtype not told", lambda b: (double_images(b), argument("dtype", None)(b))),
    ("float64", of_dtype(torch.float64)),
    ("half", of_dtype(torch.float16)),
    ("bfloat16", of_dtype(torch.bfloat16)),
    ("a label that half rounds up", lambda b: (of_dtype(torch.float16)(b), argument("num_classes", 4096)(b), label(4095)(b))),
    ("more keys", target("masks", "not looked at")),
    ("images that require gradients", image(lambda x: x.requires_grad_())),
    ("a torchvision Image", image(lambda x: Image(x))),
    ("channels-last strides", image(lambda x: x.permute(1, 2, 0).contiguous().permute(2, 0, 1))),
    ("boxes that say they are xyxy", target("boxes", lambda x: BoundingBoxes(x, format="XYXY", canvas_size=(50, 90)))),
]  # fmt: skip


@pytest.mark.parametrize("edit", [case[1] for case in GOOD_BATCHES], ids=[case[0] for case in GOOD_BATCHES])
def test_good_batch_passes(edit: Callable) -> None:
    batch = good_batch()
    edit(batch)
    before = [image.clone() for image in batch.images]
    call(batch)
    assert all(torch.equal(image, copy) for image, copy in zip(batch.images, before))


def test_half_images_are_legal_under_autocast_only() -> None:
    batch = good_batch()
    of_dtype(torch.bfloat16)(batch)
    batch.dtype = torch.float32
    with torch.autocast("cpu", dtype=torch.bfloat16):
        call(batch)
    with pytest.raises(TypeError, match=r"images\[0\] is torch\.bfloat16 but the model is torch\.float32"):
        call(batch)


def test_float64_coordinates_are_not_rounded_on_the_way() -> None:
    """A sliver that float32 would flatten to zero width."""
    batch = good_batch()
    of_dtype(torch.float64)(batch)
    batch.targets[1]["boxes"][2] = torch.tensor([60.0, 20.0, 60.0 + 1e-9, 45.0], dtype=torch.float64)
    call(batch)


@pytest.mark.parametrize("height", [400, 1000])
def test_large_images_are_looked_at_in_rows(height: int) -> None:
    """What is everywhere, or in a stripe of a few rows, is found; and no more than so many values are looked at."""
    large = torch.rand(3, height, 1300)
    rows = checks._some_rows(large)
    step = height // rows.shape[1]
    assert step > 1
    assert checks.MOST_VALUES / 2 < rows.numel() <= checks.MOST_VALUES + 3 * 1300
    for spoil, message in ((lambda x: x * 255, "divide by 255"), (lambda x: x * NAN, "contains NaN")):
        batch = good_batch()
        batch.images[0] = spoil(large.clone())
        with pytest.raises(ValueError, match=rf"images\[0\] .*{message}"):
            call(batch)
        batch.images[0] = large.clone()
        stripe = slice(height // 3, height // 3 + step + 1)
        batch.images[0][:, stripe] = spoil(large[:, stripe])
        with pytest.raises(ValueError, match=rf"images\[0\] .*{message}"):
            call(batch)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=4), st.data())
def test_the_wrong_box_and_label_are_found_wherever_they_are(counts: list[int], data: st.DataObject) -> None:
    """Among images with and without objects."""
    images = [torch.rand(3, 40 + 10 * i, 90) for i in range(len(counts))]
    targets = [
        {"boxes": torch.tensor([[1.0, 2, 30, 39]]).repeat(n, 1), "labels": torch.ones(n, dtype=torch.int64)}
        for n in counts
    ]
    batch = good_batch(images=images, targets=targets)
    call(batch)
    places = [(i, n) for i, count in enumerate(counts) for n in range(count)]
    if not places:
        return
    i, n = data.draw(st.sampled_from(places))
    targets[i]["labels"][n] = 5
    with pytest.raises(ValueError, match=rf"^targets\[{i}\]\['labels'\]\[{n}\] is 5, but objects are 1 … 4"):
        call(batch)
    targets[i]["boxes"][n, 3] = 2
    with pytest.raises(ValueError, match=rf"^targets\[{i}\]\['boxes'\]\[{n}\] = \[1, 2, 30, 2\] has height 0"):
        call(batch)
    targets[i]["boxes"][n] = torch.tensor([1.0, 41 + 10 * i, 30, 50 + 10 * i])
    with pytest.raises(ValueError, match=rf"^targets\[{i}\]\['boxes'\]\[{n}\] .* 90 wide and {40 + 10 * i} high"):
        call(batch)


def test_the_first_bad_image_is_the_one_named() -> None:
    batch = good_batch()
    batch.images[0][0, 0, 0] = NAN
    batch.images[1][0, 0, 0] = NAN
    with pytest.raises(ValueError, match=r"images\[0\]"):
        call(batch)


# --- one synchronisation ------------------------------------------------------------------------------------------


class ReadsOfTheDevice(TorchDispatchMode):
    """Records every operator that synchronises host and device: its result is on the host, or depends on data."""

    WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "_unique2", "equal", "is_nonzero")

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        name = func.__name__.split(".")[0]
        to_host = isinstance(result, torch.Tensor) and result.device.type == "cpu"
        if name in self.WAITING or to_host:
            self.seen.append(name)
        return result


def test_a_gpu_is_waited_for_once_whatever_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """With tensors that only pretend to be on a GPU: the one read is `_to_host`, of all values at once."""
    reads: list[torch.Tensor] = []

    def to_host(values: torch.Tensor) -> np.ndarray:
        reads.append(values)
        return np.array([0.0, 1.0] * 3 + [1.0, 2.0, 30.0, 40.0] * 7 + [2.0, 3.0, 8.0, 9.0] + [1.0] * 7 + [4.0])

    monkeypatch.setattr(checks, "_to_host", to_host)
    recorder = ReadsOfTheDevice()
    with FakeTensorMode():
        images = [torch.empty(3, 60, 80, device="cuda") for _ in range(3)]
        targets = [
            {
                "boxes": torch.empty(n, 4, device="cuda"),
                "labels": torch.empty(n, dtype=torch.int64, device="cuda"),
            }
            for n in (7, 0, 1)
        ]
        batch = good_batch(images=images, targets=targets, device=images[0].device)
        with recorder:
            call(batch)
    assert recorder.seen == []
    assert [tuple(values.shape) for values in reads] == [(3 * 2 + 8 * 4 + 8,)]
    assert reads[0].device.type == "cuda"


def test_the_recorder_sees_a_read() -> None:
    """The test above can fail: `.cpu()`, `.item()` and a mask are all seen."""
    recorder = ReadsOfTheDevice()
    with FakeTensorMode(allow_non_fake_inputs=True):
        x = torch.empty(4, device="cuda")
        with recorder:
            x.cpu()
    real = torch.ones(4)
    with recorder:
        real.sum().item()
        real[real > 0]
    assert recorder.seen[0] == "_to_copy"
    assert {"_local_scalar_dense", "nonzero"} & set(recorder.seen)


def test_structure_is_asked_before_any_value_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong shape in the last target costs no read, although the first image is full of NaN."""
    monkeypatch.setattr(checks, "_to_host", lambda values: pytest.fail("values were read"))
    batch = good_batch()
    batch.images[0].fill_(NAN)
    batch.targets[1]["boxes"] = torch.rand(3, 5)
    with pytest.raises(ValueError, match=r"\(3, 5\)"):
        call(batch)
