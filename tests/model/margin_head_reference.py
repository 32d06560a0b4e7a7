#!/usr/bin/env python3
"""Writes tests/golden/margin_head.json: ArcFace logits and gradients from Python torch in float64, as oracle of
src/model/margin_head. Run once by hand with an interpreter that has torch (Debian: python3-torch); the test reads the
file."""
import json
import math
import sys

import torch

SCALE, MARGIN = 64.0, 0.5
BATCH, DIMENSIONS, CLASSES = 6, 5, 7


def logits_of(embeddings, kernel, labels):
    cosine = torch.nn.functional.normalize(embeddings, dim=1) @ torch.nn.functional.normalize(kernel, dim=0)
    theta = torch.acos(cosine.clamp(-1 + 1e-12, 1 - 1e-12))
    target = torch.nn.functional.one_hot(labels, CLASSES).bool()
    beyond = cosine - MARGIN * math.sin(MARGIN)
    with_margin = torch.where(theta + MARGIN < math.pi, torch.cos(theta + MARGIN), beyond)
    return SCALE * torch.where(target, with_margin, cosine)


def main():
    torch.manual_seed(20)
    embeddings = torch.randn(BATCH, DIMENSIONS, dtype=torch.float64).float().double()
    kernel = torch.randn(DIMENSIONS, CLASSES, dtype=torch.float64).float().double()
    labels = torch.tensor([3, 0, 6, 6, 1, 2])
    embeddings[4] = -kernel[:, 1] + 0.05 * embeddings[4]  # theta close to pi: beyond pi with the margin
    embeddings = embeddings.float().double().requires_grad_()
    kernel.requires_grad_()
    logits = logits_of(embeddings, kernel, labels)
    loss = torch.nn.functional.cross_entropy(logits, labels)
    loss.backward()
    numbers = {
        "scale": SCALE,
        "margin_rad": MARGIN,
        "labels": labels.tolist(),
        "embeddings": embeddings.tolist(),
        "kernel": kernel.tolist(),
        "logits": logits.tolist(),
        "loss": loss.item(),
        "grad_embeddings": embeddings.grad.tolist(),
        "grad_kernel": kernel.grad.tolist(),
    }
    json.dump(numbers, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
