"""From cells to variants: shared names, settings, stand-ins and refusals."""

import pathlib

import pytest

from dsth_jax import config as config_lib
from dsth_jax.paper import budgets, experiments, plan
from dsth_jax.paper.request import Request

ONE = {"googlenet": "efficientnet_lite0", "vgg16": "efficientnet_lite0"}
TWO = {**ONE, "alexnet": "efficientnet_lite2"}


def _plan(experiment, dataset="cifar10", **fields):
  request = Request(
    experiment, **{"datasets": (dataset,), "stand_ins": ONE, **fields}
  )
  (found,) = plan.plans(request)
  return request, found


def _config(request, planned, root="none"):
  return plan.base(request, planned, pathlib.Path(root), "")


@pytest.fixture
def untrained(monkeypatch):
  """SimpleNet is taken as it is, whether or not it is a backbone here."""
  monkeypatch.setattr(plan.features, "check_backbones", lambda *_: [])


def test_one_teacher_gives_sixteen_cells_in_four_variants():
  _, planned = _plan("table3,fig2,fig3,fig4")
  assert len(planned.sources) == 16
  assert set(planned.variants) == {
    f"efficientnet_lite0-{head}-{activation}"
    for head in ("mlp", "slice")
    for activation in ("batchnorm", "sigmoid")
  }
  for settings in planned.variants.values():
    assert settings["compare.num_bits"] == (16, 32, 48, 64)


def test_every_cell_has_its_figures_in_a_planned_variant(untrained):
  for name in experiments.EXPERIMENTS:
    for planned in plan.plans(Request(name, stand_ins=TWO)):
      assert len(set(planned.sources.values())) == len(planned.sources)
      for key, source in planned.sources.items():
        settings = planned.variants[source.variant]
        assert source.method in settings["compare.methods"]
        assert source.num_bits in settings["compare.num_bits"]
        assert settings["features.backbone"] == key.backbone
        assert settings.get("model.head", "") == key.head
        assert settings.get("model.activation", "") == key.activation
        tuned = "features.fine_tuning.num_epochs" in settings
        assert tuned == key.labels


def test_a_cell_has_one_name_in_all_experiments():
  names = [
    next(iter(_plan(name, num_bits=(48,))[1].variants))
    for name in ("table4", "fig7")
  ]
  assert names == ["efficientnet_lite0-slice-batchnorm"] * 2


@pytest.mark.parametrize("budget", budgets.BUDGETS)
def test_variants_are_valid_settings(budget):
  labels = ("dsth", "dsth_diffusion")
  request, planned = _plan("table3,fig7,fig8", labels=labels, budget=budget)
  config = _config(request, planned)
  config_lib.validate(config)
  variants = config_lib.variants(config)
  assert list(variants) == list(planned.variants)
  for changed in variants.values():
    config_lib.validate(changed)


def test_the_paper_budget_is_the_papers_settings():
  request, planned = _plan("table3")
  config = _config(request, planned)
  slice_batchnorm = config_lib.variants(config)[
    "efficientnet_lite0-slice-batchnorm"
  ]
  expected = config_lib.use_paper_settings(
    slice_batchnorm.copy_and_resolve_references()
  )
  assert slice_batchnorm == expected
  sigmoid = config_lib.variants(config)["efficientnet_lite0-slice-sigmoid"]
  assert sigmoid.encode.threshold == "half"
  assert sigmoid.labels == slice_batchnorm.labels


def test_diffusion_labels_are_the_recommended_ones():
  request, planned = _plan("table3", labels=("dsth_diffusion",))
  config = _config(request, planned)
  changed = config_lib.variants(config)[
    "efficientnet_lite0-slice-batchnorm-diffusion"
  ]
  assert changed.labels == config_lib.base_config().labels
  assert changed.features.center
  assert changed.encode.threshold == "mean"
  (key,) = [key for key in planned.sources if key[2:4] == ("slice", "sigmoid")]
  assert key.method == "dsth_diffusion"
  assert planned.sources[key].method == "dsth"


