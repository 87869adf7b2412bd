r"""What a file is: an image, an image that is not read, hidden, or another kind.

Folders and shards ask here. The suffix decides where it can; otherwise the
first bytes do.

>>> kind("notes.txt", lambda: b"")
'.txt'
>>> kind("IMG_0001", lambda: b"\xff\xd8\xff\xe0") == IMAGE
True
>>> hidden("@eaDir"), hidden("IMG_0001.jpg")
('@eaDir/', None)
"""

import functools
import importlib.util
import mimetypes
import posixpath
import re
from collections.abc import Callable, Collection

from PIL import Image

IMAGE = "image"
# A reason to skip an image that ends once the decoder is installed.
NEEDS_HEIF = "needs pillow-heif"
# Bytes of a file that `kind` wants to see.
HEAD_BYTES = 32

# Pillow opens many more. Hostile bytes cannot reach the decoders left out.
_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "TIFF", "WEBP")
_HEIF = ("HEIF",)
NAMES = "AVIF, BMP, GIF, HEIC, JPEG, JPEG 2000, PNG, TIFF or WebP"


def _set(text: str) -> frozenset[str]:
  return frozenset(text.split())


SUFFIXES = _set("""
  .apng .avif .bmp .gif .heic .heif .hif .j2k .jfif .jp2 .jpe .jpeg .jpf .jpg
  .jpx .mpo .png .tif .tiff .webp
""")
_RAW = _set("""
  .3fr .arw .cr2 .cr3 .dng .erf .iiq .mrw .nef .nrw .orf .pef .raf .raw .rw2
  .rwl .sr2 .srf .srw .x3f
""")
_NOT_READ = _set(".dib .exr .hdr .jls .jxl .pbm .pgm .ppm .psd .tga")
# Common beside images, and unknown to mimetypes.
_OTHERS = _set(".aae .cls .db .ini .log .md .npy .npz .toml .xmp .yaml .yml")
# Python's table: that of the system differs between machines.
_TYPES = mimetypes.MimeTypes(filenames=())
_SUFFIX = re.compile(r"\.(?=.*[a-z])[a-z0-9_~-]{1,16}")

# Brands of the container that HEIC and AVIF share.
_HEIC_BRANDS = _set("heic heix heim heis hevc hevx hevm hevs mif1 msf1")
_HIDDEN = {"system volume information"} | _set("""
  #recycle #snapshot $recycle.bin @eadir @recycle @tmp __macosx desktop.ini
  lost+found thumbs.db
""")
# What this package writes, by files that are all in such a folder. Pictures in
# it, such as those of a report, are no images of the set around it.
_PRODUCTS = {
  "run": ("config.json", "stages.json"),
  "stage of a run": ("fingerprint.json",),
  "report": ("index.html", "report.md"),
  "comparison": ("comparison.md", "index.html"),
  "hash function": ("hash_function.json",),
  "codes of shards": ("00000.json", "index.json"),
  "prepared set": ("dataset_info.json", "features.json"),
}


def kind(path: str, head: Callable[[], bytes]) -> str:
  """Returns `IMAGE`, or the kind of another file, such as ".txt".

  A file with the suffix of an image is one until it is decoded; so is a file
  of an unknown suffix, or without one, that begins as an image does.

  Args:
    path: "/" is between the folders.
    head: reads the first `HEAD_BYTES`; called only where the suffix does not
      decide.
  """
  suffix = suffix_of(path)
  if suffix in SUFFIXES or suffix in _RAW or suffix in _NOT_READ:
    return IMAGE
  if not _is_other(suffix) and begins_as_image(head()):
    return IMAGE
  return suffix if _SUFFIX.fullmatch(suffix) else "without a suffix"


def suffix_of(path: str) -> str:
  """Returns the suffix in lower case, with its dot."""
  return posixpath.splitext(path)[1].lower()


def not_read(path: str) -> str | None:
  """Returns why an image of this suffix is not read, if that is known.

  A camera's raw file is often a TIFF, but of it only a thumbnail would be read.
  """
  suffix = suffix_of(path)
  if suffix in _RAW:
    return f"is a camera's raw file: export {suffix} as JPEG or TIFF"
  if suffix in _NOT_READ:
    return f"is of a format that is not read: save {suffix} as {NAMES}"
  return None


def hidden(name: str) -> str | None:
  """Returns how a hidden file or folder is counted; None if it is not hidden.

  Hidden are names that begin with a dot, as in a shell, and what systems keep
  beside a user's files: thumbnails, indexes and bins.

  Args:
    name: of the file or folder, without the path.
  """
  if name.startswith("."):
    return "hidden (begins with a dot)"
  return f"{name}/" if name.lower() in _HIDDEN else None


def product(members: Collection[str]) -> str | None:
  """Returns what this package has written into a folder, if anything.

  Args:
    members: names of the files and folders in it.
  """
  names = frozenset(members)
  return next(
    (name for name, marks in _PRODUCTS.items() if names.issuperset(marks)),
    None,
  )


def begins_as_image(head: bytes) -> bool:
  """Tells whether the first bytes are those of an image, by Pillow."""
  Image.init()
  if _is_heic(head):
    return True
  checks = (Image.OPEN[name][1] for name in _FORMATS)
  return any(check is not None and check(head[:16]) for check in checks)


def unreadable(head: bytes) -> str:
  """Returns why no decoder takes a file that begins like this."""
  if lacks_decoder(head):
    return f'{NEEDS_HEIF}: it is HEIC; pip install "dsth_jax[heif]"'
  return f"is not an image: its content is not {NAMES}"


def lacks_decoder(head: bytes) -> bool:
  """Tells whether a file begins as a HEIC that this machine cannot read."""
  return _is_heic(head) and not reads_heif()


@functools.cache
def formats() -> tuple[str, ...]:
  """Returns Pillow's names of the formats that are read on this machine."""
  if not reads_heif():
    return _FORMATS
  import pillow_heif

  pillow_heif.register_heif_opener()
  return _FORMATS + _HEIF


def reads_heif() -> bool:
  """Tells whether pillow-heif is installed."""
  return importlib.util.find_spec("pillow_heif") is not None


@functools.lru_cache(maxsize=1024)
def _is_other(suffix: str) -> bool:
  """Tells whether a suffix is that of another kind of file."""
  if suffix in _OTHERS:
    return True
  found, encoding = _TYPES.guess_type(f"name{suffix}")
  if encoding is not None:
    return True
  if found is None or found == "application/octet-stream":
    return False
  return not found.startswith("image/") or "svg" in found


def _is_heic(head: bytes) -> bool:
  return head[4:8] == b"ftyp" and head[8:12].decode("latin1") in (_HEIC_BRANDS)
