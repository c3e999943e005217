"""Recognise the data set at a path: every format is tried, then the folders in it."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

from ..findings import Findings
from ..splits import LISTS, by_split, says_only_a_split, set_apart, split_of_path
from . import (
    automl,
    coco,
    createml,
    cvat,
    datumaro,
    dota,
    eight_columns,
    image_folder,
    kitti,
    label_studio,
    labelme,
    scalabel,
    supervisely,
    tables,
    via,
    via_csv,
    visdrone,
    voc,
    yolo_layout,
)
from .annotated import Reading
from .folders import ANNOTATION_FOLDERS, IMAGE_FOLDERS, folders_in, holds_images, images_in
from .layout import Format, Layout, Part, arranged, divided, listing
from .nothing_found import nothing_at


def _penn_fudan(path: Path) -> Layout | None:
    if not (path / "PedMasks").is_dir():
        return None
    return divided(path, PENN_FUDAN, "images and masks", Part(path / "PedMasks", path / "PNGImages"))


def _read_penn_fudan(part: Part, findings: Findings) -> Reading:
    from ..penn_fudan import read_masks

    return read_masks(part, findings)


PENN_FUDAN = Format("Penn-Fudan", _read_penn_fudan)


def _recognisers(images: Path | None) -> list[Callable[[Path], Layout | None]]:
    """One for each format, in the order they are tried; some work without the images."""
    return [
        partial(voc.recognise, images=images),
        _penn_fudan,
        dota.recognise,  # before YOLO, whose data.yaml such exports may have
        partial(yolo_layout.recognise, images=images),
        coco.recognise,
        cvat.recognise,
        via.recognise,
        createml.recognise,
        label_studio.recognise,
        labelme.recognise,
        supervisely.recognise,
        datumaro.recognise,
        scalabel.recognise,
        tables.recognise,
        via_csv.recognise,
        eight_columns.recognise,
        automl.recognise,
        image_folder.recognise,
        kitti.recognise,
        visdrone.recognise,
    ]


def recognise(path: Path, images: Path | None = None) -> Layout:
    """The data set at a path.

    Args:
        images: the folder of its images, if they are elsewhere.

    Raises:
        ValueError: there is none, or it is unclear which of several is meant; the message says what was found.
    """
    if not path.exists():
        raise ValueError(
            f'no data set at {str(path)!r}: nothing of that name exists, and the only built-in data set is "shapes"'
        )
    if images is not None and not images_in(images):
        inside = [folder for folder in folders_in(images) if holds_images(folder)]
        images = inside[0] if len(inside) == 1 and inside[0].name.lower() in IMAGE_FOLDERS else images
    layout = _at(path, images) or _in_folders(path, images)
    if layout is None:
        raise ValueError(nothing_at(path, _above(path)))
    return layout if images is None else layout.with_images(images)


def _at(path: Path, images: Path | None) -> Layout | None:
    """The data set right at a path, by the first format that recognises one."""
    first_error: ValueError | None = None
    for ask in _recognisers(images):
        try:
            if (layout := ask(path)) is not None:
                return layout
        except ValueError as error:  # from one format; another may match
            first_error = first_error or error
    if first_error is not None:
        raise first_error
    return None


def also_there(layout: Layout) -> list[str]:
    """What else a folder could be read as, such as "COCO, coco.json"."""
    titles: list[str] = []
    for ask in _recognisers(None) if layout.path.is_dir() else ():
        try:
            titles += [found.title] if (found := ask(layout.path)) is not None else []
        except ValueError as error:
            titles.append(str(error))
    return [title for title in titles if not title.startswith(layout.format.name)] if layout.title in titles else []


def _in_folders(path: Path, images: Path | None) -> Layout | None:
    """Folders for the splits, each a data set of its own; or the one folder inside, which archives often add."""
    folders = folders_in(path)
    layouts: dict[Path, Layout] = {}
    errors: dict[Path, ValueError] = {}
    for folder in folders:
        try:
            if layout := _at(folder, images) or _only_splits(folder, images):
                layouts[folder] = layout
        except ValueError as error:  # an error in one folder does not affect the others
            errors[folder] = error
    splits = _splits(path, layouts, errors)
    missing = [reason for folder, reason in errors.items() if splits is None or _is_missed(folder, splits)]
    for reason in missing:
        raise reason
    if splits is not None:
        return splits
    return _joined(path, layouts) or _only_one(path, layouts)


def _is_missed(folder: Path, splits: Layout) -> bool:
    """Whether a folder that cannot be used is the only one for its split."""
    return says_only_a_split(folder.name) and split_of_path(folder) not in splits.splits


def _splits(path: Path, layouts: dict[Path, Layout], broken: Iterable[Path]) -> Layout | None:
    """Folders named after splits, with those that are left, and those that cannot be used."""
    wholes = {folder: layout.whole for folder, layout in layouts.items() if layout.whole is not None}
    splits, aside = set_apart(wholes)
    named = any(folder.name.strip("0123456789_-").lower() in LISTS for folder in splits.values())
    formats = {layouts[folder].format.name for folder in splits.values()}
    if len(formats) != 1 or not (len(splits) > 1 or named):  # many folders have names like my_test
        return None
    if {*splits} == {"train"} and aside:  # a class may be called train
        return None
    first = layouts[next(iter(splits.values()))]
    names = listing(f"{folder.name}/" for folder in splits.values())
    parts = {split: wholes[folder] for split, folder in splits.items()}
    return arranged(path, first.format, first.how, parts, f"the folders {names}", aside=[*aside, *broken])


def _joined(path: Path, layouts: dict[Path, Layout]) -> Layout | None:
    """Folders of images and annotations side by side, for example one for each class, taken together."""
    hows = {layout.how for layout in layouts.values()}
    if len(layouts) < 2 or hows not in ({voc.BESIDE}, {labelme.BESIDE}):
        return None
    if any(layout.path != folder or not layout.shares for folder, layout in layouts.items()):
        return None
    first = next(iter(layouts.values()))
    whole = Part(path, path) if first.format is voc.VOC else Part(path)
    names = [f"{folder.name}/" for folder in layouts]
    some = listing(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more folders"
    return divided(path, first.format, f"{first.how} in {some}", whole)


def _only_one(path: Path, layouts: dict[Path, Layout]) -> Layout | None:
    if len(layouts) > 1:
        names = " or ".join(str(layout.path) for layout in layouts.values())
        raise ValueError(f"{path} holds several data sets; did you mean {names}?")
    return next(iter(layouts.values()), None)


def _only_splits(folder: Path, images: Path | None) -> Layout | None:
    inside = folders_in(folder)
    return _in_folders(folder, images) if by_split(inside) or len(inside) == 1 else None


def _above(path: Path) -> Layout | None:
    """The data set of which a folder is a part, if it is named like one: images, annotations, or a split."""
    name = path.absolute().name.lower()
    if name in (*IMAGE_FOLDERS, *ANNOTATION_FOLDERS, *LISTS):
        with suppress(ValueError):
            return _at(path.absolute().parent, None)
    return None
