"""Settings that tests and the notebooks' kernels share, made before either of them starts."""

import os

# One thread each, so that test processes do not compete for cores, and sums are added in the same order every time.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MKL_NUM_THREADS", "1")
os.environ.setdefault("TQDM_DISABLE", "1")  # a progress bar shows times, which differ between runs

pytest_plugins = ["frcnn_edu.notebook_checks.strict"]  # figures are compared too, and more
