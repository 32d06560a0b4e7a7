#!/usr/bin/python3
"""Rules of the repository that no compiler checks: who may include what, unlisted files, broken links, stray blanks.

Exit 0 when all hold, 1 with one line per breach otherwise.
"""
import os
import re
import sys
from pathlib import Path

root = Path(os.environ["FAIRSWEEP_SOURCE_DIR"])
breaches = []

# Library headers and the only rooms that may include them. None of them may stand in include/fairsweep/.
LIBRARIES = {
    r"mpi\.h": {"mpi"},
    r"nccl\.h": set(),
    r"(hdf5|H5\w+)\.h": {"store"},
    r"(torch|ATen|c10)/": {"model", "compress", "study", "export"},
    r"(onnx|google/protobuf)/": {"export"},
    r"boost/program_options": {"job", "app"},
    r"boost/": {"job", "app", "statistics"},
    r"(spdlog|openssl|Random123)/": {"core"},
    r"(turbojpeg|jpeglib)\.h": {"data"},
    r"png\.h": {"data", "faces"},
}
FMT = re.compile(r"(fmt|spdlog)/")

# Rooms in order of dependence: a room may include only what stands before it (src/CMakeLists.txt links the same way).
ROOMS = ["core", "words", "plan", "job", "coordinator", "metrics", "statistics", "mpi", "data", "faces", "model", "compress", "study",
         "export", "store", "run", "report", "app"]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.M)


def breach(path, text):
    breaches.append(f"{path.relative_to(root)}: {text}")


def check_includes(path, room):
    for quote, name in INCLUDE.findall(path.read_text()):
        for pattern, allowed in LIBRARIES.items():
            if re.match(pattern, name) and room not in allowed:
                if pattern == r"boost/" and re.match(r"boost/program_options", name):
                    continue
                breach(path, f"includes {name}, which only {sorted(allowed) or 'nobody yet'} may")
        if path.suffix == ".hpp" and FMT.match(name):
            breach(path, f"includes {name} in a header; fmt and spdlog belong into .cpp files")
        other = name.split("/")[0]
        if quote == '"' and room in ROOMS and other in ROOMS and ROOMS.index(other) > ROOMS.index(room):
            breach(path, f"includes {name}: room {other} stands below {room}")


def check_listed(path):
    """Every source file stands in the CMakeLists.txt of its folder: a test that is not listed does not run."""
    for folder in [path.parent, *path.parent.parents]:
        lists = folder / "CMakeLists.txt"
        if lists.exists():
            if not re.search(rf"(?<![\w.-]){re.escape(path.name)}(?![\w.-])", lists.read_text()):
                breach(path, f"is not listed in {lists.relative_to(root)}")
            return


def check_text(path):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line != line.rstrip():
            breach(path, f"line {number} ends with blanks")
        if "\t" in line and path.suffix in {".cpp", ".hpp", ".py", ".cmake"}:
            breach(path, f"line {number} has a tab")
        if len(line) > 150 and path.suffix in {".cpp", ".hpp", ".py"}:
            breach(path, f"line {number} has {len(line)} columns")


def check_links(path):
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text()):
        if not re.match(r"[a-z]+:", target) and not (path.parent / target).exists():
            breach(path, f"links to {target}, which is not there")


for path in sorted(root.glob("include/fairsweep/*.hpp")):
    check_includes(path, "include")
    check_text(path)
for path in sorted([*root.glob("src/**/*.[ch]pp"), *root.glob("tests/**/*.[ch]pp"), *root.glob("bench/**/*.[ch]pp")]):
    if path.is_relative_to(root / "src"):
        check_includes(path, path.relative_to(root / "src").parts[0])
    if path.suffix == ".cpp":
        if path.name != "catch_main.cpp":
            check_listed(path)
    check_text(path)
for path in sorted([*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("jobs/*.md"), *root.glob("data/*.md"), *root.glob("analysis/*.md")]):
    check_links(path)

for line in breaches:
    print(line)
sources = sorted(root.glob("src/**/*.[ch]pp"), key=lambda path: -len(path.read_text().splitlines()))
print("largest files:", ", ".join(f"{path.relative_to(root)} {len(path.read_text().splitlines())}" for path in sources[:5]))
print(f"{len(breaches)} breaches")
sys.exit(1 if breaches else 0)
