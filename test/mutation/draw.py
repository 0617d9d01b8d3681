"""The draw: which places, by seed, with equal numbers of each operator; and what clang does not compile is put aside."""

import concurrent.futures
import hashlib
import multiprocessing
import os
import pathlib
import pickle
import random
import re
import subprocess
import sys

import places
import schemata

HERE = pathlib.Path(__file__).resolve().parent
OTHERS = re.compile(r"#include <(?!weir/)(boost/|[a-z_]+>)")
CLANG = "clang++-19"  # as new as the binding: they share a precompiled header
MOST = 4095  # weir_mutant_switch::most - 1


def flags(root, include, more=()):
    return ["-std=c++20", "-I" + str(pathlib.Path(root) / include), "-ferror-limit=0", "-DBOOST_ASIO_NO_DEPRECATED", *more]


class Parser:
    """Parses all headers as one unit that includes them, and each source by itself.

    What they include of others is read once (`read_others_once`), for that is what takes long.
    """

    def __init__(self, root, include, files, more=()):
        self.root, self.flags = pathlib.Path(root), flags(root, include, more)
        self.headers = sorted(name for name in files if name.endswith(".hpp"))
        self.sources = sorted(name for name in files if name.endswith(".cpp"))
        self.index = places.ci.Index.create(excludeDecls=True)
        self.umbrella = "".join(f"#include <{os.path.relpath(name, include)}>\n" for name in self.headers)

    def read_others_once(self, file):
        """Makes `file`, a precompiled header of what all sources below the root include of others."""
        found = set()
        for path in self.root.rglob("*.[hc]pp"):
            found |= {line for line in path.read_text().splitlines() if OTHERS.match(line)}
        text = "".join(line + "\n" for line in sorted(found))
        if not file.exists() or file.with_suffix(".hpp").read_text() != text:
            file.with_suffix(".hpp").write_text(text)
            subprocess.run([CLANG, *self.flags, "-Xclang", "-detailed-preprocessing-record", "-x", "c++-header",
                            file.with_suffix(".hpp"), "-o", file], check=True)
        self.use(file)

    def use(self, precompiled):
        self.flags = [*self.flags, "-include-pch", str(precompiled)]

    def parse(self, name):
        path = str(self.root / (name or "all_headers.cpp"))
        unsaved = None if name else [(path, self.umbrella)]
        return self.index.parse(path, self.flags, unsaved, options=1 | 2)

    def units(self, only=None):
        """None stands for the headers."""
        if self.headers and (only is None or only & set(self.headers)):
            yield None, set(self.headers)
        for name in self.sources:
            if only is None or name in only:
                yield name, {name}

    def errors(self, name):
        """[(file, line, text)] of one unit; clang forgets its diagnostics with the unit."""
        unit = self.parse(name)
        return [(os.path.relpath(d.location.file.name, self.root), d.location.line, d.spelling)
                for d in unit.diagnostics if d.severity >= 3 and d.location.file]


def find(parser, kept=None):
    """The places of all files of the parser; from the file `kept` when it was made of the same sources."""
    key = hashlib.sha256()
    for path in [HERE / "places.py", HERE / "parts.py", *(parser.root / name for name in parser.headers + parser.sources)]:
        key.update(path.read_bytes())
    if kept and kept.exists():
        finder = pickle.loads(kept.read_bytes())
        if finder.key == key.digest():
            return finder
    finder = places.Finder(parser.root)
    finder.key = key.digest()
    for part in at_once(taken, parser, list(parser.units())):
        finder.places.update(part.places)
        finder.text.update(part.text)
        finder.skipped.update(part.skipped)
    if kept:
        kept.write_bytes(pickle.dumps(finder))
    return finder


def at_once(function, parser, units):
    """What the function says of each unit, in processes of their own: parsing takes a second each."""
    if len(units) == 1:
        return [function(parser, *units[0])]
    if not units:
        return []
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count(), context, initializer=start, initargs=(function, parser)) as pool:
        return list(pool.map(one_unit, units))


def start(function, parser):
    global one_function, one_parser
    one_function, one_parser = function, parser
    sys.setrecursionlimit(10000)


