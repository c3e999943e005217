"""Grey values of more than 8 bits, as microscopes, scanners and depth cameras write them."""

import numpy as np

DEEP_MODES = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")  # Pillow's: 16-bit, 32-bit integers, floating point


def scale_deep_pixels(values: np.ndarray, mode: str, bits: int | None = None) -> np.ndarray:
    """Grey values (H, W) as float32 in 0–1, if it is clear what white is.

    - 16-bit values are divided by 65535; or by 4095 if the file declares `bits` = 12.
    - 32-bit integers are treated as 16-bit values.
    - Floating-point values up to 1 are kept; those up to 255 are divided by 255, which is Pillow's convention.

    No image is stretched between its own lowest and highest value: the same grey has to stay the same in all images.
    An image whose values end at 4095 without declaring it is therefore dark, and `exposure` reports it.

    Args:
        mode: one of `DEEP_MODES`.

    Raises:
        ValueError: the values are outside these ranges; the message gives their kind and range.
    """
    lowest, highest = float(values.min()), float(values.max())
    if mode == "F":
        if not (lowest >= 0 and highest <= 255):  # NaN fails both
            raise ValueError(_refusal("floating point", lowest, highest, "0 to 1 or 0 to 255"))
        return (values / (1 if highest <= 1 else 255)).astype(np.float32)
    white = 2**bits - 1 if bits is not None and 8 < bits < 16 else 65535
    if not 0 <= lowest <= highest <= 65535:
        raise ValueError(_refusal("32-bit integers", lowest, highest, "0 to 65535"))
    return np.minimum(values.astype(np.float32) / white, 1)


def _refusal(kind: str, lowest: float, highest: float, expected: str) -> str:
    return f"its pixels are {kind} from {lowest:g} to {highest:g}, expected {expected}: convert it to 8 or 16 bits"
