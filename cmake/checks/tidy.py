"""tidy.py ROOT BUILD: clang-tidy 14 has nothing to say about the library's sources, with the checks of .clang-tidy.

Headers are looked at through the sources that include them.
"""

import concurrent.futures
import os
import re
import subprocess
import sys

import tree

sys.path.append(str(tree.pathlib.Path(__file__).parents[2] / "scripts"))
import tools

FINDING = re.compile(r"^/.+?:\d+:\d+: (?:warning|error): .*$", re.M)


def look(clang_tidy, build, path):
    """(findings, what went wrong)"""
    # The build's warnings are for its own compiler.
    run = subprocess.run([clang_tidy, "-p", build, "--quiet", "--extra-arg=-w", str(path)], capture_output=True, text=True)
    findings = FINDING.findall(run.stdout)
    return findings, f"{path}: {run.stdout}{run.stderr}" if run.returncode and not findings else ""


def main(root, build):
    clang_tidy = tools.need("clang-tidy-14")
    paths = [path for path in tree.code(tree.pathlib.Path(root).resolve(), "lib") if path.suffix == ".cpp"]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda path: look(clang_tidy, build, path), paths))
    wrong = "".join(said for _, said in results)
    if wrong:
        sys.exit(wrong)
    tree.report(sorted(set().union(*(found for found, _ in results))), paths)


if __name__ == "__main__":
    main(*sys.argv[1:])
