"""The lesson your_own_data: a folder of photographs, checked, trained on, understood."""
