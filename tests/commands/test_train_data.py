"""`train`: the data of a run, their labels, and what is taken of the weights it begins with."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from frcnn_edu import fasterrcnn_small_fpn
from frcnn_edu.commands.train_data import ONE_IMAGE, about_weights, labels_of_weights, open_run_data
from frcnn_edu.data import ShapesDetection, write_voc
from frcnn_edu.training import TrainConfig

SHAPES = ShapesDetection.classes


def as_they_are(found: Sequence[str]) -> None:
    return None


def voc_of(folder: Path, *images: int, **splits: Sequence[int]) -> TrainConfig:
    """A folder of images without a division, or with one."""
    data = ShapesDetection("val")
    for name, indices in (splits or {"all": images}).items():
        write_voc(data, folder, name, indices)
    if not splits:
        (folder / "ImageSets/Main/all.txt").unlink()
        for empty in ("ImageSets/Main", "ImageSets"):
            (folder / empty).rmdir()
    return TrainConfig(data=str(folder), epochs=1)


def test_one_image_is_for_training_and_for_evaluation(tmp_path: Path) -> None:
    data = open_run_data(voc_of(tmp_path, 3), as_they_are)
    assert (len(data.train), len(data.val), data.notes) == (1, 1, [ONE_IMAGE])
    assert data.train.transforms is not None
    assert data.val.transforms is None


def test_one_image_in_both_splits(tmp_path: Path) -> None:
    write_voc(ShapesDetection("val"), tmp_path, "train", [3])
    (tmp_path / "ImageSets/Main/val.txt").write_text((tmp_path / "ImageSets/Main/train.txt").read_text())
    assert open_run_data(TrainConfig(data=str(tmp_path), epochs=1), as_they_are).notes == [ONE_IMAGE]


def test_copies_of_one_image_are_not_taken_for_training_and_for_evaluation_alike(tmp_path: Path) -> None:
    config = voc_of(tmp_path, *range(5))
    for folder in ("JPEGImages", "Annotations"):
        for number, path in enumerate(sorted((tmp_path / folder).iterdir())):
            path.rename(path.with_stem(f"a_jpg.rf.{number}"))
    with pytest.raises(ValueError, match=r"all 5 images are copies of one \(.*\): nothing is left for train\."):
        open_run_data(config, as_they_are)


def test_two_images_are_divided(tmp_path: Path) -> None:
    data = open_run_data(voc_of(tmp_path, 3, 4), as_they_are)
    assert (len(data.train), len(data.val), data.notes) == (1, 1, [])


def test_a_split_without_images_is_no_single_image(tmp_path: Path) -> None:
    config = voc_of(tmp_path, train=[], val=[3])
    with pytest.raises(ValueError, match="has no usable image"):
        open_run_data(config, as_they_are)


def test_labels_are_those_that_were_asked_for(tmp_path: Path) -> None:
    config = voc_of(tmp_path, train=range(6), val=range(6, 8), test=range(8, 10))
    own = open_run_data(config, as_they_are).train.classes
    wanted = ("background", *reversed(own[1:]), "hexagon")
    data = open_run_data(config, lambda found: wanted, "test")
    assert data.train.classes == data.val.classes == data.final.classes == wanted
    assert (data.split, data.final_split, len(data.final)) == ("val", "test", 2)
    assert data.notes == ["no objects of hexagon, which the model was trained on"]
    before, now = (each.train[0][1]["labels"] for each in (open_run_data(config, as_they_are), data))
    assert [own[label] for label in before] == [wanted[label] for label in now]


# --- weights -------------------------------------------------------------------------------------------------------


def weights_of(folder: Path, *names: str) -> TrainConfig:
    torch.manual_seed(0)
    state = fasterrcnn_small_fpn(num_classes=4).state_dict()
    torch.save({"model": state, **({"classes": ["background", *names]} if names else {})}, folder / "w.pth")
    return TrainConfig(weights=str(folder / "w.pth"), epochs=1)


def test_the_order_of_the_weights_names_is_taken(tmp_path: Path) -> None:
    config = weights_of(tmp_path, "cat", "dog", "bird")
    assert labels_of_weights(config, ("background", "bird", "cat", "dog")) == ["background", "cat", "dog", "bird"]
    assert labels_of_weights(config, ("background", "bird", "cat")) is None
    assert labels_of_weights(weights_of(tmp_path), ("background", "a", "b", "c")) is None
    assert labels_of_weights(TrainConfig(epochs=1), SHAPES) is None
    assert labels_of_weights(TrainConfig(weights="DEFAULT", epochs=1), sorted(SHAPES)) == list(SHAPES)


@pytest.mark.parametrize(
    ("names", "classes", "new", "words"),
    [
        (("cat", "dog", "bird"), ("cat", "dog", "bird"), False, ": all of the detector"),
        (("cat", "dog", "bird"), ("cat", "fox", "cow"), True, "the weights do not have fox, cow"),
        (("cat", "dog", "bird"), ("Cat", "dog", "bird"), True, 'the weights do not have Cat ("Cat" here is "cat" there)'),
        (("traffic light", "b", "c"), ("traffic_light", "b", "c"), True, '"traffic_light" here is "traffic light" there'),
        (("cat", "dog", "bird"), ("cat",), True, "the weights have more classes, cat, dog, bird"),
        ((), ("a", "b", "c"), False, ": all of the detector; it does not name its classes, but has the same number"),
        ((), ("a", "b"), True, "the weights are for 3 classes without names"),
    ],
    ids=["the same", "others", "a capital", "an underscore", "fewer", "as many", "another number"],
)  # fmt: skip
def test_the_plan_says_why_the_predictor_is_new(
    names: tuple[str, ...], classes: tuple[str, ...], new: bool, words: str, tmp_path: Path
) -> None:
    said, is_new = about_weights(weights_of(tmp_path, *names), ("background", *classes))
    assert is_new is new
    assert words in said
    assert ("all but the predictor, which is new" in said) is new


def test_weights_of_a_backbone_and_none() -> None:
    assert about_weights(TrainConfig(epochs=1), SHAPES) == ("", False)
    config = TrainConfig("resnet50_fpn", weights_backbone="body.pth", epochs=1)
    assert about_weights(config, SHAPES) == ("body.pth: for the backbone", False)
