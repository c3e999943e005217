"""Counts the work of a step: multiplications, memory, cells.

Nothing is timed, so the numbers are the same on every computer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, prod
from typing import Any
from weakref import finalize

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from frcnn_edu.model import FrozenBatchNorm2d, RPNHead, resnet_fpn_backbone
from frcnn_edu.model.fast import run_as
from frcnn_edu.model.fast.convolution import winograd_pays
from frcnn_edu.model.fast.matching import ExactMatcher
from frcnn_edu.model.fast.patches import cut_patches
from frcnn_edu.model.fast.roi_align import bilinear_samples
from frcnn_edu.ops import box_iou

IMAGE = (800, 1088)  # pixels: a photograph of 3:4, resized and padded by the full model


@dataclass(frozen=True)
class Layer:
    """Sizes and multiplications of one convolution.

    Attributes:
        stage: "backbone", "FPN" or "RPN head".
        name: its name within the stage.
        output: (channels, height, width).
        weights: number of weights.
        multiplications: multiplications of the textbook, one for each weight at each output cell of the batch.
        fast: multiplications of the fast classes: fewer where Winograd's algorithm is used (including its transforms).
        frozen_norm: whether a frozen BatchNorm follows.
    """

    stage: str
    name: str
    output: tuple[int, int, int]
    weights: int
    multiplications: int
    fast: int
    frozen_norm: bool

    @property
    def output_size(self) -> int:
        """The number of values in the output for one image."""
        return prod(self.output)


def convolutions_of_full_model(size: tuple[int, int] = IMAGE) -> list[Layer]:
    """Every convolution of the ResNet-50 model for one image (height, width), in order; no values are computed."""
    with torch.device("meta"):  # shapes without numbers
        backbone = resnet_fpn_backbone(backbone_name="resnet50", weights=None)
        head = RPNHead(in_channels=256, num_anchors=3)
        return convolutions_of(backbone, head, torch.empty(1, 3, *size))


def convolutions_of(backbone: Any, head: nn.Module, batch: Tensor) -> list[Layer]:
    """Every convolution of a backbone with a pyramid, and of the RPN head on each level, in order.

    Args:
        batch: (N, 3, H, W). Only its shape matters.
    """
    children = [pairwise(module.children()) for module in backbone.modules()]
    before_a_norm = {conv for pairs in children for conv, norm in pairs if isinstance(norm, FrozenBatchNorm2d)}
    layers: list[Layer] = []

    def note(stage: str, name: str) -> Callable[..., None]:
        def hook(conv: Any, inputs: tuple[Tensor], output: Tensor) -> None:
            textbook = conv.weight.numel() * output[:, 0].numel()
            # A tensor of the map's shape with one number in memory: `winograd_pays` uses only shape and device.
            on_cpu = torch.empty(1, device="cpu").expand(inputs[0].shape)
            fast = len(output) * winograd_multiplications(*conv.weight.shape[:2], *output.shape[2:])
            layers.append(
                Layer(
                    stage,
                    name,
                    (output.shape[1], output.shape[2], output.shape[3]),
                    conv.weight.numel(),
                    textbook,
                    fast if winograd_pays(conv, on_cpu) else textbook,
                    conv in before_a_norm,
                )
            )

        return hook

    hooks = [
        conv.register_forward_hook(note(stage, name))
        for stage, module in (("backbone", backbone.body), ("FPN", backbone.fpn), ("RPN head", head))
        for name, conv in module.named_modules()
        if isinstance(conv, nn.Conv2d)
    ]
    with torch.no_grad():
        head(list(backbone(batch).values()))
    for registered in hooks:
        registered.remove()
    return layers


def winograd_multiplications(out_channels: int, in_channels: int, height: int, width: int) -> int:
    """Multiplications of `conv3x3` for one map: 36 per pair of channels and 4×4 tile, and those of both transforms."""
    tiles = ceil(height / 4) * ceil(width / 4)
    return tiles * (36 * 36 * in_channels + 36 * in_channels * out_channels + 16 * 36 * out_channels)


@dataclass(frozen=True)
class Saving:
    """A saving: what the textbook's classes and the fast ones need, in `unit`, and the file that makes the difference."""

    what: str
    textbook: float
    fast: float
    unit: str
    where: str


