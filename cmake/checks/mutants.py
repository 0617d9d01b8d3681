#!/usr/bin/env python3
"""Checks that each patch in test/mutants applies as it is and names a test that exists.

usage: mutants.py [--refresh] ROOT

--refresh: where only the lines around a fault have changed since, the patch is written anew.
"""

import difflib
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.append(str(pathlib.Path(__file__).parents[2] / "scripts"))
import tools


def apply(patch, folder, *options):
    return subprocess.run(
        [tools.need("patch"), "-p1", "-s", "-f", "--no-backup-if-mismatch", *options, "-d", str(folder), "-i", str(patch.resolve())],
        capture_output=True, text=True)


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
    applied = apply(patch, root, "--dry-run", "--fuzz=0")
    if applied.returncode != 0:
        yield "does not apply: " + applied.stdout.strip()


def refresh(root, patch):
    """Writes the patch anew if it applies when the lines around it are not looked at."""
    text = patch.read_text()
    name = re.search(r"^\+\+\+ b/(\S+)", text, re.M).group(1)
    if apply(patch, root, "--dry-run", "--fuzz=0").returncode == 0:
        return
    # Without the lines around it a fault is put wherever its own lines stand.
    changed = "".join(line[1:] + "\n" for line in re.findall(r"^-(?!-- a/).*$", text, re.M))
    if not changed or (root / name).read_text().count(changed) != 1:
        print(f"{patch.name}: its lines do not stand once in {name}: write it anew by hand")
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / name
        copy.parent.mkdir(parents=True)
        copy.write_text((root / name).read_text())
        if apply(patch, folder, "--fuzz=3").returncode != 0:
            return
        diff = difflib.unified_diff((root / name).read_text().splitlines(True),
                                    copy.read_text().splitlines(True), "a/" + name, "b/" + name)
        patch.write_text(text[:text.index("--- a/")] + "".join(diff))
        print(f"{patch.name}: written anew, look at it")


def main():
    root = pathlib.Path(sys.argv[-1])
    patches = sorted((root / "test" / "mutants").glob("*.patch"))
    if "--refresh" in sys.argv[1:-1]:
        for p in patches:
            refresh(root, p)
    found = [f"{p.name}: {problem}" for p in patches for problem in problems(root, p)]
    print("\n".join(found) if found else f"{len(patches)} patches apply")
    return 1 if found or not patches else 0


if __name__ == "__main__":
    sys.exit(main())
