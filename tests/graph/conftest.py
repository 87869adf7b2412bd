"""Settings for pynndescent's compiler, before it is imported."""

import os

# Compiling takes 23 s with all of its optimizations and 16 s without.
os.environ.setdefault("NUMBA_OPT", "0")
