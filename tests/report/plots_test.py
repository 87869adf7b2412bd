"""Plots, their styles and the picture sheet."""

import io

import numpy as np
import pytest
from PIL import Image

from dsth_jax import baselines
from dsth_jax.report import pictures, styles


@pytest.mark.parametrize(
  "shown",
  [
    ["dsth", "labels", "paper_labels", "itq", "lsh", "cosine", "another"],
    ["dsth", "dsth_paper", "itq", "lsh", "cosine"],
    ["dsth", "dsth_simplenet", "dsth_frozen_backbone", "dsth_paper", "itq"],
  ],
)
def test_methods_differ_in_color_and_marker(shown):
  found = [styles.style(name) for name in shown]
  assert len({style.color for style in found}) == len(found)
  assert len({style.marker for style in found}) == len(found)


def test_every_baseline_has_its_style():
  found = [styles.style(name) for name in [*baselines.BASELINES, "cosine"]]
  assert len({style[:2] for style in found}) == len(found)
  for name, method in baselines.BASELINES.items():
    assert (styles.style(name).line == "-.") == method.supervised


def test_marks_of_relevant_images_show_without_color(sheet):
  def gray(relevant):
    content = pictures.sheet_png(sheet._replace(relevant=relevant))
    return np.asarray(Image.open(io.BytesIO(content)).convert("L"), int)

  none = gray([[False] * 3] * 2)
  # Only the second row differs.
  differing = np.abs(gray([[False] * 3, [True] * 3]) - none) > 40
  half = len(none) // 2
  assert differing[half:].any()
  assert not differing[:half].any()
