#!/usr/bin/python3
"""Preset "modern" against PyTorch's own operators and observers, run here and now.

Each case is sent to the program quantiser_probe (built beside the tests) as JSON; its answers are compared with
torch's. Exit 0 when all agree, 1 with one line per disagreement.
"""
import json
import math
import os
import subprocess
import sys

import torch
from torch.ao.quantization import (
    HistogramObserver,
    MinMaxObserver,
    MovingAverageMinMaxObserver,
    PerChannelMinMaxObserver,
)

torch.manual_seed(7)
torch.set_num_threads(1)
PROBE = os.path.join(os.environ["FAIRSWEEP_BINARY_DIR"], "tests", "quantiser_probe")
cases, checks, problems = [], [], []


def numbers(tensor):
    return [float(x) for x in tensor.detach().flatten()]


def ask(case, check):
    cases.append(case)
    checks.append(check)


def equal(name, found, expected):
    found, expected = torch.tensor(found, dtype=torch.float32), expected.detach().flatten().to(torch.float32)
    if found.shape != expected.shape or not torch.equal(found, expected):
        problems.append(f"{name}: {(found != expected).sum().item()} of {expected.numel()} values differ")


def close(name, found, expected, relative):
    found, expected = (
        torch.as_tensor(found, dtype=torch.float64).flatten(),
        torch.as_tensor(expected, dtype=torch.float64).flatten(),
    )
    scale = expected.abs().max().item() + 1e-30
    if found.shape != expected.shape or not ((found - expected).abs().max().item() <= relative * scale):
        problems.append(f"{name}: {found.tolist()[:4]} instead of {expected.tolist()[:4]}")


def codes(bits):
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


def per_tensor(bits, step, zero_point, count):
    """Values to the bit, clip-masked gradient to the bit."""
    low, high = codes(bits)
    x = (torch.randn(count) * step * 2 ** (bits - 1)).requires_grad_()
    y = torch.fake_quantize_per_tensor_affine(x, step, zero_point, low, high)
    g = torch.randn(count)
    y.backward(g)
    name = f"fake_quantize_per_tensor_affine, {bits} bits, zero point {zero_point}, {count} values"

    def check(answer):
        equal(name, answer["out"], y)
        equal(name + ", gradient", answer["grad"], x.grad)

    ask(
        {"op": "quantise", "bits": bits, "step": step, "zero_point": zero_point, "x": numbers(x), "g": numbers(g)},
        check,
    )


def per_channel(bits, rows, row_size, grid):
    """A layer's weights: ranges by torch.ao's per-channel observer, values and gradient to the bit. With the range of
    the present weights nothing is cut off on purpose and all of the gradient passes; with stored steps it is masked as
    torch's."""
    low, high = codes(bits)
    w = torch.randn(rows, row_size) * torch.rand(rows, 1)
    w[0] = 0.0
    w[1] = 0.3
    scheme = torch.per_channel_symmetric if grid == "symmetric" else torch.per_channel_affine
    observer = PerChannelMinMaxObserver(ch_axis=0, dtype=torch.qint8, qscheme=scheme, quant_min=low, quant_max=high)
    observer(w)
    scale, zero_point = observer.calculate_qparams()
    w = w.requires_grad_()
    y = torch.fake_quantize_per_channel_affine(w, scale, zero_point.to(torch.int32), 0, low, high)
    g = torch.randn(rows, row_size)
    y.backward(g)
    name = f"per-channel {grid}, {bits} bits, {rows} x {row_size}"

    def check_present(answer):
        equal(name, answer["out"], y)
        equal(name + ", gradient", answer["grad"], g)

    ask(
        {
            "op": "weights",
            "bits": bits,
            "rows": rows,
            "grid": grid,
            "range": "minmax",
            "w": numbers(w),
            "g": numbers(g),
        },
        check_present,
    )

    narrow = scale * 0.6 if grid == "symmetric" else scale
    v = w.detach().clone().requires_grad_()
    z = torch.fake_quantize_per_channel_affine(v, narrow, zero_point.to(torch.int32), 0, low, high)
    z.backward(g)

    def check_stored(answer):
        equal(name + ", stored", answer["out"], z)
        equal(name + ", stored, gradient", answer["grad"], v.grad)
    ask({"op": "weights", "bits": bits, "rows": rows, "grid": grid, "range": "mse", "steps": numbers(narrow),
         "zero_points": numbers(zero_point), "w": numbers(w), "g": numbers(g)}, check_stored)


