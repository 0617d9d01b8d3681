"""Does the mutation tool make the faults it says, and tell what is noticed from what is not? On the files in sample/."""

import collections
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import draw
import equivalent
import places
import schemata
import trial

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent

EXPECTED = {
    ("comparison", "a == b", "a != b"), ("comparison", "first != last", "first == last"),
    ("boundary", "a < b", "a <= b"), ("boundary", "calls > 5", "calls >= 5"),
    ("logic", "a && b", "(a) || (b)"),
    ("negation", "negative", "!(negative)"), ("negation", "calls > 5", "!(calls > 5)"),
    ("negation", "first != last", "!(first != last)"),
    ("call left out", "note(calls);", ""),
    ("assignment left out", "calls += 2;", ""), ("assignment left out", "--calls;", ""),
    ("assignment left out", "total = total + *first;", ""), ("assignment left out", "total = 2;", ""),
    ("constant", "true", "false"), ("constant", "0", "1"),
    ("off by one", "3", "(3) + 1"), ("off by one", "3", "(3) - 1"), ("off by one", "2", "(2) + 1"),
    ("off by one", "2", "(2) - 1"), ("off by one", "negative ? -3 : 3", "(negative ? -3 : 3) + 1"),
    ("off by one", "negative ? -3 : 3", "(negative ? -3 : 3) - 1"),
    ("off by one", "std::exchange(from, 7)", "(std::exchange(from, 7)) + 1"),
    ("off by one", "std::exchange(from, 7)", "(std::exchange(from, 7)) - 1"),
    ("off by one", "total", "(total) + 1"), ("off by one", "total", "(total) - 1"),
    ("early return", "{", "{ return;"),
    ("reset left out", "std::exchange(from, 7)", "from"), ("reset left out", "std::exchange(b, nullptr)", "b"),
}
SKIPPED = {"constexpr function", "constexpr variable", "static_assert", "noexcept", "if constexpr"}


def write_sample(folder, name, more=""):
    (folder / "lib").mkdir()
    (folder / "lib" / name).write_text((HERE / "sample" / name).read_text() + more)
    return {"lib/" + name: (folder / "lib" / name).read_bytes()}


def drawn_from(finder, wanted=lambda m: True):
    mutants = [m for m in draw.queue(finder, "a seed") if wanted(m)]
    return [dict(m, k=k) for k, m in enumerate(mutants, 1)]


class in_a_folder(unittest.TestCase):
    def setUp(self):
        if places.ci is None:
            self.skipTest("clang's binding for Python is not there (python3-clang-19)")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name).resolve()


class operators(in_a_folder):
    def setUp(self):
        super().setUp()
        self.sources = write_sample(self.root, "operators.hpp")
        self.parser = draw.Parser(self.root, "lib", self.sources)
        self.finder = draw.find(self.parser)

    def test_each_makes_the_faults_that_it_says(self):
        source = self.finder.text["lib/operators.hpp"]
        found = {(way[0], source[p.start:p.end].decode(), way[2]) for p in self.finder.sorted() for way in p.ways}
        self.assertEqual(found, EXPECTED)
        self.assertEqual({way[0] for way in found}, set(places.OPERATORS))

    def test_what_is_evaluated_by_the_compiler_is_skipped_and_counted(self):
        self.assertLessEqual(SKIPPED, set(self.finder.skipped))
        self.assertFalse([p for p in self.finder.sorted() if b"sizeof" in p_text(self.finder, p)])

    def test_all_of_them_compile_in_one_file(self):
        drawn = [m for m in drawn_from(self.finder) if m["mutated"] is not None]
        (self.root / "lib/weir").mkdir()
        shutil.copy(HERE / "switch.hpp", self.root / "lib" / schemata.SWITCH)
        schemata.lay_out(self.root, self.sources, drawn)
        self.assertEqual(self.parser.errors(None), [])
        self.assertEqual(sorted(re.findall(r"weir_mutant\((\d+)\)", (self.root / "lib/operators.hpp").read_text()), key=int),
                         [str(m["k"]) for m in drawn])

    def test_the_draw_takes_as_many_of_each_and_the_same_for_the_same_seed(self):
        first, again = draw.queue(self.finder, "one"), draw.queue(self.finder, "one")
        self.assertEqual([m["id"] for m in first], [m["id"] for m in again])
        self.assertNotEqual([m["id"] for m in first], [m["id"] for m in draw.queue(self.finder, "two")])
        counts = collections.Counter(m["operator"] for m in first[:len(places.OPERATORS)])
        self.assertEqual(set(counts.values()), {1})


def p_text(finder, place):
    return finder.text[place.file][place.start:place.end]


