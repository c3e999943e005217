"""What is odd about the brightness of a loaded image: black, white, one colour, or 12 bits that were read as 16."""

from torch import Tensor

DARK, BRIGHT = 1 / 16, 15 / 16  # limits of nearly black and nearly white
MOST = 0.999  # share of the pixels
SMALLER_DEPTHS = (255, 1023, 4095)  # the highest values of 8, 10 and 12 bits, which cameras store in 16


def exposure(image: Tensor) -> str | None:
    """What is visibly wrong with a loaded image, float (3, H, W) in 0–1; None if nothing is.

    "of one colour"; "nearly black" or "nearly white", if 99.9 % of its pixels are; and "nearly black, with 16-bit
    values that end at 4095", if a dark image was stored with 16 bits but uses only 12 (or 10, or 8).
    """
    if image.numel() == 0:
        return None
    spread = float((image.amax(dim=(1, 2)) - image.amin(dim=(1, 2))).max())
    if spread == 0 or (spread < 1.5 / 255 and _has_steps(image, 255)):  # a JPEG's grey may be off by one
        return "of one colour"
    if _share((image > BRIGHT).all(dim=0)) >= MOST:
        return "nearly white"
    if _share((image < DARK).all(dim=0)) < MOST:
        return None
    highest = round(65535 * float(image.max()))
    end = next((end for end in SMALLER_DEPTHS if highest <= end), None)
    if end is None or _has_steps(image, 255) or not _has_steps(image, 65535):
        return "nearly black"
    return f"nearly black, with 16-bit values that end at {end}"


def _share(chosen: Tensor) -> float:
    return float(chosen.float().mean())


def _has_steps(image: Tensor, steps: int) -> bool:
    """Whether all values are multiples of 1/steps."""
    scaled = steps * image
    off = (scaled - scaled.round()).abs().max()
    return bool(off < 3e-7 * steps)  # the rounding error of float32
