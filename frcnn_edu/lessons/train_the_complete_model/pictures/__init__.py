"""The figures of this lesson; `main` contains those that become files."""
