#!/usr/bin/env python3
"""Shift, brightness, contrast and saturation of faces in float64, for tests/study/augmentation_test.cpp.

numpy's reflected padding and a crop, and the formulas of torchvision.transforms._functional_tensor (rgb_to_grayscale,
_blend) on images from 0 to 1.
"""
import json
import sys

import numpy as np


def blend(image, other, factor):
    return (factor * image + (1.0 - factor) * other).clip(0.0, 1.0)


def grey(image):
    return image @ np.array([0.299, 0.587, 0.114])


def changed(case):
    image = (np.array(case["face"]) + 1.0) / 2.0
    size, padding = len(image), case["padding"]
    padded = np.pad(image, ((padding, padding), (padding, padding), (0, 0)), mode="reflect")
    top, left = padding + case["down"], padding + case["right"]
    image = padded[top:top + size, left:left + size]
    image = blend(image, np.zeros_like(image), case["brightness"])
    image = blend(image, grey(image).mean(), case["contrast"])
    image = blend(image, grey(image)[..., None], case["saturation"])
    return (2.0 * image - 1.0).tolist()


json.dump([changed(case) for case in json.load(open(sys.argv[1]))], sys.stdout)
