"""What a user asks of the experiments.

>>> parse("table3", backbones=["efficientnet_lite0"], num_bits=["48"]).stand_ins
{'googlenet': 'efficientnet_lite0', 'vgg16': 'efficientnet_lite0'}
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

# DSTH's hash labels: the method of a cell by the value of the flag.
LABELS = {"paper": "dsth", "diffusion": "dsth_diffusion"}


class Request(NamedTuple):
  """What a user asks for.

  Attributes:
    experiment: one, several joined by commas, or all.
    budget: a name in `budgets.BUDGETS`.
    datasets: a part of those of the experiment; empty for all.
    stand_ins: the backbone to take in place of one of the paper's, by that.
    weights: files of weights by backbone.
    labels: dsth for the paper's hash labels, dsth_diffusion for this package's.
    num_bits: a part of the experiment's code lengths; empty for all.
    seeds: every cell is measured with each.
    settings: more settings of all cells, by their full names.
  """

  experiment: str
  budget: str = "paper"
  datasets: Sequence[str] = ()
  stand_ins: Mapping[str, str] = {}
  weights: Mapping[str, str] = {}
  labels: Sequence[str] = ("dsth",)
  num_bits: Sequence[int] = ()
  seeds: Sequence[int] = (0,)
  settings: Mapping[str, Any] = {}


def parse(
  experiment: str,
  *,
  budget: str = "paper",
  datasets: Sequence[str] = (),
  backbones: Sequence[str] = (),
  weights: Sequence[str] = (),
  labels: str = "paper",
  seeds: Sequence[str] = ("0",),
  num_bits: Sequence[str] = (),
) -> Request:
  """Returns what the flags of the command ask for.

  Args:
    experiment: see `Request`.
    budget: see `Request`.
    datasets: see `Request`.
    backbones: see `stand_ins`.
    weights: as in "alexnet=FILE".
    labels: a name in `LABELS`, or both.
    seeds: whole numbers from 0 on.
    num_bits: whole numbers.

  Raises:
    ValueError: a flag does not have the form that it needs.
  """
  if not seeds:
    raise ValueError("--seeds is empty: give one or more, as in 0,1,2.")
  kinds = LABELS if labels == "both" else [labels]
  return Request(
    experiment,
    budget=budget,
    datasets=tuple(datasets),
    stand_ins=stand_ins(backbones),
    weights=_files(weights),
    labels=tuple(LABELS[kind] for kind in kinds),
    seeds=_numbers("--seeds", seeds),
    num_bits=_numbers("--num_bits", num_bits),
  )


def stand_ins(backbones: Sequence[str]) -> dict[str, str]:
  """Returns the backbone to take in place of each of the paper's.

  The last one takes the place of GoogLeNet and VGG16; the first of two takes
  that of AlexNet, which is left out otherwise.

  Raises:
    ValueError: there are more than two.
  """
  if not backbones:
    return {}
  if len(backbones) > 2:
    raise ValueError(
      f"--backbones names {len(backbones)}, but the paper compares two: name one "
      "or two, the weaker one first."
    )
  alexnet = {"alexnet": backbones[0]} if len(backbones) > 1 else {}
  return {**alexnet, "googlenet": backbones[-1], "vgg16": backbones[-1]}


def _files(weights: Sequence[str]) -> dict[str, str]:
  """Returns the file of each backbone."""
  found: dict[str, str] = {}
  for each in weights:
    name, _, path = each.partition("=")
    if not (name and path):
      raise ValueError(
        f"--weights has {each!r}: name a backbone and its file, as in "
        "alexnet=FILE."
      )
    if name in found:
      raise ValueError(
        f"--weights names two files for {name}, {found[name]} and {path}: name "
        "one."
      )
    # A shell does not expand the ~ behind a second equals sign.
    found[name] = os.path.expanduser(path)
  return found


def _numbers(flag: str, texts: Sequence[str]) -> tuple[int, ...]:
  """Returns whole numbers, each of them once."""
  if not all(text.isdecimal() for text in texts):
    raise ValueError(
      f"{flag} is {','.join(texts)}: give whole numbers, as in 16,32."
    )
  return tuple(dict.fromkeys(map(int, texts)))
