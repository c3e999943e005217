"""The pictures of the notebooks, a file for each."""
