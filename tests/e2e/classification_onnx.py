"""Runs an exported classifier on the prepared faces of its store: classification_onnx.py FILE MODEL POINT FACES."""
import json
import sys

import h5py
import numpy
import onnxruntime

path, model, point, prepared = sys.argv[1:]
with h5py.File(path) as file:
    ids = [text.decode() for text in file["points/id"][:]]
    classes = len(file["classes"])
    stored = file["scores"][ids.index(point)].reshape(-1, classes)
data = open(prepared, "rb").read()
header_bytes = int.from_bytes(data[:8], "little")
entry = json.loads(data[8:8 + header_bytes])["faces"]
begin, end = entry["data_offsets"]
faces = numpy.frombuffer(data[8 + header_bytes:][begin:end], dtype=numpy.uint8).reshape(entry["shape"])
session = onnxruntime.InferenceSession(model)
name = session.get_inputs()[0].name
largest = 0.0
for place in range(0, len(faces), 5):
    face = faces[place].astype(numpy.float32).transpose(2, 0, 1)[None] / 127.5 - 1
    logits = [session.run(None, {name: numpy.ascontiguousarray(x)})[0][0] for x in (face, face[..., ::-1])]
    assert logits[0].shape == (classes,), logits[0].shape
    largest = max(largest, float(numpy.abs(sum(logits) / 2 - stored[place]).max()))
# Sums in another order: onnxruntime and torch differ by some 1e-6 of the logits.
assert largest < 1e-3 * numpy.abs(stored).max(), largest
print(f"largest difference of a logit: {largest:.2g} of {numpy.abs(stored).max():.2g}")
