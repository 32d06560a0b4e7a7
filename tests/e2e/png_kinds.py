"""One picture of 56 x 56 pixels as six PNGs that hold the same 8-bit values. Run: png_kinds.py FOLDER"""
import struct
import sys
import zlib

import numpy

face = numpy.random.default_rng(5).integers(0, 256, (56, 56, 3)).astype(numpy.uint8)


def write(name, values, kind, extra=b""):
    chunk = lambda word, content: (
        struct.pack(">I", len(content)) + word + content + struct.pack(">I", zlib.crc32(word + content))
    )
    bits = 8 * values.dtype.itemsize
    lines = b"".join(b"\0" + row.astype(values.dtype.newbyteorder(">")).tobytes() for row in values)
    header = struct.pack(">IIBBBBB", 56, 56, bits, kind, 0, 0, 0)
    parts = (
        chunk(b"IHDR", header)
        + (chunk(b"gAMA", extra) if extra else b"")
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )
    open(f"{sys.argv[1]}/{name}.png", "wb").write(b"\x89PNG\r\n\x1a\n" + parts)


def with_alpha(alpha):
    return numpy.dstack([face, numpy.full((56, 56), alpha, numpy.uint8)])


write("plain", face, 2)
write("sixteen", face.astype(numpy.uint16) * 257, 2)
write("gamma_linear", face, 2, struct.pack(">I", 100000))
write("gamma_mac", face, 2, struct.pack(">I", 55556))
write("alpha_half", with_alpha(128), 6)
write("alpha_zero", with_alpha(0), 6)
