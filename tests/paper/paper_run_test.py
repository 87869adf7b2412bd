"""Experiments on a tiny folder of images, from cells to figures."""

import json

import numpy as np
import pytest
from support import folders

from dsth_jax.paper import run
from dsth_jax.paper.context import Context
from dsth_jax.paper.request import Request
from dsth_jax.paper.results import Key
from dsth_jax.pipeline import methods, training

# The pictures have tests of their own.
pytestmark = pytest.mark.usefixtures("undrawn")

# A head on pixels in place of SimpleNet, which takes longer to compile.
HEAD = {
  "model.network": "frozen_backbone",
  "model.image_size": 0,
  "features.image_size": 8,
}
FEW = ("itq", "lsh")
REQUEST = Request(
  "fig7,fig2",
  budget="smoke",
  datasets=("cifar10", "stl10"),
  stand_ins={"googlenet": "pixels", "vgg16": "pixels"},
  num_bits=(16,),
  settings=HEAD,
)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
  """Two classes of noisy patterns, as a folder of images in place of CIFAR-10."""
  root = tmp_path_factory.mktemp("data")
  rng = np.random.default_rng(0)
  for part, count in (("train", 60), ("test", 8)):
    for label in range(2):
      for i in range(count):
        noise = rng.normal(0, 20, (8, 8, 3))
        pixels = folders.pattern(8, 8, label) + noise
        path = root / "cifar10" / part / f"class{label}" / f"{i}.png"
        folders.write(path, np.clip(pixels, 0, 255).astype(np.uint8))
  return root


@pytest.fixture(scope="module", autouse=True)
def few_methods():
  """Two of the methods of Fig. 7 are enough."""
  known = run.plan.experiments.EXPERIMENTS
  few = [key for key in known["fig7"] if key.method in ("dsth", *FEW)]
  with pytest.MonkeyPatch.context() as patch:
    patch.setitem(known, "fig7", tuple(few))
    yield


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
  return tmp_path_factory.mktemp("paper")


@pytest.fixture(scope="module")
def found(data, workdir):
  return run.run(REQUEST, data, workdir, str(workdir / "prepared"))


def test_every_cell_of_the_data_set_has_figures(found):
  assert set(found.measured) == {
    Key("cifar10", "pixels", "", "", False, method, 16) for method in FEW
  } | {
    Key("cifar10", "pixels", head, activation, False, "dsth", 16)
    for head in ("mlp", "slice")
    for activation in ("batchnorm", "sigmoid")
  }
  for metrics in found.measured.values():
    assert len(metrics["precision_at_recall"]) == 10
    assert metrics["num_queries"] == 16


def test_figures_are_those_of_the_cells(found, workdir):
  cell = workdir / "cifar10" / "variants" / "pixels-mlp-sigmoid" / "dsth-16-0"
  outcome = json.loads((cell / "outcome.json").read_text())
  key = Key("cifar10", "pixels", "mlp", "sigmoid", False, "dsth", 16)
  assert found.measured[key]["hd3p"] == outcome["metrics"]["hd3p"]


def test_a_missing_data_set_leaves_the_others(found):
  assert set(found.context.missing) == {"stl10"}
  assert found.context.failed == {}
  with pytest.raises(
    ValueError, match="Data sets without figures: 1, first stl10"
  ):
    run.refuse_failures(found)


def test_the_budget_is_said(found):
  assert found.context.budget.startswith("Budget smoke: Only a test")
  assert found.context.stand_ins == {"googlenet": "pixels"}
  assert found.context.seeds == (0,)


def test_another_experiment_measures_what_is_new(
  found, data, workdir, monkeypatch
):
  made = []
  for module, name in ((training, "_train"), (methods, "fitting")):
    function = getattr(module, name)

    def counted(*arguments, function=function, name=name, **others):
      made.append(name)
      return function(*arguments, **others)

    monkeypatch.setattr(module, name, counted)
  request = REQUEST._replace(experiment="fig2", datasets=("cifar10",))
  again = run.run(request, data, workdir, str(workdir / "prepared"))
  assert made == []
  assert again.measured.items() <= found.measured.items()
  assert len(again.measured) == 4
  run.refuse_failures(again)


def test_a_failing_cell_is_said_and_leaves_the_others(
  data, workdir, monkeypatch, tmp_path
):
  fitting = methods.fitting

  def failing(config, inputs, name):
    if name == "itq":
      raise RuntimeError("no room")
    return fitting(config, inputs, name)

  monkeypatch.setattr(methods, "fitting", failing)
  few = [Key("cifar10", "googlenet", "", "", False, name, 16) for name in FEW]
  monkeypatch.setitem(run.plan.experiments.EXPERIMENTS, "fig7", tuple(few))
  request = REQUEST._replace(experiment="fig7", datasets=())
  # The folder itself, where only one data set is asked for.
  part = run.run(request, data / "cifar10", tmp_path, str(workdir / "prepared"))
  (key,) = part.context.failed
  assert key.method == "itq"
  assert part.context.failed[key] == "With seed 0: RuntimeError: no room"
  assert [key.method for key in part.measured] == ["lsh"]
  with pytest.raises(ValueError, match="first pixels/itq on cifar10: Runtime"):
    run.refuse_failures(part)


def test_a_seed_that_failed_is_said_beside_the_figures_of_others():
  key = Key("cifar10", "pixels", "", "", False, "lsh", 16)
  source = run.CellSource("pixels", "lsh", 16)
  planned = run.Plan("cifar10", {}, {key: source})
  cell = {**source._asdict(), "seed": 1, "error": "no room"}
  failures = run._failures(planned, {"failed": [cell]}, {key: {"hd3p": 0.5}})
  assert failures == {key: "With seed 1: no room"}


def test_a_page_names_the_failures_of_its_own_experiment():
  keys = [
    Key("cifar10", "efficientnet_lite0", "", "", False, "itq", 16),
    Key("oxford105k", "efficientnet_lite0", "", "", False, "dlbh", 16),
  ]
  stand_ins = dict.fromkeys(("googlenet", "vgg16"), "efficientnet_lite0")
  context = Context(
    "smoke",
    (0,),
    stand_ins,
    failed=dict.fromkeys(keys, "no room"),
    missing={"stl10": "no folder", "holidays1m": "no folder"},
  )
  of_figure, of_table = (run.part(context, name) for name in ("fig7", "table5"))
  assert (list(of_figure.failed), list(of_table.failed)) == (keys[:1], keys[1:])
  assert list(of_figure.missing) == ["stl10"]
  assert list(of_table.missing) == ["holidays1m"]
  assert list(of_figure.stand_ins) == ["googlenet"]
  assert list(of_table.stand_ins) == ["vgg16"]


def test_the_precision_of_classification_is_read_from_the_features():
  ceiling = {
    "classification": {"alexnet": {"fine_tuning.accuracy": 0.9}},
  }
  assert run._classification(ceiling, "alexnet") == {"classification": 0.9}
  assert run._classification(ceiling, "googlenet") == {}
  assert run._classification({}, "alexnet") == {}
