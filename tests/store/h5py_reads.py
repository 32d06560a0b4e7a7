"""Reads what write_example wrote with h5py alone and compares every kind of value with what the fixture put in."""
import json
import subprocess
import sys

import h5py
import numpy as np

stage_ids = subprocess.run([sys.argv[1]], check=True, capture_output=True, text=True).stdout.split()


def expect(found, wanted, what):
    if not np.array_equal(np.asarray(found), np.asarray(wanted)):
        sys.exit(f"{what}: found {found!r}, wanted {wanted!r}")


def scores_of(salt, pairs=20):
    return np.float32(salt) * np.float32(0.5) + np.arange(pairs, dtype=np.float32) / np.float32(1024)


with h5py.File("sweep.h5", "r") as store:
    expect(store.attrs["version"], 2, "version")
    plan = json.loads(bytes(store["plan/json"][:]))
    expect(len(plan["points"]), 3, "points in the plan")
    expect(store["plan/stages/id"].asstr()[:], stage_ids, "stage ids")
    expect(store["plan/points/arm"].asstr()[:], ["dense", "compressed", "compressed"], "arms")
    expect(store["plan/points/bits"].asstr()[:], ["32", "w4a8", "w4a8"], "bits")
    expect(store["pairs/group_begin"][:], [0, 10, 20], "group_begin")
    rows = store["rows"][:]
    expect(len(rows), len(stage_ids), "rows")
    done = h5py.check_enum_dtype(store["rows"].dtype["state"])["done"]
    expect(rows["state"], [done] * 6 + [h5py.check_enum_dtype(store["rows"].dtype["state"])["failed"], 0], "states")
    failures = h5py.check_enum_dtype(store["rows"].dtype["failure"])
    expect(
        rows["failure"][6],
        failures["out of memory"] if "out of memory" in failures else failures["out_of_memory"],
        "failure",
    )
    for i in range(6):
        expect(rows["stage_id"][i].decode(), stage_ids[i], "stage id of a row")
        expect(rows["host"][i].decode(), f"node{i}", "host")
        expect(rows["message"][i].decode(), f"salt {i} ä", "message")
        expect(rows["attempt"][i], 1 + i % 3, "attempt")
        expect(rows["worker"][i], i % 7, "worker")
        expect(rows["wall_s"][i], i + 0.5, "wall_s")
        expect(rows["finished_unix_s"][i], 1.7e9 + i + 0.25, "finished_unix_s")
        expect(rows["peak_memory_bytes"][i], 2**40 + i, "peak_memory_bytes")
        expect(rows["loss_last"][i], 1.0 / (1 + i), "loss_last")
        expect(rows["sequence"][i], i + 1, "sequence")
    expect(rows["accuracy_10fold"][5], [90.0 + 5 * 0.001, 91.0 + 5 * 0.001], "accuracy_10fold")
    expect(rows["genuine"][5], [5, 6], "genuine")
    expect(rows["group_count"][:6], [0, 0, 0, 2, 0, 2], "group_count")
    shard, row = store["plan/stages/score_shard"][5], store["plan/stages/score_row"][5]
    with h5py.File(f"sweep.h5.files/scores-{shard:04}.h5", "r") as scores:
        expect(scores["stage_id"].asstr()[row], stage_ids[5], "stage id of scores")
        expect(scores["scores"][row], scores_of(5), "scores")
        if not np.isnan(scores["scores"][2]).all():
            sys.exit("scores of a stage that never ran are not NaN")

with h5py.File("analysis.h5", "r") as analysis:
    expect(analysis["task"].asstr()[:], ["verification"], "task")
    expect(analysis["points/packed_bytes"].attrs["unit"].decode(), "bytes", "unit of a metric")
    expect(analysis["points/state"].asstr()[:], ["done", "done", "failed"], "states of points")
    expect(analysis["points/bits_weight"][:], [32, 4, 4], "bits_weight")
    expect(analysis["figures/accuracy_10fold"][1], [90.0 + 5 * 0.001, 91.0 + 5 * 0.001], "figures")
    if not np.isnan(analysis["figures/fmr"][2]).all():
        sys.exit("figures of a failed point are not NaN")
    expect(analysis["scores"][1], scores_of(5), "scores in the analysis file")
    expect(analysis["points/message"].asstr()[2], "salt 6 ä", "message of a failed point")
    expect(analysis["pairs/genuine"][:4], [1, 0, 1, 0], "genuine")
    expect(analysis["analysis/example/value"][:], [1.5, 2.5], "result table")
    expect(analysis["analysis/example"].attrs["ddof"].decode(), "1", "attribute")
    for name in ("scores", "points/id", "figures/fmr"):
        if not (analysis[name].compression == "gzip" and analysis[name].shuffle and analysis[name].fletcher32):
            sys.exit(f"{name} is not compressed and checksummed")
print("h5py reads everything")
