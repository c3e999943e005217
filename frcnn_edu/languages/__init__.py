"""The course in other languages: what is translated, from where, and the checks that keep each translation in step with the English."""
