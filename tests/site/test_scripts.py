import pytest

from frcnn_edu.site.explorers.scripts import classic, page_script, page_styles


def test_a_module_becomes_a_statement_with_its_default_export() -> None:
    assert classic("const a = 1;\nexport default { a };\n", "one") == (
        "const one = (() => {\nconst a = 1;\nreturn { a };\n})();\n"
    )


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("const a = 1;\n", "does not end with `export default"),
        ("const a = 1;\nexport default a", "does not end with `export default"),
        ('import b from "b";\nexport default b;\n', 'because of `import b from "b";`'),
        ("export const a = 1;\nexport default a;\n", "because of `export const a = 1;`"),
    ],
)
def test_a_module_that_needs_others_is_refused(module: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        classic(module, "one")


def test_the_pages_files_load_nothing_from_elsewhere() -> None:
    script, styles = page_script(), page_styles()
    assert script.count("window.frcnn = ") == 1
    for forbidden in ("export ", "import(", "eval(", "new Function", "fetch(", "://"):
        assert forbidden not in script
    for forbidden in ("@import", "url("):
        assert forbidden not in styles


def test_nothing_is_styled_by_html() -> None:
    """A strict Content-Security-Policy forbids style attributes in HTML; those that scripts set are allowed."""
    assert "style=" not in page_script()
