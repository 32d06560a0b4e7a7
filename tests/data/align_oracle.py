#!/usr/bin/env python3
"""Writes align_oracle.csv: five-point transforms by Umeyama's SVD solution (numpy) and warps by scipy.ndimage, the
independent answers that align_test.cpp compares ours with. `align_oracle.py --check` says whether the file is what this
script writes (to the last digits, which differ between numpy builds)."""
import pathlib
import sys

import numpy as np
from scipy import ndimage

TEMPLATE = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
FILE = pathlib.Path(__file__).with_suffix(".csv")


def umeyama(source, target):
    """Umeyama, IEEE PAMI 13(4), 1991, eq. 38-43: 2 x 3 matrix of the least-squares similarity."""
    source_mean, target_mean = source.mean(0), target.mean(0)
    p, q = source - source_mean, target - target_mean
    u, d, vt = np.linalg.svd(q.T @ p / len(p))
    s = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = u @ np.diag(s) @ vt
    scale = (d * s).sum() / (p**2).sum(1).mean()
    matrix = np.empty((2, 3))
    matrix[:, :2] = scale * rotation
    matrix[:, 2] = target_mean - matrix[:, :2] @ source_mean
    return matrix


def test_image(rows, cols):
    y, x, c = np.meshgrid(np.arange(rows), np.arange(cols), np.arange(3), indexing="ij")
    return (37 * y + 91 * x + 53 * c + 7 * x * y) % 256


def warp(image, matrix, size):
    linear, shift = matrix[:, :2], matrix[:, 2]
    x, y = np.meshgrid(np.arange(size), np.arange(size))
    sx, sy = np.linalg.solve(linear, np.stack([x.ravel(), y.ravel()]) - shift[:, None])
    planes = [
        ndimage.map_coordinates(image[:, :, c].astype(float), [sy, sx], order=1, mode="grid-constant", cval=0.0)
        for c in range(3)
    ]
    return np.stack(planes, 1).ravel()


def rows_of_file():
    rng = np.random.default_rng(20221)
    for case in range(60):
        size = int(rng.choice([112, 56, 64]))
        angle, scale = rng.uniform(-np.pi, np.pi) if case % 2 else rng.uniform(-0.5, 0.5), rng.uniform(0.3, 4.0)
        turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        points = (TEMPLATE - 56) @ turn.T + 200 + rng.normal(0, rng.choice([0.0, 3.0, 25.0]), (5, 2))
        if case % 10 == 9:
            points[:, 0] = 400 - points[:, 0]  # a mirrored face: the best similarity without reflection
        matrix = umeyama(points, TEMPLATE * size / 112)
        yield ["transform", size, *points.ravel(), matrix[0, 0], matrix[1, 0], matrix[0, 2], matrix[1, 2]]
    for case in range(6):
        rows, cols, size = int(rng.integers(9, 40)), int(rng.integers(9, 40)), int(rng.integers(8, 20))
        angle, scale = rng.uniform(-np.pi, np.pi), rng.uniform(0.3, 1.5)
        a, b = scale * np.cos(angle), scale * np.sin(angle)
        if case == 0:
            a, b = 1.0, 0.0
        centre = np.array([[a, -b], [b, a]]) @ [cols / 2, rows / 2]
        shift = np.array([size / 2, size / 2]) - centre if case else np.array([-2.0, -3.0])
        matrix = np.array([[a, -b, shift[0]], [b, a, shift[1]]])
        yield ["warp", rows, cols, size, a, b, *shift, *warp(test_image(rows, cols), matrix, size)]


def main():
    lines = [[row[0], *(float(value) for value in row[1:])] for row in rows_of_file()]
    if "--check" not in sys.argv:
        FILE.write_text("".join(",".join([row[0], *(f"{value:.12g}" for value in row[1:])]) + "\n" for row in lines))
        return 0
    stored = [line.split(",") for line in FILE.read_text().splitlines()]
    same = len(stored) == len(lines) and all(
        old[0] == new[0]
        and len(old) == len(new)
        and np.allclose([float(v) for v in old[1:]], new[1:], rtol=1e-9, atol=1e-8)
        for old, new in zip(stored, lines, strict=True)
    )
    print("align_oracle.csv is what this script writes" if same else "align_oracle.csv differs: run align_oracle.py")
    return 0 if same else 1


sys.exit(main())
