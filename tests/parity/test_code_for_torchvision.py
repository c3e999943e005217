"""Code as it is written for torchvision's detectors: the same calls in the same order on its model and on ours.

Fine-tuning and evaluating as the tutorial and the reference script do it, and what else is often done to a detector.
"""

import copy
import io
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
import torchvision
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, Dataset, Subset
from torchvision import tv_tensors
from torchvision.models.detection.mask_rcnn import MaskRCNN
from torchvision.ops import MultiScaleRoIAlign, box_convert, masks_to_boxes
from torchvision.transforms import v2
from torchvision.utils import draw_bounding_boxes
from twins import OURS, THEIRS, make_images, make_targets, small_fpn, twins

import frcnn_edu
from frcnn_edu import run_as
from frcnn_edu.benchmark.agreement import with_labels_of_dtype
from frcnn_edu.model.fast import MODES

IMAGES = [image.double() for image in make_images((64, 80), (70, 60))]
TARGETS = [{**t, "boxes": t["boxes"].double()} for t in make_targets(IMAGES, (4, 3), 7)]
BOTH = pytest.mark.parametrize("lib", [OURS, THEIRS], ids=["ours", "theirs"])


@pytest.fixture(scope="module")
def pair() -> tuple[Any, Any]:
    """In float64, with the textbook's classes."""
    settings = dict(rpn_post_nms_top_n_train=60, rpn_post_nms_top_n_test=60, box_batch_size_per_image=24)
    images = [image.float() for image in IMAGES]
    ours, theirs = (model.double() for model in twins(small_fpn, images, min_size=64, max_size=96, **settings))
    with_labels_of_dtype(theirs, torch.float64)
    return ours, theirs


def step(model: Any) -> list[Tensor]:
    """Losses and gradients of a step, then what is detected."""
    torch.manual_seed(1)
    model.zero_grad()
    losses = model.train()(IMAGES, TARGETS)
    sum(losses.values()).backward()
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    with torch.no_grad():
        detections = model.eval()(IMAGES)
    return [*losses.values(), *gradients, *(value for image in detections for value in image.values())]


def assert_close(ours: list[Tensor], theirs: list[Tensor]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        scale = max(1e-3, other.double().abs().max().item()) if other.numel() else 1.0
        torch.testing.assert_close(one, other, rtol=0, atol=1e-9 * scale)


# --- ten drawn images: the tutorial, and the reference script's loops ----------------------------------------------


class Squares(Dataset):
    """Images with up to three squares, as masks of one number each: image and target as v2's transforms take them."""

    def __init__(self, transforms: Callable[..., Any]) -> None:
        self.transforms = transforms

    def __len__(self) -> int:
        return 10

    def __getitem__(self, index: int) -> tuple[Any, dict[str, Any]]:
        generator = torch.Generator().manual_seed(index)
        image, mask = torch.full((3, 60, 80), 90, dtype=torch.uint8), torch.zeros(1, 60, 80, dtype=torch.uint8)
        for number in range(1, 2 + index % 3):
            x, y, side = (int(torch.randint(*span, (), generator=generator)) for span in ((0, 60), (0, 40), (12, 20)))
            image[:, y : y + side, x : x + side] = torch.randint(0, 255, (3, 1, 1), generator=generator)
            mask[:, y : y + side, x : x + side] = number
        numbers = mask.unique()[1:]
        masks = (mask == numbers[:, None, None]).to(torch.uint8)
        boxes = masks_to_boxes(masks)
        target = {
            "boxes": tv_tensors.BoundingBoxes(boxes, format="XYXY", canvas_size=(60, 80)),
            "masks": tv_tensors.Mask(masks),
            "labels": torch.ones(len(numbers), dtype=torch.int64),
            "image_id": index,
            "area": (boxes[:, 3] - boxes[:, 1]) * (boxes[:, 2] - boxes[:, 0]),
            "iscrowd": torch.zeros(len(numbers), dtype=torch.int64),
        }
        return self.transforms(tv_tensors.Image(image), target)


def preset(train: bool) -> v2.Compose:
    flip = [v2.RandomHorizontalFlip(0.5)] if train else []
    return v2.Compose([*flip, v2.ToDtype(torch.float, scale=True), v2.ToPureTensor()])


def together(batch: list[Any]) -> tuple[Any, ...]:
    return tuple(zip(*batch))


def train_one_epoch(model: Any, optimizer: Any, loader: DataLoader, epoch: int) -> list[float]:
    """The reference script's: warm-up in the first pass, losses summed, the script's end if they are not finite."""
    model.train()
    warm_up = None
    if epoch == 0:
        iterations = min(1000, len(loader) - 1)
        warm_up = torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=1e-3, total_iters=iterations)
    seen = []
    for images, targets in loader:
        images = [image.to("cpu") for image in images]
        targets = [{k: v.to("cpu") if isinstance(v, Tensor) else v for k, v in t.items()} for t in targets]
        with torch.autocast("cpu", enabled=False):
            losses = sum(loss for loss in model(images, targets).values())
        optimizer.zero_grad()
        losses.backward()
        optimizer.step()
        if warm_up is not None:
            warm_up.step()
        seen.append(losses.item())
    return seen


