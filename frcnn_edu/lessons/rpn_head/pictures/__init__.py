"""The figures of this lesson; `main` lists those that become files."""
