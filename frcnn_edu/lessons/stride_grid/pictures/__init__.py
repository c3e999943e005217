"""The pictures of this lesson; `main` has those that become files."""
