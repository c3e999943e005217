"""The figures of this lesson; `main` has those that become files."""
