import torch

from frcnn_edu.lessons.story import story
from frcnn_edu.lessons.transform import experiments
from frcnn_edu.model import GeneralizedRCNNTransform


def test_detections_are_the_models_own() -> None:
    image = story().image
    (found,) = experiments.detect(story().model.transform([image])[0], [(240, 320)])
    with torch.no_grad():
        (wanted,) = story().model([image])
    sure = wanted["scores"] >= 0.5
    for name in ("boxes", "labels", "scores"):
        assert torch.allclose(found[name], wanted[name][sure])


def test_found_and_wrong_are_counted() -> None:
    image, target, transform = story().image, story().target, story().model.transform
    assert experiments.count_found([image], [target], transform) == (7, 0)
    missing = {name: value[1:] for name, value in target.items() if name in ("boxes", "labels")}
    assert experiments.count_found([image], [missing], transform) == (6, 1)
    other = {**target, "labels": target["labels"] + 100}
    assert experiments.count_found([image], [other], transform) == (0, 7)


def test_another_scale_finds_less() -> None:
    module = story().model.transform
    quarter = GeneralizedRCNNTransform(32, 40, module.image_mean, module.image_std).eval()
    found, _ = experiments.count_found([story().image], [story().target], quarter)
    assert found < 7
