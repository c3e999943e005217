"""The command line: `python -m frcnn_edu check-data | train | evaluate | detect | export | figures | notebooks | site | benchmark`."""

import argparse
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import NoReturn

from .commands.examples import EXAMPLES
from .commands.options import COMMANDS
from .data.names import readable
from .exceptions import CannotContinue
from .extras import advice

LONGEST_ERROR = 2000  # characters


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return the exit status: 0, 1 if part of it failed, 2 after a user's mistake, 130 after Ctrl-C."""
    options = make_parser().parse_args(arguments)
    try:
        options.command.check(options)  # at once, before PyTorch takes seconds to import
        return options.command.run(options) or 0
    except (ValueError, TypeError, OSError, CannotContinue) as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if (sentence := advice((error.name or "").partition(".")[0])) is None:
            raise
        print(f"error: {sentence}", file=sys.stderr)
        return 2
    except RuntimeError as error:
        from .training.processes import is_loss_of_a_process

        if not is_loss_of_a_process(error):
            raise
        print("error: another process of this run has ended; torchrun says below which one, and why", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130


def one_line(error: object) -> str:
    """A message that is safe for a terminal, even if it contains file names with control characters."""
    return readable(" ".join(str(error).split()), LONGEST_ERROR)


class Parser(argparse.ArgumentParser):
    """A parser that reports a mistake in one line, without control characters, whatever file names a shell inserts.

    An unknown option is reported by the command it was given to, with the option that it resembles.
    """

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {one_line(message)} ({self.prog} --help)\n")

    def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}{self._instead_of(unknown[0])}")
        return found, unknown

    def _instead_of(self, unknown: str) -> str:
        options = [option for action in self._actions for option in action.option_strings]
        alike = get_close_matches(unknown.partition("=")[0], options, n=1, cutoff=0.7)
        return f"; did you mean {alike[0]}?" if alike else ""


def make_parser() -> Parser:
    """All commands and their options."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = Parser(
        prog="python -m frcnn_edu",
        description="Faster R-CNN with a feature pyramid: train it, measure it, look at what it finds.",
        epilog=EXAMPLES["main"],
        formatter_class=layout,
    )
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        summary = command.summary
        description = f"{summary[0].upper()}{summary[1:]}."
        own = subparsers.add_parser(
            command.name, help=summary, description=description, epilog=EXAMPLES[command.name], formatter_class=layout
        )
        command.add_options(own)
        own.set_defaults(command=command)
    return parser