@torch.inference_mode()
def evaluate(model: Any, loader: DataLoader) -> list[float]:
    """The reference script's: ground truth as a COCO data set, detections as xywh, pycocotools' twelve numbers."""
    model.eval()
    assert not isinstance(model, MaskRCNN)  # by which the script decides what to evaluate
    records: list[dict[str, Any]] = []
    truth, found = COCO(), []
    for _, target in loader.dataset:
        boxes = box_convert(target["boxes"], "xyxy", "xywh").tolist()
        records += [dict(id=len(records) + i + 1, image_id=target["image_id"], category_id=1, bbox=box, iscrowd=0,
                         area=box[2] * box[3]) for i, box in enumerate(boxes)]  # fmt: skip
    truth.dataset = dict(images=[{"id": i} for i in range(10)], annotations=records, categories=[{"id": 1}], info={})
    truth.createIndex()
    for images, targets in loader:
        outputs = [{k: v.to("cpu") for k, v in t.items()} for t in model([image.to("cpu") for image in images])]
        for image_id, output in {target["image_id"]: output for target, output in zip(targets, outputs)}.items():
            boxes = box_convert(output["boxes"], "xyxy", "xywh").tolist()
            found += [dict(image_id=image_id, category_id=label, bbox=box, score=score) for box, score, label in
                      zip(boxes, output["scores"].tolist(), output["labels"].tolist())]  # fmt: skip
    evaluator = COCOeval(truth, truth.loadRes(found), "bbox")
    evaluator.evaluate()
    evaluator.accumulate()
    evaluator.summarize()
    return list(evaluator.stats)


@pytest.mark.slow
def test_fine_tuning_as_the_tutorial_does_it() -> None:
    """The predictor replaced, two passes, an evaluation after each, a drawing at the end; and the same numbers."""
    images = [Squares(preset(train=False))[i][0] for i in range(2)]
    outcomes = []
    for lib, model in zip((OURS, THEIRS), twins(small_fpn, images, min_size=60, max_size=80, box_score_thresh=0.01)):
        torch.manual_seed(0)
        in_features = model.roi_heads.box_predictor.cls_score.in_features
        model.roi_heads.box_predictor = lib.FastRCNNPredictor(in_features, 2)
        order = torch.randperm(10).tolist()
        loaders = [
            DataLoader(Subset(Squares(preset(True)), order[:-3]), 2, shuffle=True, collate_fn=together),
            DataLoader(Subset(Squares(preset(False)), order[-3:]), 1, shuffle=False, collate_fn=together),
        ]
        parameters = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.SGD(parameters, lr=0.005, momentum=0.9, weight_decay=0.0005)
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.1)
        numbers = []
        for epoch in range(2):
            numbers += train_one_epoch(model, optimizer, loaders[0], epoch)
            schedule.step()
            numbers += evaluate(model, loaders[1])
        with torch.no_grad():
            (found,) = model.eval()([images[0]])
        labels = [f"{score:.3f}" for score in found["scores"]]
        drawn = draw_bounding_boxes((images[0] * 255).byte(), found["boxes"].long(), labels, colors="red")
        outcomes.append((numbers, drawn))
    assert outcomes[0][0] == outcomes[1][0]
    assert len(outcomes[0][0]) == 2 * (4 + 12)
    assert torch.equal(outcomes[0][1], outcomes[1][1])


