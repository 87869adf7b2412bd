"""The cells of each experiment are those of the paper's tables and figures."""

import collections
import itertools

import pytest

from dsth_jax import baselines
from dsth_jax.paper import experiments
from dsth_jax.paper.results import Key


def _cells(name):
  return set(experiments.EXPERIMENTS[name])


# Counted in the tables, and as lines times code lengths in the figures.
@pytest.mark.parametrize(
  ("name", "count"),
  [
    ("table2", 13),
    ("table3", 32),
    ("table4", 4),
    ("table5", 36),
    ("fig2", 128),
    ("fig3", 8),
    ("fig4", 8),
    ("fig5", 8),
    ("fig6", 8),
    ("fig7", 64),
    ("fig8", 40),
  ],
)
def test_an_experiment_has_as_many_cells_as_the_paper(name, count):
  cells = experiments.EXPERIMENTS[name]
  assert len(cells) == len(set(cells)) == count


def test_table_iii_is_every_configuration_at_its_length():
  lengths = {"cifar10": 48, "stl10": 32}
  lengths |= {"cifar100_coarse": 48, "cifar100_fine": 48}
  assert _cells("table3") == {
    Key(dataset, backbone, head, activation, False, "dsth", num_bits)
    for dataset, num_bits in lengths.items()
    for backbone in ("alexnet", "googlenet")
    for head in ("mlp", "slice")
    for activation in ("batchnorm", "sigmoid")
  }


def test_figures_3_to_6_are_the_parts_of_table_iii():
  parts = [_cells(f"fig{number}") for number in (3, 4, 5, 6)]
  assert set().union(*parts) == _cells("table3")
  assert not any(a & b for a, b in itertools.combinations(parts, 2))


def test_table_iii_is_the_part_of_figure_2_at_one_length():
  assert _cells("table3") < _cells("fig2")
  lengths = collections.defaultdict(set)
  for key in _cells("fig2"):
    lengths[key._replace(num_bits=0)].add(key.num_bits)
  assert set(map(frozenset, lengths.values())) == {frozenset({16, 32, 48, 64})}


def test_table_iv_is_in_figures_7_and_8():
  by_labels = {key.labels: key for key in _cells("table4")}
  assert set(by_labels) == {False, True}
  for key in _cells("table4"):
    assert key in _cells("fig8" if key.labels else "fig7")
    assert key[1:4] == ("googlenet", "slice", "batchnorm")


def test_table_v_has_vgg16_and_five_methods_beside_dsth():
  cells = _cells("table5")
  assert {key.backbone for key in cells} == {"vgg16"}
  assert {key.num_bits for key in cells} == {16, 32}
  assert {key.dataset for key in cells} == {
    "oxford105k",
    "holidays1m",
    "flickr_logos32",
  }
  per_dataset = collections.Counter(key.dataset for key in cells)
  assert set(per_dataset.values()) == {12}


def test_every_method_is_there():
  known = {"dsth", "classification", *baselines.BASELINES}
  for cells in experiments.EXPERIMENTS.values():
    assert {key.method for key in cells} <= known
  # DSH without labels is density sensitive, with labels deep supervised.
  assert "density_dsh" in experiments.UNSUPERVISED
  assert "deep_dsh" in experiments.DEEP
  for name in experiments.UNSUPERVISED:
    assert not baselines.BASELINES[name].supervised
  for name in experiments.SUPERVISED:
    assert baselines.BASELINES[name].supervised


def test_only_dsth_has_a_head_and_an_activation():
  for key in experiments.cells("all"):
    assert bool(key.head) == bool(key.activation) == (key.method == "dsth")


def test_all_is_every_cell_once():
  found = experiments.cells("all")
  assert len(found) == len(set(found))
  assert set(found) == set().union(*experiments.EXPERIMENTS.values())


def test_labels_of_both_kinds_double_the_cells_of_dsth():
  both = experiments.cells("fig7,table4", ("dsth", "dsth_diffusion"))
  counts = collections.Counter(key.method for key in both)
  assert counts["dsth"] == counts["dsth_diffusion"] == 10
  assert counts["lsh"] == 8
  only = experiments.cells("table3", ("dsth_diffusion",))
  assert {key.method for key in only} == {"dsth_diffusion"}


def test_an_unknown_experiment_is_refused():
  with pytest.raises(ValueError, match="'table1', but must be one of table2"):
    experiments.cells("table3,table1")
