"""Errors that end a command in one line, as mistakes in its options do."""


class CannotContinue(RuntimeError):  # noqa: N818
    """The computation cannot continue; the message says why."""
