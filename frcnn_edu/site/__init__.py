"""The course as a web site: `python -m frcnn_edu site --out site/` writes it, and a browser needs nothing but its files."""
