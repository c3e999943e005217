"""Checkers for the exercises of the notebooks: one file for each, and answers that teach."""
