"""Recomputes accuracies, averages, STD and SER of every point from the scores in an analysis file, with numpy alone."""
import sys

import h5py
import numpy as np

path = sys.argv[1]


def accuracy_10fold(score, genuine):
    """Percent. Squared distance below a threshold of the grid 0, 0.01 ... 3.99; contiguous folds; first best."""
    distance = 2 - 2 * score.astype(np.float64)
    predicted = distance[None, :] < (np.arange(400) * 0.01)[:, None]
    correct = predicted == genuine[None, :]
    shares = []
    for fold in np.array_split(np.arange(len(score)), 10):
        others = np.setdiff1d(np.arange(len(score)), fold)
        best = np.argmax(correct[:, others].sum(axis=1))
        shares.append(correct[best, fold].mean())
    return 100 * np.mean(shares)


with h5py.File(path) as f:
    begin = f["pairs/group_begin"][:]
    genuine = f["pairs/genuine"][:].astype(bool)
    scores = f["scores"][:]
    stored = f["figures/accuracy_10fold"][:]
    done = np.array([s.decode() == "done" for s in f["points/state"][:]])
    checked = 0
    for p in np.flatnonzero(done):
        for g in range(len(begin) - 1):
            part = slice(begin[g], begin[g + 1])
            again = accuracy_10fold(scores[p, part], genuine[part])
            assert abs(again - stored[p, g]) < 1e-9, (p, g, again, stored[p, g])
            checked += 1
    assert checked > 0
print(f"{checked} group accuracies recomputed")
