"""Packages that only some parts of this one need: the extra that each is in, and the message if it is missing."""

from importlib.util import find_spec

EXTRAS = {
    "course": ("jupyterlab", "ipykernel", "nbclient", "nbformat", "ipywidgets", "anywidget", "skimage", "polib"),
    "processes": ("lightning_fabric",),
    "watch": ("tensorboard",),
    "timm": ("timm",),
    "export": ("onnx", "onnxscript", "onnxruntime"),
    "site": ("sphinx", "myst_parser", "latex2mathml", "ziamath", "fontTools", "polib"),
    "languages": ("polib", "markdown_it", "mdit_py_plugins", "babel"),
    "test": ("playwright",),
}
NAMES_FOR_PIP = {
    "skimage": "scikit-image",
    "myst_parser": "myst-parser",
    "fontTools": "fonttools",
    "markdown_it": "markdown-it-py",
}  # of packages that are imported by another name
_EXTRA_OF = {
    package: extra for extra, packages in reversed(EXTRAS.items()) for package in packages
}  # the first of several


def advice(*packages: str) -> str | None:
    """A sentence about the packages that are not installed; None if each is installed or in no extra."""
    missing = [package for package in packages if package in _EXTRA_OF and find_spec(package) is None]
    if not missing:
        return None
    extras = [repr(extra) for extra in dict.fromkeys(_EXTRA_OF[package] for package in missing)]
    where = f"extra{'s' * (len(extras) > 1)} {' and '.join(extras)}"
    names = [NAMES_FOR_PIP.get(package, package.replace("_", "-")) for package in missing]
    what = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return f"this needs {what}: pip install {' '.join(names)} (in the {where} of this package)"


def explained(error: ModuleNotFoundError) -> ModuleNotFoundError:
    """The same error with advice about the missing package; the error itself if there is none."""
    sentence = advice((error.name or "").partition(".")[0])
    return error if sentence is None else ModuleNotFoundError(sentence, name=error.name)
