import pytest
from test_precision_recall import AWAY, CAT, DOG, found, target

from frcnn_edu.training import Evaluation, coco_metrics
from frcnn_edu.training.details import Details, measure_details
from frcnn_edu.training.tables import alarms_line, class_table, confusion_table, number, summary_table

NAMES = ("background", "cat", "dog", "a dragon with a very long name", "unicorn")


@pytest.fixture
def evaluation() -> Evaluation:
    """A cat found, a dog taken for a cat, a dragon where nothing is, in an image without objects; no unicorn."""
    detections = [found((*CAT, 0.9), (*DOG[:4], 1, 0.8)), found((*AWAY, 3, 0.75))]
    targets = [target(CAT, DOG), target()]
    return Evaluation(coco_metrics(detections, targets, NAMES), detections, targets)


@pytest.fixture
def details(evaluation: Evaluation) -> Details:
    return measure_details(evaluation, NAMES)


def test_by_class(evaluation: Evaluation, details: Details) -> None:
    head, cat, dog, dragon, together, *rest = class_table(evaluation.metrics, details).splitlines()
    assert head.split() == [
        "by",
        "class",
        "AP",
        "AP50",
        "objects",
        "precision",
        "recall",
        "F1",
        "best",
        "F1",
        "at",
        "score",
    ]
    assert cat.split() == ["cat", "1.000", "1.000", "1", "0.500", "1.000", "0.667", "1.000", "0.900"]
    assert dog.split() == ["dog", "0.000", "0.000", "1", "–", "0.000", "0.000", "–", "–"]
    assert dragon.split() == ["a", "dragon", "with", "a", "very", "lo…", "–", "–", "0", "0.000", "–", "0.000", "–", "–"]
    assert together.split() == ["all", "together", "0.500", "0.500", "2", "0.333", "0.500", "0.400", "0.667", "0.900"]
    assert len({len(line) for line in (head, cat, dog, dragon, together)}) == 1  # columns are aligned
    assert rest[0].startswith(
        "precision, recall, F1: of detections that score 0.5 or more, right at an IoU of 0.5 or more"
    )
    assert rest[1].startswith("–: nothing to measure: no object of the class in these images, or no detection")
    assert rest[2] == "neither object nor detection: 1 of 4 classes (unicorn)"


def test_confusion(details: Details) -> None:
    lines = [line.split() for line in confusion_table(details).splitlines()]
    assert lines[0][-6:] == ["cat", "dog", "a", "dragon", "…", "missed"]
    assert lines[1:] == [
        ["cat", "1", "0", "0", "0"], ["dog", "1", "0", "0", "0"], ["a", "dragon", "with", "a", "very", "lo…", "0", "0", "0", "0"],
        ["no", "object", "left", "0", "0", "1"],
    ]  # fmt: skip


def test_of_many_classes_the_confused_pairs() -> None:
    names = ("background", *[f"kind {k}" for k in range(1, 13)])
    objects = [(20 * k, 0, 20 * k + 10, 10, k) for k in range(1, 13)]
    wrong = found(*[(*box, 3 if label == 5 else label, 0.9) for *box, label in objects])
    details = measure_details(Evaluation({}, [wrong, wrong], [target(*objects)] * 2), names)
    assert confusion_table(details).splitlines() == ["most often confused (objects)", "  kind 5, detected as kind 3: 2"]
    right = found(*[(*box, 0.9) for box in objects])
    details = measure_details(Evaluation({}, [right], [target(*objects)]), names)
    assert confusion_table(details).splitlines()[1:] == ["  none"]


def test_false_alarms(evaluation: Evaluation, details: Details) -> None:
    assert alarms_line(details) == "false alarms on images without objects: 1 detection, on 1 of 1 such image"
    stricter = measure_details(evaluation, NAMES, 0.76)
    assert alarms_line(stricter) == "false alarms on images without objects: 0 detections, on 0 of 1 such image"
    full = Evaluation({}, evaluation.detections[:1], evaluation.targets[:1])
    assert "there are no such images" in alarms_line(measure_details(full, NAMES))


def test_as_json(details: Details) -> None:
    values = details.to_dict()
    assert values["AP50_per_class"] == {
        "cat": pytest.approx(1), "dog": 0, "a dragon with a very long name": None, "unicorn": None
    }  # fmt: skip
    assert (values["at_score"]["score_threshold"], values["at_score"]["iou_threshold"]) == (0.5, 0.5)
    cat = values["at_score"]["per_class"]["cat"]
    assert (cat["objects"], cat["detections"], cat["right"], cat["precision"], cat["recall"]) == (1, 2, 1, 0.5, 1)
    assert cat["best_F1"] == {"score_threshold": pytest.approx(0.9), "precision": 1, "recall": 1, "F1": 1}
    assert values["at_score"]["all"]["detections"] == 3
    assert values["confusion"]["rows"][0] == "no object left"
    assert values["confusion"]["columns"] == ["missed", *NAMES[1:]]
    assert values["confusion"]["counts"][2] == [0, 1, 0, 0, 0]
    assert values["images_without_objects"] == {"images": 1, "with_false_alarms": 1, "false_alarms": 1}


def test_coco_numbers(evaluation: Evaluation) -> None:
    table = summary_table(evaluation.metrics)
    assert "AP 0.50:0.95    0.500" in table
    assert "large objects       –" in table
    assert (number(None), number(1), number(0.12345)) == ("–", "1.000", "0.123")