@pytest.mark.slow
def test_a_checkpoint_of_the_reference_script(tmp_path: Any) -> None:
    """Model, optimiser and schedule saved and loaded; norm layers in a group of their own."""
    groups = []
    for lib in (OURS, THEIRS):
        model = small_fpn(lib)
        by_kind = torchvision.ops._utils.split_normalization_params(model)
        groups.append([[tuple(p.shape) for p in some] for some in by_kind])
        optimizer = torch.optim.AdamW([{"params": p, "weight_decay": w} for p, w in zip(by_kind, (0.0, 1e-4)) if p])
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, tmp_path / "checkpoint.pth")
        loaded = torch.load(tmp_path / "checkpoint.pth", map_location="cpu", weights_only=True)
        small_fpn(OURS).load_state_dict(loaded["model"])
        optimizer.load_state_dict(loaded["optimizer"])
    assert groups[0] == groups[1]


# --- what else is done to a detector -------------------------------------------------------------------------------


def averaged(model: Any) -> Any:
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
    average.update_parameters(model)
    return average.module


def pickled(model: Any) -> Any:
    with without_replaced_methods(model):
        file = io.BytesIO()
        torch.save(model, file)
    file.seek(0)
    loaded = torch.load(file, weights_only=False)
    if not isinstance(loaded, frcnn_edu.FasterRCNN):
        with_labels_of_dtype(loaded, torch.float64)
    return loaded


@contextmanager
def without_replaced_methods(model: Any) -> Iterator[None]:
    replaced = vars(model.rpn).pop(
        "assign_targets_to_anchors", None
    )  # ours, for torchvision's float64: no pickle has it
    yield
    if replaced is not None:
        model.rpn.assign_targets_to_anchors = replaced


def checkpointed(model: Any) -> Any:
    for name in ("layer2", "layer3"):
        stage = model.backbone.body[name]
        stage.forward = lambda x, forward=stage.forward: checkpoint(forward, x, use_reentrant=False)
    return model


class Checkpointed(nn.Module):
    def __init__(self, backbone: Any) -> None:
        super().__init__()
        self.backbone, self.out_channels = backbone, backbone.out_channels

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        return checkpoint(self.backbone, x, use_reentrant=False)


def all_of_the_backbone_checkpointed(model: Any) -> Any:
    model.backbone = Checkpointed(model.backbone)
    return model


def pyramid_copied(model: Any) -> Any:
    """A pyramid whose forward pass is copied from torchvision's, with the names that it calls."""

    class Copied(type(model.backbone.fpn)):  # type: ignore[misc]
        def forward(self, x: dict[str, Tensor]) -> dict[str, Tensor]:
            names, maps = list(x), list(x.values())
            last = self.get_result_from_inner_blocks(maps[-1], -1)
            results = [self.get_result_from_layer_blocks(last, -1)]
            for idx in range(len(maps) - 2, -1, -1):
                lateral = self.get_result_from_inner_blocks(maps[idx], idx)
                last = lateral + nn.functional.interpolate(last, size=lateral.shape[-2:], mode="nearest")
                results.insert(0, self.get_result_from_layer_blocks(last, idx))
            results, names = self.extra_blocks(results, maps, names)
            return dict(zip(names, results))

    model.backbone.fpn.__class__ = Copied
    return model


