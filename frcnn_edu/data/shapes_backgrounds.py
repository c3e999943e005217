"""Colours and quiet backgrounds for `ShapesDetection`."""

import math
from collections.abc import Callable

import numpy as np
from numpy.random import Generator

# Families of paint in Oklch: hue in turns, chroma, and the lightnesses at which it looks fresh rather than muddy.
PAINTS = (
    (0.07, 0.17, 0.56, 0.70),  # red
    (0.15, 0.15, 0.66, 0.78),  # orange
    (0.24, 0.15, 0.80, 0.90),  # yellow
    (0.38, 0.15, 0.58, 0.82),  # green
    (0.51, 0.11, 0.55, 0.82),  # teal
    (0.68, 0.14, 0.50, 0.76),  # blue
    (0.80, 0.14, 0.48, 0.74),  # violet
    (0.96, 0.15, 0.58, 0.80),  # pink
)
MIN_CONTRAST = 0.3  # between a shape and what surrounds it, see `contrast`


def oklch(lightness: float, chroma: float, hue: float) -> np.ndarray:
    """A colour (3,) float32 in 0–1 from Oklch (Ottosson 2020), where equal steps look equally large.

    `lightness` is 0–1, `chroma` about 0–0.2, `hue` in turns: 0 and 1 are the same.
    """
    a, b = chroma * math.cos(2 * math.pi * hue), chroma * math.sin(2 * math.pi * hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    linear = (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )
    rgb = []
    for value in linear:
        value = min(max(value, 0.0), 1.0)
        encoded = 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
        rgb.append(round(255 * encoded) / 255)  # rounding hides the last bit of the power, which differs by platform
    return np.array(rgb, dtype=np.float32)


def contrast(one: np.ndarray, other: np.ndarray) -> float:
    """How well two colours (3,) can be told apart, 0 (not at all) to 1.35: by brightness, and less so by hue."""
    red, green, blue = (one - other).tolist()
    return abs(0.30 * red + 0.59 * green + 0.11 * blue) + 0.35 * max(abs(red), abs(green), abs(blue))


def pick_color(rng: Generator, around: list[np.ndarray], tries: int = 16) -> np.ndarray:
    """A lively colour (3,) that stands out from all the colours `around`: the first that does, or the best one tried."""
    best, best_contrast = around[0], -1.0
    for _ in range(tries):
        hue, chroma, darkest, lightest = PAINTS[rng.integers(len(PAINTS))]
        lightness = darkest + (lightest - darkest) * rng.random()
        color = oklch(lightness, chroma, hue + 0.06 * (rng.random() - 0.5))
        worst = min(contrast(color, other) for other in around)
        if worst > best_contrast:
            best, best_contrast = color, worst
        if worst >= MIN_CONTRAST:
            break
    return best


def _smoothstep(t: np.ndarray) -> np.ndarray:
    return t * t * (3 - 2 * t)


def _noise(rng: Generator, height: int, width: int, cells: int = 3) -> np.ndarray:
    """Value noise: random numbers on a coarse grid, smoothly interpolated."""
    grid = rng.random((cells + 1, cells + 1))
    y, x = np.arange(height) * (cells / height), np.arange(width) * (cells / width)
    row, column = y.astype(np.int64), x.astype(np.int64)
    ty, tx = _smoothstep(y - row)[:, None], _smoothstep(x - column)[None, :]
    rows = grid[row] * (1 - ty) + grid[row + 1] * ty  # (H, cells + 1)
    return rows[:, column] * (1 - tx) + rows[:, column + 1] * tx


def gradient(rng: Generator, height: int, width: int) -> np.ndarray:
    """Rises from one edge to the opposite one, in any direction."""
    angle = 2 * math.pi * rng.random()
    rise = round(256 * math.cos(angle)) * np.arange(width) + round(256 * math.sin(angle)) * np.arange(height)[:, None]
    return (rise - rise.min()) / max(1, int(rise.max() - rise.min()))


def spotlight(rng: Generator, height: int, width: int) -> np.ndarray:
    """Fades away from a point."""
    y, x = np.arange(height)[:, None] - height * rng.random(), np.arange(width) - width * rng.random()
    return 1 / (1 + 3 * (x * x + y * y) / (height * width))


def clouds(rng: Generator, height: int, width: int) -> np.ndarray:
    """Blotches in three sizes."""
    large, medium, small = (_noise(rng, height, width, cells) for cells in (3, 6, 12))
    return (4 * large + 2 * medium + small) / 7


def stripes(rng: Generator, height: int, width: int) -> np.ndarray:
    """Soft-edged stripes in any direction."""
    phase = (5 + 9 * rng.random()) * gradient(rng, height, width) % 1.0
    wave = 1 - np.abs(2 * phase - 1)
    return 0.6 * _smoothstep(np.clip(3 * wave - 1, 0, 1)) + 0.4 * _noise(rng, height, width)


def speckle(rng: Generator, height: int, width: int) -> np.ndarray:
    """Scattered dots of a pixel or two."""
    dots = (rng.random((height, width)) < 0.03).astype(np.float64)
    dots = np.maximum(dots, 0.6 * np.maximum(np.roll(dots, 1, axis=0), np.roll(dots, 1, axis=1)))
    return 0.6 * dots + 0.4 * _noise(rng, height, width)


def paper(rng: Generator, height: int, width: int) -> np.ndarray:
    """Short fibres over faint blotches."""
    fibres = rng.random((height, width // 4 + 1)).repeat(4, axis=1)[:, :width]
    return 0.4 * fibres + 0.2 * rng.random((height, width)) + 0.4 * _noise(rng, height, width, cells=5)


# Each returns (H, W) in 0–1.
PATTERNS: tuple[Callable[[Generator, int, int], np.ndarray], ...] = (
    gradient,
    spotlight,
    clouds,
    stripes,
    speckle,
    paper,
)


def draw_background(rng: Generator, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Two muted colours mixed by one of `PATTERNS`, with a little grain.

    Returns:
        The image (H, W, 3) float64, about 0–1, and the colour (3,) halfway between the two.
    """
    dark = rng.random() < 0.35
    lightness = (0.27 if dark else 0.82) + 0.14 * rng.random()
    hue = (0.5 + 0.4 * rng.random()) if dark else rng.random()  # dark warm colours look muddy
    chroma = 0.01 + 0.04 * rng.random()
    first = oklch(lightness, chroma, hue)
    second = oklch(lightness - 0.05 - 0.08 * rng.random(), chroma + 0.02, hue + 0.2 * (rng.random() - 0.5))
    pattern = PATTERNS[rng.integers(len(PATTERNS))](rng, height, width)[:, :, None]
    grain = 0.02 * (rng.random((height, width, 1)) - 0.5)
    return first + (second - first) * pattern + grain, (first + second) / 2
