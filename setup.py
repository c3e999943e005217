"""What pyproject.toml cannot express: an installed package contains the notebooks of the course and the words of its pictures."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class WithNotebooks(build_py):
    """Puts notebooks/ into the package, as frcnn_edu/notebooks, and of locale/ what is needed where no checkout is: the words and
    fonts of pictures. An editable installation finds them where they are."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        package = Path(self.build_lib, "frcnn_edu")
        skipped = shutil.ignore_patterns(".*", "__pycache__")
        shutil.copytree("notebooks", package / "notebooks", ignore=skipped, dirs_exist_ok=True)
        skipped = shutil.ignore_patterns(".*", "notebooks", "docs", "README.po", "site.po", "glossary.csv")
        shutil.copytree("locale", package / "locale", ignore=skipped, dirs_exist_ok=True)


setup(cmdclass={"build_py": WithNotebooks})
