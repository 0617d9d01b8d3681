#!/usr/bin/env python3
"""Checks that each patch in test/mutants applies as it is and names a test that exists.

usage: mutants.py ROOT
"""

import pathlib
import re
import subprocess
import sys


def problems(root, patch):
    text = patch.read_text()
    if not re.search(r"^Breaks: \S", text, re.M):
        yield "says not what it breaks"
    test = re.search(r"^Test: test_(\w+) (\w+)/(\w+)$", text, re.M)
    if not test:
        yield "names no test"
    else:
        layer, suite, case = test.groups()
        sources = [f.read_text() for f in (root / "test" / layer).glob("*.cpp")]
        if not any(f"BOOST_AUTO_TEST_SUITE({suite})" in s and f"BOOST_AUTO_TEST_CASE({case})" in s
                   for s in sources):
            yield f"names a test that is not there: test_{layer} {suite}/{case}"
    applied = subprocess.run(
        ["patch", "--dry-run", "-p1", "-s", "-f", "--fuzz=0", "-d", str(root), "-i", str(patch.resolve())],
        capture_output=True, text=True)
    if applied.returncode != 0:
        yield "does not apply: " + applied.stdout.strip()


def main():
    root = pathlib.Path(sys.argv[1])
    patches = sorted((root / "test" / "mutants").glob("*.patch"))
    found = [f"{p.name}: {problem}" for p in patches for problem in problems(root, p)]
    print("\n".join(found) if found else f"{len(patches)} patches apply")
    return 1 if found or not patches else 0


if __name__ == "__main__":
    sys.exit(main())
