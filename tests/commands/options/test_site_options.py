"""What `site` asks of its options."""

from argparse import Namespace
from pathlib import Path

import pytest

from frcnn_edu.commands.options.site import check


@pytest.mark.parametrize("address", ["example.org", "ftp://example.org/course", "https://", 'https://a.org/"b', "-"])
def test_a_wrong_address_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(ValueError, match="--repository: expected an address that begins with http:// or https://, got"):
        check(Namespace(out=tmp_path / "site", repository=address))


@pytest.mark.parametrize("address", ["", "http://example.org/course", "https://example.org/~a/course.git"])
def test_an_address_of_the_web_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setattr("frcnn_edu.commands.options.site.check_installed", lambda *packages: None)
    check(Namespace(out=tmp_path / "site", repository=address))
