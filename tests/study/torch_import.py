"""Weights as other people's Python has them, and the embeddings that they give there. Run: torch_import.py
GOLDEN_FOLDER

The network is written from the description of the published one (IResNet: BN, conv3x3, BN, PReLU, conv3x3 with the
stride, BN, plus the shortcut), with a reduced width; it knows nothing of fairsweep but the names of its tensors.
"""
import collections
import json
import sys

import numpy
import torch
from torch import nn

torch.manual_seed(11)
torch.set_num_threads(1)
WIDTH, SIZE, BLOCKS = 16, 56, (1, 1, 1, 1)


class Block(nn.Module):
    def __init__(self, wide_in, wide_out, stride):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(wide_in)
        self.conv1 = nn.Conv2d(wide_in, wide_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(wide_out)
        self.prelu = nn.PReLU(wide_out)
        self.conv2 = nn.Conv2d(wide_out, wide_out, 3, stride, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(wide_out)
        self.downsample = None
        if stride != 1 or wide_in != wide_out:
            self.downsample = nn.Sequential(
                nn.Conv2d(wide_in, wide_out, 1, stride, bias=False), nn.BatchNorm2d(wide_out)
            )

    def forward(self, x):
        y = self.bn3(self.conv2(self.prelu(self.bn2(self.conv1(self.bn1(x))))))
        return y + (x if self.downsample is None else self.downsample(x))


class Reduced(nn.Module):
    """Stem of stride 2, four stages, 128 dimensions: iresnet10-w16-56."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, WIDTH, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTH)
        self.prelu = nn.PReLU(WIDTH)
        wide = WIDTH
        for stage, blocks in enumerate(BLOCKS):
            out = WIDTH << stage
            parts = [Block(wide if i == 0 else out, out, 2 if i == 0 else 1) for i in range(blocks)]
            setattr(self, f"layer{stage + 1}", nn.Sequential(*parts))
            wide = out
        self.bn2 = nn.BatchNorm2d(wide)
        self.dropout = nn.Dropout(0.4)
        side = SIZE
        for _ in range(5):
            side = (side + 1) // 2
        self.fc = nn.Linear(wide * side * side, 128)
        self.features = nn.BatchNorm1d(128)
        nn.init.constant_(self.features.weight, 1.0)
        self.features.weight.requires_grad = False

    def forward(self, x):
        x = self.prelu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.features(self.fc(self.dropout(torch.flatten(self.bn2(x), 1))))


net = Reduced()
with torch.no_grad():  # as if trained: no constant is left that would hide a mix-up
    for name, tensor in net.state_dict().items():
        if tensor.is_floating_point() and tensor.dim() == 1 and name != "features.weight":
            tensor.copy_(torch.rand(tensor.shape) * 0.5 + (0.75 if name.endswith(("var", "weight")) else -0.25))
net.eval()
images = torch.rand(3, 3, SIZE, SIZE) * 2 - 1
state = net.state_dict()
images.numpy().astype("<f4").tofile("images.f32")


def save(name, thing, network):
    with torch.no_grad():
        network(images).numpy().astype("<f4").tofile(f"{name}.f32")
    for kind, is_zip in (("zip", True), ("legacy", False)):
        torch.save(thing, f"{name}.{kind}.pth", _use_new_zipfile_serialization=is_zip)


save("plain", state, net)
save("parallel", {"epoch": 7, "state_dict": nn.DataParallel(net).state_dict()}, net)
save(
    "double",
    collections.OrderedDict(
        (key, value.double() if value.is_floating_point() else value) for key, value in state.items()
    ),
    net,
)
halved = Reduced()
half_state = {key: value.half() if value.is_floating_point() else value for key, value in state.items()}
halved.load_state_dict(half_state)
save("half", half_state, halved.eval())
save("strided", {key: value.t().contiguous().t() if value.dim() == 2 else value for key, value in state.items()}, net)
save("old", {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}, net)
save("whole", net, net)
torch.save(
    {key: value for key, value in state.items() if key not in ("bn2.weight", "fc.bias")}
    | {"head.weight": torch.zeros(3)},
    "unfit.pth",
)
broken = dict(state)
broken["fc.bias"] = torch.full((128,), float("nan"))
torch.save(broken, "nan.pth")


# The state as training scripts of others keep it: under keys, behind a prefix, with a head, with other things beside
# it.
behind = lambda prefix, tensors=None: {prefix + key: value for key, value in (tensors or state).items()}
without = lambda name: {key: value for key, value in state.items() if key != name}
head = torch.randn(128, 10)
other = {key: value + 1 if value.is_floating_point() else value for key, value in state.items()}
layouts = {
    "adaface": {"state_dict": behind("model.") | {"head.kernel": head}},
    "magface": {
        "state_dict": behind("features.module.") | {"fc.weight": head, "parallel_fc.weight": head},
        "epoch": 25,
        "arch": "iresnet10",
        "best_prec1": 0.9,
    },
    "facexzoo": {"state_dict": behind("backbone.") | {"head.weight": head}},
    "compiled": behind("_orig_mod."),
    "compiled_parallel": {"model": behind("module._orig_mod.")},
    "best_acc": {"epoch": 1, "state_dict": state, "best_acc1": torch.tensor(97.5)},
    "loss": {"backbone": state, "loss": torch.tensor(1.5), "step": 3},
    "rng": {"model": state, "torch_rng": torch.get_rng_state()},
    "config": {"model": {"lr": 0.1}, "net": state},
    "head_inside": state | {"head.weight": head, "arcface.weight": head},
    "optimiser": {
        "optimizer": {"state": {0: {"momentum_buffer": head}}, "param_groups": [{"lr": 0.1}]},
        "networks": [{"face": state}],
    },
    "same_twice": {"model": state, "ema": {key: value.clone() for key, value in state.items()}},
    "two": {"model": state, "ema": other},
    "two_prefixes": behind("student.") | behind("teacher.", other),
    "plain_and_prefix": state | behind("ema.", other),
    "neck": state | {"neck.weight": head},
    "pruned": without("conv1.weight")
    | {"conv1.weight_orig": state["conv1.weight"], "conv1.weight_mask": torch.ones(WIDTH, 3, 3, 3)},
    "normed": without("fc.weight") | {"fc.weight_g": torch.ones(128, 1), "fc.weight_v": state["fc.weight"]},
}
for name, thing in layouts.items():
    torch.save(thing, f"{name}.pth")


def uniform(count, stream, seed=1):
    """tests/golden/quantface/README.md, section 1."""
    j = numpy.arange(count, dtype=numpy.uint64)
    h = (j * 2654435761 + stream * 40503 + seed * 9176 + 12345) & 0xFFFFFFFF
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h ^= h >> numpy.uint64(shift)
        h = (h * factor) & 0xFFFFFFFF
    return (h ^ (h >> numpy.uint64(16))) / 4294967296.0


def fill(name, shape, u):
    if len(shape) >= 2:
        return (u - 0.5) * 2.0 * numpy.sqrt(3.0 / numpy.prod(shape[1:]))
    if name.endswith(("running_mean", "bias")):
        return 0.1 * (u - 0.5)
    if name.endswith("prelu.weight"):
        return 0.25 + 0.1 * (u - 0.5)
    return 1.0 + 0.2 * (u - 0.5)


golden = json.load(open(sys.argv[1] + "/models.json"))["models"]["mobilefacenet"]
filled, k = collections.OrderedDict(), 0
for name, shape, dtype, _ in golden["state_dict"]:
    if "int" in dtype:
        filled[name] = torch.tensor(0)
        continue
    count = int(numpy.prod(shape)) if shape else 1
    values = fill(name, shape, uniform(count, k)).astype(numpy.float32).reshape(shape)
    filled[name] = torch.from_numpy(values)
    k += 1
torch.save(filled, "mobilefacenet.pth")
