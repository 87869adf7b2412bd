import pytest

from dsth_jax import baselines
from dsth_jax.baselines import itq
from dsth_jax.report import columns, descriptions


def test_baselines_have_distinct_names_and_a_sentence():
  found = [descriptions.method(name) for name in baselines.BASELINES]
  shown = [*found, *descriptions.METHODS.values()]
  assert len({term.name for term in shown}) == len(shown)
  for term in found:
    assert term.description.endswith(".")
    assert term.description.count(". ") == 0


def test_a_method_is_described_by_its_entry(monkeypatch):
  entry = baselines.Baseline(itq.fit, name="CuH", description="Cubes.")
  monkeypatch.setitem(baselines.BASELINES, "cubes", entry)
  assert descriptions.method("cubes") == ("CuH", "Cubes.")
  monkeypatch.setitem(baselines.BASELINES, "cubes", baselines.Baseline(itq.fit))
  assert descriptions.method("cubes") == ("cubes", "")
  assert descriptions.method("unknown") == ("unknown", "")


def test_methods_have_one_order():
  given = ["unknown", "cosine", "sth", "itq", "labels", "lsh", "dsth"]
  order = ["dsth", "labels", "lsh", "itq", "sth", "cosine", "unknown"]
  assert descriptions.in_order(given) == order


@pytest.mark.parametrize(
  ("backbone", "text"),
  [
    ("efficientnet_lite0", "EfficientNet-Lite0, pretrained on ImageNet"),
    (
      "efficientnet_lite0+efficientnet_lite2",
      "backbones are EfficientNet-Lite0 and EfficientNet-Lite2, pretrained",
    ),
    ("efficientnet_lite0+vit", "backbones are EfficientNet-Lite0 and vit."),
    ("pixels", "features are the pixel values"),
    ("folder/mine.npy", "read from mine.npy."),
  ],
)
def test_features_say_where_they_come_from(backbone, text):
  assert text in descriptions.features(backbone)


def test_stages_of_one_backbone_are_told_apart():
  text = descriptions.stage("features").description
  assert descriptions.stage("features/vit") == ("Features, vit", text)
  assert descriptions.stage("mine/vit") == ("mine/vit", "")


def test_the_papers_maximum_f_measure_has_a_column_and_an_explanation():
  names = ["max_f_beta_0.5", "max_f_all_levels_beta_0.25", "hd3p", "max_f_0.5"]
  metrics = dict.fromkeys(names, 1.0)
  found = columns.max_f(metrics)
  assert list(found) == ["max_f_beta_0.5"]
  assert found["max_f_beta_0.5"].column == "Max F 0.5"
  text = columns.explanations(metrics)["Max F 0.5"]
  assert "0.1, 0.2, 0.4, 0.6, 0.8 and 1" in text
  assert "recall has 0.5 times" in text


@pytest.mark.parametrize(
  ("grid", "first"), [([1, 32, 316], 32), ([90, 1000], 90), ([], None)]
)
def test_precision_is_shown_close_to_100_images(grid, first):
  assert columns.first_returned({"returned_images": grid}) == first
