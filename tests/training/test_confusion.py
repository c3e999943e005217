import torch
from test_precision_recall import AWAY, CAT, CLASSES, DOG, found, target

from frcnn_edu.training import Evaluation
from frcnn_edu.training.details import measure_details


def matrix(detections: dict[str, torch.Tensor], *objects: tuple[float, ...]) -> list[list[int]]:
    return measure_details(Evaluation({}, [detections], [target(*objects)]), CLASSES).confusion.tolist()


def test_right_missed_and_of_nothing() -> None:
    assert matrix(found((*CAT, 0.9), (*AWAY, 2, 0.8)), CAT, DOG) == [[0, 0, 1], [0, 1, 0], [1, 0, 0]]
    assert matrix(found(), CAT, CAT) == [[0, 0, 0], [2, 0, 0], [0, 0, 0]]
    assert matrix(found((*CAT, 0.4)), CAT) == [[0, 0, 0], [1, 0, 0], [0, 0, 0]]  # it scores too little


def test_a_detection_of_another_class_is_paired_with_the_object() -> None:
    assert matrix(found((*CAT[:4], 2, 0.9)), CAT) == [[0, 0, 0], [0, 0, 1], [0, 0, 0]]


def test_the_right_class_comes_first_whatever_it_scores() -> None:
    assert matrix(found((*CAT[:4], 2, 0.9), (*CAT, 0.6)), CAT) == [[0, 0, 1], [0, 1, 0], [0, 0, 0]]


def test_an_object_is_taken_once_by_the_best_score() -> None:
    beside = (0, 0, 10, 9, 1)  # IoU 0.9 with the cat
    detections = found((*CAT[:4], 2, 0.9), (*beside[:4], 2, 0.8), (0, 0, 9, 9, 2, 0.7))
    assert matrix(detections, CAT, beside) == [[0, 0, 1], [0, 0, 2], [0, 0, 0]]
    assert matrix(detections, CAT) == [[0, 0, 2], [0, 0, 1], [0, 0, 0]]


def test_what_is_to_be_ignored_is_in_no_cell() -> None:
    assert matrix(found((*CAT, 0.9)), (*CAT, 1)) == [[0, 0, 0], [0, 0, 0], [0, 0, 0]]
