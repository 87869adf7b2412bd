"""The symmetric eigenproblem S u = theta u behind L v = lambda D v."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.experimental import sparse
from jaxtyping import Float, Int

from dsth_jax import graph


class System(NamedTuple):
  """S = D^-1/2 W D^-1/2 and its eigenvectors of eigenvalue 1.

  Attributes:
    matrix: S.
    root_degrees: D^1/2.
    null: D^1/2 1_c of every component c, each of length 1, in one vector.
    component: of every point.
  """

  matrix: sparse.BCSR
  root_degrees: Float[Array, "n"]
  null: Float[Array, "n"]
  component: Int[Array, "n"]


@jax.jit
def normalize(affinity: graph.Affinity, component: Int[Array, "n"]) -> System:
  """Returns S of a graph without isolated points."""
  degrees = graph.degrees(affinity)
  roots = jnp.sqrt(degrees)
  rows = row_of_entry(affinity)
  data = affinity.data / (roots[rows] * roots[affinity.indices])
  matrix = sparse.BCSR(
    (data, affinity.indices, affinity.indptr), shape=affinity.shape
  )
  volume = jax.ops.segment_sum(degrees, component, degrees.shape[0])
  return System(matrix, roots, roots / jnp.sqrt(volume[component]), component)


def row_of_entry(matrix: sparse.BCSR) -> Int[Array, "e"]:
  """Returns the row of every stored entry."""
  counts = jnp.diff(matrix.indptr)
  rows = jnp.arange(matrix.shape[0])
  return jnp.repeat(rows, counts, total_repeat_length=matrix.nse)


def deflated(
  system: System, num_null: int, x: Float[Array, "n c"], depth: float = 2.0
) -> Float[Array, "n c"]:
  """Applies S - depth U U^T: the vectors U of S u = u go to 1 - depth.

  Everything else stays: what came after U is now on top.
  """
  null = system.null[:, None]
  along = jax.ops.segment_sum(null * x, system.component, num_null)
  return system.matrix @ x - depth * null * along[system.component]
