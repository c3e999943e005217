# ruff: noqa: SIM222, C416, SIM905 (what it would have written shorter is what is tried)
"""Python that explorers are written in, a function for each part of the language: translated, it has to return the same."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor
from torchvision.ops import nms


@dataclass(frozen=True)
class Place:
    x: float
    y: float = 2.0
    named: dict[str, int] = field(default_factory=dict)

    @property
    def far(self) -> float:
        return self.x + self.y

    def moved(self, by: float = 1.0, *, twice: bool = False) -> "Place":
        return replace(self, x=self.x + (2 * by if twice else by))


@dataclass(frozen=True)
class Pair:
    left: int
    right: tuple[int, ...] = ()


@dataclass(frozen=True)
class Corner(Place):
    name: str = "corner"


class Kind(Enum):
    ROUND = "a circle"
    CORNERED = "a square"


class Counter:
    START = 3

    def __init__(self, step: int) -> None:
        self.step, self.calls = step, 0

    def __call__(self, value: int) -> int:
        self.calls += 1
        return self.START + value * self.step


class Doubling(Counter):
    def __init__(self) -> None:
        super().__init__(step=2)

    def __call__(self, value: int) -> int:
        return super().__call__(value) + 100


FACTORS = (1, 2, 5)
PLACES = {"origin": Place(0.0, 0.0)}


def whole_numbers() -> list[Any]:
    return [
        7 // 2,
        -7 // 2,
        7 % 3,
        -7 % 3,
        2**10,
        divmod(-7, 2),
        int(-2.7),
        -int(-0.3),
        [k * 2 for k in range(-int(0.2), 3)],
        [1 % 0.1, 1 // 0.1, -1 % 0.1, 5.5 % -2, -5.5 // 2, 6 // -3, -6 % 3, 0 // 5, 10**12 % 7],
    ]


def rounding() -> list[float]:
    return [round(2.5), round(3.5), round(-0.4), round(2.675, 2), round(0.125, 2), round(1234.5678, 1), round(-1.25, 1)]


def texts() -> list[str]:
    x, n = 3.14159, 41755286
    return [
        f"{x:.2f} {x:g} {x:.3g} {n:,} {-x:+.1f} {x:+.1f} {n} {x:8.2f}| {'a':>3} {'a':<3}|",
        f"{1e-7:.1e} {0.00001:g} {1234567.0:g} {1e20:g} {0.5:.0f} {1.5:.0f} {2.5:.0f} {1 / 3:%} {7:03d}",
        f"{2 + 3} {True} {None} {[1, 2]!r} {'x'!r} {x:.{n % 5}f}",
        "a, b".split(", ")[1] + "-".join(["x", "y"]) + "aXbX".replace("X", "_") + " pad ".strip() + "xx1".lstrip("x"),
        "5·10" + "-7".translate(str.maketrans("-7", "⁻⁷")),
        str(1.5) + str(3) + "abc"[-1] + "abcdef"[1:4] + "abc"[::-1] + "ab" * 2,
        f"{-0.0:+.1f} {-0.04:+.1f} {0.0:+.1f} {-5:03d} {+5:+04d} {-1.5:07.2f} {math.inf:.1e} {math.nan:+.1f} {-math.inf:.2e} {1e-5} {math.inf}",
        f"{'a':^4}|{'ab':^5}|{7:^5}|{'a':*^6}|{True:>3}|{True:d}|{12345.5:+,.1f}|{'a':s}",
        "Word".lower() + "word".capitalize() + "a.b".removesuffix(".b") + str("abc".startswith(("x", "a"))),
    ]


def sequences() -> list[Any]:
    first, *rest = [3, 1, 2]
    (a, b), _, _ = (4, 5), 6, 7
    numbers = [*rest, *FACTORS]
    numbers += [9]
    numbers.append(first)
    return [
        numbers, numbers[-2], numbers[1:3], numbers[::-1], numbers[5:100], a + b, sorted(numbers, reverse=True), sorted("cab", key=ord_of),
        list(zip("ab", FACTORS, strict=False)), list(zip()), list(enumerate("ab", 1)), list(pairwise(FACTORS)), list(map(str, FACTORS)),
        max(numbers, key=lambda n: -n), min((2, 1), (2, 0)), sum(numbers), any(n > 8 for n in numbers), all(numbers),
        [] or "empty", [0] and "full", 3 in numbers, "b" not in "abc", numbers.index(9), (1, 2) == (1, 2), (1, 2) < (1, 3),
        next((n for n in numbers if n > 4), None), next((n for n in numbers if n > 40), "none"), list(reversed(FACTORS)),
        [(x, y) for x in range(3) for y in "ab" if x != 1], tuple(x for x in (1, 2)), len(numbers), list(filter(None, [0, 1, "", "a"])),
    ]  # fmt: skip


def ord_of(letter: str) -> int:
    return "abc".index(letter)


def dicts() -> list[Any]:
    table = {"a": 1, ("b", 2): [3], ("a,'b",): 4, ("a", "b"): 5, None: 6, 0: 7}
    changes = {"a": 5, **{"c": 6}}
    changes |= {"d": 7}
    taken = changes.pop("c", None)
    keyed = {k: v for k, v in zip("xy", (1, 2), strict=True)}
    return [
        table["b", 2], len(table), table["a,'b",], table[None], table[0], table.get("z", "none"), list(changes.items()), taken, "a" in changes, sorted(keyed), bool({}), bool({} | keyed),
        bool({"a", "z"} & changes.keys()), bool({"z"} & changes.keys()), dict(one=1)["one"], list({**keyed, "x": 9}.values()),
        list(dict.fromkeys("aab", 0)), sorted({1, 2} | {2, 3}), sorted({1, 2, 3} - {2}),
    ]  # fmt: skip


def flow() -> list[Any]:
    made, n = [], 0
    while True:
        n += 1
        if n == 2:
            continue
        if n > 4:
            break
        made.append(kind_of(n if n < 4 else "four"))
    try:
        made.append("tried")
    finally:
        made.append("done")
    scale = 10
    functions = [lambda value, k=k: value * k + scale for k in range(3)]
    scale = 100
    return [*made, [function(2) for function in functions], 1 < n <= 5 < 6, 3 if n else 4, not made]


def shared(found: list[int] = []) -> int:  # noqa: B006
    found.append(1)
    return len(found)


def closures() -> list[Any]:
    made = []
    for k in range(3):

        def inside(k: int = k, twice: int = 2 * k) -> int:
            return k + twice

        made.append(inside)
    late = [lambda: n for n in range(3)]  # noqa: B023
    return [[function() for function in made], [function() for function in late], shared(), shared([1, 2]), shared()]


def unpacking() -> list[Any]:
    one, other, row_of = Counter(1), Counter(2), [0, 0]
    one.step, (other.step, row_of[1]) = 5, (6, 7)
    first, (row_of[0], (other.calls, rest)) = 8, (9, (10, 11))
    return [one.step, other.step, other.calls, row_of, first, rest]


def deciding() -> list[Any]:
    seen: list[int] = []

    def noted(n: int) -> int:
        seen.append(n)
        return n

    found = [
        any(noted(n) > 1 for n in range(5)), all(noted(n) < 1 for n in range(5) if n != 3), next(noted(n) for n in range(5) if n), list(seen),
        any(n > 9 for n in seen), all(n < 9 for n in seen), next((n for n in seen if n > 9), "none"), any(a == b for a in (1, 2) for b in (2, 3)),
    ]  # fmt: skip
    return [*found, seen]


def kind_of(value: Any) -> str:
    match value:
        case 1:
            return "one"
        case int() | float() if value > 100:
            return "many"
        case int():
            return "some"
        case str():
            return "a text"
    return "?"


def calls() -> list[Any]:
    counter, doubling = Counter(step=4), Doubling()

    def inside(a: int, b: int = 2, *rest: int) -> list[int]:
        return [a, b, *rest, counter.calls]

    return [
        counter(1),
        doubling(3),
        doubling.step,
        Counter.START,
        inside(1),
        inside(1, 3, 4),
        keywords(b=1, a=2, c=3),
        keywords(*(1,), **{"b": 5}),
    ]


def keywords(a: int, b: int, **more: int) -> list[Any]:
    return [a, b, list(more.items())]


def objects() -> list[Any]:
    place, corner = Place(1.0), Corner(1.0, name="here")
    return [
        place.far, place.moved(by=3.0).x, place.moved(twice=True).x, place == Place(1.0, 2.0), place == Place(1.0, 3.0), corner.name, corner.far,
        Place.y, isinstance(corner, Place), isinstance(place, Corner), isinstance(place, (str, Place)), sorted(vars(place)), PLACES["origin"].far,
        Kind.ROUND.value, Kind.ROUND == Kind.ROUND, Kind.ROUND == Kind.CORNERED, {Pair(1, (2,)): "found"}[Pair(1, (2,))], type(corner)(5.0).name,
    ]  # fmt: skip


@cache
def slow(value: Any) -> list[int]:
    return [0]


@lru_cache(maxsize=4)
def slower(value: int, *, by: int = 1) -> int:
    return value * by


@lru_cache(maxsize=2)
def few(value: int) -> list[int]:
    return [value]


def caches() -> list[Any]:
    slow((1, "a")).append(1)
    for value in range(300):
        slow(value).append(1)
    for value in (1, 2, 1, 3, 1, 2):  # the third forgets 2, which was used before 1
        few(value).append(0)
    return [
        len(slow((1, "a"))),
        len(slow((1, "b"))),
        slower(2, by=3),
        slower(2),
        len(slow(0)),
        list(few(1)),
        list(few(2)),
        list(few(3)),
    ]


def mathematics() -> list[float]:
    functions = (
        math.floor(-0.5),
        math.ceil(0.2),
        math.log2(8),
        math.log(2),
        math.exp(1),
        math.sqrt(2),
        math.log10(1000),
        math.hypot(3, 4),
    )
    return [*functions, float(math.isfinite(math.inf)), abs(-3)]


# ---------------------------------------------------------------------------------------------------------------- tensors


def row() -> Tensor:
    return torch.linspace(-1, 2, 24).view(2, 3, 4)


def indexing() -> list[Any]:
    x, mask = row(), torch.tensor([True, False, True])
    y = x.clone()
    y[0, 1] = 9
    y[1, :, 2] = torch.tensor([5.0, 6.0, 7.0])
    y[y < 0] = 0
    z = torch.zeros(5)
    z[torch.tensor([1, 3])] = torch.tensor([1.5, 2.5])
    z[[0]] = 7
    z[: 1 + 1] = z[: 1 + 1] * 2
    return [
        x[1, 2, 3], x[0, :, 1], x[..., 1:3], x[:, None].shape, x[1, mask], x[:, [0, 2], 1], x[:, :, ::2], x[-1, -1], x[x > 1.5],
        x[0, torch.tensor([2, 0])], x[0, torch.tensor([2, 0]), torch.tensor([1, 3])], x[:, torch.tensor([[0, 1], [2, 0]])].shape, y, z, x[0][1:],
    ]  # fmt: skip


def views() -> list[Any]:
    a, b, c = row(), torch.arange(12).view(3, 4), torch.zeros(4)
    x, y, z = a[1], b[1:], c.view(2, 2)
    x[0] = 7
    y[0, 1:3] += 1
    y[1] *= 2
    a[1:3] += 1
    c[1:3] -= 5
    z += 1
    z[1] = torch.tensor([2.0, 3.0])
    turned = torch.zeros((1, 2))
    flipped = turned.flip(0)
    flipped[0, 0] = 9
    copied = b.flip(1)
    copied[0] = 0
    apart = b.t() if False else b.permute(1, 0).contiguous()
    apart[0] = 5
    return [a, b, c, x, y, z, turned, flipped, copied, apart]


def types() -> list[Any]:
    whole, yes = torch.arange(4), torch.tensor([True, False, True])
    return [
        (torch.full((2,), 2.0) / 4).mean(), torch.full((2,), 2.0).dtype == torch.float32, torch.full((2,), -1).dtype == torch.int64, torch.full((2,), True).dtype == torch.bool,
        torch.arange(0, 1, 0.25), torch.arange(3.0).dtype == torch.float32, torch.arange(0.0, 3.0).mean(), torch.arange(3).dtype == torch.int64, whole.float().mean(),
        (yes + yes).sum(), yes + yes, (yes + 1).sum(), (yes * yes).sum(), torch.linspace(2, 5, 1), torch.linspace(0, 1, 2), torch.from_numpy(np.linspace(3, 4, 1)), torch.from_numpy(np.linspace(0, 1, 3)),
    ]  # fmt: skip


def not_numbers() -> list[Any]:
    x = torch.tensor([3.0, math.nan, 1.0, math.inf, 2.0])
    return [
        x.max().isfinite(), x.argmax(), x.amin().isfinite(), x.sort().indices, x.sort(descending=True).indices, x.argsort(), x[:1].max(), x.view(5, 1).max(dim=1).indices,
        torch.tensor([1.0, 3.0, 2.0, 3.0]).cummax(dim=0).indices,
    ]  # fmt: skip


def arithmetic() -> list[Any]:
    x, n = row(), torch.arange(4)
    return [
        x + n, x * x[:, :1], 2 - x, x / 3, x**2, -x, n / 2, n // 2, n % 3, (n + 1).dtype == torch.int64, (n * 1.5).dtype == torch.float32, x < 0.3,
        (x > 0) & (x < 1), ~(x > 0), (x > 0) | (n > 2), n == 2, torch.maximum(x, x.flip(0)), torch.max(x[:, None], x[None]), 0.1 * x, x - 0.7 > 0.3,
    ]  # fmt: skip


def along_axes() -> list[Any]:
    x, whole = row(), torch.tensor([3, 1, 3, 0])
    best = x.max(dim=2)
    return [
        x.sum(), x.sum(dim=1), x.mean(dim=(1, 2)), x.mean(dim=(1, 2), keepdim=True).shape, x.std(dim=2), x.amax(dim=0), x.amin(dim=(0, 1)), x.argmax(),
        x.argmin(dim=1), best.values, best.indices, x.norm(dim=2), x.prod(dim=2), (x > 0).any(dim=1), (x > 0).all(), x.softmax(dim=1), x.cumsum(dim=1),
        whole.cumsum(dim=0), whole.bincount(minlength=6), whole.unique(), whole.sort(descending=True, stable=True).indices, whole.argsort(),
        x.flatten().topk(3).values, x[0].topk(2, dim=1).indices, x[0, 0].flip(0).cummax(dim=0).values, (x > 0).sum(), x.square().mean().sqrt(),
    ]  # fmt: skip


def shapes() -> list[Any]:
    x = row()
    parts, rows = x.split([1, 2], dim=1), torch.arange(3).repeat_interleave(torch.tensor([2, 0, 1]))
    first, second = torch.meshgrid(torch.arange(2), torch.arange(3), indexing="ij")
    return [
        x.permute(2, 0, 1), x.transpose(-2, -1), x[0].T, x.flatten(1), x.flatten(start_dim=-2), x.unflatten(2, (-1, 2)), x.reshape(4, -1), parts[1],
        torch.cat((x, x[:1])), torch.cat((x, x), dim=-1).shape, torch.stack((x[0], x[1]), dim=-1), rows, first, second, x[0].repeat(2, 1), x.numel(),
        [tuple(one.shape) for one in parts], x[0, 0].tolist(), F.pad(x[0], (1, 0), value=5), F.interpolate(x[None], size=(5, 7), mode="nearest"), x.new_empty(0, 4).shape,
    ]  # fmt: skip


def functions() -> list[Any]:
    x = row()
    edges = torch.tensor([0.0, 0.5, 1.0])
    return [
        x.exp(), x.abs().log(), x.abs().log2(), x.sigmoid(), (x * 100).sigmoid(), x.clamp(0, 1), x.clamp(min=0.3), x.round(), (x * 2.5).round(), x.floor(), x.byte().shape,
        torch.where(x > 0, x, 0.0), torch.where(x[0, 0] > 0)[0], torch.isin(torch.arange(5), torch.tensor([1, 4])), torch.searchsorted(edges, torch.tensor([0.5, 0.6])),
        torch.full((2,), 0.5), torch.ones_like(edges), torch.equal(edges, edges), torch.logspace(0, 1, 4, base=3.0), (1 / torch.zeros(2)).isfinite(), (edges - 1).log().nan_to_num(nan=7.0, neginf=-5.0),
    ]  # fmt: skip


def kernels() -> list[Any]:
    torch.manual_seed(5)
    order = torch.randperm(50)
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 1, 11, 11], [20, 20, 30, 35], [21, 19, 30, 34], [50, 50, 60, 60]])
    maps, rois = (
        row()[None].repeat(1, 1, 3, 3),
        torch.tensor([[0.0, 1.0, 2.0, 9.5, 7.25], [0.0, -3.0, -2.0, 40.0, 30.0], [0, 2.0, 2.0, 2.5, 2.25]]),
    )
    return [
        order, torch.randperm(3), nms(boxes, torch.tensor([0.5, 0.9, 0.3, 0.8, 0.1]), 0.5), nms(boxes, torch.tensor([0.5, 0.5, 0.3, 0.3, 0.1]), 0.9),
        torchvision.ops.roi_align(maps, rois, (3, 2), 0.5, 2, False), torchvision.ops.roi_align(maps, rois, (2, 2), 0.5, 2, True),
        torchvision.ops.roi_pool(maps, rois, (3, 3), 0.5),
        torchvision.ops.roi_align(torch.cat((maps, 2 * maps)), torch.tensor([[1.0, 1, 2, 9.5, 7.25]]), (2, 2), 0.5, 2, True),
        torchvision.ops.roi_pool(torch.cat((maps, 2 * maps)), torch.tensor([[1.0, 1, 2, 9.5, 7.25]]), (2, 2), 0.5),
    ]  # fmt: skip


def outside_list() -> Any:
    numbers = [1]
    numbers[1] = 2


def outside_tensor() -> Any:
    return row()[:, torch.tensor([3])]


def mean_of_whole_numbers() -> Any:
    return torch.arange(3).mean()


def bool_subtraction() -> Any:
    return (row() > 0) - (row() > 1)


def division_by_zero() -> Any:
    return [1 // n for n in (1, 0)]


def image_outside() -> Any:
    return torchvision.ops.roi_align(row()[None], torch.tensor([[1.0, 0, 0, 2, 2]]), (2, 2))


def bilinear() -> Any:
    return F.interpolate(row()[None], size=(5, 7), mode="bilinear")


def reflected() -> Any:
    return F.pad(row(), (1, 0), mode="reflect")


def column_written() -> Any:
    x = row()[0]
    column = x[:, 1]
    column[0] = 7
    return x


#: What ends with an error in a page: in Python as well, or because the page could not do it right.
FAILING = {
    outside_list: "IndexError", outside_tensor: "IndexError", mean_of_whole_numbers: "RuntimeError", bool_subtraction: "RuntimeError",
    division_by_zero: "ZeroDivisionError", image_outside: "IndexError", bilinear: "NotImplementedError", reflected: "NotImplementedError",
    column_written: "NotImplementedError",
}  # fmt: skip
CASES: Sequence[Any] = (
    *(
        whole_numbers,
        rounding,
        texts,
        sequences,
        dicts,
        flow,
        closures,
        unpacking,
        deciding,
        calls,
        objects,
        caches,
        mathematics,
    ),
    *(indexing, views, types, not_numbers, arithmetic, along_axes, shapes, functions, kernels),
)
