"""Settings that tests and the notebooks' kernels share, made before either starts."""

import os

# One thread each: two test processes on two cores do not fight, and sums are added in the same order every time.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")
os.environ.setdefault("TQDM_DISABLE", "1")  # a progress bar shows times, which no two runs share

pytest_plugins = ["frcnn_edu.notebook_checks.strict"]  # figures are compared too, and more
