"""Every point figure of `fairsweep evaluate --json` again, from the embedding file with h5py, numpy and scikit-learn;
and a file of the same embeddings as other people write it. Run: recompute_evaluation.py SHA256_OF_WEIGHTS
GROUP=PAIRS..."""
import json
import math
import os
import sys

import h5py
import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold, PredefinedSplit


def read_pairs(path):
    for line in open(path):
        words = line.split()
        if len(words) == 3:
            yield words[0], int(words[1]), words[0], int(words[2]), True
        elif len(words) == 4:
            yield words[0], int(words[1]), words[2], int(words[3]), False


def scores_of(file, lists):
    with h5py.File(file) as data:
        embeddings = data["embeddings"][:].astype(np.float64)
        paths = [path.decode() for path in data["paths"][:]]
    rows = {os.path.splitext("/".join(path.split("/")[-2:]))[0]: i for i, path in enumerate(paths)}
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    out = {}
    for item in lists:
        group, path = item.split("=")
        pairs = list(read_pairs(path))
        a = [rows[f"{p}/{p}_{i:04d}"] for p, i, _, _, _ in pairs]
        b = [rows[f"{q}/{q}_{j:04d}"] for _, _, q, j, _ in pairs]
        out[group] = (np.sum(unit[a] * unit[b], axis=1), np.array([same for *_, same in pairs]))
    return out


def ten_fold(scores, same, folds=None):
    distances, grid, accuracies = 2 - 2 * scores, np.arange(400) * 0.01, []
    splits = KFold(10, shuffle=False).split(scores) if folds is None else PredefinedSplit(folds).split()
    for train, test in splits:
        right = [(np.mean((distances[train] < t) == same[train])) for t in grid]
        accuracies.append(np.mean((distances[test] < grid[int(np.argmax(right))]) == same[test]))
    return 100 * np.mean(accuracies)


def rates(scores, same, threshold):
    match = scores >= threshold
    return np.mean(match[~same]), np.mean(~match[same]), np.mean(match == same)


def eer(scores, same):
    best = min(
        np.unique(scores), key=lambda t: (round(abs(rates(scores, same, t)[0] - rates(scores, same, t)[1]), 12), t)
    )
    return sum(rates(scores, same, best)[:2]) / 2


def gini(x):
    n, mean = len(x), np.mean(x)
    return 0.0 if mean == 0 else n / (n - 1) * np.abs(np.subtract.outer(x, x)).sum() / (2 * n * n * mean)


def close(found, expected, what, tolerance=1e-9):
    # Scores are sums of 64 products in another order: 1e-15 apart, so rates are equal and thresholds nearly.
    assert found is not None and math.isclose(found, expected, rel_tol=tolerance, abs_tol=tolerance), (
        what,
        found,
        expected,
    )


