"""What a report says of a backbone that was trained with class labels."""

from dsth_jax.report import markdown, paragraphs
from dsth_jax.report.comparison import paragraphs as comparison_paragraphs
from dsth_jax.report.comparison import tables

FOUND = {
  "efficientnet_lite0": {
    "fine_tuning.accuracy": 0.8766,
    "num_queries": 2000,
    "num_labels": 5000,
    "num_classes": 10,
  }
}
SENTENCE = (
  "EfficientNet-Lite0 was trained further with 5,000 class labels, and then "
  "classified 87.7% of 2,000 queries correctly."
)


def test_a_run_says_that_its_features_have_seen_labels(results):
  assert SENTENCE not in str(paragraphs.stage_texts(results))
  results["classification"] = FOUND
  assert (
    SENTENCE in dict(paragraphs.stage_texts(results))["Generate hash labels"]
  )
  opening = paragraphs.opening(results)
  assert "Class labels were used, to train the backbone" in opening
  assert "No class labels" not in opening


def test_without_labelled_queries_only_the_labels_are_counted():
  found = {"vit": {**FOUND["efficientnet_lite0"], "fine_tuning.accuracy": None}}
  assert paragraphs.classification(found) == (
    "vit was trained further with 5,000 class labels. "
  )


def test_names_of_backbones_are_escaped(results):
  results["classification"] = {"<b>": FOUND["efficientnet_lite0"]}
  text = markdown.render(results, [])
  assert "<b>" not in text
  assert "\\<b\\> was trained further" in text


def test_a_comparison_says_which_methods_have_seen_labels(compared):
  assert "seen class labels" not in comparison_paragraphs.data(compared)
  compared["ceiling"]["classification"] = FOUND
  text = comparison_paragraphs.data(compared)
  assert f"{SENTENCE} So every method on features has seen class" in text


def test_leaders_are_grouped_by_what_they_have_learned_from(compared):
  assert tables.leaders(compared, 16) == {
    "without class labels": "dsth",
    "with class labels": "taught",
  }
  methods = compared["summary"]["methods"]
  methods["dsth"]["learned_from"].append("class labels")
  methods["taught"]["learned_from"].remove("class labels")
  assert tables.leaders(compared, 16) == {
    "without class labels": "taught",
    "with class labels": "dsth",
  }
