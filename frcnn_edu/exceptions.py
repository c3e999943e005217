"""Errors that end a command in one line, as mistakes in its options do."""


class CannotContinue(RuntimeError):  # noqa: N818
    """What was computed so far leaves nothing to continue with; the message says why."""
