"""Checkpoints as people have them, written by torch itself, and what must be read from them. Run: torch_files.py
FOLDER"""

import argparse
import collections
import json
import os
import pickle
import sys
import zipfile

import numpy
import torch

folder = sys.argv[1]
os.makedirs(folder)
torch.manual_seed(7)
FORMATS = {"zip": True, "legacy": False}
WORDS = {torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
         torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL"}
expected, refused = {}, {}


def save(name, thing, state, nested=(), prefix=False, **options):
    """Writes `thing` in both formats; `state` is what must come out."""
    for kind, is_zip in FORMATS.items():
        torch.save(thing, f"{folder}/{name}.{kind}.pth", _use_new_zipfile_serialization=is_zip, **options)
        expected[f"{name}.{kind}.pth"] = {
            "format": kind, "nested_under": list(nested), "prefix": prefix,
            "tensors": [{"name": key, "dtype": WORDS[value.dtype], "shape": list(value.shape),
                         "values": value.detach().double().flatten().tolist()} for key, value in state.items()]}


def refuse(name, thing, *words):
    for kind, is_zip in FORMATS.items():
        torch.save(thing, f"{folder}/{name}.{kind}.pth", _use_new_zipfile_serialization=is_zip)
        refused[f"{name}.{kind}.pth"] = list(words)


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(3, 4, 3, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(4)
        self.prelu = torch.nn.PReLU(4)
        self.fc = torch.nn.Linear(4, 5)

    def forward(self, x):
        return self.fc(self.prelu(self.bn1(self.conv1(x))).mean([2, 3]))


net = Net()
state = net.state_dict()
assert hasattr(state, "_metadata")
save("module_state", state, state)
for protocol in (3, 4, 5):
    save(f"protocol{protocol}", state, state, pickle_protocol=protocol)
save("plain_dict", dict(state), state)
save("ordered_dict", collections.OrderedDict(state.items()), state)
save("parameters", dict(net.named_parameters()), dict(net.named_parameters()))
parallel = torch.nn.DataParallel(net).state_dict()
assert all(key.startswith("module.") for key in parallel)
save("parallel", parallel, state, prefix=True)
save(
    "nested",
    {"epoch": 3, "arch": "net", "best": 0.5, "state_dict": parallel},
    state,
    nested=["state_dict"],
    prefix=True,
)
save("nested_twice", {"model": {"state_dict": state}}, state, nested=["model", "state_dict"])
optimiser = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
net(torch.randn(2, 3, 8, 8)).sum().backward()
optimiser.step()
net.zero_grad()
state = net.state_dict()
save(
    "with_optimiser",
    {"step": 1, "optimizer": optimiser.state_dict(), "state_dict": state},
    state,
    nested=["state_dict"],
)
types = {f"t{i}": (torch.randn(3, 5) * 50).to(dtype) for i, dtype in enumerate(WORDS)}
types["half_edges"] = torch.tensor([0.0, -0.0, 65504, 6.1e-5, 6e-8, -5.9e-6, 1.0, -2.5]).half()
types["bfloat16_edges"] = torch.tensor([0.0, 1e38, -1e-38, 3.14159, 1e-40]).bfloat16()
types["scalar"] = torch.tensor(41)
types["empty"] = torch.empty(0, 4)
save("types", types, types)
base = torch.arange(60, dtype=torch.float32)
block = base.reshape(3, 4, 5)
views = {
    "whole": base,
    "transposed": block.permute(2, 0, 1),
    "strided": base[5::7],
    "middle": block[1:, 1:3, ::2],
    "same": base.view(6, 10),
    "channels_last": torch.randn(2, 3, 4, 5).contiguous(memory_format=torch.channels_last),
}
assert not views["middle"].is_contiguous()
save("views", views, views)

advice = "state_dict()"
save("number_inside", {"w": torch.zeros(3), "epoch": 3}, {"w": torch.zeros(3)})
save("tensor_beside", {"epoch": 1, "best_acc1": torch.tensor(97.5), "state_dict": state}, state, nested=["state_dict"])
save("rng_beside", {"torch_rng": torch.get_rng_state(), "model": state}, state, nested=["model"])
save("config_beside", {"model": {"lr": 0.1}, "net": state}, state, nested=["net"])
save("deep", {"runs": [{"best": {"weights": state}}]}, state, nested=["runs", "0", "best", "weights"])
refuse("whole_module", net, "__main__.Net", advice, "byte")
refuse("torch_module", torch.nn.Linear(2, 3), "torch.nn.modules.linear.Linear", advice)
refuse(
    "numpy_value",
    {"state_dict": state, "best": numpy.float64(3.0)},
    "numpy",
    "byte",
    "torch.save(ck['state_dict'], 'weights.pth')",
)
refuse("namespace", {"args": argparse.Namespace(lr=0.1), "state_dict": state}, "argparse.Namespace",
       "torch.load('files/namespace.", "torch.save(ck['state_dict'], 'weights.pth')")
refuse(
    "module_inside", {"epoch": 3, "model": net}, "__main__.Net", "torch.save(ck['model'].state_dict(), 'weights.pth')"
)
refuse("sparse", {"bn.weight": torch.zeros(4), "conv.weight": torch.eye(4).to_sparse()},
       "a sparse tensor: 'conv.weight'", "state['conv.weight'].to_dense()")
refuse("no_tensors", {"epoch": 3, "lr": 0.1}, "epoch", "state_dict")
refuse("a_list", [torch.zeros(3)], "a list of 1")
refuse("expanded", {"w": torch.zeros(1).expand(1000)}, "tensor w", "repeats")
refuse(
    "quantised",
    {"w": torch.quantize_per_tensor(torch.randn(4), 0.1, 0, torch.qint8)},
    "byte",
    "a quantised tensor: 'w'",
    ".dequantize()",
)
torch.jit.save(torch.jit.script(net), f"{folder}/script.pth")
refused["script.pth"] = ["TorchScript"]


class Harm:
    def __reduce__(self):
        return os.system, ("touch harmed",)


torch.save({"w": Harm()}, f"{folder}/harm.pth", _use_new_zipfile_serialization=False)
refused["harm.pth"] = ["posix.system", "byte"]
with open(f"{folder}/pickle.pth", "wb") as file:
    pickle.dump({"w": [1.0, 2.0]}, file, protocol=2)
refused["pickle.pth"] = ["a dict of 1", "torch.save"]
with (
    zipfile.ZipFile(f"{folder}/module_state.zip.pth") as source,
    zipfile.ZipFile(f"{folder}/deflated.pth", "w", zipfile.ZIP_DEFLATED) as target,
):
    for entry in source.namelist():
        target.writestr(entry, source.read(entry) + b"\0" * 200)
refused["deflated.pth"] = ["compressed"]
for kind in FORMATS:
    whole = open(f"{folder}/module_state.{kind}.pth", "rb").read()
    open(f"{folder}/cut.{kind}.pth", "wb").write(whole[:len(whole) // 2 if kind == "zip" else -3])
    refused[f"cut.{kind}.pth"] = ["found"]
with open(f"{folder}/expected.json", "w") as file:
    json.dump({"read": expected, "refused": refused}, file)
