from typing import Any

import numpy as np
import pytest
import torch
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from torch import Tensor

from frcnn_edu import Matcher, box_iou
from frcnn_edu.lessons.iou_labeling.pictures import iou as iou_pictures
from frcnn_edu.lessons.iou_labeling.pictures import low_quality
from frcnn_edu.lessons.iou_labeling.pictures import main as pictures
from frcnn_edu.lessons.story import story
from frcnn_edu.viz import style as st

RPN = Matcher(0.7, 0.3, allow_low_quality_matches=True)
GROUND_TRUTH = torch.tensor([[2.0, 2, 12, 12], [7, 2, 22, 14]])
ANCHORS = torch.tensor([[5.0, 2, 17, 14], [9, 2, 23, 15]])


def titles(figure: Figure) -> list[str]:
    return [ax.get_title(loc="left") for ax in figure.axes]


def words(figure: Figure) -> list[str]:
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def boxes_of(ax: Any, color: str) -> list[list[float]]:
    """The boxes outlined in this colour, whatever their opacity."""
    found = []
    for collection in ax.collections:
        edges: Any = collection.get_edgecolor() if isinstance(collection, PolyCollection) else []
        if len(edges) and np.allclose(edges[0][:3], to_rgba(color)[:3]):
            found += corners(collection)
    return found


def corners(collection: Any) -> list[list[float]]:
    """The boxes (x1, y1, x2, y2) that a collection holds."""
    paths = [path.vertices for path in collection.get_paths()]
    return [[*vertices.min(axis=0), *vertices.max(axis=0)] for vertices in paths]


def has_face(collection: Any, color: str) -> bool:
    faces = collection.get_facecolor()
    return len(faces) > 0 and np.allclose(faces, to_rgba(color))


def marks(ax: Any) -> list[tuple[float, float]]:
    """Where the dots are."""
    return [(line.get_xdata()[0], line.get_ydata()[0]) for line in ax.lines if line.get_marker() == "o"]


def bars(ax: Any, color: str) -> list[Any]:
    return [bar for bar in ax.patches if np.allclose(bar.get_facecolor(), to_rgba(color))]


# ---------------------------------------------------------------------------------------------------------------- IoU


def test_intersection() -> None:
    assert iou_pictures.intersection(GROUND_TRUTH[0], GROUND_TRUTH[1]).tolist() == [7, 2, 12, 12]


@pytest.mark.parametrize("image", [None, torch.zeros(3, 20, 30)], ids=["paper", "image"])
def test_iou_number_by_number(image: Tensor | None) -> None:
    figure = iou_pictures.plot_iou(GROUND_TRUTH[0], ANCHORS[0], ("A", "0"), image)
    assert titles(figure) == ["two boxes", "intersection", "union"]
    text = "\n".join(words(figure))
    for part in (
        "A: 10 × 10 = 100",
        "0: 12 × 12 = 144",
        "10 × 7 = 70",
        "100 + 144 − 70 = 174",
        "IoU = 70 / 174 = 0.40",
    ):
        assert part in text
    for ax in figure.axes:
        assert boxes_of(ax, st.GROUND_TRUTH) == [GROUND_TRUTH[0].tolist()]
        assert boxes_of(ax, st.ANCHOR) == [ANCHORS[0].tolist()]
    _, shared, union = figure.axes
    grey = [[c for c in ax.collections if has_face(c, st.IGNORED)] for ax in (shared, union)]
    assert [corners(c) for c in grey[0]] == [[[5, 2, 12, 12]]]
    assert [corners(c) for c in grey[1]] == [[GROUND_TRUTH[0].tolist(), ANCHORS[0].tolist()]]


@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize("iou", [0.3, 0.5, 0.7, 0.9])
def test_how_far_off_an_anchor_may_be(iou: float, axes: int) -> None:
    shift = torch.tensor([iou_pictures.SHIFT[axes - 1](iou)])
    assert iou_pictures.shifted(shift, axes).item() == pytest.approx(iou, abs=1e-5)
    factor = torch.tensor([iou_pictures.SCALE[axes - 1](iou)])
    assert iou_pictures.scaled(factor, axes).item() == pytest.approx(iou, abs=1e-5)
    assert iou_pictures.scaled(1 / factor, axes).item() == pytest.approx(iou, abs=1e-5)


