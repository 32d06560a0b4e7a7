"""The training step that bench_qat_step races: quantisation-aware fine-tuning with the module-by-module operations of
the published reference, in plain Python torch, written from its description (docs/quantisers.md). Also its evaluation
loop.

Protocol: one command a line on standard input, one JSON object a line on standard output.
    threads N                                -> {}                     (2 until then)
    hello                                    -> {"torch": "2.15.0", "threads": 2}
    load ARCHITECTURE BATCH BITS             -> {"parameters": n}      (bits 32: no quantisers)
    step N                                   -> {"seconds": s}         N training steps, teacher embeddings cached
    embed N                                  -> {"seconds": s}         N batches, eval mode, float32
"""
import time

import torch
from torch import nn
from torch.nn import functional as F

from race_loop import serve

BLOCKS_OF_STAGES = {
    "iresnet18": (2, 2, 2, 2),
    "iresnet34": (3, 4, 6, 3),
    "iresnet50": (3, 4, 14, 3),
    "iresnet100": (3, 13, 30, 3),
}


def quantise(x, x_min, x_max, bits):
    """Asymmetric, signed codes, integer zero point."""
    levels = 2**bits - 1
    scale = levels / torch.clamp(x_max - x_min, min=1e-8)
    zero_point = torch.round(scale * x_min) + 2 ** (bits - 1)
    codes = torch.clamp(torch.round(scale * x - zero_point), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return (codes + zero_point) / scale


class StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, x_min, x_max, bits):
        return quantise(x, x_min, x_max, bits)

    @staticmethod
    def backward(ctx, gradient):
        return gradient.clone(), None, None, None


def quantised_rows(weight, bits):
    """One range for each output channel, from the present weights."""
    rows = weight.detach().reshape(weight.shape[0], -1)
    shape = (-1,) + (1,) * (weight.dim() - 1)
    return StraightThrough.apply(weight, rows.min(1).values.view(shape), rows.max(1).values.view(shape), bits)


class QuantAct(nn.Module):
    def __init__(self, bits):
        super().__init__()
        self.bits, self.running = bits, True
        self.register_buffer("x_min", torch.zeros(1))
        self.register_buffer("x_max", torch.zeros(1))

    def forward(self, x):
        if self.running:
            low, high = x.detach().min(), x.detach().max()
            self.x_min += -self.x_min + torch.min(self.x_min, low)
            self.x_max += -self.x_max + torch.max(self.x_max, high)
        return StraightThrough.apply(x, self.x_min, self.x_max, self.bits)


