"""What the tables and figures of an experiment say about its run."""

import types
from collections.abc import Mapping
from typing import NamedTuple

from dsth_jax.paper.results import Key

_NONE: Mapping = types.MappingProxyType({})


class Context(NamedTuple):
  """How an experiment was run, and what of it has no figures.

  Attributes:
    budget: the name of the budget and what it changes, in short sentences.
    seeds: that the figures are means of.
    stand_ins: the backbone that was measured in place of the paper's, by the
      paper's: {"googlenet": "efficientnet_lite0"}.
    failed: why a cell has no figures, or none of some of the seeds, by cell.
    missing: why a data set has no figures, by data set.
  """

  budget: str
  seeds: tuple[int, ...]
  stand_ins: Mapping[str, str] = _NONE
  failed: Mapping[Key, str] = _NONE
  missing: Mapping[str, str] = _NONE

  def backbone(self, published: str) -> str:
    """Returns the backbone that was measured for one of the paper's."""
    return self.stand_ins.get(published, published)

  def reason(self, key: Key) -> str:
    """Says why a cell has no figures."""
    return (
      self.failed.get(key)
      or self.missing.get(key.dataset)
      or "This cell is not part of the run."
    )