def test_curves_are_ious_and_their_marks_lie_on_them() -> None:
    panels: Any = iou_pictures.plot_curves().axes[1:]
    left, right, *feel = panels
    assert len(feel) == 5
    for ax in (left, right):
        one, both = [line for line in ax.lines if len(line.get_xdata()) > 100]
        x = torch.tensor(np.asarray(one.get_xdata()))
        f, given = (iou_pictures.shifted, x) if ax is left else (iou_pictures.scaled, 2**x)
        assert np.allclose(one.get_ydata(), f(given, 1))
        assert np.allclose(both.get_ydata(), f(given, 2))
        assert len(marks(ax)) == (6 if ax is left else 5)
        for x0, y0 in marks(ax):
            t = torch.tensor([x0]) if ax is left else 2 ** torch.tensor([x0])
            assert min(abs(f(t, 1).item() - y0), abs(f(t, 2).item() - y0)) < 1e-4
    for ax, iou in zip(feel, (0.9, 0.7, 0.5, 0.3, 0.1)):
        pair = [torch.tensor(boxes_of(ax, color)) for color in (st.GROUND_TRUTH, st.ANCHOR)]
        assert box_iou(*pair).item() == pytest.approx(iou, abs=1e-4)
        assert ax.texts[0].get_text() == f"IoU {iou:g}"


# ------------------------------------------------------------------------------------------------------------- labels


def test_the_example_has_every_case() -> None:
    ground_truth, anchors = pictures.example()
    assert RPN(box_iou(ground_truth, anchors)).tolist() == [0, -2, -1, 1, 2]
    assert [pictures.label_of(match) for match in (0, 5, -1, -2)] == [1, 1, 0, -1]


def test_labels_by_hand() -> None:
    figure = pictures.labels_worked_example()
    ground_truth, anchors = pictures.example()
    scene = figure.axes[1]
    assert boxes_of(scene, st.GROUND_TRUTH) == ground_truth.tolist()
    assert boxes_of(scene, st.FOREGROUND) == anchors[[0, 3, 4]].tolist()
    assert boxes_of(scene, st.IGNORED) == anchors[[1]].tolist()
    assert boxes_of(scene, st.BACKGROUND) == anchors[[2]].tolist()
    bold = {t.get_text() for t in figure.axes[0].texts if t.get_fontweight() == "bold" and "." in t.get_text()}
    assert bold == {"0.82", "0.43", "0.25", "0.54", "0.20"}
    texts = words(figure)
    assert [texts.count(x) for x in ("−2", "−1\nignored", "0\nnegative", "1\npositive")] == [1, 1, 1, 3]


def test_best_anchors_are_framed_and_best_objects_bold() -> None:
    figure = pictures.plot_labels_by_hand(GROUND_TRUTH, ANCHORS, RPN, (17, 26))
    sheet: Any = figure.axes[0]
    weights = {text.get_text(): text.get_fontweight() for text in sheet.texts}
    assert {value for value, weight in weights.items() if weight == "bold" and "." in value} == {"0.59", "0.76"}
    frames = [p for p in sheet.patches if np.allclose(p.get_edgecolor(), to_rgba(st.GROUND_TRUTH))]
    framed = []
    for frame in frames:
        x, y = frame.get_x() + frame.get_width() / 2, frame.get_y() + frame.get_height() / 2
        framed += [
            t.get_text() for t in sheet.texts if abs(t.get_position()[0] - x) + abs(t.get_position()[1] - y) < 1e-6
        ]
    assert framed == ["0.40", "0.76"]
    assert [text.get_text() for text in sheet.texts].count("1  positive") == 2


