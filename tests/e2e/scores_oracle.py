"""Tables of scores, and the figures that `fairsweep scores` must give for them.
Run: scores_oracle.py write|check, or scores_oracle.py five_folds TABLE beside folds5.json"""
import csv
import json
import sys

import numpy as np

from recompute_evaluation import check

GROUPS = {"A": 230, "B, the second": 180, 'the "third"': 205}


def make():
    random = np.random.default_rng(4)
    groups = {}
    for number, (name, pairs) in enumerate(GROUPS.items()):
        same = random.permutation(np.arange(pairs) % 2 == 0)
        scores = np.clip(np.where(same, 0.55, 0.25) + random.normal(0, 0.15 + 0.03 * number, pairs), -1, 1).round(
            3
        )  # ties
        people = random.integers(0, 60, (pairs, 2)) + 100 * number
        people[same, 1] = people[same, 0]
        people[~same, 1] += people[~same, 1] == people[~same, 0]
        groups[name] = scores, same, people, random.permutation(np.arange(pairs) * 10 // pairs)
    return groups


def write(groups):
    lines = [(name, i) for name, (scores, *_) in groups.items() for i in range(len(scores))]
    mixed = [lines[i] for i in np.random.default_rng(5).permutation(len(lines))]
    # Groups in the order of their first line, pairs in file order: both must survive the mixing.
    with open("plain.csv", "w", newline="") as file:
        table = csv.writer(file, lineterminator="\r\n")
        table.writerow(["note", "score", "group", "same"])
        for name, i in lines:
            table.writerow(["a,b\n\"c\"", groups[name][0][i], name, int(groups[name][1][i])])
    with open("people.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["group", "same", "identity_b", "score", "identity_a"])
        for name, i in lines:
            a, b = groups[name][2][i]
            table.writerow([name, "Yes" if groups[name][1][i] else "no", f"p{b}", groups[name][0][i], f"p{a}"])
    # Every second pair lacks its people: "" or "nan" is nobody, as if each had a name of its own.
    for table_name in ("half_blank", "half_named"):
        with open(table_name + ".csv", "w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["group", "same", "score", "identity_a", "identity_b"])
            for number, (name, i) in enumerate(lines):
                same = groups[name][1][i]
                a, b = (f"p{person}" for person in groups[name][2][i])
                if number % 2 and table_name == "half_blank":
                    a, b = ("", "nan")
                elif number % 2:
                    a, b = f"a{number}", f"a{number}" if same else f"b{number}"
                table.writerow([name, int(same), groups[name][0][i], a, b])
    with open("folds.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["fold", "group", "same", "score"])
        for name, i in mixed:
            table.writerow(
                [f"fold {groups[name][3][i]}", name, "TRUE" if groups[name][1][i] else "False", groups[name][0][i]]
            )
    return mixed


def five_folds(table):
    lines = list(csv.DictReader(open(table)))
    groups, folds = {}, {}
    for name in dict.fromkeys(line["group"] for line in lines):
        own = [line for line in lines if line["group"] == name]
        groups[name] = np.array([float(line["score"]) for line in own]), np.array([line["same"] == "1" for line in own])
        folds[name] = np.array([int(line["fold"]) for line in own])
    check(json.load(open("folds5.json")), groups, folds)


if sys.argv[1] == "five_folds":
    five_folds(sys.argv[2])
    sys.exit()
groups = make()
mixed = write(groups)
if sys.argv[1] == "check":
    plain = {name: (scores, same) for name, (scores, same, _, _) in groups.items()}
    for file in ("plain", "people"):
        check(json.load(open(file + ".json")), plain)
    order = list(dict.fromkeys(name for name, _ in mixed))
    check(
        json.load(open("folds.json")), {name: plain[name] for name in order}, {name: groups[name][3] for name in order}
    )
    reports = {name: json.load(open(name + ".json")) for name in ("plain", "people")}
    assert any("independent" in warning for warning in reports["plain"]["warnings"])
    assert not any("independent" in warning for warning in reports["people"]["warnings"])

    def width(report, name):
        low, high = report["intervals"][name]
        return high - low

    blank, named = (json.load(open(name + ".json")) for name in ("half_blank", "half_named"))
    assert (
        blank["warnings"]
        .pop(0)
        .startswith("an identity is missing (empty, nan, NA, None or null) in 307 pairs (first: line 3)")
    )
    assert blank == named

    # Pairs that share people tell less: 60 people in 200 pairs.
    for name in ("average", "groups.A.accuracy_10fold", "at.accuracy.groups.A.fmr"):
        assert width(reports["people"], name) != width(reports["plain"], name), name
    folds = json.load(open("folds.json"))
    assert "fold column" in folds["conventions"]["accuracy_10fold"]
    assert folds["groups"]["A"]["accuracy_10fold"] != reports["plain"]["groups"]["A"]["accuracy_10fold"]
