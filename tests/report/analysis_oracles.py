"""Recomputes the tables of a synthetic sweep from its scores, without any code of the program."""
import h5py
import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold
from statsmodels.stats.multitest import multipletests

THRESHOLDS = np.arange(400) * 0.01


def ten_fold(scores, genuine):
    """Accuracy in percent as the RFW protocol has it."""
    distance = 2.0 - 2.0 * scores
    right = (distance[None, :] < THRESHOLDS[:, None]) == genuine[None, :]
    accuracies = []
    for train, test in KFold(10, shuffle=False).split(scores):
        best = np.argmax(right[:, train].mean(axis=1))
        accuracies.append(right[best, test].mean())
    return 100 * np.mean(accuracies)


def pooled_threshold(scores, genuine):
    candidates = np.unique(scores)
    right = [np.count_nonzero((scores >= t) == genuine) for t in candidates]
    return candidates[int(np.argmax(right))]


def close(name, found, expected, tolerance=1e-9):
    assert np.allclose(found, expected, rtol=tolerance, atol=tolerance, equal_nan=True), (
        f"{name}: {found} instead of {expected}"
    )


scores = pd.read_csv("scores.csv")
scores["score"] = scores["score"].astype(np.float32).astype(np.float64)
points = pd.read_csv("tables/points.csv").set_index("point")
groups = pd.read_csv("tables/groups.csv").set_index(["point", "group"])
assert len(points) == scores["point"].nunique() == 68

for point, rows in scores.groupby("point"):
    threshold = pooled_threshold(rows["score"].to_numpy(), rows["genuine"].to_numpy() == 1)
    close("pooled threshold", points.loc[point, "pooled_threshold"], threshold)
    accuracies, rates, counts = [], [], []
    for group, mine in rows.groupby("group", sort=False):
        score, genuine = mine["score"].to_numpy(), mine["genuine"].to_numpy() == 1
        row = groups.loc[(point, group)]
        accuracies.append(ten_fold(score, genuine))
        rates.append((np.mean(score[~genuine] >= threshold), np.mean(score[genuine] < threshold)))
        counts.append((np.count_nonzero(~genuine), np.count_nonzero(genuine)))
        close("accuracy", row["accuracy_percent"], accuracies[-1])
        close("fmr, fnmr", row[["fmr_fraction", "fnmr_fraction"]].to_numpy(float), rates[-1])
        close("auc", row["auc_fraction"], roc_auc_score(genuine, score))
        assert row["accuracy_percent_low"] < row["accuracy_percent"] < row["accuracy_percent_high"]
    row = points.loc[point]
    close("average", row["average_percent"], np.mean(accuracies))
    close("std", row["std_points"], np.std(accuracies, ddof=1))
    close("ser", row["ser"], (100 - min(accuracies)) / (100 - max(accuracies)))
    close("gap", row["gap_points"], max(accuracies) - min(accuracies))
    fmr, fnmr = np.transpose(rates)
    # Undefined where a group expects fewer than 3 errors of a kind, were it as good as all groups together.
    by_kind = zip((fmr, fnmr), np.transpose(counts), strict=True)
    expected = [np.dot(rate, n) / np.sum(n) * np.min(n) for rate, n in by_kind]
    close("fdr", row["fdr"], np.nan if min(expected) < 3 - 1e-9 else 1 - 0.5 * (np.ptp(fmr) + np.ptp(fnmr)))

# Configurations are means over seeds.
axes = ["architecture", "training_set", "arm", "bits", "calibration", "sparsity"]
configurations = pd.read_csv("tables/configurations.csv", dtype={"bits": str})
means = points.astype({"bits": str}).groupby(axes)[["average_percent", "std_points", "ser"]].mean()
assert len(configurations) == 34 and (configurations["n_seeds"] == 2).all()
for _, row in configurations.iterrows():
    close(
        "means over seeds",
        [float(row[c]) for c in means.columns],
        means.loc[tuple(row[a] if a != "sparsity" else float(row[a]) for a in axes)].to_numpy(),
    )

# No text is missing to pandas: grouping by any text column keeps all rows.
for name in (
    "points",
    "groups",
    "configurations",
    "configuration_groups",
    "contrasts",
    "findings",
    "warnings",
    "overview",
):
    table = pd.read_csv(f"tables/{name}.csv")
    for column in (c for c in table if not pd.api.types.is_numeric_dtype(table[c])):
        assert table.groupby(column).size().sum() == len(table), f"{name}.{column} has empty cells"
    assert "seeds" not in table
assert set(points["seed"]) == {1, 2} and set(configurations["seed_list"]) == {"1 2"}
assert (
    points.loc[points["arm"] == "dense", "teacher_cosine"].isna().all()
    and points.loc[points["arm"] != "dense", "teacher_cosine"].notna().all()
)
assert configurations.groupby("finetune_recipe").size()["none"] == (configurations["arm"] == "dense").sum() == 2

# Adjusted p values.
contrasts = pd.read_csv("tables/contrasts.csv")
for family, method in (("primary", "holm"), ("exploratory", "fdr_bh")):
    mine = contrasts[contrasts["family"] == family]
    assert len(mine) > 20
    close(method, mine["p_adjusted"].to_numpy(), multipletests(mine["p_value"], method=method)[1])

# The analysis file holds the same tables.
with h5py.File("analysis.h5") as file:
    table = file["analysis/groups"]
    close("h5py", table["accuracy_percent"][()], pd.read_csv("tables/groups.csv")["accuracy_percent"].to_numpy(), 0)
    assert table["accuracy_percent"].attrs["unit"] in ("percent", b"percent")
    assert "ddof 1" in str(table.attrs["std"])
print("all figures agree")
