"""What a data set contains, as a detector meets it: how many objects, how large, on which level, reached by which anchors."""

import copy
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from tqdm import tqdm

from ..data.doubts import Odd, doubts, odd_exposures
from ..data.exposure import exposure
from ..data.findings import Findings
from ..model import AnchorGenerator, FasterRCNN, LevelMapper
from ..model.transform import Size
from ..ops.boxes import box_area, resize_boxes
from .anchor_fit import REACHED, best_ious, fit_anchors

WORTH_IT = 0.01  # different anchors are suggested if they reach this much more of the objects


@dataclass(frozen=True)
class DataReport:
    """What `describe_data` found. N objects, without those to be ignored; L maps with anchors.

    Attributes:
        classes: names of the labels.
        findings: of all splits together, including what shows only when every image is loaded.
        doubts: sentences on what is probably wrong.
        images, empty, ignored: by split: images, those without objects, and objects to be ignored (`iscrowd` 1).
        splits, labels: (N,) int64, the place of each object's split in `images`, and its label.
        sides: (N,) √(w·h) in pixels of the files.
        boxes, grids: (N, 4) and (N, L, 4), as for `best_ious`: objects and maps as the network sees them.
        levels: (N,) int64, the place in `level_names` of the level that the model reads each object from.
        bounds: √(w·h) in pixels of the resized image at which one level ends and the next begins.
        map_names: of the L maps.
        anchors, reach: the model's anchors, and the best IoU of each object with those of each map, (N, L).
        fitted, fitted_reach: the same for anchors fitted to the objects; None if the model's are good enough.
    """

    classes: tuple[str, ...]
    findings: Findings
    doubts: list[str]
    images: dict[str, int]
    empty: dict[str, int]
    ignored: dict[str, int]
    splits: Tensor
    labels: Tensor
    sides: Tensor
    boxes: Tensor
    grids: Tensor
    levels: Tensor
    level_names: tuple[str, ...]
    bounds: tuple[float, ...]
    map_names: tuple[str, ...]
    anchors: AnchorGenerator
    reach: Tensor
    fitted: AnchorGenerator | None
    fitted_reach: Tensor | None

    @property
    def counts(self) -> Tensor:
        """Objects by split and label: (splits, classes)."""
        of_split = [self.labels[self.splits == i] for i in range(len(self.images))]
        return torch.stack([labels.bincount(minlength=len(self.classes)) for labels in of_split])

    @property
    def level_shares(self) -> list[float]:
        """The share of the objects that is read from each level."""
        return (self.levels.bincount(minlength=len(self.level_names)) / max(1, len(self.levels))).tolist()


class Looked(NamedTuple):
    """What is kept of an image that was loaded: (height, width), the target, and what is odd about its brightness."""

    size: Size
    target: dict[str, Any]
    exposure: str | None


