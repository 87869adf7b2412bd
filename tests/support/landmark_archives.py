"""Tiny archives of Oxford Buildings and Holidays, in their published formats.

Every image has the color of its landmark or group and some noise, so that codes
of its pixels find it.
"""

import io

import numpy as np
from PIL import Image
from support import archive_files

from dsth_jax.datasets import holidays, oxford
from dsth_jax.datasets.archives import Published

WIDTH, HEIGHT = 32, 24


def jpeg(color, seed, size=(HEIGHT, WIDTH)):
  """A noisy image of one color."""
  rng = np.random.default_rng(seed)
  noise = rng.integers(-12, 13, (*size, 3))
  pixels = np.clip(np.asarray(color) + noise, 0, 255).astype(np.uint8)
  file = io.BytesIO()
  Image.fromarray(pixels).save(file, "JPEG", quality=95)
  return file.getvalue()


def colors(number, seed=0):
  return np.random.default_rng(seed).integers(20, 236, (number, 3))


# Landmark "keble" has the images 0 .. 9, "new" 10 .. 19, none has 20 .. 29.
OXFORD_FILES = {
  f"{name}_{i:06}.jpg": jpeg(color, 100 * row + i)
  for row, (name, color) in enumerate(
    zip(("keble", "new", "oxford"), colors(3))
  )
  for i in range(10)
}
LISTS = {
  **{
    f"{name}_{k}_query.txt": b"oxc1_%s_%06d 3.5 2.5 20.2 18.9\n"
    % (name.encode(), k)
    for name in ("keble", "new")
    for k in (1, 2)
  },
  **{
    f"{name}_{k}_{kind}.txt": b"".join(
      b"%s_%06d\n" % (name.encode(), i) for i in rows
    )
    for name in ("keble", "new")
    for k in (1, 2)
    for kind, rows in {
      "good": range(5),
      "ok": range(5, 8),
      "junk": range(8, 10),
    }.items()
  },
}
DISTRACTORS = {
  f"oxc1_100k/paris/{i:02}.jpg": jpeg(color, i)
  for i, color in enumerate(colors(12, seed=1))
}
OXFORD_5K = oxford.OXFORD_5K._replace(
  num_images=(30, 31), num_queries=4, num_distractors=12
)
OXFORD_105K = oxford.OXFORD_105K._replace(
  num_images=(30, 31), num_queries=4, num_distractors=12
)


def write_oxford(
  root, images=OXFORD_FILES, lists=LISTS, distractors=DISTRACTORS
):
  archive_files.pack(root / "oxbuild_images-v1.tgz", images)
  archive_files.pack(root / "gt_files_170407.tgz", lists)
  archive_files.pack(root / "oxc1_100k.tar", distractors)


# Six groups of a query and one to three others.
HOLIDAYS_FILES = {
  f"jpg/{1000 + group}{i:02}.jpg": jpeg(color, 100 * group + i)
  for group, color in enumerate(colors(6, seed=2))
  for i in range(2 + group % 3)
}
FLICKR = [
  {f"images/{i}/{10 * i + j}.jpg": jpeg(color, j)
   for j, color in enumerate(colors(10, seed=3 + i))}
  for i in range(2)
]  # fmt: skip
HOLIDAYS = holidays.HOLIDAYS._replace(num_images=18, num_queries=6)
HOLIDAYS_1M = HOLIDAYS._replace(
  distractors=tuple(
    Published(f"images{i}.zip", "images", f"https://flickr/images{i}.zip")
    for i in range(2)
  ),
  num_distractors=20,
)


def write_holidays(root, images=HOLIDAYS_FILES, distractors=FLICKR):
  names = sorted(images)
  halves = names[: len(names) // 2], names[len(names) // 2 :]
  for i, half in enumerate(halves, start=1):
    archive_files.pack(
      root / f"jpg{i}.tar.gz", {name: images[name] for name in half}
    )
  for i, part in enumerate(distractors):
    archive_files.pack(root / f"images{i}.zip", part)
