"""Its folder is where pytest finds what these tests share: `driving`, `test_driving`."""