def whole_forward_copied(model: Any) -> Any:
    """A forward pass of one's own, step by step, that ends as torchvision's does."""

    def forward(images: list[Tensor], targets: Any = None) -> Any:
        sizes = [image.shape[-2:] for image in images]
        batch, targets = model.transform(images, targets)
        batch.tensors = batch.tensors * 1.0
        features = model.backbone(batch.tensors)
        proposals, losses = model.rpn(batch, features, targets)
        detections, more = model.roi_heads(features, proposals, batch.image_sizes, targets)
        return model.eager_outputs(
            {**more, **losses}, model.transform.postprocess(detections, batch.image_sizes, sizes)
        )

    model.forward = forward
    return model


CHANGES = (
    averaged,
    copy.deepcopy,
    pickled,
    checkpointed,
    all_of_the_backbone_checkpointed,
    pyramid_copied,
    whole_forward_copied,
)


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_changed_detector_does_as_torchvisions(change: Callable[[Any], Any], pair: tuple[Any, Any]) -> None:
    expected = step(change(copy.deepcopy(pair[1])))
    assert_close(step(change(run_as(copy.deepcopy(pair[0]), "fast"))), expected)


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_losses_and_detections_at_once(mode: str, pair: tuple[Any, Any]) -> None:
    """A validation loss without a second pass: the stages called one by one, in evaluation."""
    outcomes = []
    for lib, model in (
        (frcnn_edu.model, run_as(copy.deepcopy(pair[0]), mode)),
        (torchvision.models.detection, pair[1]),
    ):
        torch.manual_seed(2)
        model.eval()
        batch, targets = model.transform(IMAGES, TARGETS)
        features = model.backbone(batch.tensors)
        objectness, deltas = model.rpn.head(list(features.values()))
        anchors = model.rpn.anchor_generator(batch, list(features.values()))
        per_level = [shape[0] * shape[1] * shape[2] for shape in (level[0].shape for level in objectness)]
        objectness, deltas = lib.rpn.concat_box_prediction_layers(objectness, deltas)
        proposals = model.rpn.box_coder.decode(deltas.detach(), anchors).view(len(anchors), -1, 4)
        proposals, _ = model.rpn.filter_proposals(proposals, objectness, batch.image_sizes, per_level)
        labels, matched = model.rpn.assign_targets_to_anchors(anchors, targets)
        losses = model.rpn.compute_loss(objectness, deltas, labels, model.rpn.box_coder.encode(matched, anchors))
        model.roi_heads.check_targets(targets)
        proposals, _, labels, wanted = model.roi_heads.select_training_samples(proposals, targets)
        pooled = model.roi_heads.box_roi_pool(features, proposals, batch.image_sizes)
        answers = model.roi_heads.box_predictor(model.roi_heads.box_head(pooled))
        losses += lib.roi_heads.fastrcnn_loss(*answers, labels, wanted)
        found = model.roi_heads.postprocess_detections(*answers, proposals, batch.image_sizes)
        outcomes.append([*losses, *itertools.chain(*found)])
    assert_close(*outcomes)


