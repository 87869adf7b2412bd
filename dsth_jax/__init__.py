"""Image retrieval with self-taught binary codes.

Axis letters, used in every shape of this package:

    ======  =======================================
    letter  axis
    ======  =======================================
    n       points (images)
    d       features of a point
    k       neighbours of a point
    b       bits of a code
    w       bytes of a packed code, ceil(b / 8)
    q       queries
    m       database points
    r       results of a query
    c       classes
    ======  =======================================
"""
