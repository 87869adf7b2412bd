"""Uncompressed TIFF files with samples that Pillow does not write."""

import struct

import numpy as np


def tiff(samples, *, photometric, bits, sample_format=1):
  """Returns a file of one strip.

  Args:
    samples: [height, width] or [height, width, 3]; as they are stored.
    photometric: 0 where 0 is white, 1 where it is black, 2 for RGB.
    bits: of a sample.
    sample_format: 1 unsigned, 2 signed, 3 floating point.
  """
  height, width = samples.shape[:2]
  channels = samples.shape[2] if samples.ndim == 3 else 1
  data = pack(samples, bits)
  entries = [
    (256, 3, 1, width),
    (257, 3, 1, height),
    (258, 3, channels, bits),
    (259, 3, 1, 1),
    (262, 3, 1, photometric),
    (273, 4, 1, 8),
    (277, 3, 1, channels),
    (278, 3, 1, height),
    (279, 4, 1, len(data)),
    (339, 3, channels, sample_format),
  ]
  directory = 8 + len(data) + len(data) % 2
  extra = directory + 2 + 12 * len(entries) + 4
  table, more = struct.pack("<H", len(entries)), b""
  for tag, kind, count, value in entries:
    if count == 3:
      offset = extra + len(more)
      more += struct.pack("<3H", *[value] * 3)
      table += struct.pack("<HHII", tag, kind, count, offset)
    else:
      table += struct.pack("<HHII", tag, kind, count, value)
  head = b"II*\0" + struct.pack("<I", directory)
  return head + data + bytes(len(data) % 2) + table + bytes(4) + more


def pack(samples, bits):
  """Returns the bytes of the samples; 12 bits are packed, high bits first."""
  if bits != 12:
    return samples.tobytes()
  rows = [
    np.packbits((row.reshape(-1, 1) >> np.arange(11, -1, -1)) & 1).tobytes()
    for row in samples
  ]
  return b"".join(rows)
