"""laws.py ROOT: every rule of docs/design.md has tests, and they exist.

The numbered rules below `## Rules that hold everywhere` in docs/design.md, in their order and by their bold names, are
the rows of the table below `## The rules and their tests` in docs/proof.md. Each names at least one `suite/case`.
"""

import re
import sys

import cancellation
import tree


def section(text, heading):
    parts = text.split(f"\n## {heading}\n", 1)
    return parts[1].split("\n## ", 1)[0] if len(parts) == 2 else ""


def main(root):
    root = tree.pathlib.Path(root)
    page = root / "docs/proof.md"
    rules = re.findall(r"^(\d+)\. \*\*(.+?)\.?\*\*",
                       section((root / "docs/design.md").read_text(), "Rules that hold everywhere"), re.M)
    rows = re.findall(r"^\| (\d+)\. (.+?) \| (.*) \|$", section(page.read_text(), "The rules and their tests"), re.M)
    findings = []
    if [(number, name.rstrip(".")) for number, name in rules] != [(number, name) for number, name, _ in rows]:
        findings.append(f"{page}: the rows are not the rules of docs/design.md, in their order and by their names")
    known = cancellation.cases(root)
    for number, name, cell in rows:
        tests = re.findall(r"`([\w/]+)`", cell)
        if not tests:
            findings.append(f"{page}: rule {number} has no test")
        findings += [f"{page}: rule {number}: there is no test {test}" for test in tests if test not in known]
    tree.report(findings, rules)


if __name__ == "__main__":
    main(sys.argv[1])
