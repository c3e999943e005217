"""Which images a command line names, what is said of the rest, and what their drawings are called."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frcnn_edu.commands.image_files import LONGEST_STEM, drawing_names, find_images, search_images


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """photos/ with two images and much else; the tests run beside it."""
    monkeypatch.chdir(tmp_path)
    files = (
        "b.JPG a.jfif notes.txt more.txt film.mp4 ._a.jpg plain x.jpg/c.png x.jpg/deep/d.avif .thumbs/e.png out/f.png"
    )
    for name in files.split():
        path = Path("photos", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return Path("photos")


def test_a_folder_says_what_it_leaves_out(folder: Path) -> None:
    found = search_images([folder])
    assert [path.name for path in found.files] == ["a.jfif", "b.JPG"]
    (note,) = found.notes
    assert note.startswith(
        "photos: 2 images; left out: 3 images in 3 subfolders (--recursive includes them), 2 .txt files"
    )
    for part in ("1 .mp4 file", "1 hidden file", "1 suffixless file"):
        assert part in note
    assert found.problems == []


def test_subfolders_are_searched_if_asked_for(folder: Path) -> None:
    found = search_images([folder], recursive=True, but=folder / "out")
    assert [str(path.relative_to(folder)) for path in found.files] == [
        "a.jfif",
        "b.JPG",
        "x.jpg/c.png",
        "x.jpg/deep/d.avif",
    ]
    assert found.notes[0].startswith("photos: 4 images; left out: 2 .txt files, ")
    assert search_images([folder / "x.jpg"]).files == [folder / "x.jpg" / "c.png"]  # a folder, whatever it is called


def test_a_folder_of_images_alone_needs_no_note(folder: Path) -> None:
    found = search_images([folder / "x.jpg" / "deep"])
    assert (len(found.files), found.notes, found.problems) == (1, [], [])


def test_a_link_into_a_circle_ends(folder: Path) -> None:
    (folder / "x.jpg" / "again").symlink_to(folder.resolve(), target_is_directory=True)
    assert len(search_images([folder], recursive=True, but=folder / "out").files) == 4


def test_what_leads_nowhere_is_told_and_the_rest_is_found(folder: Path) -> None:
    empty = folder / "empty"
    empty.mkdir()
    (folder / "words").mkdir()
    (folder / "words" / "a.txt").touch()
    paths = [Path("gone.jpg"), folder / "b.JPG", Path("x" * 5000), Path("red\x1b[31m.jpg"), empty, folder / "words"]
    found = search_images(paths)
    assert found.files == [folder / "b.JPG"]
    assert len(found.problems) == 5
    reasons = [
        "there is no file or folder gone.jpg", "x…: file name too long", "red�[31m.jpg", "empty holds no image",
        "words holds no image; it holds 1 .txt file",
    ]  # fmt: skip
    for problem, reason in zip(found.problems, reasons, strict=True):
        assert problem.endswith(reason)
        assert problem.isprintable()
    with pytest.raises(ValueError, match=r"there is no file or folder gone\.jpg"):
        find_images(paths)
    assert find_images([folder / "b.JPG"]) == found.files


def test_a_folder_that_cannot_be_listed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def scandir(path: str | os.PathLike, scan=os.scandir) -> object:
        if Path(path).name == "deep":
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = search_images([folder], recursive=True, but=folder / "out")
    assert len(found.files) == 3
    assert found.problems == ["photos/x.jpg/deep: permission denied"]
    assert search_images([folder / "x.jpg" / "deep"]).problems == found.problems


def test_drawing_names() -> None:
    files = [Path(name) for name in ("a.jpg", "more/a.png", "A.gif", "b/c.d.tif", "two\nlines.jpg", "\udcff.jpg")]
    assert drawing_names(files) == ["a.png", "a-2.png", "A-3.png", "c.d.png", "two_lines.png", "_.png"]


@given(st.lists(st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=300), max_size=6))
def test_drawing_names_differ_and_fit_every_system(names: list[str]) -> None:
    drawings = drawing_names([Path(f"{name}.jpg") for name in names])
    assert len({name.casefold() for name in drawings}) == len(names)
    for name in drawings:
        assert name.isprintable()
        assert len(name.encode()) <= LONGEST_STEM + len("-12.png")
