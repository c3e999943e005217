"""The course's model's candidates in the validation images, read from a file so that the explorer opens without computing them."""

from safetensors.torch import load_file

from frcnn_edu.catalogue import SHIPPED_WEIGHTS

from .seen import Seen

FILE = SHIPPED_WEIGHTS.with_name("shapes_detections.safetensors")  # written by write_shipped.py


def read() -> list[Seen]:
    """All images of `OTHERS`."""
    columns = load_file(FILE)
    objects, candidates = (columns.pop(f"{name}_each").tolist() for name in ("objects", "candidates"))
    rows = {name: column.split(candidates if name.startswith("found") else objects) for name, column in columns.items()}
    return [
        Seen(
            index,
            rows["boxes"][index],
            rows["labels"][index].long(),
            (rows["found_boxes"][index], rows["found_scores"][index], rows["found_labels"][index].long()),
        )
        for index in range(len(objects))
    ]
