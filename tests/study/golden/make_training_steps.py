#!/usr/bin/python3
"""Training steps of a tiny network in Python's PyTorch: the independent numbers for training_test.cpp.

Run with an interpreter that has torch (Debian: python3-torch) and redirect into training_steps.txt beside this file.
Inputs follow a formula that both sides compute, so that only results are stored.
"""
import math

import torch
import torch.nn.functional as F

BATCH, SIDE, WIDTH, DIMENSIONS, CLASSES = 6, 6, 8, 5, 4


def wave(shape, phase, scale, offset=0.0):
    count = math.prod(shape)
    values = torch.tensor([offset + scale * math.sin(0.37 * i + phase) for i in range(count)], dtype=torch.float64)
    return values.to(torch.float32).reshape(shape)


class TinyNetwork(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, WIDTH, 3, padding=1, bias=False)
        self.bn = torch.nn.BatchNorm2d(WIDTH)
        self.prelu = torch.nn.PReLU(WIDTH)
        self.fc = torch.nn.Linear(WIDTH * SIDE * SIDE, DIMENSIONS)
        self.features = torch.nn.BatchNorm1d(DIMENSIONS)
        with torch.no_grad():
            self.conv.weight.copy_(wave(self.conv.weight.shape, 1.0, 0.3))
            self.prelu.weight.copy_(wave((WIDTH,), 2.0, 0.1, 0.25))
            self.fc.weight.copy_(wave(self.fc.weight.shape, 3.0, 0.2))
            self.fc.bias.copy_(wave((DIMENSIONS,), 4.0, 0.1))

    def forward(self, x):
        return self.features(self.fc(self.prelu(self.bn(self.conv(x))).flatten(1)))


def images(step):
    return wave((BATCH, 3, SIDE, SIDE), 5.0 + step, 1.0)


def show(name, tensor):
    print(name, *(f"{v:.9g}" for v in tensor.detach().double().flatten().tolist()))


def show_state(prefix, network):
    for name in (
        "conv.weight",
        "bn.weight",
        "bn.bias",
        "bn.running_mean",
        "bn.running_var",
        "prelu.weight",
        "fc.weight",
        "fc.bias",
        "features.bias",
    ):
        show(f"{prefix}.{name}", network.state_dict()[name])


def arcface():
    """Four ArcFace steps: s 16, m ramped, Nesterov, weight decay, backbone clipped to 0.5, warm-up then cosine."""
    network, steps, warm = TinyNetwork(), 4, 1
    kernel = torch.nn.Parameter(wave((DIMENSIONS, CLASSES), 6.0, 0.5))
    labels = torch.tensor([i % CLASSES for i in range(BATCH)])
    optimiser = torch.optim.SGD([*network.parameters(), kernel], lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    losses, norms = [], []
    for step in range(steps):
        rate = (
            0.1 * (step + 1) / warm if step < warm else 0.05 * (1 + math.cos(math.pi * (step - warm) / (steps - warm)))
        )
        margin = 0.3 * min(1.0, step / 2)
        for group in optimiser.param_groups:
            group["lr"] = rate
        cosine = F.normalize(network(images(step))) @ F.normalize(kernel, dim=0)
        theta = torch.acos(cosine.clamp(-1 + 1e-7, 1 - 1e-7))
        logits = 16.0 * torch.cos(theta + margin * F.one_hot(labels, CLASSES))
        loss = F.cross_entropy(logits, labels)
        optimiser.zero_grad()
        loss.backward()
        if step == 0:
            show("arcface.gradient.conv.weight", network.conv.weight.grad)
            show("arcface.gradient.kernel", kernel.grad)
        norms.append(torch.nn.utils.clip_grad_norm_(network.parameters(), 0.5).item())
        optimiser.step()
        losses.append(loss.item())
    show("arcface.losses", torch.tensor(losses))
    show("arcface.norms", torch.tensor(norms))
    show("arcface.kernel", kernel)
    show_state("arcface", network)


def distillation():
    """Three steps towards given embeddings: 8 x mean squared error of unit vectors."""
    network = TinyNetwork()
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=5e-4)
    losses = []
    for step in range(3):
        target = wave((BATCH, DIMENSIONS), 7.0 + step, 2.0)
        loss = 8.0 * F.mse_loss(F.normalize(network(images(step))), F.normalize(target))
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        losses.append(loss.item())
    show("distillation.losses", torch.tensor(losses))
    show_state("distillation", network)


arcface()
distillation()
