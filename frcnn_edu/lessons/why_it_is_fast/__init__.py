"""The lesson why_it_is_fast: each textbook class beside its fast version."""
