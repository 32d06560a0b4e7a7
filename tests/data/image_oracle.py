"""What Pillow and OpenCV make of small images of every kind: image_oracle.txt, which image_test.cpp compares with.

Needs numpy, Pillow and opencv-python-headless (13.0.0 and 5.0.0 made the stored file), which the tests themselves do
not. PNGs are written here, since neither library writes all kinds. Each line: name, file in hexadecimal, rows, cols,
RGB pixels in hexadecimal. Run: image_oracle.py > image_oracle.txt
"""
import io
import struct
import sys
import zlib

import cv2
import numpy
from PIL import Image, ImageOps

ROWS, COLS = 5, 7
GREY, RGB, PALETTE, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, PALETTE: 1, GREY_ALPHA: 2, RGBA: 4}
ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
random = numpy.random.default_rng(7)


def chunk(name, content):
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def scan_lines(values, bits):
    """values: [rows, cols, channels]; each row behind filter type 0."""
    lines = b""
    for row in values:
        stream = "".join(format(int(value), f"0{bits}b") for value in row.flatten())
        stream += "0" * (-len(stream) % 8)
        lines += b"\0" + int(stream, 2).to_bytes(len(stream) // 8, "big") if stream else b""
    return lines


def png(kind, bits, extra=(), behind=(), interlaced=False, same=None):
    values = random.integers(0, 1 << bits, (ROWS, COLS, CHANNELS[kind]))
    if same is not None:
        values = same
    if interlaced:
        data = b"".join(
            scan_lines(values[top::down, left::right], bits)
            for top, left, down, right in ADAM7
            if values[top::down, left::right].size
        )
    else:
        data = scan_lines(values, bits)
    header = struct.pack(">IIBBBBB", COLS, ROWS, bits, kind, 0, 0, int(interlaced))
    parts = [chunk(b"IHDR", header), *(chunk(*one) for one in extra), chunk(b"IDAT", zlib.compress(data)),
             *(chunk(*one) for one in behind), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def exif(orientation, order="<", type_=3):
    value = struct.pack(order + "HH", orientation, 0) if type_ == 3 else struct.pack(order + "I", orientation)
    tag = struct.pack(order + "HHI", 0x0112, type_, 1) + value
    other = struct.pack(order + "HHII", 0x0100, 4, 1, 99)
    return (b"II" if order == "<" else b"MM") + struct.pack(order + "HIH", 42, 8, 2) + other + tag + b"\0\0\0\0"


def jpeg(mode="RGB", size=(COLS * 3, ROWS * 3), tiff=None, **options):
    across, down = numpy.meshgrid(numpy.arange(size[0]), numpy.arange(size[1]))
    pixels = numpy.stack([(across * 9 + down) % 256, (down * 13) % 256, (across * 5 + down * 7) % 256], 2).astype(
        numpy.uint8
    )
    out = io.BytesIO()
    if tiff is not None:
        options["exif"] = b"Exif\0\0" + tiff
    Image.fromarray(pixels).convert(mode).save(out, "JPEG", quality=90, **options)
    return out.getvalue()


palette = lambda bits: (b"PLTE", random.integers(0, 256, 3 << bits).astype(numpy.uint8).tobytes())
gamma = lambda value: (b"gAMA", struct.pack(">I", int(value * 100000)))
plain = random.integers(0, 256, (ROWS, COLS, 3))
files = {
    "rgb8": png(RGB, 8),
    "rgb8_interlaced": png(RGB, 8, interlaced=True),
    "rgb8_gamma_linear": png(RGB, 8, [gamma(1.0)]),
    "rgb8_gamma_mac": png(RGB, 8, [gamma(1 / 1.8)]),
    "rgb8_srgb": png(RGB, 8, [(b"sRGB", b"\0")]),
    "rgb8_srgb_gamma": png(RGB, 8, [gamma(0.45455), (b"sRGB", b"\1")]),
    "rgb8_chromaticity": png(
        RGB, 8, [(b"cHRM", struct.pack(">8I", 31270, 32900, 73000, 27000, 26000, 69000, 14000, 5000))]
    ),
    "rgb8_transparent_colour": png(RGB, 8, [(b"tRNS", struct.pack(">3H", *plain[1, 1]))], same=plain),
    "rgb16": png(RGB, 16),
    "rgb16_of_8": png(RGB, 16, same=plain * 257),
    "rgb16_gamma": png(RGB, 16, [gamma(1.0)]),
    "rgb16_interlaced": png(RGB, 16, interlaced=True),
    "rgba8": png(RGBA, 8),
    "rgba8_interlaced": png(RGBA, 8, interlaced=True),
    "rgba8_gamma": png(RGBA, 8, [gamma(1.0)]),
    "rgba16": png(RGBA, 16),
    "grey8": png(GREY, 8),
    "grey8_gamma": png(GREY, 8, [gamma(1.0)]),
    "grey16": png(GREY, 16),
    "grey_alpha8": png(GREY_ALPHA, 8),
    "grey_alpha16": png(GREY_ALPHA, 16),
    "grey8_transparent_level": png(GREY, 8, [(b"tRNS", b"\0\x80")]),
    **{f"grey{bits}": png(GREY, bits) for bits in (1, 2, 4)},
    "grey2_interlaced": png(GREY, 2, interlaced=True),
    **{f"palette{bits}": png(PALETTE, bits, [palette(bits)]) for bits in (1, 2, 4, 8)},
    "palette4_transparent": png(PALETTE, 4, [palette(4), (b"tRNS", bytes(range(0, 160, 20)))]),
    "palette8_transparent_gamma": png(PALETTE, 8, [gamma(1.0), palette(8), (b"tRNS", bytes(range(256)))]),
    "palette2_interlaced": png(PALETTE, 2, [palette(2)], interlaced=True),
    "png_exif6": png(RGB, 8, [(b"eXIf", exif(6))]),
    "png_exif3_behind": png(RGB, 8, behind=[(b"eXIf", exif(3, ">"))]),
    "jpeg_444": jpeg(subsampling=0),
    "jpeg_422": jpeg(subsampling=1),
    "jpeg_420": jpeg(subsampling=2),
    "jpeg_grey": jpeg("L"),
    "jpeg_progressive": jpeg(progressive=True),
    "jpeg_cmyk": jpeg("CMYK"),
    **{f"jpeg_exif{i}": jpeg(tiff=exif(i, "<>"[i % 2])) for i in range(10)},
    "jpeg_exif8_long": jpeg(tiff=exif(8, "<", 4)),
}
# Pillow cuts 16-bit grey off at 255 where OpenCV takes the high byte.
ONLY_OPENCV = {"grey16"}
for name, data in files.items():
    if name == "jpeg_cmyk":  # the two differ, and neither uses a colour profile: refused
        print(name, data.hex(), 0, 0, "-")
        continue
    opencv = cv2.imdecode(numpy.frombuffer(data, numpy.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    pillow = numpy.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))
    if name not in ONLY_OPENCV and not numpy.array_equal(opencv, pillow):
        sys.exit(f"{name}: OpenCV and Pillow differ")
    pixels = opencv if name in ONLY_OPENCV else pillow
    print(name, data.hex(), pixels.shape[0], pixels.shape[1], numpy.ascontiguousarray(pixels).tobytes().hex())
