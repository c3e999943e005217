"""What pyproject.toml cannot express: an installed package contains the notebooks of the course."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class WithNotebooks(build_py):
    """Puts notebooks/ into the package, as frcnn_edu/notebooks; an editable installation finds them where they are."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            skipped = shutil.ignore_patterns(".*", "__pycache__")
            shutil.copytree(
                "notebooks", Path(self.build_lib, "frcnn_edu", "notebooks"), ignore=skipped, dirs_exist_ok=True
            )


setup(cmdclass={"build_py": WithNotebooks})
