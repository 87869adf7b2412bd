"""The part of an extremely long image that is kept.

What a network sees is the center square. Of an image of 1 x 65,000 pixels,
resized as a whole to a short side of 224, 14,560,000 x 224 would come before
it.

>>> central(640, 480), central(2, 101)
((0, 0, 640, 480), (0, 34, 2, 66))
"""

# Sides of the square on the long side; the filters of resizing reach far less.
_LONGEST = 16


def central(width: int, height: int) -> tuple[int, int, int, int]:
  """Returns left, top, right and bottom of the central part.

  It is the whole image unless a side is over 16 times the other.
  """
  kept_width = min(width, _LONGEST * height)
  kept_height = min(height, _LONGEST * width)
  left, top = (width - kept_width) // 2, (height - kept_height) // 2
  return left, top, left + kept_width, top + kept_height
