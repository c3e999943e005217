"""The command line: `python -m frcnn_edu check-data | train | evaluate | detect | export | figures | notebooks | benchmark`."""

import argparse
import sys
from collections.abc import Sequence

from .commands.examples import EXAMPLES
from .commands.options import COMMANDS
from .exceptions import CannotContinue
from .extras import advice


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0, 2 after a mistake of the user's, 130 after Ctrl-C."""
    options = make_parser().parse_args(arguments)
    try:
        options.command.check(options)  # at once, before seconds pass that PyTorch takes to import
        options.command.run(options)
    except (ValueError, TypeError, OSError, CannotContinue) as error:
        print(f"error: {error}", file=sys.stderr)
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
        print("error: another process of this run is gone; torchrun says below which, and why", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    return 0


def make_parser() -> argparse.ArgumentParser:
    """All commands and their options."""
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
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
