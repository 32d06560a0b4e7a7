"""`fairsweep evaluate` on the checkpoints of a sweep gives the figures that the sweep's own evaluation stored and
`fairsweep analyze` reported. Run: same_as_sweep.py FAIRSWEEP GROUPS_CSV ARTEFACT_FOLDER DATA"""
import json
import math
import os
import subprocess
import sys

import pandas

program, csv, folder, data = sys.argv[1:]
table = pandas.read_csv(csv)
networks = 0
for checkpoint, rows in table.groupby("network"):
    file = os.path.join(folder, checkpoint + ".ckpt")
    first = rows.iloc[0]
    bits = str(first["bits"])
    words = [
        program,
        "evaluate",
        "--architecture",
        first["architecture"],
        "--weights",
        file,
        "--bits",
        bits,
        "--data",
        data,
        "--threads",
        "1",
        "--batch",
        "64",
        "--json",
        "-q",
    ]
    report = json.loads(subprocess.run(words, check=True, capture_output=True, text=True).stdout)
    for _, row in rows.iterrows():
        group = report["groups"][row["group"]]
        interval = report["intervals"][f"groups.{row['group']}.accuracy_10fold"]
        at = report["at"]["accuracy"]["groups"][row["group"]]
        pairs = [
            (group["accuracy_10fold"], row["accuracy_percent"]),
            (group["eer"], row["eer_fraction"]),
            (group["auc"], row["auc_fraction"]),
            (interval[0], row["accuracy_percent_low"]),
            (interval[1], row["accuracy_percent_high"]),
            (at["fmr"], row["fmr_fraction"]),
            (at["fnmr"], row["fnmr_fraction"]),
        ]
        for found, expected in pairs:  # the store keeps scores in float32, which breaks no tie here
            assert math.isclose(found, expected, rel_tol=1e-9), (checkpoint, row["group"], found, expected)
    if bits != "32":
        quantised = words
    networks += 1
assert networks == 3, networks
wrong = subprocess.run([*words[:7], "5", *words[8:]], capture_output=True, text=True, check=False)
assert wrong.returncode == 2 and ("ranges for" in wrong.stderr or "no activation ranges" in wrong.stderr), wrong
refused = subprocess.run([*quantised, "--precision", "bf16"], capture_output=True, text=True, check=False)
assert refused.returncode == 2 and "quantised network" in refused.stderr, refused
