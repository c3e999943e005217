from typing import Any

import torch

from frcnn_edu.lessons.board.board import HERE, Board
from frcnn_edu.lessons.board.scene import Boxes, Panel, Scene, photo
from frcnn_edu.viz import style as st

IMAGES = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def scene(x: float, image: int = 0) -> Scene:
    layers = [photo(IMAGES[image]), Boxes(torch.tensor([[x, 0, x + 1, 1]]), "#000000")]
    return Scene(100, [Panel("one", (0, 0, 100, 100), (0, 0, 10, 10), layers)])


def board() -> tuple[Board, list[Any]]:
    heard: list[Any] = []
    return Board(scene(0), ["try this"], lambda name, box: heard.append((name, box)), heard.append), heard


def test_every_scene_has_a_new_version() -> None:
    one, _ = board()
    one.show(scene(1))
    one.show(scene(1))
    assert one.scene["version"] == 2


def test_a_picture_is_sent_again_only_if_it_is_another() -> None:
    one, _ = board()
    sent: list[Any] = []
    one.observe(lambda change: sent.append(change.name), ["images", "scene"])
    one.show(scene(1))
    assert sent == ["scene"]
    one.show(scene(1, image=1))
    assert sent.count("images") == 1
    names = [layer["name"] for panel in one.scene["panels"] for layer in panel["layers"] if "name" in layer]
    assert set(names) <= set(one.images["places"])


def test_drags_and_events_are_told() -> None:
    one, heard = board()
    one.drag = {"name": "box", "box": [1, 2, 3, 4]}
    one._receive(one, {"kind": "pick", "panel": "one", "group": "box", "id": 0}, None)
    assert heard == [("box", [1, 2, 3, 4]), {"kind": "pick", "panel": "one", "group": "box", "id": 0}]


def test_a_page_that_says_hello_gets_an_answer() -> None:
    one, heard = board()
    one._receive(one, {"kind": "hello", "token": "0.5"}, None)
    assert (one.alive, heard) == ("0.5", [{"kind": "hello", "token": "0.5"}])


def test_its_program_comes_from_the_package_and_from_nowhere_else() -> None:
    one, _ = board()
    for text in (one._esm, one._css):
        assert len(text) > 1000
        assert "http" not in text
        assert "import " not in text


def test_it_knows_the_colours_of_paper_and_ink() -> None:
    """On dark paper these are replaced, so board.js must name them as the scenes do."""
    program = (HERE / "board.js").read_text(encoding="utf-8")
    for name, color in (
        ("INK", st.INK),
        ("MUTED", st.MUTED),
        ("FAINT", st.FAINT),
        ("FOCUS", st.FOCUS),
        ("PAPER", st.PAPER),
    ):
        assert f'{name} = "{color}"' in program
