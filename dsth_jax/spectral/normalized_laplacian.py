"""The symmetric eigenproblem S u = theta u behind L v = lambda D v."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.experimental import sparse
from jaxtyping import Float, Int

from dsth_jax import graph
from dsth_jax.runtime import sharding
from dsth_jax.spectral import sharded


class System(NamedTuple):
  """S = D^-1/2 W D^-1/2 and its eigenvectors of eigenvalue 1.

  Attributes:
    matrix: S.
    root_degrees: D^1/2.
    null: D^1/2 1_c of every component c, each of unit length, in one vector.
    component: of every point.
    piece: of every point; the sum over a component is a sum of pieces.
    component_of_piece: p pieces, at least as many as components.
  """

  matrix: sparse.BCSR | sharded.SplitMatrix
  root_degrees: Float[Array, "n"]
  null: Float[Array, "n"]
  component: Int[Array, "n"]
  piece: Int[Array, "n"]
  component_of_piece: Int[Array, "p"]


# Residuals stay at 3e-5 with one float32 sum over a component of 50,000 points,
# and reach 6e-6 with sums of pieces of this size.
_PIECE_SIZE = 512


def make_system(
  affinity: graph.Affinity, component: Int[np.ndarray, "n"]
) -> System:
  """Returns the system of a graph without isolated points."""
  num_points = affinity.shape[0]
  num_blocks = -(-num_points // _PIECE_SIZE)
  block = np.arange(num_points) // _PIECE_SIZE
  used, piece = np.unique(
    component.astype(np.int64) * num_blocks + block, return_inverse=True
  )
  # On the host: compiling jnp.repeat takes longer than this.
  row = np.repeat(np.arange(num_points), np.diff(affinity.indptr))
  indices = (component, piece, used // num_blocks, row)
  return _normalize(
    affinity, *(jnp.asarray(index, jnp.int32) for index in indices)
  )


def split(system: System, mesh: jax.sharding.Mesh) -> System:
  """Returns the system of one device split over those of a mesh, by rows.

  Rows without entries pad it to a multiple of the devices: a vector that is
  zero there stays so.
  """
  assert isinstance(system.matrix, sparse.BCSR)
  matrix = sharded.split(graph.to_scipy(system.matrix), mesh)
  missing = matrix.shape[0] - system.null.shape[0]

  def rows(vector: Array, filling: int) -> Array:
    padded = np.pad(np.asarray(vector), (0, missing), constant_values=filling)
    return sharding.place_rows(
      mesh, lambda start, size: padded[start : start + size], shape=padded.shape
    )

  return System(
    matrix,
    rows(system.root_degrees, 1),
    rows(system.null, 0),
    rows(system.component, 0),
    rows(system.piece, 0),
    sharding.place_whole(mesh, np.asarray(system.component_of_piece)),
  )


def deflated(
  system: System, x: Float[Array, "n c"], depth: float = 2.0
) -> Float[Array, "n c"]:
  """Returns (S - depth U U^T) x: the vectors U of S u = u move to 1 - depth.

  All other pairs stay; those after U are now the largest.
  """
  return system.matrix @ x - depth * _null_part(system, x)


def without_null(system: System, x: Float[Array, "n c"]) -> Float[Array, "n c"]:
  """Returns x - U U^T x."""
  return x - _null_part(system, x)


def _null_part(system: System, x: Float[Array, "n c"]) -> Float[Array, "n c"]:
  """Returns U U^T x."""
  null = system.null[:, None]
  along = _component_sums(null * x, system.piece, system.component_of_piece)
  return null * along[system.component]


@jax.jit
def _normalize(
  affinity: graph.Affinity,
  component: Int[Array, "n"],
  piece: Int[Array, "n"],
  component_of_piece: Int[Array, "p"],
  row: Int[Array, "e"],
) -> System:
  degrees = graph.degrees(affinity)
  roots = jnp.sqrt(degrees)
  data = affinity.data / (roots[row] * roots[affinity.indices])
  matrix = sparse.BCSR(
    (data, affinity.indices, affinity.indptr), shape=affinity.shape
  )
  volumes = _component_sums(degrees, piece, component_of_piece)
  null = roots / jnp.sqrt(volumes[component])
  return System(matrix, roots, null, component, piece, component_of_piece)


def _component_sums(
  x: Float[Array, "n *c"],
  piece: Int[Array, "n"],
  component_of_piece: Int[Array, "p"],
) -> Float[Array, "p *c"]:
  """Returns the sum over every component; zeros past the last one."""
  num_pieces = component_of_piece.shape[0]
  pieces = jax.ops.segment_sum(x, piece, num_pieces)
  return jax.ops.segment_sum(pieces, component_of_piece, num_pieces)