def one_unit(unit):
    return one_function(one_parser, *unit)


def taken(parser, name, wanted):
    unit = parser.parse(name)
    bad = [str(d) for d in unit.diagnostics if d.severity >= 3]
    if bad:
        raise SystemExit("\n".join(["the sources do not parse:", *bad[:5]]))
    finder = places.Finder(parser.root)
    finder.take(unit, wanted)
    return finder


def errors_of(parser, name, wanted):
    return parser.errors(name)


def mutant(finder, place, way, seen):
    operator, form, mutated = way
    source = finder.text[place.file]
    line = source.count(b"\n", 0, place.start) + 1
    whole = " ".join(source.split(b"\n")[line - 1].decode().split())
    name = f"{place.file} {operator} {whole} {mutated}"
    seen[name] = seen.get(name, 0) + 1
    original = source[place.start:place.end].decode() if operator != "early return" else whole
    return dict(id=hashlib.sha1(f"{name} {seen[name]}".encode()).hexdigest()[:10], file=place.file, line=line,
                text=whole, start=place.start, end=place.end, operator=operator, form=form, original=original,
                mutated=mutated)


def queue(finder, seed):
    """All faults in the order in which they are drawn: the operators take turns, a place comes once at first."""
    by_operator, seen = {name: [] for name in places.OPERATORS}, {}
    for place in finder.sorted():
        for way in place.ways:
            by_operator[way[0]].append(mutant(finder, place, way, seen))
    for name, drawn in by_operator.items():
        random.Random(f"{seed} {name}").shuffle(drawn)
    order = [name for name in places.OPERATORS if by_operator[name]]
    random.Random(str(seed)).shuffle(order)
    turns, taken = [], {}
    while any(by_operator.values()):
        for name in order:
            if by_operator[name]:
                m = by_operator[name].pop()
                taken[name, m["file"], m["start"]] = taken.get((name, m["file"], m["start"]), 0) + 1
                if taken[name, m["file"], m["start"]] == 1:
                    turns.append(m)
    return turns


def overlap(a, b):
    """Two places that cross, or the same place twice: one build cannot hold both in this form."""
    if a["file"] != b["file"] or a["end"] <= b["start"] or b["end"] <= a["start"]:
        return False
    inside = a["start"] <= b["start"] and b["end"] <= a["end"]
    around = b["start"] <= a["start"] and a["end"] <= b["end"]
    return not (inside or around)


def draw(copies, finder, sample, seed):
    """As many as asked for and some to spare, all of which clang compiles; and those that it does not.

    A copy has `tree`, `sources` and `parser`; in it lie the faults of the files that its parser knows.
    """
    turns, drawn, refused, k = queue(finder, seed), [], [], 0
    part_of = {name: part for part, copy in copies.items() for name in copy.parser.headers + copy.parser.sources}
    want = min(sample + sample // 12 + 3, MOST)
    while True:
        while len(drawn) < want and turns and k < MOST:
            m = turns.pop(0)
            if not any(overlap(m, other) for other in drawn):
                k += 1
                drawn.append(dict(m, k=k, part=part_of[m["file"]]))
        out = set()
        for part, copy in copies.items():
            out |= faulty(copy, [m for m in drawn if m["part"] == part], refused)
        if not out:
            return drawn, refused
        drawn = [m for m in drawn if m["k"] not in out]


def faulty(copy, mine, refused):
    """Writes the copy with these faults; the numbers of those that do not compile, which are added to `refused`."""
    lines, errors = schemata.lay_out(copy.tree, copy.sources, mine), []
    for told in at_once(errors_of, copy.parser, list(copy.parser.units({m["file"] for m in mine}))):
        errors += told
    out = schemata.guilty(lines, [error[:2] for error in errors])
    if errors and not out:
        sys.exit(f"errors outside of all faults: {errors[:5]}")
    for m in mine:
        if m["k"] in out:
            first, last = lines[m["file"]][m["k"]]
            said = next((text for file, line, text in errors if file == m["file"] and first <= line <= last), "")
            refused.append(dict(m, why=said))
    return out
