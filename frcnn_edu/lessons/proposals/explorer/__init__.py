"""The explorer of this lesson: state → compute → draw."""

from .explorer import ProposalsExplorer

__all__ = ["ProposalsExplorer"]