def logarithm(gradient, step, values, high):
    """Our gradient of log(step) from torch's of the step, which has the factor g: times step / s0^2
    (docs/quantisers.md)."""
    start = 2 * values.detach().abs().mean(-1) / math.sqrt(high)
    return gradient * step.detach() / start ** 2


def learned_tensor(bits, count):
    """The factor g is torch's grad_factor."""
    low, high = codes(bits)
    x = (torch.randn(count) * 2).requires_grad_()
    scale = torch.tensor([0.7 * 2 / 2 ** (bits - 1)], requires_grad=True)
    zero_point = torch.tensor([0.0], requires_grad=True)
    factor = 1.0 / math.sqrt(count * high)
    y = torch._fake_quantize_learnable_per_tensor_affine(x, scale, zero_point, low, high, factor)
    g = torch.randn(count)
    y.backward(g)
    name = f"learnable per tensor, {bits} bits, {count} values"

    def check(answer):
        # exp(log(step)) may miss the step by its last bit, and values on a boundary then move by a step: compared
        # closely.
        close(name, answer["out"], y, 1e-5)
        equal(name + ", gradient", answer["grad"], x.grad)
        close(name + ", step's gradient", answer["step_grad"], logarithm(scale.grad, scale, x, high), 1e-4)
    ask({"op": "learned_activation", "bits": bits, "step": scale.item(), "x": numbers(x), "g": numbers(g)}, check)


def learned_channel(bits, rows, row_size):
    """The factor counts the values of a channel: torch's is given accordingly."""
    low, high = codes(bits)
    w = (torch.randn(rows, row_size)).requires_grad_()
    scale = (w.detach().abs().mean(1) * 2 / math.sqrt(high)).requires_grad_()  # LSQ's start
    zero_point = torch.zeros(rows, requires_grad=True)
    y = torch._fake_quantize_learnable_per_channel_affine(
        w, scale, zero_point, 0, low, high, 1.0 / math.sqrt(row_size * high)
    )
    g = torch.randn(rows, row_size)
    y.backward(g)
    name = f"learnable per channel, {bits} bits, {rows} x {row_size}"

    def check(answer):
        close(name, answer["out"], y, 1e-5)
        equal(name + ", gradient", answer["grad"], w.grad)
        close(name + ", steps' gradient", answer["step_grad"], logarithm(scale.grad, scale, w, high), 1e-4)

    ask(
        {
            "op": "learned_weights",
            "bits": bits,
            "rows": rows,
            "steps": numbers(scale),
            "w": numbers(w),
            "g": numbers(g),
        },
        check,
    )


def observed(kind, grid, bits, batches):
    """Range, step and zero point after some batches."""
    low, high = codes(bits)
    scheme = torch.per_tensor_symmetric if grid == "symmetric" else torch.per_tensor_affine
    options = {"dtype": torch.qint8, "qscheme": scheme, "quant_min": low, "quant_max": high}
    observer = (
        MinMaxObserver(**options)
        if kind == "minmax"
        else MovingAverageMinMaxObserver(averaging_constant=0.01, **options)
    )
    for batch in batches:
        observer(batch)
    scale, zero_point = observer.calculate_qparams()
    name = f"{kind} observer, {grid}, {bits} bits"

    def check(answer):
        close(
            name + ", range",
            [answer["x_min"], answer["x_max"]],
            [observer.min_val.item(), observer.max_val.item()],
            1e-6,
        )
        close(name + ", step", answer["step"], scale.item(), 1e-6)
        if answer["zero_point"] != zero_point.item():
            problems.append(f"{name}: zero point {answer['zero_point']} instead of {zero_point.item()}")
    ask({"op": "observe", "rule": "minmax" if kind == "minmax" else "moving-average", "grid": grid, "bits": bits,
         "batches": [numbers(b) for b in batches]}, check)


