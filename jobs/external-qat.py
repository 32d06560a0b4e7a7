#!/usr/bin/env python3
"""Somebody's own quantisation-aware training, as a stage of a sweep (jobs/external-qat.cfg). It knows no fairsweep.

Weights are rounded to a grid of --bits bits per output channel in the forward pass, gradients pass straight through,
and the loss holds the embeddings to those of the float network. What a program has to do for fairsweep is to take its
inputs from the command line and to write its result to --out; going on from a checkpoint in --work is a courtesy.
"""
import argparse
import ctypes
import json
import os
import pathlib
import struct

import numpy as np
import torch
from torch import nn
from torch.nn import functional


class Rounded(nn.Conv2d):
    """A convolution whose weights lie on a grid; 32 bits are no grid."""
    bits = 32

    def used_weight(self):
        if self.bits == 32:
            return self.weight
        step = self.weight.detach().abs().amax(dim=(1, 2, 3), keepdim=True) / (2 ** (self.bits - 1) - 1) + 1e-12
        return self.weight + (torch.round(self.weight / step) * step - self.weight).detach()

    def forward(self, x):
        return functional.conv2d(x, self.used_weight(), None, self.stride, self.padding)


class Block(nn.Module):
    def __init__(self, wide_in, wide_out):
        super().__init__()
        self.bn1, self.bn2, self.bn3 = nn.BatchNorm2d(wide_in), nn.BatchNorm2d(wide_out), nn.BatchNorm2d(wide_out)
        self.conv1 = Rounded(wide_in, wide_out, 3, 1, 1, bias=False)
        self.prelu = nn.PReLU(wide_out)
        self.conv2 = Rounded(wide_out, wide_out, 3, 2, 1, bias=False)
        self.downsample = nn.Sequential(Rounded(wide_in, wide_out, 1, 2, bias=False), nn.BatchNorm2d(wide_out))

    def forward(self, x):
        return self.bn3(self.conv2(self.prelu(self.bn2(self.conv1(self.bn1(x)))))) + self.downsample(x)


class Network(nn.Module):
    """iresnet10-w16-56, by the names that its state has in fairsweep (and in the field)."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1, self.prelu = Rounded(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.PReLU(16)
        for stage, (wide_in, wide_out) in enumerate(((16, 16), (16, 32), (32, 64), (64, 128)), 1):
            setattr(self, f"layer{stage}", nn.Sequential(Block(wide_in, wide_out)))
        self.bn2, self.fc, self.features = nn.BatchNorm2d(128), nn.Linear(128 * 2 * 2, 128), nn.BatchNorm1d(128)

    def forward(self, x):
        x = self.prelu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.features(self.fc(torch.flatten(self.bn2(x), 1)))


def read_safetensors(path):
    data = pathlib.Path(path).read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    types = {"F32": np.float32, "I64": np.int64}
    state = {}
    for name, entry in json.loads(data[8:8 + length]).items():
        if name != "__metadata__":
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            array = np.frombuffer(data[begin:end], types[entry["dtype"]]).reshape(entry["shape"])
            state[name] = torch.from_numpy(array.copy())
    return state


def decode_jpeg(data):
    """With libjpeg-turbo, which fairsweep has installed. Pillow, OpenCV or torchvision do as well."""
    turbo = ctypes.CDLL("libturbojpeg.so.0")
    turbo.tjInitDecompress.restype = ctypes.c_void_p
    handle, sizes = ctypes.c_void_p(turbo.tjInitDecompress()), [ctypes.c_int() for _ in range(4)]
    turbo.tjDecompressHeader3(handle, data, ctypes.c_ulong(len(data)), *map(ctypes.byref, sizes))
    pixels = np.empty((sizes[1].value, sizes[0].value, 3), np.uint8)
    failed = turbo.tjDecompress2(handle, data, ctypes.c_ulong(len(data)), pixels.ctypes.data_as(ctypes.c_void_p),
                                 sizes[0], 0, sizes[1], 0, 0)
    turbo.tjDestroy(handle)
    if failed:
        raise ValueError("a damaged JPEG")
    return pixels


def read_faces(folder):
    """The images of a RecordIO set, [images, 3, 56, 56] in -1 ... 1."""
    data, faces = (pathlib.Path(folder) / "train.rec").read_bytes(), []
    for line in (pathlib.Path(folder) / "train.idx").read_text().splitlines():
        offset = int(line.split()[1])
        length = struct.unpack_from("<I", data, offset + 4)[0] & (1 << 29) - 1
        labels = struct.unpack_from("<I", data, offset + 8)[0]
        jpeg = data[offset + 8 + 24 + 4 * labels:offset + 8 + length]
        if jpeg[:2] == b"\xff\xd8":  # else a record about records
            faces.append(decode_jpeg(jpeg))
    pixels = torch.from_numpy(np.stack(faces)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return functional.interpolate(pixels, size=(56, 56), mode="area")


def train(options):
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    teacher, student = Network().eval(), Network().eval()  # BatchNorm stays as the baseline has it
    for network in (teacher, student):
        network.load_state_dict(read_safetensors(options.baseline))
    convolutions = [layer for layer in student.modules() if isinstance(layer, Rounded)]
    for layer in convolutions:
        layer.bits = options.bits
    optimiser = torch.optim.SGD(student.parameters(), lr=options.lr, momentum=0.9)
    faces, begin, saved = read_faces(options.data), 0, pathlib.Path(options.work) / "checkpoint.pt"
    if saved.exists():  # an earlier attempt was stopped
        state = torch.load(saved)
        student.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
        torch.set_rng_state(state["random"])
        begin = state["step"]
        print("going on from step", begin)
    for step in range(begin, options.steps):
        batch = faces[torch.randint(len(faces), (options.batch,))]
        loss = functional.mse_loss(functional.normalize(student(batch)), functional.normalize(teacher(batch).detach()))
        optimiser.zero_grad()
        (loss * 128).backward()
        nn.utils.clip_grad_norm_(student.parameters(), 5)
        optimiser.step()
        print(f"step {step + 1} of {options.steps}, loss {loss.item():.6f}", flush=True)
        if (step + 1) % 10 == 0:
            beside = f"{saved}.{os.uname().nodename}-{os.getpid()}"  # another attempt may still be running
            torch.save({"network": student.state_dict(), "optimiser": optimiser.state_dict(),
                        "random": torch.get_rng_state(), "step": step + 1}, beside)
            os.replace(beside, saved)
    with torch.no_grad():
        for layer in convolutions:
            layer.weight.copy_(layer.used_weight())
    torch.save(student.state_dict(), options.out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, kind in {"baseline": str, "data": str, "bits": int, "lr": float, "steps": int, "batch": int, "seed": int,
                       "work": str, "out": str}.items():
        parser.add_argument(f"--{name}", type=kind, required=True)
    train(parser.parse_args())
