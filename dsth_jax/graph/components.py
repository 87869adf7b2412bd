"""The connected components of a graph, and how to join them."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import scipy.sparse
from jax import Array
from jaxtyping import Float, Int, Int32, Real
from scipy.cluster.hierarchy import DisjointSet

from dsth_jax.graph.affinity_matrix import Affinity, from_scipy, to_scipy
from dsth_jax.graph.knn import unit_rows
from dsth_jax.types import ArrayLike

# The weight of an edge between components without a positive cosine.
MIN_WEIGHT = 1e-3


class Components(NamedTuple):
  """The connected components of a graph; an isolated point is one.

  Attributes:
    num_components: their number.
    component: the component of every point.
  """

  num_components: int
  component: Int32[np.ndarray, "n"]


class Connected(NamedTuple):
  """A connected graph.

  Attributes:
    affinity: the graph with the added edges.
    num_edges_added: their number; 0 if it was connected.
  """

  affinity: Affinity
  num_edges_added: int


def connected_components(affinity: Affinity) -> Components:
  """Returns the number of components and the component of every point."""
  count, component = scipy.sparse.csgraph.connected_components(
    to_scipy(affinity), directed=False
  )
  return Components(int(count), component.astype(np.int32))


def connect_components(
  affinity: Affinity,
  features: Real[ArrayLike, "n d"],
  *,
  block_size: int = 1024,
) -> Connected:
  """Joins the components of a graph by their cross edges of largest cosine.

  Boruvka's algorithm: until one component is left, each but the largest gets
  the edge of largest cosine between one of its points and a point outside.
  The edges added are those of a maximum spanning tree over the components,
  one fewer than there were components.

  Args:
    affinity: any graph; isolated points are components.
    features: those that the graph was made from.
    block_size: rows of n similarities in memory at a time.

  Returns:
    `Connected(affinity, num_edges_added)`. The weight of an added edge is its
    cosine, or `MIN_WEIGHT` if that is larger.

  Raises:
    ValueError: `features` have another number of points, or are not finite.
  """
  if features.shape[0] != affinity.shape[0]:
    raise ValueError(
      f"{features.shape[0]} features, but a graph of {affinity.shape[0]} "
      "points: pass the features that the graph was made from."
    )
  count, component = connected_components(affinity)
  if count == 1:
    return Connected(affinity, 0)
  unit = jnp.asarray(unit_rows(features, 0, affinity.shape[0]))
  sets = DisjointSet(range(count))
  edges: list[_Edge] = []
  while sets.n_subsets > 1:
    joined = np.array([sets[c] for c in range(count)])[component]
    for edge in _top_cross_edges(unit, joined, block_size):
      # No second edge between two components, and no cycle among equal edges.
      if sets.merge(int(component[edge.point]), int(component[edge.other])):
        edges.append(edge)
  return Connected(_add_edges(affinity, edges), len(edges))


class _Edge(NamedTuple):
  """An edge to a point of another component."""

  point: int
  other: int
  cosine: float


@jax.jit
def _nearest_outside(
  rows: Float[Array, "t d"],
  unit: Float[Array, "n d"],
  row_component: Int[Array, "t"],
  component: Int[Array, "n"],
) -> tuple[Float[Array, "t"], Int[Array, "t"]]:
  """Returns the largest cosine with a point of another component, and it."""
  cosines = jnp.matmul(rows, unit.T, precision=jax.lax.Precision.HIGHEST)
  outside = row_component[:, None] != component[None, :]
  cosines = jnp.where(outside, cosines, -jnp.inf)
  return jnp.max(cosines, axis=1), jnp.argmax(cosines, axis=1)


def _top_cross_edges(
  unit: Float[Array, "n d"], component: Int[np.ndarray, "n"], block_size: int
) -> list[_Edge]:
  """Returns the top edge of each component but the largest, descending."""
  largest = np.argmax(np.bincount(component))
  searched = np.flatnonzero(component != largest)
  components = jnp.asarray(component)
  found = []
  for start in range(0, len(searched), block_size):
    # Padded by the last point: one shape, one compilation.
    places = np.minimum(np.arange(start, start + block_size), len(searched) - 1)
    rows = jnp.asarray(searched[places])
    found.append(
      _nearest_outside(unit[rows], unit, components[rows], components)
    )
  cosine, other = (
    np.concatenate(parts)[: len(searched)] for parts in zip(*found)
  )
  order = np.argsort(-cosine, kind="stable")
  _, first = np.unique(component[searched[order]], return_index=True)
  return [
    _Edge(int(searched[i]), int(other[i]), float(cosine[i]))
    for i in order[np.sort(first)]
  ]


def _add_edges(affinity: Affinity, edges: list[_Edge]) -> Affinity:
  rows, columns, cosines = (np.array(part) for part in zip(*edges))
  weights = np.maximum(cosines, MIN_WEIGHT).astype(np.float32)
  added = scipy.sparse.csr_matrix(
    (weights, (rows, columns)), shape=affinity.shape
  )
  return from_scipy(to_scipy(affinity) + added + added.T)
