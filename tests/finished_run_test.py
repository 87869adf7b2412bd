"""A finished run made by hand is searched with photographs."""

import json
import os
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from support import commands, folders

import dsth_jax
from dsth_jax import datasets, encode
from dsth_jax.models.hash_models import HASH_MODELS
from dsth_jax.pipeline import workdir as workdir_lib

SIZE, NUM_BITS = 8, 16
NAMES = [os.fsdecode(b"caf\xe9.png"), "two\nlines.png", "-dash.png"]
NAMES += [f"{number}.png" for number in range(9)]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
  folder = tmp_path_factory.mktemp("photos")
  for seed, name in enumerate(NAMES):
    folders.write(folder / name, folders.pattern(SIZE, SIZE + 4, seed))
  return folder


@pytest.fixture(scope="module")
def hash_function():
  """A head of random weights on the pixels."""
  settings = {"input_noise": 0.0}
  module = HASH_MODELS["frozen_backbone"].build(NUM_BITS, settings)
  inputs = jnp.zeros((2, 3 * SIZE * SIZE))
  return encode.HashFunction(
    network="frozen_backbone",
    settings=settings,
    num_bits=NUM_BITS,
    image_size=SIZE,
    batch_size=4,
    variables=module.init(jax.random.key(0), inputs),
    thresholds=np.zeros(NUM_BITS, np.float32),
    fingerprint="x",
    backbones="pixels",
    resized_size=SIZE + 2,
    engine="jit",
  )


@pytest.fixture(scope="module")
def path(tmp_path_factory, photos, hash_function):
  """The working directory, with what a search needs of it."""
  workdir = workdir_lib.Workdir(tmp_path_factory.mktemp("run"))
  (workdir.path / "config.json").write_text(json.dumps({"num_bits": NUM_BITS}))
  images = [np.asarray(Image.open(photos / name)) for name in NAMES]
  pixels = np.stack(
    [datasets.resize_and_crop(image, SIZE, SIZE + 2) for image in images]
  )

  def make_codes(writer):
    writer.write(packed=np.asarray(hash_function.encode(pixels)))
    lines = "".join(f"{datasets.escape(name)}\n" for name in NAMES)
    writer.write_text("names.txt", lines)

  def make_hash_function(writer):
    writer.write(**hash_function.arrays())
    writer.write_json("hash_function", hash_function.record())

  codes = workdir.artifact("codes", [{"num_bits": NUM_BITS}], make_codes)
  workdir.artifact("hash_function", [codes], make_hash_function)
  return workdir.path


@pytest.fixture(scope="module")
def run(path):
  return dsth_jax.open_run(path)


def test_answers_are_those_of_comparing_every_code(run, photos):
  answers = run.search([photos / name for name in NAMES], num_results=5)
  bits = np.unpackbits(run.packed, axis=1)
  for row, (name, answer) in enumerate(zip(NAMES, answers)):
    distances = (bits != bits[row]).sum(1)
    order = np.argsort(distances, kind="stable")[:5]
    expected = [(NAMES[i], distances[i], i) for i in order]
    assert list(answer.matches) == expected
    assert answer.matches[0].distance == 0
    assert answer.query == str(photos / name)
  assert len({tuple(row) for row in run.packed.tolist()}) > 4


def test_pixels_find_what_their_file_finds(run, photos):
  pixels = folders.pattern(SIZE, SIZE + 4, 5)
  of_pixels, of_file = run.search([pixels, photos / NAMES[5]])
  assert of_pixels.matches == of_file.matches
  assert of_pixels.query == "0"
  large = folders.pattern(300, 300, 5)
  path = folders.write(photos / "other" / "large.png", large)
  of_pixels, of_file = run.search([large, path])
  assert of_pixels.matches == of_file.matches


def test_what_cannot_be_read_leaves_the_others(run, photos, tmp_path):
  (tmp_path / "text.jpg").write_text("no image")
  unreadable = [tmp_path / "text.jpg", tmp_path / "missing.jpg", tmp_path]
  *failed, answer = run.search([*unreadable, photos / NAMES[0]])
  for part, one in zip(("not an image", "No such file", "directory"), failed):
    assert part in one.error
    assert not one.matches
  assert not answer.error
  assert len(answer.matches) == 10
  assert run.search([]) == []


def test_more_results_than_images_are_all_images(run, photos):
  (answer,) = run.search([photos / NAMES[0]], num_results=99)
  assert sorted(match.row for match in answer.matches) == [*range(len(NAMES))]


@pytest.mark.parametrize(
  ("wrong", "options", "sentence"),
  [
    ([np.zeros((4, 4), np.uint8)], {}, r"uint8\[4, 4\], but RGB pixels"),
    ([np.zeros((4, 4, 3))], {}, r"float64\[4, 4, 3\], but RGB pixels"),
    ("photo.jpg", {}, "pass a list"),
    (["photo.jpg"], {"num_results": 0}, "num_results is 0"),
  ],
)
def test_bad_input_is_refused(run, wrong, options, sentence):
  with pytest.raises(ValueError, match=sentence):
    run.search(wrong, **options)


def test_what_is_no_finished_run_is_refused(path, tmp_path):
  with pytest.raises(ValueError, match="is not the working directory of a run"):
    dsth_jax.open_run(tmp_path)
  copy = shutil.copytree(path, tmp_path / "copy")
  packed = copy / "codes" / "packed.npy"
  packed.write_bytes(packed.read_bytes()[:-1])
  with pytest.raises(ValueError, match=r"packed\.npy"):
    dsth_jax.open_run(copy)
  (copy / "config.json").write_text('{"num_bits": 24}')
  with pytest.raises(ValueError, match="is not finished with the settings"):
    dsth_jax.open_run(copy)
  shutil.rmtree(copy / "codes")
  with pytest.raises(ValueError, match="has no codes to search"):
    dsth_jax.open_run(copy)


def test_the_command_answers_what_it_can(path, photos):
  command = ("dsth_jax.search", f"--run={path}", "--num_results=2")
  ended = commands.run(
    *(*command, "--format=jsonl", "--", *NAMES[:3], "missing.jpg"),
    cwd=photos,
  )
  assert ended.returncode == 1
  answers = [json.loads(line) for line in ended.stdout.splitlines()]
  assert [answer["query"] for answer in answers] == NAMES[:3]
  for name, answer in zip(NAMES, answers):
    assert answer["matches"][0]["distance"] == 0
    assert (photos / answer["matches"][0]["name"]).is_file()
    assert len(answer["matches"]) == 2
    assert name in NAMES
  assert "missing.jpg cannot be opened: No such file" in ended.stderr
  assert "1 of the 4 photographs could not be read" in ended.stderr
  assert "Traceback" not in ended.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
  ("arguments", "status", "sentence"),
  [
    (["--run=FOLDER", "--", "-dash.png"], 1, "no config.json in it"),
    (["--run=FOLDER"], 2, "required: PHOTO"),
    (["photo.jpg"], 2, "required: --run"),
    (["--run=FOLDER", "a.jpg", "-dash.png"], 2, "unrecognized arguments"),
  ],
)
def test_the_command_says_in_a_sentence_what_it_lacks(
  tmp_path, arguments, status, sentence
):
  ended = commands.run("dsth_jax.search", *arguments, cwd=tmp_path)
  assert ended.returncode == status
  assert sentence in ended.stderr
  assert "Traceback" not in ended.stderr
