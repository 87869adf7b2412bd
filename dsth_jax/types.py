"""The array types that every stage accepts."""

import jax
import numpy as np

# Every public function takes NumPy and JAX arrays alike, as in
# `Float[ArrayLike, "n d"]`; what it returns is named in its docstring.
ArrayLike = jax.Array | np.ndarray
