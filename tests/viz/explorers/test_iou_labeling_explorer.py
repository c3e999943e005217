import pytest
import torch
from driving import drive
from torchvision.models.detection._utils import BalancedPositiveNegativeSampler, Matcher
from torchvision.ops import box_iou

from frcnn_edu.viz import explore
from frcnn_edu.viz.explorers.iou_labeling_result import (
    BACKGROUND,
    FOREGROUND,
    IGNORED,
    Result,
    compute,
    first_state,
    reason,
)
from frcnn_edu.viz.explorers.scene import Boxes, Points
from frcnn_edu.viz.story import followed, story

STORY = story()
ANCHORS = torch.cat(STORY.trace.anchors)


def result(**changes: object) -> Result:
    return compute(type(first_state(STORY))(**{**vars(first_state(STORY)), **changes}), STORY)  # type: ignore[arg-type]


def test_driven() -> None:
    drive(explore.iou_labeling())


@pytest.mark.parametrize("low_quality", [True, False])
@pytest.mark.parametrize(("foreground", "background"), [(0.7, 0.3), (0.5, 0.5), (1.0, 0.0), (0.35, 0.2), (0.0, 0.0)])
@pytest.mark.parametrize("box", [None, (100.0, 50.0, 108.0, 58.0), (0.0, 0.0, 160.0, 120.0)])
def test_labels_are_torchvisions(box: tuple | None, foreground: float, background: float, low_quality: bool) -> None:
    found = result(
        foreground=foreground, background=background, low_quality=low_quality, **({"box": box} if box else {})
    )
    matched = Matcher(foreground, background, low_quality)(box_iou(found.truths, ANCHORS))
    expected = torch.where(matched >= 0, FOREGROUND, torch.where(matched == -2, IGNORED, BACKGROUND))
    assert torch.equal(found.labels, expected)
    assert torch.equal(found.matched[matched >= 0], matched[matched >= 0])
    assert sum(found.count(label) for label in (FOREGROUND, IGNORED, BACKGROUND)) == len(ANCHORS)


def test_the_first_view_is_what_the_model_learns_from() -> None:
    rpn = STORY.model.rpn
    labels, _ = rpn.assign_targets_to_anchors([ANCHORS], [{"boxes": STORY.boxes}])  # type: ignore[union-attr,operator]
    assert torch.equal(result().labels.float(), labels[0])
    assert explore.iou_labeling().state.anchor == followed().anchor


@pytest.mark.parametrize("draw", [1, 2, 50])
def test_a_sample_is_torchvisions_and_disturbs_no_other_chance(draw: int) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    found = result(sampled=True, draw=draw)
    assert torch.equal(torch.get_rng_state(), before)
    own = STORY.model.rpn.fg_bg_sampler  # type: ignore[union-attr]
    torch.manual_seed(draw)
    positives, negatives = BalancedPositiveNegativeSampler(own.batch_size_per_image, own.positive_fraction)(
        [found.labels]
    )  # type: ignore[union-attr,arg-type]
    assert torch.equal(found.positives.sort().values, torch.where(positives[0])[0])
    assert torch.equal(found.negatives.sort().values, torch.where(negatives[0])[0])


def test_reasons() -> None:
    default = result()
    best = default.best
    cases = {
        int(torch.where(best >= 0.7)[0][0]): "Foreground: the anchor overlaps",
        followed().anchor: "no anchor fits the cross better, so the low-quality rule makes it foreground.",
        int(best.argmin()): "Background: the anchor meets no true box, less than 0.30.",
        int(torch.where((best > 0.1) & (best < 0.25) & ~default.asked)[0][0]): "less than 0.30",
        int(
            torch.where((best > 0.3) & (best < 0.65) & ~default.asked)[0][0]
        ): "too little for foreground (0.70), too much for background (0.30)",
    }
    for anchor, words in cases.items():
        assert words in reason(result(anchor=anchor), STORY)
    for anchor in range(0, len(ANCHORS), 97):
        found = result(anchor=anchor)
        label = {FOREGROUND: "foreground", IGNORED: "ignored", BACKGROUND: "background"}[int(found.labels[anchor])]
        assert label in reason(found, STORY).lower()


def test_a_restored_anchor_may_learn_another_box_than_the_one_that_asked() -> None:
    # A tiny box in the star's corner: the anchor that fits it best overlaps the star more.
    found = result(box=(96.0, 26.0, 98.0, 28.0))
    anchor = int(found.ious[found.state.truth].argmax())
    found = result(box=(96.0, 26.0, 98.0, 28.0), anchor=anchor)
    assert int(found.best_truth[anchor]) != found.state.truth
    assert found.labels[anchor] == FOREGROUND
    assert "it learns the star, its own best, not the one that asked" in reason(found, STORY)


def test_the_formula_is_the_iou_of_the_package() -> None:
    for anchor in (followed().anchor, 0, 2000):
        found = result(anchor=anchor)
        _, shared, union = found.intersection()
        assert shared / union == pytest.approx(float(found.best[anchor]), abs=1e-5)
    explorer = explore.iou_labeling()
    assert "IoU = intersection / union = 1303.5 / 2452.5 = 0.531" in explorer.formula


def test_thresholds_that_contradict_are_explained() -> None:
    explorer = explore.iou_labeling()
    explorer.controls["background"].value = 0.8
    assert "foreground and background at once" in explorer.board.problem
    explorer.controls["foreground"].value = 0.8
    assert explorer.board.problem == ""
    explorer.set(box=(10.0, 10.0, 10.0, 30.0))
    assert "no area" in explorer.board.problem


def test_anchors_and_boxes_are_clicked_and_walked() -> None:
    explorer = explore.iou_labeling()
    explorer._happened({"kind": "pick", "panel": "picture", "group": "anchor", "id": 17})
    assert explorer.state.anchor == 17
    explorer._happened({"kind": "pick", "panel": "truths", "group": "truth", "id": 0})
    assert explorer.state.truth == 0
    assert torch.equal(torch.tensor(explorer.state.box), STORY.boxes[0])
    ranks = explorer.result.ious[0].sort(descending=True).values
    for dx, rank in ((0, 0), (1, 1), (1, 2), (-1, 1), (-1, 0), (-1, 0)):
        if dx:
            explorer._happened({"kind": "arrow", "panel": "picture", "dx": dx, "dy": 0})
        assert float(explorer.result.ious[0, explorer.state.anchor]) == float(ranks[rank])
    explorer._happened({"kind": "arrow", "panel": "picture", "dx": 0, "dy": 1})
    assert explorer.state.truth == 1


@pytest.mark.parametrize("sampled", [True, False])
def test_every_label_has_its_mark(sampled: bool) -> None:
    explorer = explore.iou_labeling()
    explorer.set(sampled=sampled)
    found, ids = explorer.result, {"Points": [], "Boxes": []}  # type: ignore[var-annotated]
    for layer in explorer.scene.panel("picture").layers[:-1]:
        if isinstance(layer, Boxes | Points) and layer.group == "anchor" and layer.ids is not None:
            ids[type(layer).__name__] += layer.ids.tolist()
    expected = (FOREGROUND, IGNORED, BACKGROUND) if not sampled else (IGNORED,)
    everyone = {index for label in expected for index in torch.where(found.labels == label)[0].tolist()}
    everyone |= set(found.positives.tolist()) | set(found.negatives.tolist())
    assert set(ids["Points"] + ids["Boxes"]) == everyone