def squared_error(x, scale, zero_point, low, high):
    return (torch.fake_quantize_per_tensor_affine(x, scale, zero_point, low, high) - x).square().double().sum().item()


def least_error(bits, x, grid):
    """The chosen range is the best of its 81 candidates, judged by torch; and no worse than HistogramObserver's, which
    searches among the bins of a histogram: within 5 %, since the two know different candidates."""
    low, high = codes(bits)

    def parameters(x_min, x_max):
        if grid == "symmetric":
            return max(abs(x_min), abs(x_max)) / ((high - low) / 2), 0
        x_min, x_max = min(x_min, 0.0), max(x_max, 0.0)
        scale = (x_max - x_min) / (high - low)
        return scale, int(max(low, min(high, low - round(x_min / scale))))
    best = min(squared_error(x, *parameters(f * x.min().item(), f * x.max().item()), low, high)
               for f in [1 - 0.01 * i for i in range(81)])
    name = f"mse, {grid}, {bits} bits"

    def check(answer):
        ours = squared_error(x, *parameters(answer["x_min"], answer["x_max"]), low, high)
        if not ours <= 1.0001 * best:
            problems.append(f"{name}: error {ours}, the best candidate has {best}")
        if grid == "asymmetric" and bits == 8:
            observer = HistogramObserver(dtype=torch.qint8, qscheme=torch.per_tensor_affine)
            observer(x)
            scale, zero_point = observer.calculate_qparams()
            theirs = squared_error(x, scale.item(), int(zero_point.item()), low, high)
            if not ours <= 1.05 * theirs:
                problems.append(f"{name}: error {ours}, HistogramObserver's range has {theirs}")
    ask({"op": "observe", "rule": "mse", "grid": grid, "bits": bits, "batches": [numbers(x)]}, check)


def percentile(share, x):
    name = f"percentile {share}"
    expected = [torch.quantile(x.double(), 1 - share).item(), torch.quantile(x.double(), share).item()]

    def check(answer):
        close(name, [answer["x_min"], answer["x_max"]], expected, 1e-5)

    ask(
        {
            "op": "observe",
            "rule": "percentile",
            "percentile": share,
            "grid": "asymmetric",
            "bits": 8,
            "batches": [numbers(x)],
        },
        check,
    )


for bits in (2, 3, 4, 8, 16):
    low, high = codes(bits)
    for zero_point in (0, low, high, 1):
        for count in (1, 7, 100, 1000):
            per_tensor(bits, 0.037, zero_point, count)
    for grid in ("symmetric", "asymmetric"):
        if bits <= 8:  # torch 1.13's observers know no more than 256 codes
            per_channel(bits, 5, 27, grid)
            per_channel(bits, 3, 1000, grid)
    if bits <= 8:  # above, "learned" follows the present range
        learned_tensor(bits, 500)
        learned_channel(bits, 4, 90)
    for grid in ("symmetric", "asymmetric"):
        for kind in ("minmax", "moving average") if bits <= 8 else ():
            observed(kind, grid, bits, [torch.randn(50) * (1 + 0.2 * i) + 0.3 for i in range(4)])
for grid in ("symmetric", "asymmetric"):
    for bits in (2, 4, 8):
        least_error(bits, torch.randn(4000) ** 3, grid)
    observed("minmax", grid, 8, [torch.rand(20) + 1.0, torch.rand(20) + 2.0])  # a range that excludes zero
least_error(8, torch.linspace(-1, 3, 4001), "asymmetric")
for share in (0.9, 0.999, 1.0):
    percentile(share, torch.randn(5000))

answers = subprocess.run([PROBE], input=json.dumps(cases), capture_output=True, text=True, check=False)
if answers.returncode != 0:
    sys.exit(f"quantiser_probe failed: {answers.stderr}")
answers = json.loads(answers.stdout)
assert len(answers) == len(checks) > 100
for check, answer in zip(checks, answers, strict=True):
    check(answer)
print(f"{len(checks)} cases against torch {torch.__version__}, {len(problems)} problems")
print("\n".join(problems))
sys.exit(1 if problems else 0)
