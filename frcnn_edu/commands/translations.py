"""`notebooks --extract` and `notebooks --language`: catalogues from the English files, and translated files from the catalogues."""

import argparse
from pathlib import Path

from ..languages.catalogue import read_catalogue, updated, write_catalogue
from ..languages.checks import catalogue_problems
from ..languages.edition import SITE_WORDS
from ..languages.glossary import read_glossary
from ..languages.marked import SOURCE as SITE
from ..languages.marked import site_messages
from ..languages.messages import Message, messages
from ..languages.shown import SOURCE as SHOWN_SOURCE
from ..languages.shown import shown_messages
from ..languages.sources import LOCALE, catalogue_file, languages, sources
from ..languages.translate import Translator
from ..words import FILE as SHOWN


def run_extract(options: argparse.Namespace) -> None:
    """Bring the catalogues up to date with the English files, and say what is left to translate."""
    root = options.folder.absolute().parent
    for language in [options.language] if options.language else languages(root):
        if options.shown is not None:
            _extract(root / LOCALE / language / SHOWN, shown_messages(options.shown), SHOWN_SOURCE, language)
            continue
        for source in _chosen(root, options.names):
            _extract(root / catalogue_file(language, source), messages(root / source), source, language)
        if not options.names:
            _extract(root / LOCALE / language / SITE_WORDS, site_messages(root), SITE, language)


def _extract(file: Path, found: list[Message], source: str, language: str) -> None:
    new = updated(read_catalogue(file), found, source, language)
    write_catalogue(new, file)
    left = [f"{len(part)} {name}" for name, part in _unfinished(new).items() if part]
    print(f"{file}  {', '.join(left) or 'complete'}", flush=True)


def run_translate(options: argparse.Namespace) -> int:
    """Write the translations of the files whose catalogues are in order; the status is 1 if any of them is not."""
    root, language = options.folder.absolute().parent, options.language
    translator, glossary, status = Translator(root, language), read_glossary(root, language), 0
    for source in _chosen(root, options.names):
        file = catalogue_file(language, source)
        problems = catalogue_problems(read_catalogue(root / file), language, glossary)
        if problems:
            status = 1
            print("\n  ".join([f"{file}  not written: {len(problems)} problems", *problems]), flush=True)
        else:
            print(translator.write(source).relative_to(root), flush=True)
    return status


def _chosen(root: Path, names: list[str]) -> list[str]:
    """The files whose names begin with one of these; all of them if there are none."""
    return [source for source in sources(root) if not names or Path(source).name.startswith(tuple(names))]


def _unfinished(catalogue) -> dict[str, list]:  # type: ignore[no-untyped-def]  # polib has no types
    return {
        "not translated": catalogue.untranslated_entries(),
        "fuzzy": catalogue.fuzzy_entries(),
        "obsolete": catalogue.obsolete_entries(),
    }