def test_all_anchors_by_label() -> None:
    figure = pictures.iou_labeling()
    _, *scenes, histogram = figure.axes
    assert titles(figure)[1:4] == ["8 positive", "198 ignored", "4912 negative"]
    anchors = torch.cat(story().trace.anchors)
    drawn = [boxes_of(ax, color) for ax, color in zip(scenes, (st.FOREGROUND, st.IGNORED, st.BACKGROUND))]
    assert [len(boxes) for boxes in drawn] == [8, 198, 4912]
    assert sorted(box for boxes in drawn for box in boxes) == sorted(anchors.tolist())
    assert all(len(boxes_of(ax, st.GROUND_TRUTH)) == 7 for ax in scenes)
    for color, number in ((st.BACKGROUND, 4912), (st.IGNORED, 198)):
        mine = [bar for bar in bars(histogram, color) if bar.get_height() > 0]
        assert sum(bar.get_height() for bar in mine) == number
        assert all((bar.get_x() + bar.get_width() <= 0.3) == (color == st.BACKGROUND) for bar in mine)
    best = box_iou(story().boxes, anchors).amax(dim=0)
    pins = sorted(x for x, _ in marks(histogram))
    assert np.allclose(pins, best[RPN(box_iou(story().boxes, anchors)) >= 0].unique())
    texts = [text.get_text().strip() for text in histogram.texts]
    assert {"2287", "0.3", "0.7", "our cross", "circle, 2 anchors", "triangle"} < set(texts)


# -------------------------------------------------------------------------------------------------------- low quality


def test_objects_that_no_anchor_fits() -> None:
    best = torch.tensor([0.45, 0.5, 0.69, 0.7, 0.71, 0.9])
    figure = low_quality.plot_best_ious(best, 0.7, ours=0.53)
    assert words(figure)[:2] == ["3 objects whose best IoU is below 0.7", "3 objects that reach 0.7"]
    for color in (st.IGNORED, st.FOREGROUND):
        assert sum(bar.get_height() for bar in bars(figure.axes[1], color)) == 3
    assert [x for x, _ in marks(figure.axes[1])] == [0.53]


def test_an_anchor_matched_to_another_object() -> None:
    image = torch.zeros(3, 20, 30)
    figure = low_quality.plot_wrong_ground_truth(
        image, ("star", GROUND_TRUTH[0]), ("cross", GROUND_TRUTH[1]), ANCHORS[0]
    )
    assert titles(figure) == ["two objects", "the star's best anchor", "it is matched to the cross"]
    assert boxes_of(figure.axes[1], st.GROUND_TRUTH) == [GROUND_TRUTH[0].tolist()]
    assert boxes_of(figure.axes[2], st.GROUND_TRUTH) == [GROUND_TRUTH[1].tolist()]
    assert all(boxes_of(ax, st.FOREGROUND) == [ANCHORS[0].tolist()] for ax in figure.axes[1:])
    assert {"IoU 0.402", "IoU 0.588: the anchor's best object"} < set(words(figure))


# --------------------------------------------------------------------------------------------------------- the sample


def test_sampled_anchors() -> None:
    before = torch.get_rng_state()
    figure = pictures.sampled_anchors()
    assert torch.equal(torch.get_rng_state(), before)
    _, scene, whole, sample = figure.axes
    assert titles(figure)[1:] == [
        "the 64 anchors of one training step",
        "all positive and negative anchors",
        "the sample",
    ]
    anchors = torch.cat(story().trace.anchors)
    rpn: Any = story().model.rpn
    labels, _ = rpn.assign_targets_to_anchors([anchors], [dict(boxes=story().boxes)])
    for color, number, label in ((st.FOREGROUND, 8, 1), (st.BACKGROUND, 56, 0)):
        drawn = boxes_of(scene, color)
        assert len(drawn) == number
        assert all(box in anchors[labels[0] == label].tolist() for box in drawn)
    for ax, zeros in ((whole, 4912), (sample, 56)):
        assert [bar.get_width() for bar in bars(ax, st.FOREGROUND)] == [8]
        assert [bar.get_width() for bar in bars(ax, st.BACKGROUND)] == [zeros]
    assert [ax.texts[1].get_text() for ax in (whole, sample)] == ["4912 negative: 99.8 %", "56 negative: 87.5 %"]


def test_figures_of_the_lesson() -> None:
    assert list(pictures.FIGURES) == ["iou_labeling", "iou_curves", "labels_worked_example", "sampled_anchors"]