class the_compiler(in_a_folder):
    def test_a_fault_that_does_not_compile_is_told_and_another_one_drawn(self):
        sources = write_sample(self.root, "cases.hpp", "\ninline const char* nothing() { const char* p = 0; return p; }\n")
        parser = draw.Parser(self.root, "lib", sources)
        finder = draw.find(parser)
        (self.root / "lib/weir").mkdir()
        shutil.copy(HERE / "switch.hpp", self.root / "lib" / schemata.SWITCH)
        copy = type("copy", (), dict(tree=self.root, sources=sources, parser=parser))
        drawn, refused = draw.draw({"one": copy}, finder, 1000, "a seed")
        self.assertEqual([(m["operator"], m["text"]) for m in refused],
                         [("constant", "inline const char* nothing() { const char* p = 0; return p; }")])
        self.assertTrue(refused[0]["why"])
        self.assertEqual(len(drawn) + len(refused), len(draw.queue(finder, "a seed")))
        few, _ = draw.draw({"one": copy}, finder, 1, "a seed")
        self.assertEqual(len(few), 4) # three to spare


class verdicts(in_a_folder):
    """One program is built and has all faults of sample/cases.hpp."""

    def test_killed_surviving_hanging_and_never_executed(self):
        sources = write_sample(self.root, "cases.hpp")
        finder = draw.find(draw.Parser(self.root, "lib", sources))
        drawn = drawn_from(finder, lambda m: m["operator"] in ("boundary", "logic", "assignment left out"))
        (self.root / "lib/weir").mkdir()
        shutil.copy(HERE / "switch.hpp", self.root / "lib" / schemata.SWITCH)
        schemata.lay_out(self.root, sources, drawn)
        main = (ROOT / "test/main.cpp").read_text() + (HERE / "observer.cpp").read_text()
        (self.root / "main.cpp").write_text(main + (HERE / "sample/cases.cpp").read_text())
        subprocess.run([draw.CLANG, "-std=c++20", "-O0", "-w", "-DBOOST_TEST_DYN_LINK", "-DBOOST_TEST_NO_MAIN",
                        f"-I{self.root / 'lib'}", self.root / "main.cpp", "-o", self.root / "test_sample",
                        "-lboost_unit_test_framework"], check=True)
        program = trial.Program(self.root / "test_sample")
        program.measure(20)
        self.assertEqual(set(program.seconds), {"counting/three_steps", "counting/may_fail_without_a_fault",
                                                "counting/the_larger_of_two"})
        failing = trial.Program(self.root / "test_sample", {"SAMPLE_FAILS": "1"})
        self.assertRaises(SystemExit, failing.measure, 20)
        self.assertRaises(SystemExit, failing.control, ("counting/may_fail_without_a_fault",), 5, 20)
        self.addCleanup(setattr, trial, "CPU_MORE", trial.CPU_MORE)
        trial.CPU_MORE = 1 # the hanging one computes
        told = []
        trial.judge(drawn, program, 2, told.append)
        verdict = {(m["operator"], m["original"]): (m["verdict"], m["why"]) for m in told}
        self.assertEqual(verdict["assignment left out", "steps = steps + 1;"],
                         ("killed", "test_sample counting/three_steps"))
        self.assertEqual(verdict["assignment left out", "n = n - 1;"], ("killed", "test_sample hang"))
        self.assertEqual(verdict["boundary", "a < b"], ("survived", "1 cases execute it and pass"))
        self.assertEqual(verdict["logic", "a && b"], ("survived", "never executed"))
        self.assertEqual(verdict["boundary", "n > 0"], ("killed", "test_sample counting/three_steps"))
        self.assertEqual(len(told), 5)


class equivalents(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name, "equivalent.txt")

    def test_an_entry_is_found_by_its_text_and_needs_an_argument(self):
        self.file.write_text("# why not\nfile: a.hpp\noperator: logic\nline: return a && b;\nmutant: (a) || (b)\nwhy: they\n    agree\n")
        m = dict(file="a.hpp", operator="logic", text="return  a && b;", mutated="(a)  || (b)")
        self.assertEqual(equivalent.read(self.file)[equivalent.key(m)], "they agree")
        self.file.write_text("file: a.hpp\noperator: logic\nline: return a && b;\nmutant: (a) || (b)\nwhy:\n")
        self.assertRaises(ValueError, equivalent.read, self.file)

    def test_the_lines_of_all_entries_still_stand_in_their_files(self):
        self.assertEqual(list(equivalent.stale(HERE / "equivalent.txt", ROOT)), [])
        (self.file.parent / "a.hpp").write_text("int a;\n")
        self.file.write_text("file: a.hpp\noperator: constant\nline: int b;\nmutant: 1\nwhy: because\n")
        self.assertEqual(list(equivalent.stale(self.file, self.file.parent)), ["a.hpp: int b;"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
