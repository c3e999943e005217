"""The lesson your_own_data: a folder of photographs is checked, a detector is trained on it, and its errors are examined."""
