import os

import pytest

from dsth_jax.runtime import files


def test_only_paths_of_utf8_are_written_to():
  files.check_utf8("runs/caf\u00e9 \u732b", "the working directory")
  path = os.fsdecode(b"runs/caf\xe9")
  with pytest.raises(ValueError, match=r"is runs/caf\\xe9, whose bytes"):
    files.check_utf8(path, "the working directory")
