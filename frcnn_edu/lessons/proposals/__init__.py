"""The lesson proposals: thousands of boxes sifted in seven steps."""
