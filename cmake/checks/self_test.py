"""Each check can fail: for each rule a small tree that breaks it, and one that keeps it.

self_test.py checks [COMPILER]   the compiler is for the tests of compile_fail.py
self_test.py lint                those that need clang's tools
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import tidy

HERE = pathlib.Path(__file__).parent
COMPILER = "c++"

GOOD = {
    "lib/weir/error.hpp": "#pragma once\n#include <string>\n",
    "lib/weir/time/clock.hpp": "#pragma once\n#include <weir/error.hpp>\n",
    "lib/weir/time/clock.cpp": "#include <weir/time/clock.hpp>\n",
    "lib/weir/http/client.hpp": "#pragma once\n#include <weir/time/clock.hpp>\n#include <boost/beast/core.hpp>\n",
    "test/time/clock.cpp": "int a;\n",
    "test/http/client.cpp": "int a;\n",
    "examples/01_one.cpp": "int a;\n// [part]\nint b;\n// [/part]\n",
    "README.md": "<!-- examples/01_one.cpp -->\n```cpp\nint a;\nint b;\n```\n\n"
                 "<!-- examples/01_one.cpp [part] -->\n```cpp\nint b;\n```\n",
    "lib/weir/sync/thing.hpp": "#pragma once\ntemplate <class E,\n          class F = void>\nclass basic_thing {\n    auto async_do(int a)\n    {\n    }\n};\n",
    "test/sync/thing.cpp": "BOOST_AUTO_TEST_SUITE(thing)\nBOOST_AUTO_TEST_CASE(cancelled)\nBOOST_AUTO_TEST_SUITE_END()\n",
    "docs/cancellation.md": "| operation | cancelled | closed |\n| --- | --- | --- |\n"
                            "| `thing::async_do` | aborted | |\n\n## Tests\n\n"
                            "| operation | cancelled | closed |\n| --- | --- | --- |\n"
                            "| `thing::async_do` | `thing/cancelled` | |\n",
    "docs/design.md": "<!-- sketch -->\n```cpp\nvoid f();\n```\n\n## Rules that hold everywhere\n\n1. **One thing.** Once.\n",
    "docs/proof.md": "# P\n\n## The rules and their tests\n\n| rule | tests |\n| --- | --- |\n"
                     "| 1. One thing | `thing/cancelled` |\n",
}


class tree(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name).resolve()

    def write(self, files):
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def run_check(self, check, *arguments):
        run = subprocess.run([sys.executable, HERE / check, *map(str, arguments)], capture_output=True, text=True)
        return run.returncode, run.stdout + run.stderr

    def finds(self, check, files, said, *arguments):
        """The good tree passes; with these files changed the check fails and says why."""
        self.write(GOOD)
        code, output = self.run_check(check, self.root, *arguments)
        self.assertEqual(code, 0, output)
        self.write(files)
        code, output = self.run_check(check, self.root, *arguments)
        self.assertEqual(code, 1, output)
        self.assertIn(said, output)


class checks(tree):
    def test_every_rule_has_a_test(self):
        self.finds("laws.py", {"docs/proof.md": GOOD["docs/proof.md"].replace("thing/cancelled", "thing/gone")},
                   "there is no test thing/gone")

    def test_no_rule_is_left_out(self):
        self.finds("laws.py", {"docs/design.md": GOOD["docs/design.md"] + "2. **Another.** Twice.\n"},
                   "the rows are not the rules")

    def test_layers_point_down(self):
        self.finds("layers.py", {"lib/weir/error.hpp": "#pragma once\n#include <weir/time/clock.hpp>\n"},
                   "error.hpp:2: error must not include time")

    def test_the_core_does_not_include_http(self):
        self.finds("layers.py", {"lib/weir/weir.hpp": "#pragma once\n#include <weir/http/client.hpp>\n"},
                   "weir must not include http")

    def test_nobody_includes_sim(self):
        self.finds("layers.py", {"lib/weir/flow/pool.hpp": "#pragma once\n#include <weir/sim/context.hpp>\n"},
                   "flow must not include sim")

    def test_detail_is_private_to_its_layer(self):
        self.finds("layers.py", {"lib/weir/run/a.hpp": "#pragma once\n#include <weir/sync/detail/core.hpp>\n"},
                   "is private to sync")

    def test_a_core_knows_no_asio(self):
        self.finds("layers.py", {"lib/weir/sync/detail/a_core.hpp": "#pragma once\n#include <boost/asio/post.hpp>\n"},
                   "a core knows no Asio")

    def test_a_part_of_a_core_knows_no_asio(self):
        self.finds("layers.py", {"lib/weir/sync/detail/a_core_lines.hpp": "#pragma once\n#include <boost/asio/post.hpp>\n"},
                   "a core knows no Asio")

    def test_a_core_stands_on_cores(self):
        self.finds("layers.py", {"lib/weir/sync/detail/a_core.hpp": "#pragma once\n#include <weir/detail/waiter.hpp>\n"},
                   "is no core")

    def test_what_layers_share_is_closed_to_users(self):
        self.finds("layers.py", {"examples/01_a.cpp": "#include <weir/detail/list.hpp>\n"}, "is private to the library")

    def test_names_of_tests_are_plain_english(self):
        self.finds("words.py", {"test/sync/a.cpp": "BOOST_AUTO_TEST_CASE(" + "one_who_waits_is_woken)\n"}, "name the role")

    def test_apps_include_public_headers(self):
        self.finds("layers.py", {"apps/fetch/main.cpp": "#include <weir/sync/detail/core.hpp>\n"},
                   "is private to the library")

    def test_the_core_sees_no_beast(self):
        self.finds("layers.py", {"lib/weir/sync/a.hpp": "#pragma once\n#include <boost/beast/core.hpp>\n"},
                   "belongs to http")

    def test_no_umbrella_headers(self):
        self.finds("layers.py", {"lib/weir/http/a.hpp": "#pragma once\n#include <boost/asio.hpp>\n"},
                   "slow to read")

    def test_own_header_first(self):
        self.finds("layers.py", {"lib/weir/time/clock.cpp": "#include <chrono>\n#include <weir/time/clock.hpp>\n"},
                   "own header comes first")

    def test_a_folder_that_is_no_layer(self):
        self.finds("layers.py", {"lib/weir/util/a.hpp": "#pragma once\n"}, "is no layer")

    def test_header_guard(self):
        self.finds("layers.py", {"lib/weir/error.hpp": "int a;\n"}, "no #pragma once")

    def test_detached(self):
        self.finds("words.py", {"lib/weir/a.hpp": "// detached is bad\nf(asio::detached);\n"}, "a.hpp:2: `detached`")

    def test_a_missing_compiler_is_named_with_its_package(self):
        script = f"source {HERE.parents[1] / 'scripts/packages.sh'}; need_tool clang++-19"
        for name in ("awk", "dirname"):
            (self.root / name).symlink_to(shutil.which(name))
        run = subprocess.run(["/bin/bash", "-c", script], capture_output=True, text=True, env={"PATH": str(self.root)})
        self.assertIn("apt-get install clang-19", run.stderr + run.stdout)

    def test_machine_paths(self):
        self.finds("words.py", {"cmake/a.sh": "cp a /" + "tmp/b\n"}, "a path of one machine")

    def without_tools(self, *check):
        run = subprocess.run([sys.executable, HERE / check[0], *map(str, check[1:])], capture_output=True, text=True,
                             env={"PATH": str(self.root)})
        self.assertNotEqual(run.returncode, 0)
        self.assertNotIn("Traceback", run.stderr)
        return run.stdout + run.stderr

    def test_a_missing_tool_is_named_with_its_package(self):
        self.write({"test/mutants/a.patch": "Breaks: all\n", "a.cpp": ""})
        for check, package in (("mutants.py", "patch"), ("format.py", "clang-format-14")):
            self.assertIn(f"is not there. On Debian 12: apt-get install {package}\n", self.without_tools(check, self.root))
        self.assertIn("apt-get install clang-tools-19", self.without_tools("coawait.py", "--root", self.root))
        self.assertIn("apt-get install clang-tidy-14", self.without_tools("tidy.py", self.root, self.root))

    def test_every_tool_is_in_a_list_of_packages(self):
        scripts = HERE.parents[1] / "scripts"
        lists = (scripts / "packages.sh").read_text()
        essential = {"apt", "binutils", "coreutils", "dpkg", "libc-bin", "tar", "util-linux"}   # g++ brings binutils
        by_hand = {"valgrind"}
        for line in (scripts / "tools.txt").read_text().splitlines():
            if not line.startswith("#"):
                tool, package = line.split(" ")
                if package not in essential | by_hand:
                    self.assertRegex(lists, rf'packages_\w+\+?="[^"]*(?<=[ "]){re.escape(package)}[ "]', tool)

    def links(self, target, said):
        self.write(GOOD)
        (self.root / "cmake").mkdir(exist_ok=True)
        (self.root / "cmake/good").symlink_to("../README.md")
        code, output = self.run_check("words.py", self.root)
        self.assertEqual(code, 0, output)
        (self.root / "cmake/bad").symlink_to(target)
        code, output = self.run_check("words.py", self.root)
        self.assertEqual(code, 1, output)
        self.assertIn(said, output)

    def test_links_that_name_a_path_of_the_machine(self):
        self.links(sys.executable, "cmake/bad: a link that points out of the tree")

    def test_links_that_leave_the_tree(self):
        self.links("../../elsewhere", "cmake/bad: a link that points out of the tree")

    def test_links_to_nothing(self):
        self.links("gone", "cmake/bad: a link to nothing")

    def test_printing(self):
        self.finds("words.py", {"lib/weir/a.cpp": "std::cerr << 1;\n"}, "nothing in lib prints")

    def test_unit_tests_do_not_sleep(self):
        self.finds("words.py", {"test/sync/a.cpp": "std::this_thread::sleep_for(1s);\n"}, "never sleep")

    def test_long_lines(self):
        self.finds("words.py", {"lib/weir/a.cpp": "int " + "a" * 100 + ";\n"}, "longer than 100 columns")

    def test_a_block_that_differs(self):
        self.finds("docs.py", {"examples/01_one.cpp": "int a;\n// [part]\nint c;\n// [/part]\n"},
                   "README.md:8: differs from examples/01_one.cpp [part]")

    def test_a_block_without_example(self):
        self.finds("docs.py", {"README.md": "Hello\n```cpp\nint a;\n```\n"}, "no line above says which example")

    def test_an_example_that_is_not_there(self):
        self.finds("docs.py", {"README.md": "<!-- examples/09_x.cpp -->\n```cpp\nint a;\n```\n"},
                   "there is no examples/09_x.cpp")

    def test_a_sketch_in_the_readme(self):
        self.finds("docs.py", {"README.md": "<!-- sketch -->\n```cpp\nint a;\n```\n"}, "no sketches")

    def test_a_long_example(self):
        self.finds("docs.py", {"examples/02_long.cpp": "\n" * 61}, "61 lines, 60 are allowed")

    def change_of_cancellation(self, old, new, said):
        self.finds("cancellation.py", {"docs/cancellation.md": GOOD["docs/cancellation.md"].replace(old, new)}, said)

    def test_a_cell_without_a_test(self):
        self.change_of_cancellation("aborted | |", "aborted | no |",
                                    "cancellation.md:3: `thing::async_do`: `closed` says something and has no test")

    def test_a_test_for_an_empty_cell(self):
        self.change_of_cancellation("aborted | |", "| |", "cancellation.md:9: `thing::async_do`: `cancelled` names a test")

    def test_a_row_without_tests(self):
        self.change_of_cancellation("## Tests\n", "## More\n", "has no row of tests")

    def test_a_row_without_a_cell(self):
        self.change_of_cancellation("aborted | |", "aborted |", "cancellation.md:3: a row has a cell for each heading")

    def test_tests_of_a_row_that_is_gone(self):
        self.change_of_cancellation("\n\n## Tests", "\n\n## Tests\n\n| operation | cancelled |\n| --- | --- |\n"
                                    "| `async_gone` | `thing/cancelled` |", "`async_gone` has tests, and nothing is said of it")

    def test_a_row_whose_test_does_not_exist(self):
        self.finds("cancellation.py", {"test/sync/thing.cpp": GOOD["test/sync/thing.cpp"].replace("cancelled", "other")},
                   "there is no test thing/cancelled")

    def test_an_operation_without_a_row(self):
        self.finds("cancellation.py", {"lib/weir/time/clock.hpp": "#pragma once\n#include <weir/error.hpp>\n"
                                                                  "auto async_sleep(int a);\n"},
                   "clock.hpp: async_sleep has no row")

    def list_sources(self, *names):
        lists = json.dumps([{"file": str(self.root / name)} for name in names])
        self.write({"build/compile_commands.json": lists})

    def test_a_file_nobody_lists(self):
        self.list_sources(*(name for name in GOOD if name.endswith(".cpp")))
        self.finds("listed.py", {"lib/weir/lost.cpp": ""}, "lost.cpp: no CMakeLists.txt lists it",
                   self.root / "build")

    def test_a_layer_without_tests(self):
        self.list_sources(*(name for name in GOOD if name.endswith(".cpp")))
        self.finds("listed.py", {"lib/weir/flow/a.hpp": "#pragma once\n"}, "nothing in test/flow tests",
                   self.root / "build")

    def compile_fail(self, text):
        self.write({"case.cpp": text})
        return self.run_check("compile_fail.py", COMPILER, "-std=c++20", self.root / "case.cpp")

    def test_misuse_that_is_refused(self):
        code, said = self.compile_fail("// expect: nonsense\n#ifdef WEIR_MISUSE\nnonsense a;\n#endif\n")
        self.assertEqual(code, 0, said)

    def test_misuse_that_compiles(self):
        code, said = self.compile_fail("// expect: nonsense\n#ifdef WEIR_MISUSE\nint a;\n#endif\n")
        self.assertIn("the misuse compiles", said)
        self.assertEqual(code, 1)

    def test_misuse_refused_for_another_reason(self):
        code, said = self.compile_fail("// expect: deleted\n#ifdef WEIR_MISUSE\nnonsense a;\n#endif\n")
        self.assertIn("does not say `deleted`", said)
        self.assertEqual(code, 1)

    def test_a_line_of_several_that_is_not_refused(self):
        text = "// expect: nonsense\n#ifdef WEIR_MISUSE\nnonsense a; // refused\nint b; // refused\n#endif\n"
        code, said = self.compile_fail(text)
        self.assertIn("of line 4, `int b; // refused`", said)
        self.assertEqual(code, 1)
        code, said = self.compile_fail(text.replace("int b", "nonsense b"))
        self.assertEqual(code, 0, said)

    def test_a_case_that_never_compiles(self):
        code, said = self.compile_fail("// expect: nonsense\nnonsense b;\n#ifdef WEIR_MISUSE\nnonsense a;\n#endif\n")
        self.assertIn("even without the misuse", said)
        self.assertEqual(code, 1)


class lint(tree):
    """Of the checks that need clang's tools."""

    def test_co_await(self):
        fixtures = HERE / "fixtures/coawait"
        arguments = ("coawait.py", "--root", fixtures, "--flag=-std=c++20")
        code, said = self.run_check(*arguments, fixtures / "test/bad.cpp")
        self.assertEqual(code, 1, said)
        bad = {(path.name, number) for path in (fixtures / "test").glob("bad.*")
               for number, line in enumerate(path.read_text().split("\n"), 1) if line.find("// BAD") > 0}
        found = {(match[1], int(match[2])) for match in re.finditer(r"^.*/(bad\.\w+):(\d+):", said, re.M)}
        self.assertEqual(found, bad)

        code, said = self.run_check(*arguments, fixtures / "test/good.cpp")
        self.assertEqual((code, said), (0, ""))

        # Several at a time, and those that do not go together alone.
        self.write({"a.cpp": '#include "b.hpp"\nint same() { return 1; }\n', "b.hpp": "struct b {};\n",
                    "c.cpp": '#include "b.hpp"\nint same() { return b(), 2; }\n', "d.cpp": "nonsense;\n"})
        bad_one = fixtures / "test/bad.cpp"
        for others, expected in (("a.cpp", "c.cpp"), 1), (("a.cpp", "d.cpp"), 2):
            code, said = self.run_check("coawait.py", "--root", fixtures, "--root", self.root, "--flag=-std=c++20",
                                        bad_one, *(self.root / other for other in others))
            self.assertEqual(code, expected, said)
            found = {(match[1], int(match[2])) for match in re.finditer(r"^.*/(bad\.\w+):(\d+):", said, re.M)}
            self.assertEqual(found, bad, said)

        # A project that is configured by way of a link to it.
        (self.root / "link").symlink_to(fixtures)
        code, said = self.run_check("coawait.py", "--root", self.root / "link", "--flag=-std=c++20",
                                    f"--flag=-I{self.root / 'link'}", self.root / "link/test/bad.cpp")
        self.assertIn("bad.hpp:", said)

        self.write({"broken.cpp": "nonsense;\n"})
        code, said = self.run_check("coawait.py", "--root", self.root, self.root / "broken.cpp")
        self.assertEqual(code, 2, said)

    def test_tidy(self):
        good = "namespace a = b;\nusing b::c;\nc d(a::e);\n"
        for line, name in (("namespace f = b;\n", "f"), ("using b::f;\n", "f")):
            self.write({"one.cpp": good + line})
            self.assertEqual([found.split(": ", 1)[1] for found in tidy.unused_names(self.root / "one.cpp")],
                             [f"warning: {name} is named and not used"])
        self.write({".clang-tidy": "Checks: '-*,bugprone-*'\nHeaderFilterRegex: /lib/weir/\n",
                    "lib/weir/a.cpp": "int a(int b) { return b; }\n",
                    "lib/weir/c.cpp": "long c(int b) { return b + sizeof(\"x\" + 1); }\n"})
        self.write({"compile_commands.json": json.dumps([
            {"directory": str(self.root), "file": str(self.root / name), "command": "c++ -std=c++20 -c " + name}
            for name in ("lib/weir/a.cpp", "lib/weir/c.cpp")])})
        code, said = self.run_check("tidy.py", self.root, self.root)
        self.assertEqual(code, 1, said)
        self.assertRegex(said, r"lib/weir/c\.cpp:1:\d+: warning: .*sizeof")

    def test_format(self):
        config = (HERE.parents[1] / ".clang-format").read_text()
        self.write({".clang-format": config, "a.cpp": "int a;\n"})
        self.assertEqual(self.run_check("format.py", self.root), (0, ""))
        self.write({"lib/b.hpp": "int  b;\n"})
        code, said = self.run_check("format.py", self.root)
        self.assertEqual((code, said), (1, "lib/b.hpp: not formatted\nthis formats them:\n    clang-format-14 -i lib/b.hpp\n"))


if __name__ == "__main__":
    kind = sys.argv.pop(1)
    if len(sys.argv) > 1:
        COMPILER = sys.argv.pop(1)
    unittest.main(defaultTest=kind)
