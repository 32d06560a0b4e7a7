"""Counts the zero points of ONNX files that are not 0, read from the protobuf itself. Run: zero_points.py FILE.onnx
..."""

import sys


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def fields(data):
    """(number, value) of a message: bytes of length-delimited fields, numbers of others."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        elif key & 7 == 2:
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
        else:
            length = 8 if key & 7 == 1 else 4
            value, at = data[at:at + length], at + length
        yield key >> 3, value


# onnx.proto: ModelProto.graph = 7, GraphProto.initializer = 5, TensorProto.name = 8, raw_data = 9
for path in sys.argv[1:]:
    model = open(path, "rb").read()
    graph = next(value for number, value in fields(model) if number == 7)
    tensors = [dict(fields(value)) for number, value in fields(graph) if number == 5]
    zero_points = [tensor for tensor in tensors if tensor[8].endswith(b".zero_point")]
    nonzero = [tensor[8].decode() for tensor in zero_points if any(tensor[9])]
    print(
        f"{path}: {len(nonzero)} of {len(zero_points)} tensors of zero points hold another number than 0: {nonzero[:3]}"
    )
