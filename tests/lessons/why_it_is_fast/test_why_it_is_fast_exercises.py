"""The checkers of notebook 15: stubs and likely mistakes are recognised, right answers pass."""

import pytest
import torch

from frcnn_edu.lessons.why_it_is_fast import exercises as check


def matrix(first, second):
    return torch.tensor([[1, 0, 0], first, second, [0, 0, 1]], dtype=torch.float64)


def test_weight_transform_right():
    assert check.weight_transform(matrix([0.5, 0.5, 0.5], [0.5, -0.5, 0.5]))
    assert check.weight_transform(matrix([0.5, 0.5, 0.5], [0.5, -0.5, 0.5]).float())


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (matrix([0, 0, 0], [0, 0, 0]), "Row 1 is still zero"),
        (matrix([0.5, 0.5, 0.5], [0, 0, 0]), "Row 2 is still zero"),
        (matrix([1, 1, 1], [1, -1, 1]), "its factor is 1"),
        (matrix([0.5, -0.5, 0.5], [0.5, 0.5, 0.5]), "swapped"),
        (matrix([0.5, 0.5, 0.5], [0.5, -0.5, -0.5]), "not the polynomial at z = -1"),
        (matrix([0.5, 0.25, 0.5], [0.5, -0.5, 0.5]), "not the polynomial at z = 1"),
        (matrix([0.5, 0.5, 0.5], [0.5, -0.5, 0.5]).flip(0), "Row 0 was right"),
        (torch.zeros(3, 4), "should have shape (4, 3)"),
        (..., "There is no answer yet"),
    ],
)
def test_weight_transform_mistakes(wrong, message):
    verdict = check.weight_transform(wrong)
    assert not verdict
    assert message in verdict.message


def test_best_in_pieces_stub():
    def stub(pieces):
        raise NotImplementedError

    assert "no body yet" in check.best_in_pieces(stub).message


def best(pieces, *, ties=False, offset=True, start=None, last_only=False):
    best_value, best_row, before = start, None, 0
    for piece in pieces:
        value, row = piece.max(dim=0)
        row = row + before if offset else row
        if best_row is None or last_only:
            if start is None or last_only:
                best_value, best_row = value, row
            else:
                best_value = torch.zeros_like(value)
                best_row = torch.full_like(row, -1)
        if not last_only:
            better = value >= best_value if ties else value > best_value
            best_value, best_row = torch.where(better, value, best_value), torch.where(better, row, best_row)
        before += len(piece)
    return best_value, best_row


def test_best_in_pieces_right():
    assert check.best_in_pieces(best)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda pieces: best(pieces, offset=False), "from the beginning of each piece"),
        (lambda pieces: best(pieces, ties=True), "use >, not >="),
        (lambda pieces: best(pieces, last_only=True), "last piece only"),
        (lambda pieces: best(pieces, start=0.0), "first row is the best"),
        (lambda pieces: torch.cat(list(pieces)).max(dim=0), "in memory at once"),
        (lambda pieces: best(pieces)[0], "Return two tensors"),
        (lambda pieces: (best(pieces)[0].max(), best(pieces)[1]), "should have shape"),
    ],
)
def test_best_in_pieces_mistakes(wrong, message):
    verdict = check.best_in_pieces(wrong)
    assert not verdict
    assert message in verdict.message
