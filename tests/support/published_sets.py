"""Tiny sets in the formats of their publishers, and what is expected of them."""

import io
import pickle
import struct

import numpy as np
from PIL import Image
from support import archive_files

from dsth_jax.datasets import flickr_logos, stl10

# All sets have these, so that what is compiled for one serves the others.
NUM_IMAGES = {"train": 64, "test": 16}
NUM_CLASSES = 8
# Two fine classes of each of four coarse ones.
FINE = np.array([0, 1, 2, 3, 53, 73, 11, 42])


class Python2Pickler(pickle._Pickler):
  """Writes text, bytes and names as the Python 2 of the publishers did."""

  dispatch = dict(pickle._Pickler.dispatch)  # noqa: RUF012

  def save_string(self, value):
    content = value if isinstance(value, bytes) else value.encode("latin1")
    self.write(pickle.BINSTRING + struct.pack("<i", len(content)) + content)
    self.memoize(value)

  def save_global(self, value, name=None):
    module = value.__module__.replace("numpy._core", "numpy.core")
    name = name or value.__qualname__
    self.write(pickle.GLOBAL + f"{module}\n{name}\n".encode())
    self.memoize(value)

  dispatch[bytes] = dispatch[str] = save_string
  dispatch[type] = dispatch[type(len)] = save_global


def python2_pickle(value):
  file = io.BytesIO()
  Python2Pickler(file, protocol=2).dump(value)
  return file.getvalue()


def classes(part):
  return np.arange(NUM_IMAGES[part]) % NUM_CLASSES


def pixels(labels, size, seed=0):
  """Noisy images, each class with its own brightness of each channel."""
  rng = np.random.default_rng((seed, len(labels)))
  colors = np.random.default_rng(7).integers(40, 216, (200, 1, 1, 3))
  noise = rng.integers(-40, 40, (len(labels), size, size, 3))
  return (colors[labels] + noise).astype(np.uint8)


def _write(root, published, files, packed):
  """Writes an archive, or its unpacked folder, and returns what is published."""
  if not packed:
    archive_files.pack(
      root, {f"{published.folder}/{name}": x for name, x in files.items()}
    )
    return published
  path = archive_files.pack(
    root / published.file,
    {f"{published.folder}/{name}": x for name, x in files.items()},
  )
  return published._replace(md5=archive_files.md5(path))


def cifar_tables(published):
  """Returns labels, one column or two, and images of each file's part."""
  coarse = np.array(published.labels.coarse)
  for part in NUM_IMAGES:
    labels = FINE[classes(part)] if len(coarse) else classes(part)
    columns = [coarse[labels]] if len(coarse) else []
    yield part, np.stack([*columns, labels], axis=1), pixels(labels, 32)


def write_cifar(root, published, *, kind="binary", packed=True):
  """Writes a tiny set in one of the two forms, and returns it as published."""
  (form,) = (f for f in published.forms if kind in f.archive.file)
  files = {}
  for part, labels, images in cifar_tables(published):
    planes = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    members = form.files[part]
    for member, rows in zip(
      members, np.array_split(np.arange(len(images)), len(members))
    ):
      files[member] = _cifar_file(published, kind, labels[rows], planes[rows])
  # As published, files are not in the order of their numbers.
  files = dict(reversed(files.items()))
  archive = _write(root, form.archive, files, packed)
  return published._replace(
    forms=tuple(
      f._replace(archive=archive) if f == form else f for f in published.forms
    ),
    num_images=NUM_IMAGES,
  )


def _cifar_file(published, kind, labels, planes):
  if kind == "binary":
    return np.column_stack([labels, planes]).astype(np.uint8).tobytes()
  batch = dict(zip(published.labels.keys, labels.T.tolist()))
  return python2_pickle(batch | {b"data": planes, b"filenames": [b"x.png"]})


NUM_UNLABELLED = 24


def write_stl10(root, *, packed=True, **changes):
  files = {"class_names.txt": b"airplane\nbird\n"}
  for part, file in (("test", "test"), ("train", "train")):
    labels = classes(part)
    files[f"{file}_X.bin"] = _columns_first(pixels(labels, 96))
    files[f"{file}_y.bin"] = (labels + 1).astype(np.uint8).tobytes()
  unlabelled = pixels(np.arange(NUM_UNLABELLED) % NUM_CLASSES, 96)
  files["unlabeled_X.bin"] = _columns_first(unlabelled)
  archive = _write(root, stl10.STL10.archive, files | changes, packed)
  return stl10.Stl10(archive, NUM_IMAGES | {"unlabelled": NUM_UNLABELLED})


def _columns_first(images):
  return images.transpose(0, 3, 2, 1).tobytes()


def logo_lists():
  """Returns pairs of folder and file name of each list."""
  names = flickr_logos.FlickrLogosArchive.class_names
  brands = ["HP", *(name for name in names if name != "HP")][:NUM_CLASSES]
  logos = {
    "trainset.txt": range(32),
    "valset.txt": range(32, 56),
    "testset.txt": range(56, 72),
  }
  lists = {
    file: [(brands[i % NUM_CLASSES], f"{i}.jpg") for i in numbers]
    for file, numbers in logos.items()
  }
  lists["valset.txt"] += [("no-logo", f"{i}.jpg") for i in range(100, 108)]
  lists["testset.txt"] += [("no-logo", f"{i}.jpg") for i in range(200, 204)]
  return lists


def write_flickr_logos(root, *, packed=True, **changes):
  files = {"README.txt": b"FlickrLogos-32"}
  for file, images in logo_lists().items():
    # The published lists begin with a mark of their encoding.
    text = "".join(f"{folder},{name}\r\n" for folder, name in images)
    files[file] = text.encode("utf-8-sig")
    for folder, name in images:
      files[f"classes/jpg/{folder}/{name}"] = _jpeg(int(name[:-4]))
  archive = flickr_logos.FLICKR_LOGOS_32.archive
  files = {name: x for name, x in (files | changes).items() if x is not None}
  return flickr_logos.FlickrLogos(
    _write(root, archive, files, packed), NUM_IMAGES
  )


def _jpeg(number):
  (image,) = pixels(np.array([number % NUM_CLASSES]), 32, seed=number)
  file = io.BytesIO()
  Image.fromarray(image[:24]).save(file, "JPEG")
  return file.getvalue()
