"""Reads what `fairsweep analyze` put into an analysis file. Nothing is computed here: every number was made in C++."""
import sys

import h5py
import pandas


def _values(dataset):
    if h5py.check_string_dtype(dataset.dtype) or dataset.dtype.kind == "S":
        return dataset.asstr()[()] if h5py.check_string_dtype(dataset.dtype) else [v.decode() for v in dataset[()]]
    return dataset[()]


def read_table(group):
    names = group.attrs["columns"]
    names = names.decode() if isinstance(names, bytes) else names
    return pandas.DataFrame({name: _values(group[name]) for name in names.split(",") if name})


class Analysis:
    """The tables of one analysis file, as data frames, and where they came from."""

    def __init__(self, path):
        with h5py.File(path, "r") as file:
            if "analysis" not in file or "overview" not in file["analysis"]:
                sys.exit(f"report.py: {path} has no statistics: run first: fairsweep analyze {path}")
            self.tables = {name: read_table(group) for name, group in file["analysis"].items()}
            self.groups = list(dict.fromkeys(self.tables["configuration_groups"]["group"]))
            self.task = _values(file["task"])[0]
            self.job_text = _values(file["provenance/job_text"])[0]
            self.sweep_name = _values(file["provenance/sweep_name"])[0]

    def __getitem__(self, name):
        return self.tables[name]

    def pairs_of(self, name):
        """A table of `name` and `text` as a list of pairs."""
        return list(self.tables[name][["name", "text"]].itertuples(index=False, name=None))
