"""format.py ROOT: every C++ file is as clang-format 14 writes it (.clang-format).

Other versions of clang-format differ in details, so it must be this one.
"""

import concurrent.futures
import os
import subprocess
import sys

import tree

sys.path.append(str(tree.pathlib.Path(__file__).parents[2] / "scripts"))
import tools

AT_ONCE = 20


def differing(command):
    """Of the files at the command's end those that differ; what went wrong."""
    run = subprocess.run(command, capture_output=True, text=True)
    found = {line.split(":", 1)[0] for line in run.stderr.splitlines() if "[-Wclang-format-violations]" in line}
    return found, run.stderr if run.returncode and not found else ""


def main(root):
    root = tree.pathlib.Path(root)
    clang_format = tools.need("clang-format-14")
    paths = [path.relative_to(root).as_posix() for path in tree.code(root)]
    os.chdir(root)
    commands = [[clang_format, "--dry-run", "-Werror", *paths[first:first + AT_ONCE]]
                for first in range(0, len(paths), AT_ONCE)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(differing, commands))
    wrong = "".join(said for _, said in results)
    if wrong:
        sys.exit(wrong)
    found = sorted(set().union(*(names for names, _ in results)))
    findings = [f"{name}: not formatted" for name in found]
    if found:
        findings.append("this formats them:\n    clang-format-14 -i " + " ".join(found))
    tree.report(findings, paths)


if __name__ == "__main__":
    main(sys.argv[1])
