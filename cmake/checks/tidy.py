"""tidy.py ROOT BUILD: clang-tidy 14 has nothing to say about the library's sources, with the checks of .clang-tidy.

Headers are looked at through the sources that include them. What a source names and does not use (`namespace a = b;`,
`using a::b;`) is looked for here: clang-tidy sees that in a main file alone, and reads several sources as one.
"""

import os
import re
import subprocess
import sys

import coawait
import tree

sys.path.append(str(tree.pathlib.Path(__file__).parents[2] / "scripts"))
import tools

FINDING = re.compile(r"^(/.+?):(\d+:\d+: (?:warning|error): .*)$", re.M)
NAMED = re.compile(r"^ *(?:namespace (\w+) = |using [\w:]+::(\w+);)", re.M)


def look(clang_tidy, config, file, folder, flags):
    """(findings, what went wrong)"""
    # The build's warnings are for its own compiler.
    run = subprocess.run([clang_tidy, f"--config-file={config}", "--quiet", file, "--", *flags, "-w"],
                         cwd=folder, capture_output=True, text=True)
    findings = {f"{path}:{said}" for path, said in FINDING.findall(run.stdout) if path != file or "/lib/weir/" in path}
    return findings, f"{file}: {run.stdout}{run.stderr}" if run.returncode and not findings else None


def unused_names(path):
    text = tree.without_comments(path.read_text())
    for match in NAMED.finditer(text):
        name = match[1] or match[2]
        if len(re.findall(rf"\b{name}\b", text)) == 1:
            line = text.count("\n", 0, match.start(match.lastindex)) + 1
            yield f"{path}:{line}: warning: {name} is named and not used"


def main(root, build):
    clang_tidy = tools.need("clang-tidy-14")
    root = tree.pathlib.Path(root).resolve()
    paths = [path for path in tree.code(root, "lib") if path.suffix == ".cpp"]
    jobs = coawait.in_build(build, [], [os.path.realpath(path) for path in paths])
    findings, wrong = coawait.look_at(jobs, lambda *job: look(clang_tidy, root / ".clang-tidy", *job))
    if wrong:
        sys.exit("\n".join(wrong))
    for path in tree.code(root, "lib", "apps", "test", "examples"):
        findings += unused_names(path)
    tree.report(sorted(findings), paths)


if __name__ == "__main__":
    main(*sys.argv[1:])
