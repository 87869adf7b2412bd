"""Small color profiles, made by hand from the ICC specification."""

import itertools
import struct

import numpy as np

# Of the color space Display P3, in XYZ relative to D50, a column a primary.
P3 = np.array(
  [
    [0.51512, 0.29198, 0.15710],
    [0.24120, 0.69225, 0.06657],
    [-0.00105, 0.04189, 0.78407],
  ]
)
SRGB = np.array(
  [
    [0.43607, 0.38515, 0.14307],
    [0.22249, 0.71687, 0.06061],
    [0.01392, 0.09708, 0.71410],
  ]
)
_D50 = (0.9642, 1.0, 0.8249)


def rgb(primaries, gamma):
  """A profile of three primaries and one gamma."""
  tags = {b"wtpt": _xyz(_D50)}
  for letter, column in zip("rgb", primaries.T):
    tags[f"{letter}XYZ".encode()] = _xyz(column)
    tags[f"{letter}TRC".encode()] = _curve(gamma)
  return _profile(b"RGB ", b"XYZ ", tags)


def gray(gamma):
  """A profile of shades of gray."""
  tags = {b"wtpt": _xyz(_D50), b"kTRC": _curve(gamma)}
  return _profile(b"GRAY", b"XYZ ", tags)


def cmyk():
  """Ink darkens the lightness only: L = 100 (1 - C / 2) (1 - K)."""
  identity = bytes(range(256))
  corners = b"".join(
    bytes([round(255 * (1 - c / 2) * (1 - k)), 128, 128])
    for c, _, _, k in itertools.product((0, 1), repeat=4)
  )
  matrix = struct.pack(">9i", *(65536 if i % 4 == 0 else 0 for i in range(9)))
  table = (
    b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + identity * 4 + corners
  )
  tags = {b"wtpt": _xyz(_D50), b"A2B0": table + identity * 3}
  return _profile(b"CMYK", b"Lab ", tags)


def _xyz(values):
  return b"XYZ \0\0\0\0" + struct.pack(
    ">3i", *(round(v * 65536) for v in values)
  )


def _curve(gamma):
  return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def _profile(space, connection, tags):
  text = b"test\0"
  tags = {
    b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78),
    b"cprt": b"text\0\0\0\0" + text,
    **tags,
  }
  device = b"prtr" if space == b"CMYK" else b"mntr"
  offset = 128 + 4 + 12 * len(tags)
  table, data = struct.pack(">I", len(tags)), b""
  for name, content in tags.items():
    content += bytes(-len(content) % 4)
    table += struct.pack(">4sII", name, offset + len(data), len(content))
    data += content
  head = struct.pack(
    ">I4sI4s4s4s",
    offset + len(data),
    b"lcms",
    0x02400000,
    device,
    space,
    connection,
  )
  head += bytes(12) + b"acsp" + bytes(28)
  head += struct.pack(">3i", *(round(v * 65536) for v in _D50))
  return head.ljust(128, b"\0") + table + data
