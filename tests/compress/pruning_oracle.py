#!/usr/bin/env python3
"""Masks from torch.nn.utils.prune for tests/compress/pruning_rules_test.cpp: global_unstructured and per-layer
l1_unstructured."""

import json
import sys

import torch
from torch.nn.utils import prune


class Holder(torch.nn.Module):
    def __init__(self, weight):
        super().__init__()
        self.weight = torch.nn.Parameter(weight)


def main():
    question = json.load(open(sys.argv[1]))
    holders = [Holder(torch.tensor(w, dtype=torch.float64)) for w in question["weights"]]
    if question["scope"] == "global":
        prune.global_unstructured(
            [(h, "weight") for h in holders], pruning_method=prune.L1Unstructured, amount=question["sparsity"]
        )
    else:
        for holder in holders:
            prune.l1_unstructured(holder, "weight", amount=question["sparsity"])
    json.dump([h.weight_mask.tolist() for h in holders], sys.stdout)


if __name__ == "__main__":
    main()
