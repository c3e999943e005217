"""`site`: the course as a folder of web pages."""

import argparse
from pathlib import Path


def run_site(options: argparse.Namespace) -> None:
    """Write the site and say where it begins.

    Raises:
        ValueError: the package is installed without the project's pages.
    """
    from ..site.build import build_site

    build_site(project_folder(), options.out, options.repository, dict(options.executed))
    print(f"Open {options.out / 'index.html'} in a browser.")


def project_folder() -> Path:
    """The checkout that this package is in: the site is made of its notebooks, docs and figures.

    Raises:
        ValueError: the package is not in a checkout.
    """
    root = Path(__file__).parents[2]
    for part in ("notebooks", "docs", "figures", "README.md"):
        if not (root / part).exists():
            raise ValueError(f"the site is made from a checkout of the project, and {root} has no {part}")
    return root
