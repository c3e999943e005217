from hypothesis import settings

# The same examples on every run, and no complaint about a slow machine.
settings.register_profile("frcnn_edu", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("frcnn_edu")
