"""Ratchets: no file and no function becomes longer than the longest of today. Lower the limits when they can be."""
import ast
import functools
import re
from typing import NamedTuple

from cpp_text import functions_of


class Kind(NamedTuple):
    name: str
    globs: tuple
    file_lines: int
    function_lines: int


KINDS = [
    Kind("C++ of the program", ("include/**/*.hpp", "src/**/*.[chi][pn][pc]", "bench/*.[ch]pp"), 382, 70),
    Kind("C++ of the tests", ("tests/**/*.[ch]pp",), 607, 90),
    Kind("Python", ("analysis/*.py", "bench/*.py", "scripts/*.py", "tests/**/*.py"), 325, 74),
    Kind("shell", ("scripts/*", ".ci/run", "tests/**/*.sh"), 157, 23),
]


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.lineno, node.end_lineno - node.lineno + 1


def shell_functions(text):
    """Functions whose closing brace stands alone in the first column, as everywhere here."""
    for match in re.finditer(r"^(\w+)\(\) \{\n(?:.*\n)*?\}$", text, re.M):
        yield match[1], text.count("\n", 0, match.start()) + 1, match[0].count("\n") + 1


@functools.cache  # asked for twice: to check and to report
def functions_in(text, kind_name):
    return list({"Python": python_functions, "shell": shell_functions}.get(kind_name, functions_of)(text))


def measure(root, kind):
    """(lines of the file, path), and (lines, path, name, first line) of every function."""
    files, functions = [], []
    for path in sorted({path for pattern in kind.globs for path in root.glob(pattern) if path.is_file()}):
        if path.suffix == ".py" and kind.name != "Python":
            continue
        text = path.read_text()
        files.append((len(text.splitlines()), path))
        functions += [(lines, path, name, first) for name, first, lines in functions_in(text, kind.name)]
    return files, functions


def check(root):
    for kind in KINDS:
        files, functions = measure(root, kind)
        for lines, path in files:
            if lines > kind.file_lines:
                yield path, f"has {lines} lines, the most of any file ({kind.name}) is {kind.file_lines}: split it"
        for lines, path, name, first in functions:
            if lines > kind.function_lines:
                yield path, (f"line {first}: {name} has {lines} lines, the most of any function ({kind.name}) is "
                             f"{kind.function_lines}: split it")


def report(root):
    """Lines for information: sizes, and limits that can be lowered."""
    for kind in KINDS:
        files, functions = measure(root, kind)
        if not files or not functions:
            continue
        longest, function = max(files), max(functions)
        yield (f"{kind.name}: {sum(lines for lines, _ in files)} lines in {len(files)} files; longest file "
               f"{longest[1].relative_to(root)} {longest[0]} of {kind.file_lines}, longest function {function[2]} "
               f"({function[1].relative_to(root)}) {function[0]} of {kind.function_lines}")
