"""The generalized Laplacian eigenproblem of a neighbour graph."""

from typing import NamedTuple

from jax import Array
from jaxtyping import Float


class Embedding(NamedTuple):
  """The smallest non-zero pairs of L v = lambda D v (Eq. 12), ascending.

  Attributes:
    eigenvalues: in (0, 2].
    vectors: D-orthonormal columns.
    residuals: ||L v - lambda D v|| of each pair.
    num_iters: iterations of the solver.
  """

  eigenvalues: Float[Array, "b"]
  vectors: Float[Array, "n b"]
  residuals: Float[Array, "b"]
  num_iters: int
