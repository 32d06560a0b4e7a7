"""Reads a RecordIO training folder with struct alone and compares it with what `data describe --json` said."""
import json
import pathlib
import struct
import sys

folder, description = pathlib.Path(sys.argv[1]), json.load(open(sys.argv[2]))
data = (folder / "train.rec").read_bytes()
MAGIC = struct.pack("<I", 0xCED7230A)


def record(offset):
    parts = []
    while True:
        magic, word = data[offset:offset + 4], struct.unpack_from("<I", data, offset + 4)[0]
        assert magic == MAGIC, offset
        flag, length = word >> 29, word & (1 << 29) - 1
        parts.append(data[offset + 8:offset + 8 + length])
        offset += 8 + (length + 3) // 4 * 4
        if flag in (0, 3):
            return MAGIC.join(parts), offset


def image_record(payload):
    flag, label, _, _ = struct.unpack_from("<IfQQ", payload)
    labels = struct.unpack_from(f"<{flag}f", payload, 24) if flag else (label,)
    return labels, payload[24 + 4 * flag:]


index = {
    int(key): int(offset)
    for key, offset in (line.split("\t") for line in (folder / "train.idx").read_text().splitlines())
}
identities, rows, cols = map(int, (folder / "property").read_text().split(","))
labels, image = image_record(record(index[0])[0])
images = range(1, int(labels[0])) if not image else range(len(index))
assert len(images) == description["images"], (len(images), description)
assert identities == description["identities"] and [rows, cols] == description["image_size"]
seen = set()
for key in images:
    labels, image = image_record(record(index[key])[0])
    assert image[:3] == b"\xff\xd8\xff" and image[-2:] == b"\xff\xd9", key
    seen.add(labels[0])
assert seen == set(map(float, range(identities))), seen
walked, offset = [], 0
while offset < len(data):
    walked.append(offset)
    offset = record(offset)[1]
assert sorted(index.values()) == walked
assert description["problems"] == []