class Conv(nn.Conv2d):
    bits = 32

    def forward(self, x):
        weight = self.weight if self.bits == 32 else quantised_rows(self.weight, self.bits)
        return F.conv2d(x, weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class Dense(nn.Linear):
    bits = 32

    def forward(self, x):
        return F.linear(x, self.weight if self.bits == 32 else quantised_rows(self.weight, self.bits), self.bias)


class Prelu(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.weight, self.bits, self.act = nn.Parameter(torch.full((channels,), 0.25)), 32, None

    def forward(self, x):
        if self.bits == 32:
            return F.prelu(x, self.weight)
        slopes = StraightThrough.apply(self.weight, self.weight.detach().min(), self.weight.detach().max(), self.bits)
        return self.act(F.prelu(x, slopes))


class Block(nn.Module):
    def __init__(self, inp, out, stride):
        super().__init__()
        self.bn1, self.conv1, self.bn2 = nn.BatchNorm2d(inp), Conv(inp, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out)
        self.prelu, self.conv2, self.bn3 = Prelu(out), Conv(out, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out)
        self.downsample = None
        if stride != 1 or inp != out:
            self.downsample = nn.Sequential(Conv(inp, out, 1, stride, bias=False), nn.BatchNorm2d(out))
        self.act = None

    def forward(self, x):
        y = self.bn3(self.conv2(self.prelu(self.bn2(self.conv1(self.bn1(x))))))
        y = y + (x if self.downsample is None else self.downsample(x))
        return y if self.act is None else self.act(y)


class IResNet(nn.Module):
    def __init__(self, stages, dropout=0.4):
        super().__init__()
        self.stem = nn.Sequential(Conv(3, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), Prelu(64))
        blocks, inp = [], 64
        for stage, count in enumerate(stages):
            for index in range(count):
                blocks.append(Block(inp, 64 << stage, 2 if index == 0 else 1))
                inp = 64 << stage
        self.blocks = nn.Sequential(*blocks)
        self.bn2, self.dropout, self.fc, self.features = (
            nn.BatchNorm2d(512),
            nn.Dropout(dropout),
            Dense(25088, 512),
            nn.BatchNorm1d(512),
        )
        self.features.weight.requires_grad = False

    def forward(self, x):
        x = self.bn2(self.blocks(self.stem(x)))
        return self.features(self.fc(self.dropout(torch.flatten(x, 1))))


def conv_block(inp, out, kernel, stride, pad, groups=1, prelu=True):
    layers = [Conv(inp, out, kernel, stride, pad, groups=groups, bias=False), nn.BatchNorm2d(out)]
    return nn.Sequential(*layers, *([Prelu(out)] if prelu else []))


class Depthwise(nn.Module):
    def __init__(self, inp, out, groups, stride, residual):
        super().__init__()
        self.conv = nn.Sequential(conv_block(inp, groups, 1, 1, 0), conv_block(groups, groups, 3, stride, 1, groups),
                                  conv_block(groups, out, 1, 1, 0, prelu=False))
        self.residual, self.act = residual, None

    def forward(self, x):
        y = self.conv(x)
        if not self.residual:
            return y
        return y + x if self.act is None else self.act(y + x)


class MobileFaceNet(nn.Module):
    def __init__(self):
        super().__init__()
        units = [conv_block(3, 64, 3, 2, 1), conv_block(64, 64, 3, 1, 1, 64), Depthwise(64, 64, 128, 2, False)]
        units += [Depthwise(64, 64, 128, 1, True) for _ in range(4)] + [Depthwise(64, 128, 256, 2, False)]
        units += [Depthwise(128, 128, 256, 1, True) for _ in range(6)] + [Depthwise(128, 128, 512, 2, False)]
        units += [Depthwise(128, 128, 256, 1, True) for _ in range(2)]
        units += [conv_block(128, 512, 1, 1, 0), conv_block(512, 512, 7, 1, 0, 512, prelu=False)]
        self.body, self.linear, self.bn = nn.Sequential(*units), Dense(512, 128, bias=False), nn.BatchNorm1d(128)

    def forward(self, x):
        return self.bn(self.linear(torch.flatten(self.body(x), 1)))


def make(architecture, bits):
    network = MobileFaceNet() if architecture == "mobilefacenet" else IResNet(BLOCKS_OF_STAGES[architecture])
    if bits == 32:
        return network
    for module in network.modules():
        if isinstance(module, (Conv, Dense, Prelu)):
            module.bits = bits
        if isinstance(module, (Prelu, Block)) or (isinstance(module, Depthwise) and module.residual):
            module.act = QuantAct(bits)
    return network


class Race:
    def load(self, architecture, batch, bits):
        torch.manual_seed(1)
        self.network = make(architecture, int(bits))
        self.images = torch.rand(int(batch), 3, 112, 112) * 2 - 1
        with torch.no_grad():
            self.teacher = F.normalize(torch.randn_like(self.network.eval()(self.images)))
        trainable = [p for p in self.network.parameters() if p.requires_grad]
        self.optimiser = torch.optim.SGD(trainable, lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)
        return {"parameters": sum(p.numel() for p in self.network.parameters())}

    def step(self, count):
        self.network.train()
        begin = time.perf_counter()
        for _ in range(int(count)):
            loss = F.mse_loss(F.normalize(self.network(self.images)), self.teacher)
            self.optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
            self.optimiser.step()
            loss.item()
        return {"seconds": time.perf_counter() - begin}

    @torch.no_grad()
    def embed(self, count):
        self.network.eval()
        begin = time.perf_counter()
        for _ in range(int(count)):
            self.network(self.images)
        return {"seconds": time.perf_counter() - begin}

    def threads(self, count):
        torch.set_num_threads(int(count))
        return {}

    def hello(self):
        return {"torch": torch.__version__.split("+")[0], "threads": torch.get_num_threads()}


if __name__ == "__main__":
    torch.set_num_threads(2)
    serve(Race())
