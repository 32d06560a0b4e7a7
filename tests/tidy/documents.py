"""Documents: links and files that they name are there, and decisions are numbered without unexplained gaps."""
import itertools
import re

PLACES = ("*.md", "docs/**/*.md", "jobs/*.md", "data/*.md", "slurm/*.md", "analysis/*.md")
# Words that look like a path of ours. Not data/...: that is where readers have their data.
PATH = re.compile(r"(?<![\w/.:@~-])(?:\./)?"
                  r"((?:src|tests|docs|jobs|scripts|analysis|include|cmake|bench|slurm|\.ci)/[\w./*{},<>-]*)")


def expand(word):
    """`a.{b,c}` as a.b and a.c."""
    parts = [part[1:-1].split(",") if part.startswith("{") else [part] for part in re.split(r"(\{[^}]*\})", word)]
    return ["".join(choice) for choice in itertools.product(*parts)]


def named_files(text):
    for match in PATH.finditer(text):
        word = match[1].rstrip(".,")
        if "<" not in word and ">" not in word:
            yield from expand(word)


def check_document(path, root):
    text = path.read_text()
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if not re.match(r"[a-z]+:", target) and not (path.parent / target).exists():
            yield path, f"links to {target}, which is not there"
    if path.name == "CHANGELOG.md":
        return  # names what was there at the time
    for name in sorted(set(named_files(text))):
        if not (any(root.glob(name)) if "*" in name else (root / name).exists()):
            yield path, f"names {name}, which is not there"


def check_decisions(root):
    folder = root / "docs/decisions"
    index = folder / "README.md"
    pages = {int(page.name[:4]): page for page in folder.glob("[0-9]*.md")}
    if not pages:
        return
    text = index.read_text() if index.exists() else ""
    for number in range(1, max(pages) + 1):
        if number in pages and f"({pages[number].name})" not in text:
            yield pages[number], "is missing in docs/decisions/README.md"
        if number not in pages and f"{number:04}" not in text:
            yield index, f"does not say why there is no {number:04}"


def check(root):
    for pattern in PLACES:
        for path in sorted(root.glob(pattern)):
            yield from check_document(path, root)
    yield from check_decisions(root)
