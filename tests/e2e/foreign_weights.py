"""Random weights for mobilefacenet-w16-56 as a .pth, nested and with DataParallel's prefix. Run: foreign_weights.py
OUTPUT

With a second file the same weights as a training script keeps them: behind another prefix, with a head and an
optimiser."""

import sys

import torch

torch.manual_seed(3)
WIDTH = 16
shapes = {}


def block(name, wide_in, wide_out, kernel, groups=1, prelu=True):
    shapes[f"{name}.conv.weight"] = (wide_out, wide_in // groups, kernel, kernel)
    for part in ("weight", "bias", "running_mean", "running_var"):
        shapes[f"{name}.bn.{part}"] = (wide_out,)
    if prelu:
        shapes[f"{name}.prelu.weight"] = (wide_out,)


def depth_wise(name, wide_in, wide_out, groups):
    block(f"{name}.conv", wide_in, groups, 1)
    block(f"{name}.conv_dw", groups, groups, 3, groups)
    block(f"{name}.project", groups, wide_out, 1, prelu=False)


block("conv1", 3, WIDTH, 3)
block("conv2_dw", WIDTH, WIDTH, 3, WIDTH)
depth_wise("conv_23", WIDTH, WIDTH, 2 * WIDTH)
for i in range(2):
    depth_wise(f"conv_3.model.{i}", WIDTH, WIDTH, 2 * WIDTH)
depth_wise("conv_34", WIDTH, 2 * WIDTH, 4 * WIDTH)
depth_wise("conv_4.model.0", 2 * WIDTH, 2 * WIDTH, 4 * WIDTH)
depth_wise("conv_45", 2 * WIDTH, 2 * WIDTH, 8 * WIDTH)
depth_wise("conv_5.model.0", 2 * WIDTH, 2 * WIDTH, 4 * WIDTH)
block("conv_6_sep", 2 * WIDTH, 8 * WIDTH, 1)
block("output_layer.conv_6_dw", 8 * WIDTH, 8 * WIDTH, 4, 8 * WIDTH, prelu=False)
shapes["output_layer.linear.weight"] = (64, 8 * WIDTH)
for part in ("weight", "bias", "running_mean", "running_var"):
    shapes[f"output_layer.bn.{part}"] = (64,)

state = {}
for name, shape in shapes.items():
    if len(shape) > 1:
        state[name] = torch.randn(shape) * (2.0 / (shape[1] * (shape[2] * shape[3] if len(shape) == 4 else 1))) ** 0.5
    elif name.endswith("prelu.weight"):
        state[name] = torch.full(shape, 0.25)
    elif name.endswith(("bn.weight", "running_var")):
        state[name] = torch.ones(shape)
    else:
        state[name] = torch.zeros(shape)
torch.save({"state_dict": {"module." + name: tensor for name, tensor in state.items()}}, sys.argv[1])
if len(sys.argv) > 2:
    torch.save(
        {
            "epoch": 3,
            "state_dict": {"features.module." + name: tensor for name, tensor in state.items()}
            | {"fc.weight": torch.zeros(64, 10)},
            "optimizer": {"state": {0: {"momentum_buffer": torch.zeros(3)}}},
        },
        sys.argv[2],
    )
