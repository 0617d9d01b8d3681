"""mutate.py --sample N --seed S [--work DIR]: draws N faults of the library and looks which of them a test notices.

docs/proof.md says how. test/mutate.sh is the way in: it knows the packages.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import draw
import equivalent
import parts
import places
import schemata
import trial

HERE = pathlib.Path(__file__).resolve().parent
TREE = HERE.parent.parent


def said(text):
    return " ".join(text.split())


def copy_tree(copy):
    """The files that git knows or would take, as they are now. {name: bytes} of what may be mutated."""
    listed = subprocess.run(["git", "-C", str(TREE), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                            capture_output=True, check=True).stdout.decode()
    names = {name for name in listed.split("\0") if name and (TREE / name).is_file() and not (TREE / name).is_symlink()}
    sources = {}
    for name in sorted(names):
        content = (TREE / name).read_bytes()
        if name.startswith("lib/weir/") and name.endswith((".hpp", ".cpp")):
            sources[name] = content
            continue
        if name == "test/main.cpp":
            content += b"\n" + (HERE / "observer.cpp").read_bytes()
        if name == "test/atomic/CMakeLists.txt":
            content += parts.ATOMIC.encode()
        schemata.write(copy / name, content)
    for old in [path for path in copy.rglob("*") if path.is_file()]:
        if old.relative_to(copy).as_posix() not in names:
            old.unlink()
    schemata.write(copy / parts.SWITCH, (HERE / "switch.hpp").read_bytes())
    return sources


class Copy:
    """One part of the library in a copy of its own: its build and its test programs."""

    def __init__(self, part, args):
        self.part, folder = part, args.work / part.name
        self.tree = folder / "tree"
        self.sources = copy_tree(self.tree)
        self.build = trial.Build(self.tree, self.sources, folder / "build",
                                 parts.options(args.cxx, shutil.which("ld.lld")) + part.options, args.jobs)
        self.parser = draw.Parser(self.tree, parts.INCLUDE, [n for n in self.sources if re.match(part.files, n)])

    def measure(self, name):
        program = trial.Program(self.build.folder / "bin" / name, parts.ENVIRONMENT.get(name, {}))
        program.measure()
        return program


def told(m):
    return f"{m['file']}:{m['line']} {m['operator']} ({m.get('why', '')})"


def report(m):
    if m["verdict"] == "killed":
        print(f"{m['seconds']:7.1f} s {m['verdict']:10} {m['id']} {told(m)}", flush=True)


def refuse(refused, when):
    for m in refused:
        print(f"    does not compile {when}, another one is drawn: {told(m)}", flush=True)


def look(copies, drawn, args):
    """Judges the first mutants that compile: by the unit tests, then by what takes longer. Also those that do not."""
    verdicts, refused, known = args.work / "verdicts.json", [], {}
    if args.survivors:
        known = {m["id"]: m for m in json.loads(verdicts.read_text()) if m["verdict"] == "killed"}
    for stage in ("unit", "later"):
        for name, copy in copies.items():
            for program in [p for p in getattr(copy.part, stage) if args.programs is None or p in args.programs]:
                if all(m.get("verdict") == "killed" for m in drawn[:args.sample] if m["part"] == name):
                    break
                out = copy.build.make([m for m in drawn if m["part"] == name], [program])
                refuse(out, f"in {program}")
                refused += out
                drawn = [m for m in drawn if m["k"] not in {gone["k"] for gone in out}]
                # Those to spare, too: one may yet take the place of a fault that does not compile in a later program.
                left = [m for m in drawn if m["part"] == name and m.get("verdict") != "killed"]
                for m in (m for m in left if m["id"] in known and "verdict" not in m):
                    m.update(verdict="killed", why=known[m["id"]]["why"] + ", in the run before", seconds=0)
                measured = copy.measure(program)
                print(f"== {program} passes without a fault: {len(measured.seconds)} cases, "
                      f"{sum(measured.seconds.values()):.1f} s; {copy.build.seconds:.0f} s of building {name} so far",
                      flush=True)
                trial.judge([m for m in left if m.get("verdict") != "killed"], measured, args.jobs, report)
                verdicts.write_text(json.dumps([m for m in drawn[:args.sample] if "verdict" in m], indent=1))
    for m in drawn[:args.sample]:
        m.setdefault("verdict", "survived") # no program was asked for
        m.setdefault("seconds", 0)
    return drawn[:args.sample], refused


def main():
    line = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    line.add_argument("--sample", type=int, default=40, help="how many (default: 40)")
    line.add_argument("--seed", default="1", help="a number, or the hash of a commit (default: 1)")
    line.add_argument("--work", type=pathlib.Path, default=TREE / "build/mutation",
                        help="where it builds; what is built there is used again (default: build/mutation)")
    line.add_argument("--jobs", type=int, default=os.cpu_count())
    line.add_argument("--cxx", default=shutil.which("clang++-19") or "g++", help="the compiler")
    line.add_argument("--places", action="store_true", help="only count the places, and what is skipped")
    line.add_argument("--drawn", action="store_true", help="only draw, and show what was drawn")
    line.add_argument("--survivors", action="store_true",
                        help="only those that no test noticed in the run before, in the same DIR")
    line.add_argument("--programs", nargs="*", help="only these test programs")
    args = line.parse_args()
    if places.ci is None:
        sys.exit("clang's binding for Python is not there. On Debian 12: apt-get install python3-clang-19")
    sys.setrecursionlimit(10000)
    args.work = args.work.resolve()
    began = time.time()

    plain = args.work / "plain" # parsed as it is, beside what is built
    copies = {part.name: Copy(part, args) for part in parts.PARTS}
    for copy in copies.values():
        for name, source in copy.sources.items():
            schemata.write(plain / name, source)
    files = [name for copy in copies.values() for name in copy.parser.headers + copy.parser.sources]
    parser = draw.Parser(plain, parts.INCLUDE, files)
    parser.read_others_once(args.work / "others.pch")
    for copy in copies.values():
        copy.parser.use(args.work / "others.pch")
    finder = draw.find(parser, args.work / "places")
    count = collections.Counter(way[0] for place in finder.sorted() for way in place.ways)
    print(f"{len(finder.places)} places, {sum(count.values())} faults: "
          + ", ".join(f"{name} {n}" for name, n in count.most_common()))
    print("skipped: " + ", ".join(f"{reason} {n}" for reason, n in finder.skipped.most_common()), flush=True)
    if args.places:
        return

    drawn, refused = draw.draw(copies, finder, args.sample, args.seed)
    refuse(refused, "by itself")
    print(f"{len(drawn)} drawn with seed {args.seed}, {len(drawn) - args.sample} of them to spare: "
          f"{time.time() - began:.0f} s", flush=True)
    if args.drawn:
        for m in drawn:
            print(f"{m['id']} {told(m)}\n    - {said(m['original'])}\n    + {said(m['mutated']) or '(nothing)'}")
        return
    mutants, more = look(copies, drawn, args)

    arguments = equivalent.read(HERE / "equivalent.txt")
    for m in mutants:
        if m["verdict"] == "survived" and equivalent.key(m) in arguments:
            m["verdict"] = "equivalent"
    print()
    for m in (m for m in mutants if m["verdict"] == "survived"):
        print(f"{m['id']} {told(m)}\n    - {said(m['original'])}\n    + {said(m['mutated']) or '(nothing)'}")
    verdict = collections.Counter(m["verdict"] for m in mutants)
    by_operator = collections.Counter((m["operator"], m["verdict"]) for m in mutants)
    for name in places.OPERATORS:
        print(f"    {name:22}" + ", ".join(f"{by_operator[name, v]} {v}" for v in ("killed", "survived", "equivalent")))
    print(f"{len(refused) + len(more)} did not compile, {time.time() - began:.0f} s, seed {args.seed}")
    print(f"{verdict['killed']} killed, {verdict['survived']} survived, {verdict['equivalent']} equivalent of {len(mutants)}")


if __name__ == "__main__":
    main()
