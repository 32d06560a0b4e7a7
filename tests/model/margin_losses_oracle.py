#!/usr/bin/env python3
"""Margin losses from the formulas of the papers, in float64 and with acos, for tests/model/margin_head_test.cpp."""
import json
import math
import sys

import torch


def target_of(cosine, margin, kind, falls_to_pi):
    if kind == "cos":
        return cosine - margin  # CosFace (1801.09414) eq. 4
    theta = torch.acos(cosine.clamp(-1 + 1e-15, 1 - 1e-15))
    shifted = torch.cos(theta + margin)  # ArcFace (1801.07698) eq. 3
    if not falls_to_pi:
        return shifted
    return torch.where(theta + margin < math.pi, shifted, cosine - margin * torch.sin(margin))


def main():
    question = json.load(open(sys.argv[1]))
    embeddings = torch.tensor(question["embeddings"], dtype=torch.float64, requires_grad=True)
    kernel = torch.tensor(question["kernel"], dtype=torch.float64, requires_grad=True)
    labels = torch.tensor(question["labels"])
    margins = torch.tensor(question["margins"], dtype=torch.float64)
    cosine = torch.nn.functional.normalize(embeddings, dim=1) @ torch.nn.functional.normalize(kernel, dim=0)
    rows = torch.arange(len(labels))
    target = target_of(cosine[rows, labels], margins, question["kind"], question["falls_to_pi"])
    is_target = torch.nn.functional.one_hot(labels, kernel.shape[1]).bool()
    logits = question["scale"] * torch.where(is_target, target.unsqueeze(1), cosine)
    loss = torch.nn.functional.cross_entropy(logits, labels)
    loss.backward()
    json.dump({"logits": logits.tolist(), "loss": loss.item(), "grad_embeddings": embeddings.grad.tolist(),
               "grad_kernel": kernel.grad.tolist()}, sys.stdout)


if __name__ == "__main__":
    main()
