"""Exported files against what the sweep stored, read with numpy, h5py and onnxruntime only.

- ONNX: onnxruntime on the sweep's own prepared faces gives the scores of its pairs that the store holds.
- Packed safetensors: its data are as long as the size that was printed; its codes are the quantised master weights of
  the plain file, worked out here from the formula; pruned weights are exactly zero.
"""
import json
import struct
from pathlib import Path

import h5py
import numpy as np
import onnxruntime

# Largest difference of a cosine. At 8 and 4 bits values on the border between two codes move by a step
# (docs/export.md); about three times what was measured.
LIMITS = {"32": 1e-5, "8": 1e-2, "4": 3e-2}


def read_safetensors(path):
    raw = Path(path).read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + length])
    metadata = header.pop("__metadata__")
    kinds = {"F32": "<f4", "U8": "u1", "I64": "<i8", "U32": "<u4", "BOOL": "?"}
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(raw[8 + length + begin : 8 + length + end], kinds[entry["dtype"]]).reshape(
            entry["shape"]
        )
    return tensors, metadata, len(raw) - 8 - length


def scores_of(session, faces, image_a, image_b):
    images = (np.transpose(faces, (0, 3, 1, 2)).astype(np.float32) / np.float32(255) - np.float32(0.5)) / np.float32(
        0.5
    )
    run = lambda x: session.run(None, {"images": np.ascontiguousarray(x)})[0].astype(np.float64)
    embeddings = run(images) + run(images[..., ::-1])
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    return (embeddings[image_a] * embeddings[image_b]).sum(axis=1)


def rows_of(values, shape):
    """A range's values along the first dimension of a tensor of that shape."""
    return values.reshape([-1] + [1] * (len(shape) - 1)) if values.size > 1 else values


def check_packed(name):
    packed, metadata, data_bytes = read_safetensors(f"{name}.packed")
    plain, plain_metadata, _ = read_safetensors(f"{name}.safetensors")
    printed = json.loads(Path(f"{name}.json").read_text())
    assert data_bytes == int(metadata["size_packed_bytes"]) == printed["packed_bytes"], (name, data_bytes)
    for key in (
        "architecture",
        "arm",
        "bits",
        "recipe",
        "point",
        "stage",
        "checkpoint_sha256",
        "code_version",
        "ranges",
        "masks",
    ):
        assert metadata[key] == plain_metadata[key] and metadata[key] != "", key
    pruned_layers = 0
    for weight, told_codes in json.loads(metadata["codes"]).items():
        bits, shape = told_codes["bits"], told_codes["shape"]
        count = int(np.prod(shape))
        stream = np.unpackbits(packed[f"{weight}.codes"], bitorder="little")[:count * bits].reshape(count, bits)
        codes = (stream @ (1 << np.arange(bits)) + told_codes["lowest_code"]).reshape(shape).astype(np.float32)
        scale, zero_point = (rows_of(packed[f"{weight}.{part}"], shape) for part in ("scale", "zero_point"))
        half = np.float32(2 ** (bits - 1))
        expected = np.clip(np.rint(scale * plain[weight] - zero_point), -half, half - 1)
        assert (codes == expected).all(), (name, weight)
        if f"{weight}.pruned" in packed:
            mask = np.unpackbits(packed[f"{weight}.pruned"], bitorder="little")[:count].reshape(shape).astype(bool)
            assert (mask == plain[f"{weight}_pruned"]).all() and (plain[weight][mask] == 0).all(), (name, weight)
            assert (((codes + zero_point) / scale)[mask] == 0).all(), (name, weight)
            told_mask = json.loads(metadata["masks"])[weight.removesuffix(".weight")]
            assert told_mask == {"pruned": int(mask.sum()), "weights": count}
            pruned_layers += 1
    for point, told_range in json.loads(metadata["ranges"]).items():
        assert np.float32(told_range["scale"]) == packed[f"{point}.scale"][0], point
        low, high = plain[f"{point}.quantiser.x_min"][0], plain[f"{point}.quantiser.x_max"][0]
        step = 1 / told_range["scale"]
        assert abs(told_range["lowest"] - low) <= step and abs(told_range["highest"] - high) <= step, point
    return pruned_layers


def main():
    faces, _, _ = read_safetensors(next(Path("sweep.h5.files").glob("*.faces")))
    worst = {}
    with h5py.File("analysis.h5") as analysis:
        ids, bits = analysis["points/id"].asstr()[:], analysis["points/bits"].asstr()[:]
        sparsity, stored = analysis["points/sparsity"][:], analysis["scores"][:]
    assert len(ids) == 14 and set(bits) == set(LIMITS)
    for i, name in enumerate(short[:12] for short in ids):
        pruned_layers = check_packed(name)
        assert (pruned_layers > 0) == (sparsity[i] > 0 and bits[i] != "32"), name
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(f"{name}.onnx", options, providers=["CPUExecutionProvider"])
        metadata = session.get_modelmeta().custom_metadata_map
        assert metadata["point"] == ids[i] and metadata["bits"] == bits[i], name
        found = scores_of(session, faces["faces"], faces["image_a"], faces["image_b"])
        worst.setdefault(bits[i], []).append(float(np.abs(found - stored[i]).max()))
    for width, differences in worst.items():
        print(
            f"{width} bits: largest difference of a score {max(differences):.2e} over {len(differences)} networks, "
            f"limit {LIMITS[width]:g}"
        )
        assert max(differences) <= LIMITS[width], (width, differences)


main()
