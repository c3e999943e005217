"""How a figure becomes a PNG, a file, or a picture in a notebook."""

import io
from pathlib import Path

import numpy as np
import torch
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from ..training.files import replacing
from . import style as st
from .language import put_in_language
from .text_sizes import PAGE, smallest_word

DPI = 150


def figure_to_png(figure: Figure, *, dpi: float = DPI, colors: int | None = None) -> bytes:
    """The figure as a PNG file's bytes: the same figure always gives the same bytes.

    Args:
        dpi: pixels per inch; figures are 8 inches wide.
        colors: size of a palette (at most 256) chosen for this picture; a third of the bytes, with hardly a visible
            difference in a drawing. None keeps every colour.
    """
    put_in_language(figure)
    buffer = io.BytesIO()
    with st.style():
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    if colors is not None:
        picture = _with_palette(Image.open(buffer).convert("RGB"), colors)
        buffer = io.BytesIO()
        picture.save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def _with_palette(picture: Image.Image, colors: int) -> Image.Image:
    """The picture in `colors` colours: all those that mean something, and the best ones for the rest."""
    meanings = [round(255 * channel) for color in st.MEANINGS for channel in to_rgb(color)]
    others = colors - len(st.MEANINGS)
    pixels = np.asarray(picture).reshape(-1, 3)  # (H·W, 3)
    numbers = pixels.astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], dtype=np.int32)  # one for each colour
    seen, inverse, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    seen = np.stack((seen >> 16, seen >> 8 & 255, seen & 255), axis=1).astype(np.uint8)  # (different colours, 3)
    # The palette is chosen for the different colours, each weighted by the root of its area: a small shape keeps its
    # colour, too, and a search over all pixels would take four times as long.
    sample = np.repeat(seen, np.ceil(np.sqrt(counts)).astype(np.int64), axis=0)
    reduced = Image.fromarray(sample[None]).quantize(
        others, method=Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE
    )
    palette = torch.tensor([*meanings, *(reduced.getpalette() or [])[: 3 * others]]).view(-1, 3).float()  # (P, 3)
    # Pillow's own search for the nearest colour is off by a few shades: white paper would turn grey.
    distances = torch.cdist(torch.from_numpy(seen).float(), palette, compute_mode="donot_use_mm_for_euclid_dist")
    nearest = distances.argmin(dim=1).byte().numpy()
    result = Image.fromarray(nearest[inverse].reshape(picture.height, picture.width))
    result.putpalette(palette.byte().flatten().tolist())
    return result


def save_figure(figure: Figure, path: str | Path, *, dpi: float = DPI, colors: int | None = None) -> Path:
    """Write the figure as .png or .svg (by the path's suffix), whole or not at all, and return the path.

    `dpi` and `colors` (of a PNG) are those of `figure_to_png`.
    """
    path = Path(path)
    if path.suffix == ".png":
        content = figure_to_png(figure, dpi=dpi, colors=colors)
    elif path.suffix == ".svg":
        put_in_language(figure)
        buffer = io.BytesIO()
        with st.style():
            figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        content = buffer.getvalue()
    else:
        raise ValueError(f"{path}: expected a name ending in .png or .svg")
    with replacing(path) as temporary:
        temporary.write_bytes(content)
    return path


def show(figure: Figure, alt: str, *, dpi: float = DPI) -> None:
    """Show a figure in a notebook as a PNG of its own size (no cropping), 800 pixels being a page.

    The output's metadata has the size of the smallest word in pixels, so that a test can check that it is readable.

    Args:
        alt: what the figure shows, in words: for readers who cannot see it, and in place of images that are not shown.
    """
    from IPython.display import display  # only a notebook has it

    content = {"image/png": figure_to_png(figure, dpi=dpi, colors=256), "text/plain": alt}
    described = {
        "width": round(figure.get_figwidth() * PAGE),
        "alt": alt,
        "smallest_word": smallest_word(figure),
    }
    display(content, metadata={"image/png": described}, raw=True)
