#!/usr/bin/python3
"""Shows that every rule of check.py can fail: small trees, each good but for one thing."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import banned_calls
import check
import cpp_text
import documents
import sizes

HERE = Path(__file__).parent
GOOD = {
    "src/CMakeLists.txt": "add_subdirectory(core)\nadd_subdirectory(mpi)\nadd_subdirectory(app)\n",
    "src/core/CMakeLists.txt": "fairsweep_room(NAME core\n  SOURCES good.cpp)\n",
    "src/core/good.cpp": '#include "core/good.hpp"\n\nint one() { return 1; }\n',
    "src/core/good.hpp": "#pragma once\nint one();\n",
    "analysis/good.py": '"""Good."""\n',
    "README.md": "[a decision](docs/decisions/0001-first.md), and `src/core/good.{cpp,hpp}`, `src/core/*.cpp`.\n",
    "docs/decisions/0001-first.md": "",
    "docs/decisions/0003-third.md": "",
    "docs/decisions/README.md": "[1](0001-first.md) [3](0003-third.md). There is no 0002.\n",
}

# One line for every row of banned_calls.BANNED.
CALLS = [
    "std::mt19937 random;", "auto x = torch::randn({2});", "strcpy(to, from);", 'printf("%d", 1);',
    "int x = atoi(text);", "setlocale(0, text);", "system(command);", "if (::fork() == 0) return;", "out << std::endl;",
    "int* x = new int;", "MPI_Barrier(world);", "H5Dread(set);", "getenv(name);", "std::chrono::steady_clock::now();",
    "sleep_for(second);",
    "std::cout << 1;", "std::thread helper(work);", "std::signal(2, stop);", "std::exit(1);", "assert(true);",
    "using namespace std;", "torch::load(file);", "std::ifstream file(path);", "std::reduce(a, b);", "std::regex word;",
    "const_cast<int*>(x);", "goto end;",
]


class Tree(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp(dir=os.environ.get("FAIRSWEEP_TEST_TMP")))
        self.addCleanup(shutil.rmtree, self.root)
        shutil.copy(HERE.parents[1] / "ruff.toml", self.root)
        for name, text in GOOD.items():
            self.write(name, text)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def breaches(self, rule):
        return [f"{path.relative_to(self.root)}: {text}" for path, text in rule(self.root)]

    def expect(self, rule, name, text, *words):
        """With this file, `rule` has one breach, in which all words stand."""
        self.write(name, text)
        found = self.breaches(rule)
        self.assertEqual(len(found), 1, found)
        for word in words:
            self.assertIn(word, found[0])


class Program(Tree):
    def run_check(self):
        environment = {**os.environ, "FAIRSWEEP_SOURCE_DIR": str(self.root)}
        done = subprocess.run([sys.executable, HERE / "check.py"], env=environment, capture_output=True, text=True,
                              check=False)
        return done.returncode, done.stdout

    def test_a_good_tree_passes(self):
        status, output = self.run_check()
        self.assertEqual(status, 0, output)
        self.assertIn("0 breaches", output)

    def test_breaches_of_every_group_of_rules_end_the_program_with_1(self):
        for name, text, words in (
            ("src/core/bad.cpp", "int one() { return 1; }\n", "is not listed in src/core/CMakeLists.txt"),
            ("src/core/good.hpp", "#pragma once\nint one() { return atoi(kOne); }\n", "has atoi"),
            ("src/core/good.cpp", "\n" * 1000, "has 1000 lines"),
            ("README.md", "`docs/nothing.md`\n", "names docs/nothing.md"),
            ("analysis/good.py", "import os\n", "F401"),
        ):
            with self.subTest(name):
                self.setUp()
                self.write(name, text)
                status, output = self.run_check()
                self.assertEqual(status, 1, output)
                self.assertIn(words, output)

    def test_python_has_lines_of_120_columns(self):
        for text, words in ((f"x = '{'a' * 120}'\n", "E501"), ("def f(x=[]):\n    return x\n", "B006")):
            self.write("analysis/good.py", text)
            self.assertIn(words, self.run_check()[1])

    def test_a_ruff_that_is_missing_is_a_breach(self):
        os.environ["FAIRSWEEP_PYTHON"], kept = str(self.root / "python"), os.environ["FAIRSWEEP_PYTHON"]
        self.addCleanup(os.environ.__setitem__, "FAIRSWEEP_PYTHON", kept)
        status, output = self.run_check()
        self.assertEqual(status, 1)
        self.assertIn("run ./scripts/setup", output)


class Sources(Tree):
    def test_libraries_stay_in_their_rooms(self):
        rule = check.check_sources
        self.expect(rule, "src/core/good.hpp", "#include <mpi.h>\n", "includes mpi.h, which only ['mpi'] may")
        self.expect(rule, "src/core/good.hpp", "#include <boost/program_options.hpp>\n", "only ['app', 'job'] may")
        self.expect(rule, "src/core/good.hpp", "#include <fmt/format.h>\n", "in a header")
        self.expect(rule, "src/core/good.hpp", '#include "app/commands.hpp"\n', "room app stands below core")
        self.expect(rule, "src/core/good.hpp", "#include <nccl.h>\n", "nobody yet")

    def test_contracts_include_no_library(self):
        self.expect(check.check_sources, "include/fairsweep/bad.hpp", "#include <torch/torch.h>\n", "torch/torch.h")

    def test_every_source_is_listed(self):
        self.expect(check.check_sources, "src/core/bad.cpp", "", "src/core/bad.cpp", "is not listed")

    def test_lines_are_short_and_end_where_they_end(self):
        rule = check.check_sources
        self.expect(rule, "src/core/good.hpp", "int a; \n", "ends with blanks")
        self.expect(rule, "src/core/good.hpp", "\tint a;\n", "has a tab")
        self.expect(rule, "src/core/good.hpp", f"// {'x' * 150}\n", "has 153 columns")


class BannedCalls(Tree):
    def test_every_row_finds_its_call(self):
        for (pattern, reason, _), call in zip(banned_calls.BANNED, CALLS, strict=True):
            with self.subTest(pattern):
                self.expect(banned_calls.check, "src/core/good.cpp", f"void f() {{\n    {call}\n}}\n", "line 2", reason)

    def test_comments_and_texts_and_files_with_leave_do_not_count(self):
        text = '// a new one: std::endl\nconst char* kText = "malloc(1)";\nT(const T&) = delete;\n#include <new>\n'
        self.write("src/core/good.cpp", text)
        self.write("src/mpi/session.cpp", 'void f() { MPI_Barrier(world); std::getenv("A"); }\n')
        self.assertEqual(self.breaches(banned_calls.check), [])

    def test_leave_that_is_not_used_is_struck(self):
        self.expect(banned_calls.check, "src/job/values.cpp", "int a;\n", "no longer has", "getenv")


class Sizes(Tree):
    def test_files_and_functions_do_not_grow(self):
        body = "    f();\n" * 200
        self.expect(sizes.check, "src/core/good.cpp", f"void f() {{\n{body}}}\n", "line 1: f has 202 lines")
        self.expect(sizes.check, "src/core/good.cpp", "int a;\n" * 999, "has 999 lines")
        self.write("src/core/good.cpp", "")
        self.expect(sizes.check, "analysis/good.py", "def f():\n" + "    f()\n" * 200, "line 1: f has 201 lines")
        self.write("analysis/good.py", "")
        self.expect(sizes.check, "scripts/build", "f() {\n" + "    f\n" * 100 + "}\n", "line 1: f has 102 lines")

    def test_functions_are_found_with_their_lines(self):
        text = """namespace a {
struct S {
    int x = 1;
    S() : x{2}, y(3), z{4} { run([] { return 1; }); }
    bool operator()(int y) const {
        if (y) { return true; }
        return false;
    }
};
const std::vector<int> kTable = {
    1, 2};
template <class T>
std::map<int, T> Long::name(
    const T& t) {
    return {{1, t}};
}
enum class E { one };
TEST_CASE("a { in a text") {
}
}  // namespace a
"""
        found = [(name, first, lines) for name, first, lines in cpp_text.functions_of(text)]
        self.assertEqual(found, [("S", 4, 1), ("operator()", 5, 4), ("Long::name", 12, 5), ("TEST_CASE", 18, 2)])


class Documents(Tree):
    def test_links_lead_somewhere(self):
        self.expect(documents.check, "README.md", "[a](none.md#b)\n", "links to none.md")

    def test_named_files_are_there(self):
        for word in ("`src/core/none.cpp`", "`src/core/good.{cpp,inc}`", "`src/none/*.cpp`", "./scripts/none."):
            with self.subTest(word):
                self.expect(documents.check, "README.md", f"Look at {word}\n", "which is not there")

    def test_paths_of_others_are_not_ours(self):
        words = ("https://example.org/src/none.cpp", "`/usr/include/none`", "`src/<room>/none.cpp`", "my-src/none")
        self.write("README.md", " ".join(words) + "\n")
        self.assertEqual(self.breaches(documents.check), [])

    def test_decisions_have_no_unexplained_gaps(self):
        self.expect(documents.check, "docs/decisions/README.md", "[1](0001-first.md) [3](0003-third.md)\n", "no 0002")
        self.expect(documents.check, "docs/decisions/README.md", "[1](0001-first.md), no 0002\n", "0003-third.md")


if __name__ == "__main__":
    unittest.main()
