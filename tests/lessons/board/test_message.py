import numpy as np
import torch

from frcnn_edu.lessons.board import scene
from frcnn_edu.lessons.board.message import message
from frcnn_edu.lessons.board.scene import Boxes, Grid, Handle, Lines, Panel, Points, Scene, Words


def numbers(content: dict, place: list[int], dtype: type = np.float32) -> list[float]:
    return np.frombuffer(content["data"], dtype, count=place[1], offset=place[0]).tolist()


def only(*layers: scene.Layer) -> tuple[dict, dict]:
    return message(Scene(100, [Panel("one", (0, 0, 100, 100), (0, 0, 10, 10), layers)]))


def test_numbers_arrive_as_they_were_sent() -> None:
    boxes, ids = torch.rand(5, 4), torch.tensor([7, 1, 5, 2, 2**31 - 1])
    points, paths = torch.rand(3, 2).double(), torch.rand(2, 4, 2)
    layers = [
        Boxes(boxes, "#000000", group="anchor", ids=ids, values={"IoU": torch.arange(5) / 8}),
        Points(points, "#000000"),
        Lines(paths, "#000000"),
    ]
    content, _ = only(*layers)
    first, second, third = content["panels"][0]["layers"]
    assert numbers(content, first["boxes"]) == boxes.flatten().tolist()
    assert numbers(content, first["ids"], np.int32) == ids.tolist()
    assert numbers(content, first["values"]["IoU"]) == [0, 0.125, 0.25, 0.375, 0.5]
    assert numbers(content, second["points"]) == points.float().flatten().tolist()
    assert second["mark"] == "dot"
    assert numbers(content, third["points"]) == paths.flatten().tolist()
    assert third["shape"] == [2, 4, 2]


def test_every_array_lies_where_numbers_of_its_kind_can_be_read() -> None:
    odd = scene.Picture(torch.zeros(3, 3, 3, dtype=torch.uint8), (0, 0, 3, 3))
    content, _ = only(odd, Boxes(torch.rand(1, 4), "#000000"), odd, Points(torch.rand(1, 2), "#000000"))
    places = [layer[name] for layer in content["panels"][0]["layers"] for name in ("boxes", "points") if name in layer]
    assert [place[0] % 4 for place in places] == [0, 0]


def test_pixels_arrive_with_opacity() -> None:
    pixels = torch.randint(0, 256, (2, 3, 3), dtype=torch.uint8)
    content, _ = only(scene.Picture(pixels, (0, 0, 3, 2)))
    start, height, width = content["panels"][0]["layers"][0]["pixels"]
    arrived = np.frombuffer(content["data"], np.uint8, 4 * height * width, start).reshape(height, width, 4)
    assert np.array_equal(arrived[..., :3], pixels.numpy())
    assert (arrived[..., 3] == 255).all()


def test_a_kept_picture_is_sent_once_and_named_by_what_it_shows() -> None:
    image = torch.rand(3, 4, 6)
    content, kept = only(scene.photo(image), scene.photo(image), scene.photo(image, dim=0.5))
    layers = content["panels"][0]["layers"]
    assert layers[0]["name"] == layers[1]["name"] != layers[2]["name"]
    assert set(kept["places"]) == {layers[0]["name"], layers[2]["name"]}
    assert len(kept["data"]) == 2 * 4 * 4 * 6
    assert content["data"] == b""


def test_handles_and_words_are_plain() -> None:
    handle = Handle("box", "one", torch.tensor([1.0, 2, 3, 4]), "#000000", "a box")
    words = Words(torch.tensor([[1.0, 1.0]]), ["here"])
    panel = Panel("one", (0, 0, 100, 100), (0, 0, 10, 10), [words, Grid(2, 3, (0, 0, 3, 2), group="cell")])
    content, _ = message(Scene(100, [panel], ["a < b"], ["done"], [handle]))
    assert content["handles"][0]["box"] == [1, 2, 3, 4]
    assert content["panels"][0]["layers"][0]["texts"] == ["here"]
    assert content["panels"][0]["layers"][1]["rows"] == 2
    assert content["formula"] == ["a &lt; b"]