class Geometry:
    """Where a model puts an image's objects and maps: its own transform and backbone, without any pixels."""

    def __init__(self, model: FasterRCNN) -> None:
        self.transform = model.transform
        self.pool: Any = model.roi_heads.box_roi_pool
        # On the device "meta", tensors have shapes but no values, and nothing is computed.
        self.backbone = copy.deepcopy(model.backbone).to("meta").eval()
        self.kept: dict[Size, tuple[Size, Tensor]] = {}
        self.maps: dict[Size, dict[str, Tensor]] = {}

    @torch.no_grad()
    def __call__(self, size: Size) -> tuple[Size, Tensor]:
        """For an image of (height, width): its size after resizing, and rows, columns and strides of its maps (L, 4)."""
        if size not in self.kept:
            batch, _ = self.transform([torch.empty(3, *size, device="meta")])
            padded = batch.tensors.shape[-2:]
            if padded not in self.maps:
                self.maps[padded] = self.backbone(batch.tensors)
            shapes = [features.shape[-2:] for features in self.maps[padded].values()]
            grid = [(*shape, padded[0] // shape[0], padded[1] // shape[1]) for shape in shapes]
            self.kept[size] = batch.image_sizes[0], torch.tensor(grid, dtype=torch.float32)
        return self.kept[size]

    def map_names(self) -> tuple[str, ...]:
        """The paper's names of the maps that anchors are on: P2 has stride 4."""
        grid, maps = next(iter(self.kept.values()))[1], next(iter(self.maps.values()))
        strides = grid[:, 2].log2().round().int().tolist()
        return tuple("pool" if name == "pool" else f"P{level}" for name, level in zip(maps, strides))

    def level_mapper(self) -> LevelMapper:
        """The model's own rule for which level a resized box is read from."""
        maps = next(iter(self.maps.values()))
        pooled = [features for name, features in maps.items() if name in self.pool.featmap_names]
        return self.pool._setup_scales(pooled, [next(iter(self.kept.values()))[0]])[1]


def describe_data(datasets: Mapping[str, Any], model: FasterRCNN, *, progress: bool = False) -> DataReport:
    """Load every image of every split once, and report on its objects as `model` would meet them.

    Args:
        datasets: by split, with the same classes and without transforms; those of `frcnn_edu.data` or similar ones.
        model: in evaluation mode; its weights do not matter.

    Raises:
        ValueError: no image can be used.
    """
    geometry = Geometry(model)
    findings, odd, counts, objects = _gather(datasets, geometry, progress)
    boxes, grids = objects["resized"], objects["grids"]
    mapper = geometry.level_mapper()
    ranks = range(mapper.k_min, mapper.k_max + 1)
    default: Any = model.rpn.anchor_generator
    reach = best_ious(boxes, grids, default)
    fitted, fitted_reach = None, None
    if unreached(reach) >= WORTH_IT:  # otherwise there is nothing to gain
        candidate = fit_anchors(boxes, grids, default)
        candidate_reach = best_ious(boxes, grids, candidate)
        if unreached(candidate_reach) <= unreached(reach) - WORTH_IT:
            fitted, fitted_reach = candidate, candidate_reach
    return DataReport(
        classes=next(iter(datasets.values())).classes,
        findings=findings,
        doubts=[*doubts(datasets), *odd_exposures(odd, counts["images"])],
        **counts,
        splits=objects["splits"],
        labels=objects["labels"],
        sides=box_area(objects["boxes"]).sqrt(),
        boxes=boxes,
        grids=grids,
        levels=mapper([boxes]),
        level_names=tuple(f"P{level}" for level in ranks),
        bounds=tuple(mapper.s0 * 2.0 ** (level - mapper.lvl0) for level in ranks[1:]),
        map_names=geometry.map_names(),
        anchors=default,
        reach=reach,
        fitted=fitted,
        fitted_reach=fitted_reach,
    )


def _gather(
    datasets: Mapping[str, Any], geometry: Geometry, progress: bool
) -> tuple[Findings, Odd, dict[str, dict[str, int]], dict[str, Tensor]]:
    """What went wrong, odd images, the counts of images by split, and columns of tensors with a row for each object."""
    findings = Findings()
    odd: Odd = {split: defaultdict(list) for split in datasets}
    counts = {name: dict.fromkeys(datasets, 0) for name in ("images", "empty", "ignored")}
    columns: dict[str, list[Tensor]] = {name: [] for name in ("splits", "labels", "boxes", "resized", "grids")}
    for place, (split, dataset) in enumerate(datasets.items()):
        findings.merge(getattr(dataset, "findings", Findings()))
        for name, looked in zip(_names(dataset), _look_at_all(dataset, split, progress), strict=True):
            if isinstance(looked, ValueError):
                findings.leave_out("images that are damaged: training takes others instead", name)
                continue
            if looked.exposure is not None:
                odd[split][looked.exposure].append(name)
            size, target = looked.size, looked.target
            try:
                new_size, grid = geometry(size)
            except ValueError:
                findings.leave_out("images that are too thin for the model: training leaves them out", name)
                continue
            counted = target["iscrowd"] == 0
            boxes = target["boxes"][counted]
            if again := len(boxes) - len(torch.column_stack((boxes, target["labels"][counted])).unique(dim=0)):
                findings.note("objects that are annotated twice: same class, same box", name, again)
            counts["images"][split] += 1
            counts["empty"][split] += len(counted) == 0
            counts["ignored"][split] += len(counted) - len(boxes)
            columns["splits"].append(torch.full((len(boxes),), place))
            columns["labels"].append(target["labels"][counted])
            columns["boxes"].append(boxes)
            columns["resized"].append(resize_boxes(boxes, size, new_size))
            columns["grids"].append(grid.expand(len(boxes), -1, -1))
    if not sum(counts["images"].values()):
        raise ValueError(f"no image can be used: {findings.summary()}")
    return findings, odd, counts, {name: torch.cat(values) for name, values in columns.items()}


def unreached(reach: Tensor, iou: float = REACHED) -> float:
    """The share of objects that no anchor of any map reaches, from best IoUs (N, L); 0 without objects."""
    return float((reach.amax(dim=1) < iou).double().mean()) if len(reach) else 0.0


def _look_at_all(dataset: Any, split: str, progress: bool) -> Iterator[Looked | ValueError]:
    """What is kept of each image, in order, or why it cannot be loaded; the pixels are not kept."""

    def look(index: int) -> Looked | ValueError:
        try:
            image, target = dataset[index]
        except ValueError as error:
            return error
        return Looked((image.shape[-2], image.shape[-1]), target, exposure(image))

    with ThreadPoolExecutor(max_workers=4) as pool:
        indices = range(len(dataset))
        yield from tqdm(
            pool.map(look, indices), f"loading {split}", len(indices), leave=False, disable=None if progress else True
        )


def _names(dataset: Any) -> list[str]:
    records = getattr(dataset, "records", None)
    return [f"image {i}" for i in range(len(dataset))] if records is None else [each.path.name for each in records]