def test_images_have_the_papers_sizes():
  for dataset, size in (("cifar100_fine", 32), ("stl10", 96)):
    request, planned = _plan("table3", dataset)
    assert _config(request, planned).model.image_size == size


def test_a_folder_of_classes_takes_the_place_of_archives(tmp_path):
  request, planned = _plan("table3")
  assert _config(request, planned, str(tmp_path)).data.name == "cifar10"
  for part in ("train", "test"):
    (tmp_path / part).mkdir()
  assert _config(request, planned, str(tmp_path)).data.name == "image_folder"


def test_labels_train_simplenet_from_scratch(untrained):
  _, planned = _plan("table2", budget="short")
  settings = planned.variants["simplenet-labels-classification"]
  assert settings["features.image_size"] == 32
  assert settings["features.fine_tuning.trainable"] == "all"
  other = planned.variants["efficientnet_lite0-labels-classification"]
  assert other["features.fine_tuning.num_labelled"] == 2000


def test_ablations_change_one_setting_each(untrained):
  _, planned = _plan("ablations")
  main = planned.variants["efficientnet_lite0-slice-batchnorm"]
  assert planned.ablations[0] == "efficientnet_lite0-slice-batchnorm"
  for name in planned.ablations[1:]:
    changed = planned.variants[name]
    if "diffusion" not in name:
      assert len(set(changed) - set(main)) == 1
      assert main.items() < changed.items()
  times = {
    planned.variants[name]["labels.diffusion_time"]
    for name in planned.ablations
    if "time" in name
  }
  assert times == {1, 2, 4, 8, 16, 32}
  activations = {key.activation for key in planned.sources}
  assert activations == {"batchnorm", "relu"}
  assert {key.backbone for key in planned.sources} == {
    "efficientnet_lite0",
    "simplenet",
  }


@pytest.mark.parametrize(
  ("fields", "match"),
  [
    ({"datasets": ("mnist",)}, "--datasets names mnist, but .* cifar10"),
    ({"num_bits": (16,)}, "--num_bits names 16, but the experiment has 48, 32"),
    (
      {"experiment": "table2", "num_bits": (16,)},
      "--num_bits names 16, but the experiment has no choice",
    ),
    (
      {"weights": {"alexnett": "a.pth"}},
      "--weights names the backbone alexnett, but .* efficientnet_lite2, eff",
    ),
    (
      {"stand_ins": {"googlenet": "resnet"}},
      r"'resnet' .*\(features.file\)\.$",
    ),
    ({"experiment": "fig9"}, "'fig9', but must be one of"),
    ({"stand_ins": {}}, r"alexnet.*--weights=alexnet=FILE; or --backbones="),
    (
      {"stand_ins": {}, "weights": {"alexnet": "no.pth"}},
      r"--weights=alexnet=FILE",
    ),
  ],
)
def test_what_cannot_be_planned_is_refused(fields, match):
  request = Request(**{"experiment": "table3", "stand_ins": TWO, **fields})
  with pytest.raises(ValueError, match=match):
    plan.plans(request)


def test_only_a_million_images_take_the_approximate_graph():
  found = {}
  for dataset, budget in (
    ("holidays1m", "paper"),
    ("holidays1m", "short"),
    ("oxford105k", "paper"),
  ):
    request, planned = _plan("table5", dataset, budget=budget)
    config = _config(request, planned)
    found[dataset, budget] = config.graph.search
  assert list(found.values()) == ["approximate", "exact", "exact"]


def test_holidays_takes_the_protocol_of_queries_in_the_database():
  request, planned = _plan("table5", "holidays1m")
  assert _config(request, planned).data.protocol == "queries-in-database"
  request, planned = _plan("table5", "oxford105k")
  assert _config(request, planned).data.protocol == "official"