def savings_of_full_model(layers: Sequence[Layer], objects: int = 50) -> list[Saving]:
    """Other savings of the fast classes in the full model, for one image with this number of objects."""
    grids = [layer.output[1:] for layer in layers if layer.name == "cls_logits"]  # (H, W) of each level
    anchors = [3 * height * width for height, width in grids]
    entering_nms = sum(min(count, 1000) for count in anchors)  # the best 1000 of each level
    corners = torch.rand(objects + sum(anchors), 2, generator=torch.Generator().manual_seed(0))
    gt_boxes, candidates = torch.cat((corners, corners + 0.1), dim=1).split([objects, sum(anchors)])
    matcher = ExactMatcher(0.7, 0.3, allow_low_quality_matches=True)
    folded = [layer for layer in layers if layer.frozen_norm]
    with torch.device("meta"):
        backbone = resnet_fpn_backbone(backbone_name="resnet50", weights=None)
    held_by_textbook, held = (sum(held_by_stage(run_as(backbone, mode)).values()) for mode in ("textbook", "fast"))
    return [
        Saving("boxes the RPN decodes", sum(anchors), entering_nms, "", "model/fast/rpn.py"),
        Saving(
            f"matching {objects} objects",
            peak_bytes(lambda: matcher(box_iou(gt_boxes, candidates))),
            peak_bytes(lambda: matcher.match_boxes(gt_boxes, candidates)),
            "bytes",
            "model/fast/matching.py",
        ),
        Saving(
            "values BatchNorm scales",
            sum(layer.output_size for layer in folded),
            sum(min(layer.weights, layer.output_size) for layer in folded),
            "",
            "model/fast/convolution.py",
        ),
        # 3×3 for each sampled anchor
        Saving("cells with RPN gradients", sum(anchors) // 3, 9 * 256, "", "model/fast/patches.py"),
        Saving("saved for backward", held_by_textbook, held, "bytes", "model/fast/resnet.py"),
    ]


def peak_bytes(call: Callable[[], Any]) -> int:
    """The peak memory, in bytes, of the tensors that `call` creates; without gradients."""
    held = _Held()
    with torch.no_grad(), held:
        call()
    return held.peak


class _Held(TorchDispatchMode):
    """Adds up the memory of all tensors that operators return, as long as they are alive."""

    def __init__(self) -> None:
        super().__init__()
        self.users: dict[int, int] = {}  # storage → number of living tensors that use it
        self.now = self.peak = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        given = {id(x) for x in tree_leaves((args, kwargs))}
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor) and id(tensor) not in given:
                self._add(tensor, is_new=not func.is_view)
        return result

    def _add(self, tensor: Tensor, is_new: bool) -> None:
        storage = tensor.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        if not is_new and key not in self.users:
            return  # a view of an older tensor
        if key not in self.users:
            self.now += size
            self.peak = max(self.peak, self.now)
        self.users[key] = self.users.get(key, 0) + 1
        finalize(tensor, self._drop, key, size)

    def _drop(self, key: int, size: int) -> None:
        self.users[key] -= 1
        if self.users[key] == 0:
            del self.users[key]
            self.now -= size


def held_by_stage(backbone: Any, size: tuple[int, int] = IMAGE) -> dict[str, int]:
    """The bytes that each stage of a backbone with a pyramid saves for the backward pass, including its output.

    Args:
        backbone: on the device "meta"; only its trained stages are counted.
        size: (height, width) of the one input image.
    """
    x, maps, held = torch.empty(1, 3, *size, device="meta"), {}, {}
    with torch.enable_grad(), _Made() as made:
        for name, layer in backbone.body.items():
            before = made.alive()
            x = layer(x)
            if any(parameter.requires_grad for parameter in layer.parameters()):
                held[name] = made.alive() - before
            if name in backbone.body.return_layers:
                maps[backbone.body.return_layers[name]] = x
        before = made.alive()
        maps = backbone.fpn(maps)
        held["FPN"] = made.alive() - before
    return held


class _Made(TorchDispatchMode):
    """Remembers the memory of all tensors that operators return, without keeping it alive."""

    def __init__(self) -> None:
        super().__init__()
        self.storages: dict[int, tuple[StorageWeakRef, int]] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor) and not func.is_view:
                storage = tensor.untyped_storage()
                known = self.storages.get(storage._cdata)
                if known is None or known[0].expired():  # the address is reused
                    self.storages[storage._cdata] = StorageWeakRef(storage), storage.nbytes()
        return result

    def alive(self) -> int:
        """The bytes that are still alive, referenced by a variable or by autograd."""
        return sum(size for reference, size in self.storages.values() if not reference.expired())


def bin_weights(box: Tensor, bins: int, ratio: int, row: int, column: int, size: tuple[int, int]) -> Tensor:
    """The weight of every cell of a map (height, width) in one bin of a box (4,), in cells; they add up to 1."""
    height, width = size
    start, length = box[:2, None], (box[2:] - box[:2])[:, None]  # (2, 1) each: x, y
    x, x_weight = bilinear_samples(start[0], length[0], bins, ratio, width)  # (1, bins, 2·ratio)
    y, y_weight = bilinear_samples(start[1], length[1], bins, ratio, height)
    cells = y[0, row][:, None] * width + x[0, column]  # (2·ratio, 2·ratio)
    weights = y_weight[0, row][:, None] * x_weight[0, column]
    total = torch.zeros(height * width, dtype=box.dtype)
    return total.index_add(0, cells.flatten(), weights.flatten()).view(height, width)


def memory_positions(x: Tensor) -> Tensor:
    """For each number of a tensor, its position in memory."""
    index = torch.zeros(x.shape, dtype=torch.int64)
    for axis, (length, stride) in enumerate(zip(x.shape, x.stride(), strict=True)):
        shape = [1] * x.ndim
        shape[axis] = length
        index += torch.arange(length).view(shape) * stride
    return index


def patches_over_cells(
    grids: Sequence[tuple[int, int]], anchors: Tensor, num_anchors: int, radius: int
) -> list[Tensor]:
    """For each cell (H, W) of each level, how many of the patches around `anchors` (S,) contain it."""
    maps = [torch.zeros(1, 1, *grid, requires_grad=True) for grid in grids]
    with torch.enable_grad():
        patches, _ = cut_patches(maps, anchors // num_anchors, radius)
        found = torch.autograd.grad(patches.sum(), maps, allow_unused=True)
    return [torch.zeros(grid) if touched is None else touched[0, 0] for grid, touched in zip(grids, found, strict=True)]
