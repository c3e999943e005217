"""From the project's notebooks and Markdown files to the Markdown pages of which Sphinx makes the site."""
