"""Checkers for notebook 15: a smaller Winograd algorithm, and the best of a table in pieces."""

import weakref
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from frcnn_edu.lessons.checking import checker, expect, expect_shape

# Four inputs and three weights → two outputs, through their values at 0, 1, −1 and infinity.
TO_VALUES = torch.tensor([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]], dtype=torch.float64)
TO_OUTPUTS = torch.tensor([[1, 1, 1, 0], [0, 1, -1, -1]], dtype=torch.float64)
OF_WEIGHTS = torch.tensor([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], dtype=torch.float64)


@checker
def weight_transform(matrix: Tensor) -> str:
    """Checks the matrix (4, 3) that turns three weights into their four values."""
    expect_shape(matrix, (4, 3), "The matrix")
    matrix = matrix.double()
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4, generator=generator, dtype=torch.float64)
    w = torch.randn(3, generator=generator, dtype=torch.float64)
    outputs = TO_OUTPUTS @ ((TO_VALUES @ x) * (matrix @ w))
    if torch.allclose(outputs, F.conv1d(x.view(1, 1, -1), w.view(1, 1, -1))[0, 0], atol=1e-6):
        return "In two dimensions, 2×2 outputs take 16 multiplications instead of 36, and 4×4 outputs take 36 instead of 144."
    for row in (0, 3):
        expect(
            torch.allclose(matrix[row], OF_WEIGHTS[row]),
            f"Row {row} was right at the beginning: it was {OF_WEIGHTS[row].tolist()}.",
        )
    missing = [row for row in (1, 2) if not matrix[row].any()]
    if missing:
        expect(False, f"Row {missing[0]} is still zero. What is w₀ + w₁z + w₂z² at z = {1 if missing[0] == 1 else -1}?")
    expect(
        not torch.allclose(matrix[1:3], OF_WEIGHTS[[2, 1]]) and not torch.allclose(matrix[1:3], 2 * OF_WEIGHTS[[2, 1]]),
        "The two rows are swapped: row 1 belongs to z = 1, as in `to_values`, and row 2 to z = −1.",
    )
    for row, z in ((1, 1), (2, -1)):
        shape = OF_WEIGHTS[row] / OF_WEIGHTS[row, 0]
        factor = matrix[row, 0]
        expect(
            factor != 0 and torch.allclose(matrix[row] / factor, shape),
            f"Row {row} is not the polynomial at z = {z}, where 1, z and z² are {[int(v) for v in shape]}.",
        )
        expect(
            torch.isclose(factor, OF_WEIGHTS[row, 0]),
            f"Row {row} is the polynomial at z = {z}, but its factor is {float(factor):g}: interpolating from 1 and −1 needs a different one. "
            "Try it with w = (1, 0, 0), whose outputs are x₀ and x₁.",
        )
    raise AssertionError("the rows are right, so the outputs are")  # pragma: no cover


class _Pieces:
    """Rows of a table, one piece at a time; counts how many pieces are alive at once."""

    def __init__(self, table: Tensor, rows: int) -> None:
        self.table, self.rows = table, rows
        self.most = 0

    def __iter__(self) -> Iterator[Tensor]:
        alive: weakref.WeakSet[Tensor] = weakref.WeakSet()
        for part in self.table.split(self.rows):
            piece = part.clone()
            alive.add(piece)
            self.most = max(self.most, len(alive))
            yield piece


@checker
def best_in_pieces(function: Callable[[Iterator[Tensor]], tuple[Tensor, Tensor]]) -> str:
    """Checks a function from an iterator over pieces (rows, N) to the largest value of each column and its row."""
    generator = torch.Generator().manual_seed(0)
    tables = [torch.rand(1, 6, generator=generator), torch.rand(12, 40, generator=generator)]
    tables.append((4 * torch.rand(12, 40, generator=generator)).floor() / 4)  # full of ties
    tables.append(torch.zeros(9, 5))
    for table in tables:
        for rows in (4, 5):
            pieces = _Pieces(table, rows)
            answer = function(iter(pieces))
            expect(
                isinstance(answer, tuple | list) and len(answer) == 2,
                "Return two tensors: the best values, and their rows.",
            )
            best, row = answer
            columns = table.shape[1]
            expect_shape(best, (columns,), "The best values")
            expect_shape(row, (columns,), "The rows")
            right, right_row = table.amax(dim=0), table.argmax(dim=0)
            last = table[-1 - (len(table) - 1) % rows :]
            if not torch.equal(best, right):
                expect(
                    not torch.equal(best, last.amax(dim=0)),
                    "These are the best values of the last piece only: compare them with the best so far.",
                )
                expect(False, "These are not the best values of the whole table.")
            if torch.equal(row, right_row):
                continue
            expect(
                not (row < 0).any() and not row.is_floating_point(),
                "A row is a whole number, 0 or more. In a table of zeros the first row is the best.",
            )
            expect(
                not torch.equal(row, right_row % rows),
                "Your rows are counted from the beginning of each piece: add the number of rows before it.",
            )
            expect(
                not torch.equal(table.gather(0, row[None].clamp(0, len(table) - 1))[0], right),
                "If there is a tie, the first row must stay, so that the result does not depend on the size of the pieces: use >, not >=.",
            )
            expect(False, "These are not the rows of the best values.")
    pieces = _Pieces(torch.rand(40, 8, generator=generator), 2)
    function(iter(pieces))
    expect(
        pieces.most <= 3,
        f"The result is right, but {pieces.most} pieces were in memory at once: keep the best so far, and do not store the pieces.",
    )
    return "The function remembers only two rows of numbers, however many objects there are."