def check(report, groups, folds=None):
    assert list(report["groups"]) == list(groups)
    accuracies = []
    for name, (scores, same) in groups.items():
        found = report["groups"][name]
        assert (found["pairs"], found["genuine"], found["impostor"]) == (len(same), same.sum(), (~same).sum())
        accuracies.append(ten_fold(scores, same, None if folds is None else folds[name]))
        close(found["accuracy_10fold"], accuracies[-1], name)
        close(found["auc"], roc_auc_score(same, scores), name)
        close(found["eer"], eer(scores, same), name)
    close(report["average"], np.mean(accuracies), "average")
    close(report["std"], np.std(accuracies, ddof=1), "std")
    assert report["std_ddof"] == 1
    close(report["ser"], (100 - min(accuracies)) / (100 - max(accuracies)), "ser")
    scores, same = (np.concatenate([group[i] for group in groups.values()]) for i in (0, 1))
    best = max(np.mean((scores >= t) == same) for t in scores)
    thresholds = {"accuracy": min(t for t in scores if np.mean((scores >= t) == same) == best)}
    for target in ("1e-2", "1e-3"):
        allowed = math.floor(float(target) * (~same).sum() + 1e-12)
        thresholds[f"fmr={target}"] = np.nextafter(np.sort(scores[~same])[::-1][allowed], 2)
    assert list(report["at"]) == list(thresholds)
    for name, threshold in thresholds.items():
        at = report["at"][name]
        close(at["threshold"], threshold, name)
        assert at["threshold_source"] == "test"
        # Rates at the very threshold reported: the pair that sets it must fall on its side.
        expected = [rates(s, y, threshold) for s, y in groups.values()]
        for (fmr, fnmr, accuracy), found in zip(expected, at["groups"].values(), strict=True):
            close(found["fmr"], fmr, name), close(found["fnmr"], fnmr, name), close(found["accuracy"], accuracy, name)
        fmr, fnmr = (np.array([e[i] for e in expected]) for i in (0, 1))
        # Indices stand only where every group expects 3 errors of a kind, were it as good as all together.
        counts = [((~y).sum(), y.sum()) for _, y in groups.values()]
        pooled = [np.dot(rate, n) / np.sum(n) for rate, n in zip((fmr, fnmr), np.transpose(counts), strict=True)]
        few = any(pooled[i] * n[i] < 3 - 1e-9 for n in counts for i in (0, 1))
        if few:
            assert at["fdr"] is None and at["garbe"] is None and at["ir"] is None
            assert any(f"at.{name}.fdr, ir and garbe are undefined" in warning for warning in report["warnings"])
        else:
            close(at["fdr"], 1 - 0.5 * np.ptp(fmr) - 0.5 * np.ptp(fnmr), name)
            close(at["garbe"], 0.5 * gini(fmr) + 0.5 * gini(fnmr), name)
            if min(fmr) > 0 and min(fnmr) > 0:
                close(at["ir"], (max(fmr) / min(fmr)) ** 0.5 * (max(fnmr) / min(fnmr)) ** 0.5, name)
            else:
                assert at["ir"] is None and any(f"at.{name}.ir" in warning for warning in report["warnings"])
        # Two questions, two intervals; none of the matcher where fewer than 5 false matches are expected.
        enough = name == "accuracy" or float(name[4:]) * (~same).sum() >= 5
        for group in groups:
            low, high = report["intervals"][f"at.{name}.groups.{group}.fnmr.frozen"]
            assert low <= at["groups"][group]["fnmr"] <= high
            found = report["intervals"][f"at.{name}.groups.{group}.fnmr"]
            assert (found is not None) == enough, (name, group)
            assert enough or f"at.{name}.groups.{group}.fnmr" in report["intervals_missing"]
            assert not enough or (found[0] <= low and high <= found[1])
            if at["groups"][group]["fmr"] == 0:
                assert any(
                    f"group {group}: 0 of {(~groups[group][1]).sum()}: FMR below" in w for w in report["warnings"]
                )
    for name in ("average", "std", "ser", "gap"):
        low, high = report["intervals"][name]
        assert low <= report[name] <= high, name
    for name in ("std", "ser"):
        assert 0 < report["no_bias"][name]["mean"] < report["no_bias"][name]["p95"]
    assert report["conventions"] and any("threshold_source" in warning for warning in report["warnings"])


def main():
    digest, lists = sys.argv[1], sys.argv[2:]
    with h5py.File("e.h5") as data:
        assert data["embeddings"].dtype == np.float32 and data["embeddings"].shape == (96, 64)
        attributes = {
            key: (value.decode() if isinstance(value, bytes) else str(value)) for key, value in data.attrs.items()
        }
        assert attributes == {
            "weights_sha256": digest,
            "architecture": "mobilefacenet-w16-56",
            "bits": "32",
            "flip": "false",
            "precision": "fp32",
            "format": "fairsweep-embeddings",
            "version": "1",
        }, attributes
        embeddings, paths = data["embeddings"][:], data["paths"][:]
    assert sorted(paths) == list(paths) and np.isfinite(embeddings).all()
    groups = scores_of("e.h5", lists)
    assert len({round(float(s), 9) for scores, _ in groups.values() for s in scores}) > 50, (
        "the network tells no face from another"
    )
    check(json.load(open("e.json")), groups)
    check(json.load(open("listed.json")), scores_of("listed.h5", lists))
    with h5py.File(
        "foreign.h5", "w"
    ) as data:  # double numbers, strings of variable length, another order, attributes of numbers
        order = np.random.default_rng(1).permutation(len(paths))
        data.create_dataset("embeddings", data=embeddings[order].astype(np.float64), compression="gzip")
        data.create_dataset(
            "paths",
            data=["some/where/" + paths[i].decode().replace(".jpg", ".png") for i in order],
            dtype=h5py.string_dtype(),
        )
        data.attrs["note"] = "made elsewhere"
        data.attrs["number"] = 3
    with h5py.File("no_embeddings.h5", "w") as data:
        data["paths"] = [b"a"]


if __name__ == "__main__":
    main()