@pytest.mark.slow
@pytest.mark.parametrize(
    "path", ["backbone.body.layer3", "backbone.body.layer2.1.conv2", "backbone.fpn.layer_blocks.2.0"]
)
def test_activations_and_their_gradients_as_class_activation_maps_take_them(path: str, pair: tuple[Any, Any]) -> None:
    """A hook that keeps a map, and another on that map for its gradient, with respect to some scores."""
    outcomes = []
    for model in (run_as(copy.deepcopy(pair[0]), "fast"), copy.deepcopy(pair[1])):
        kept: list[Tensor] = []

        def keep(module: nn.Module, arguments: Any, output: Tensor, kept: list[Tensor] = kept) -> None:
            kept.append(output.detach().clone())
            output.register_hook(lambda gradient: kept.append(gradient))

        model.eval().get_submodule(path).register_forward_hook(keep)
        image = IMAGES[0].clone().requires_grad_()
        model([image])[0]["scores"][:5].sum().backward()
        assert image.grad is not None
        outcomes.append([*kept, image.grad])
    assert len(outcomes[0]) == 3
    assert_close(*outcomes)


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("given", ["a list", "one tensor", "views without gradients"])
def test_gradients_with_respect_to_the_images(given: str, mode: str, pair: tuple[Any, Any]) -> None:
    """After a pass without gradients, whose values may be kept; in evaluation and in training."""
    model = run_as(copy.deepcopy(pair[0]), mode)
    batch = torch.stack([image[:, :60, :60] for image in IMAGES])
    with torch.no_grad():
        model.eval()(batch)
        views = list(batch)
    images: Any = {"a list": [batch[0].clone(), batch[1].clone()], "one tensor": batch}.get(given, views)
    leaves = [images] if isinstance(images, Tensor) else images
    for leaf in leaves:
        leaf.requires_grad_(True)
    targets = [{"boxes": torch.tensor([[5.0, 5, 40, 50]]).double(), "labels": torch.tensor([1])}] * 2
    for training in (False, True):
        outputs = model.train(training)(images, targets)
        values = outputs.values() if training else [image["scores"].sum() for image in outputs]
        gradients = torch.autograd.grad(sum(values), leaves)
        assert all(gradient.abs().sum() > 0 for gradient in gradients)


def test_code_that_asks_for_torchvisions_class() -> None:
    model = frcnn_edu.fasterrcnn_small_fpn()
    assert isinstance(model, torchvision.models.detection.FasterRCNN)
    assert isinstance(model, torchvision.models.detection.generalized_rcnn.GeneralizedRCNN)
    assert model.train().eager_outputs({"loss": 1}, [2]) == {"loss": 1}
    assert model.eval().eager_outputs({"loss": 1}, [2]) == [2]
    for cls in (frcnn_edu.FasterRCNN, frcnn_edu.GeneralizedRCNN):  # all that runs is written here
        assert cls.forward.__module__ == "frcnn_edu.model.generalized_rcnn"


@BOTH
def test_a_transform_is_shown_alike(lib: Any) -> None:
    transform = lib.GeneralizedRCNNTransform(224, 299, [0.5, 0.4, 0.3], [0.2, 0.3, 0.1])
    assert repr(transform) == (
        "GeneralizedRCNNTransform(\n    Normalize(mean=[0.5, 0.4, 0.3], std=[0.2, 0.3, 0.1])\n"
        "    Resize(min_size=(224,), max_size=299, mode='bilinear')\n)"
    )


def test_a_detector_put_together_as_in_the_documentation() -> None:
    """On MobileNetV2's features, with one map."""
    shapes = []
    for lib in (THEIRS, OURS):
        backbone: Any = torchvision.models.mobilenet_v2(weights=None).features
        backbone.out_channels = 1280
        anchors = lib.AnchorGenerator(sizes=((32, 64, 128, 256, 512),), aspect_ratios=((0.5, 1.0, 2.0),))
        pool = MultiScaleRoIAlign(featmap_names=["0"], output_size=7, sampling_ratio=2)
        parts = dict(rpn_anchor_generator=anchors, box_roi_pool=pool, min_size=64, max_size=96)
        model = lib.FasterRCNN(backbone, num_classes=2, **parts)
        shapes.append({key: value.shape for key, value in model.state_dict().items()})
    assert shapes[0] == shapes[1]
    assert model.eval()(make_images((64, 80)))[0].keys() == {"boxes", "labels", "scores"}


def test_the_names_of_published_weights_are_torchvisions() -> None:
    """`from frcnn_edu import …` serves where a script imports the weights beside the builder."""
    for name in ("ResNet50_FPN", "ResNet50_FPN_V2", "MobileNet_V3_Large_FPN", "MobileNet_V3_Large_320_FPN"):
        weights = f"FasterRCNN_{name}_Weights"
        assert getattr(frcnn_edu, weights) is getattr(torchvision.models.detection, weights)
