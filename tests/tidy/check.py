#!/usr/bin/python3
"""Rules of the repository that no compiler checks. check_test.py shows that each of them can fail.

Exit 0 when all hold, 1 with one line per breach otherwise.
"""
import os
import re
import sys
from pathlib import Path

import banned_calls
import documents
import python_style
import sizes

# Library headers and the only rooms that may include them. None of them may stand in include/fairsweep/.
LIBRARIES = {
    r"mpi\.h": {"mpi"},
    r"nccl\.h": set(),
    r"(hdf5|H5\w+)\.h": {"store"},
    r"(torch|ATen|c10)/": {"device", "cuda", "model", "compress", "study", "export"},
    r"(onnx|google/protobuf)/": {"export"},
    r"boost/program_options": {"job", "app"},
    r"boost/": {"job", "app", "statistics"},
    r"(spdlog|openssl|Random123)/": {"core"},
    r"(turbojpeg|jpeglib)\.h": {"data"},
    r"png\.h": {"data", "faces"},
}
FMT = re.compile(r"(fmt|spdlog)/")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.M)
MOST_COLUMNS = 150  # of C++; clang-format keeps 130 where it can break a line


def rooms_of(root):
    """The rooms in order of dependence: a room may include only what stands before it."""
    return re.findall(r"^add_subdirectory\((\w+)\)", (root / "src/CMakeLists.txt").read_text(), re.M)


def check_includes(path, room, rooms):
    for quote, name in INCLUDE.findall(path.read_text()):
        for pattern, allowed in LIBRARIES.items():
            if pattern == r"boost/" and name.startswith("boost/program_options"):
                continue
            if re.match(pattern, name) and room not in allowed:
                yield path, f"includes {name}, which only {sorted(allowed) or 'nobody yet'} may"
        if path.suffix == ".hpp" and FMT.match(name):
            yield path, f"includes {name} in a header; fmt and spdlog belong into .cpp files"
        other = name.split("/")[0]
        if quote == '"' and room in rooms and other in rooms and rooms.index(other) > rooms.index(room):
            yield path, f"includes {name}: room {other} stands below {room}"


def check_listed(path, root):
    """Every source file stands in the CMakeLists.txt of its folder: a test that is not listed does not run."""
    for folder in [path.parent, *path.parent.parents]:
        lists = folder / "CMakeLists.txt"
        if lists.exists():
            if not re.search(rf"(?<![\w.-]){re.escape(path.name)}(?![\w.-])", lists.read_text()):
                yield path, f"is not listed in {lists.relative_to(root)}"
            return


def check_text(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line != line.rstrip():
            yield path, f"line {number} ends with blanks"
        if "\t" in line:
            yield path, f"line {number} has a tab"
        if len(line) > MOST_COLUMNS:
            yield path, f"line {number} has {len(line)} columns"


def check_sources(root):
    rooms = rooms_of(root)
    for path in sorted(root.glob("include/fairsweep/*.hpp")):
        yield from check_includes(path, "include", rooms)
        yield from check_text(path)
    others = [path for folder in ("src", "tests", "bench") for path in root.glob(f"{folder}/**/*.[chi][pn][pc]")]
    for path in sorted(others):
        if path.is_relative_to(root / "src"):
            yield from check_includes(path, path.relative_to(root / "src").parts[0], rooms)
        if path.suffix == ".cpp" and path.name != "catch_main.cpp":
            yield from check_listed(path, root)
        yield from check_text(path)


def main():
    root = Path(os.environ["FAIRSWEEP_SOURCE_DIR"])
    breaches = []
    for rule in (check_sources, banned_calls.check, sizes.check, documents.check):
        breaches += [f"{path.relative_to(root)}: {text}" for path, text in rule(root)]
    breaches += python_style.check(root)
    for line in [*breaches, *sizes.report(root), f"{len(breaches)} breaches"]:
        print(line)
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
