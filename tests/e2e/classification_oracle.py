"""Recomputes accuracies and recalls of an analysis file from its logits: FILE CSV-FOLDER GROUPING."""
import csv
import sys

import h5py
import numpy
from sklearn.metrics import accuracy_score, balanced_accuracy_score, recall_score

path, folder, grouping = sys.argv[1:]


def rows(name):
    return list(csv.DictReader(open(f"{folder}/{name}.csv")))


with h5py.File(path) as file:
    classes = [name.decode() for name in file["classes"][:]]
    label = file["images/class"][:]
    begin = file["images/group_begin"][:]
    if grouping == "group":
        names = [name.decode() for name in file["images/groups"][:]]
        group_of = numpy.repeat(numpy.arange(len(names)), numpy.diff(begin))
    else:
        names = [name.decode() for name in file[f"images/groups.{grouping}"][:]]
        group_of = file[f"images/group_of.{grouping}"][:]
    ids = [text.decode() for text in file["points/id"][:]]
    logits = file["scores"][:].reshape(len(ids), len(label), file["scores"].attrs["values_per_item"])
predicted = dict(zip(ids, logits.argmax(axis=2), strict=True))

checked = 0
for row in rows("groups"):
    mine = group_of == names.index(row["group"])
    truth, said = label[mine], predicted[row["point"]][mine]
    accuracy = 100 * accuracy_score(truth, said)
    assert abs(accuracy - float(row["accuracy_percent"])) < 1e-9, (row["group"], accuracy, row["accuracy_percent"])
    balanced = 100 * balanced_accuracy_score(truth, said)
    assert abs(balanced - float(row["balanced_accuracy_percent"])) < 1e-9, (balanced, row["balanced_accuracy_percent"])
    assert float(row["accuracy_percent_low"]) <= accuracy <= float(row["accuracy_percent_high"]), row
    checked += 1
assert checked == len(ids) * len(names), checked
checked = 0
for row in rows("classes"):
    mine = group_of == names.index(row["group"])
    recalls = 100 * recall_score(label[mine], predicted[row["point"]][mine], labels=range(len(classes)), average=None)
    assert abs(recalls[classes.index(row["class"])] - float(row["recall_percent"])) < 1e-9, row
    checked += 1
assert checked == len(ids) * len(names) * len(classes), checked

for row in rows("points"):
    of_groups = [float(g["accuracy_percent"]) for g in rows("groups") if g["point"] == row["point"]]
    assert abs(numpy.std(of_groups, ddof=1) - float(row["std_points"])) < 1e-9, row["std_points"]
contrasts = [row for row in rows("contrasts") if row["kind"] == "compressed - sham"]
assert {row["metric"] for row in contrasts} >= {"accuracy", "average"}, contrasts
mean = {arm: {} for arm in ("sham", "compressed")}
for row in rows("groups"):
    mean.get(row["arm"], {}).setdefault(row["group"], []).append(float(row["accuracy_percent"]))
for row in contrasts:
    if row["metric"] == "accuracy":
        change = numpy.mean(mean["compressed"][row["group"]]) - numpy.mean(mean["sham"][row["group"]])
        assert abs(change - float(row["change_points"])) < 1e-9, (row["group"], change, row["change_points"])
print(f"{len(ids)} points, {len(names)} groups, {len(classes)} classes agree")
