"""What keeps the notebooks honest: executed in one way, compared strictly."""
