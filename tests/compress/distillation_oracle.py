#!/usr/bin/env python3
"""Distillation losses and their gradients from the papers' formulas, in float64, written out over pairs and triplets:
embedding MSE, cosine, and RKD (1904.05068) distance (eqs. 5, 6) and angle (eqs. 7, 8) with the Huber loss of eq. 4."""
import json
import sys

import torch


def huber(x, y):
    d = (x - y).abs()
    return torch.where(d <= 1, 0.5 * d * d, d - 0.5)


def relational(student, teacher):
    n = len(student)
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]

    def distances(x):
        d = torch.stack([torch.linalg.vector_norm(x[i] - x[j]) for i, j in pairs])
        return d / d.mean()

    def angle(x, i, j, k):
        a, b = x[i] - x[j], x[k] - x[j]
        return torch.dot(a, b) / (torch.linalg.vector_norm(a) * torch.linalg.vector_norm(b))

    distance = huber(distances(student), distances(teacher)).sum() / n**2
    triplets = [(i, j, k) for j in range(n) for i in range(n) for k in range(n) if i != j and k != j]
    total = sum(huber(angle(student, *t), angle(teacher, *t)) for t in triplets)
    return distance + 2 * total / n**3


def main():
    question = json.load(open(sys.argv[1]))
    student = torch.tensor(question["student"], dtype=torch.float64, requires_grad=True)
    teacher = torch.tensor(question["teacher"], dtype=torch.float64)
    s = student / torch.linalg.vector_norm(student, dim=1, keepdim=True)
    t = teacher / torch.linalg.vector_norm(teacher, dim=1, keepdim=True)
    probability = torch.softmax(teacher, 1)
    divergence = (probability * (probability.log() - torch.log_softmax(student, 1))).sum(1).mean()
    losses = {"embedding": ((s - t) ** 2).mean(), "cosine": (1 - (s * t).sum(1)).mean(), "relational": relational(s, t),
              "logits": divergence}
    loss = losses[question["loss"]] * question["scale"]
    loss.backward()
    json.dump({"loss": loss.item(), "gradient": student.grad.tolist()}, sys.stdout)


if __name__ == "__main__":
    main()
