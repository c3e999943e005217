"""The interactive explorers on a web page, without Python."""
