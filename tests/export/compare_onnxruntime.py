"""Runs the exported models of write_models under onnxruntime and compares with what fairsweep computed.

Usage: compare_onnxruntime.py WRITE_MODELS [ARCHITECTURE...]     further architectures take longer and are for
measurements.

Limits are about three times what was measured (docs/export.md): onnxruntime adds in another order, and where a value
lies on the border between two codes the last bit decides; a deep quantised network amplifies that.
"""
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime

# Relative L2 of all outputs of a model together.
LIMITS = {
    "float": 1e-4,
    "weights": 1e-4,
    "quantised-16": 2e-3,
    "quantised-8": 0.13,
    "quantised-6": 0.3,
    "quantised-4": 0.6,
    "block": 5e-3,
}
LEVELS = {"plain": onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL,
          "optimised": onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL}


def session(path, level):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = LEVELS[level]
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def values(path, shape):
    return np.fromfile(path, dtype="<f4").reshape([int(side) for side in shape.split(",")])


def relative_l2(found, expected):
    return float(np.linalg.norm((found - expected).astype(np.float64)) / np.linalg.norm(expected.astype(np.float64)))


def check_quantiser(name, scale, codes_all, x, found, expected):
    """At most one code apart, and that only where scale * x is a midpoint up to float32's rounding; else equal to the
    last bits.

    Rounding is relative to the larger of value and range, both in codes: fairsweep adds the zero point before it
    rounds.
    """
    position = x.astype(np.float64) * scale
    rounding = (np.abs(position) + codes_all) * 2.0**-22
    at_midpoint = np.abs(position - np.floor(position) - 0.5) <= rounding
    apart = np.abs(found.astype(np.float64) - expected) * scale
    codes = np.rint(apart)
    assert codes.max() <= 1, (name, codes.max())
    assert (np.abs(apart - codes) <= rounding).all(), (name, float((np.abs(apart - codes) / rounding).max()))
    flipped = codes == 1
    assert not (flipped & ~at_midpoint).any(), name
    return f"{int(flipped.sum())} of {x.size} one code apart, all of them among {int(at_midpoint.sum())} midpoints"


def main():
    subprocess.run(sys.argv[1:], check=True)
    seen = 0
    for line in Path("models.txt").read_text().splitlines():
        kind, name, in_shape, out_shape = line.split()
        x, expected = values(f"{name}.in.f32", in_shape), values(f"{name}.out.f32", out_shape)
        for level in LEVELS:
            found = session(f"{name}.onnx", level).run(None, {"images": x})[0]
            assert found.shape == expected.shape and np.isfinite(found).all(), name
            seen += 1
            if kind.startswith("quantiser:"):
                print(
                    name,
                    level,
                    check_quantiser(name, *(float(word) for word in kind.split(":")[1:]), x, found, expected),
                )
                continue
            difference = relative_l2(found, expected)
            print(f"{name} {kind} {level} relative L2 {difference:.2e}, limit {LIMITS[kind]:g}")
            assert difference <= LIMITS[kind], name
            # One image alone: the batch is free.
            alone = session(f"{name}.onnx", level).run(None, {"images": x[:1]})[0]
            assert relative_l2(alone, expected[:1]) <= 2 * LIMITS[kind], name
    # libonnx before 1.16 (Debian 12) has no 16-bit quantisers: 16 and 12 bits are left out.
    further = 2 * len(sys.argv[2:])
    assert seen in (2 * (2 * 8 + 4 * 6 + 2 + 14 + further), 2 * (2 * 9 + 6 * 6 + 2 + 14 + further)), seen
    print(f"{seen} models and levels agree, onnxruntime {onnxruntime.__version__}")


main()
