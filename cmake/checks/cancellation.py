"""cancellation.py ROOT: docs/cancellation.md says, and the tests show.

The page has tables whose first column names operations and whose last column is headed `tests`: one or more
`suite/case` for each cell of the row between them that is not empty. A case is one of BOOST_AUTO_TEST_CASE in test/.
Every operation that lib/weir (but http and sim) offers has a row: `async_name` of a free function, `type::async_name`
of a member. The tests of a row name its columns in a fixed order, separated by `;`.
"""

import re
import sys

import tree

SUITE = re.compile(r"BOOST_(AUTO|FIXTURE)_TEST_SUITE(?:\(\s*(\w+)|_END)|BOOST_\w*TEST_CASE(?:_TEMPLATE)?\(\s*(\w+)")
CLASS = re.compile(r"^([ \t]*)(?:class|struct)\s+(?:\[\[\w+\]\]\s*)?(?:basic_)?(\w+)(?:\s+final)?\s*(?::[^;{]*)?\{", re.M)
OPERATION = re.compile(r"^[ \t]*(?:static\s+)?auto\s+(async_\w+)\(", re.M)


def cases(root):
    """`suite/case` for every test case in test/."""
    found = set()
    for path in tree.code(root, "test"):
        suites = []
        for match in SUITE.finditer(tree.without_comments(path.read_text())):
            if match[2]:
                suites.append(match[2])
            elif match[3]:
                found.add("/".join(suites + [match[3]]))
            elif suites:
                suites.pop()
    return found


def operations(root):
    """Name and place of every operation a public header offers."""
    seen = set()
    for path in tree.code(root, "lib/weir"):
        parts = path.relative_to(root / "lib/weir").parts
        if path.suffix != ".hpp" or parts[0] in ("http", "sim") or "detail" in parts:
            continue
        text = tree.without_comments(path.read_text())
        classes = [(match.start(), len(match[1]), match[2]) for match in CLASS.finditer(text)]
        for match in OPERATION.finditer(text):
            indent = len(match[0]) - len(match[0].lstrip())
            around = [name for start, depth, name in classes if start < match.start() and depth < indent]
            name = (around[-1] + "::" if around else "") + match[1]
            if name not in seen:
                seen.add(name)
                yield name, path


def rows(page):
    """Line number, heading and cells of every row of a table that has tests."""
    heading = None
    for number, line in enumerate(page.read_text().split("\n"), 1):
        if not line.startswith("|"):
            heading = None
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if heading is None:
            heading = cells
        elif not all(set(cell) <= set("-: ") for cell in cells):
            yield number, heading, cells


def main(root):
    root = tree.pathlib.Path(root)
    page = root / "docs/cancellation.md"
    known = cases(root)
    findings, described, looked_at = [], set(), []
    for number, heading, cells in rows(page):
        here = f"{page}:{number}: "
        looked_at.append(number)
        if heading[-1] != "tests" or len(cells) != len(heading):
            findings.append(here + "a row ends with the column `tests`, and has a cell for each heading")
            continue
        described.update(re.findall(r"`([\w:]+)`", cells[0]))
        said = [cell for cell in cells[1:-1] if cell]
        groups = [re.findall(r"`([\w/]+)`", group) for group in cells[-1].split(";")]
        if len(groups) != len(said) or not all(groups):
            findings.append(here + f"{len(said)} cells say something: that many groups of tests, parted by `;`")
        findings += [here + f"there is no test {test}" for group in groups for test in group if test not in known]
    findings += [f"{path}: {name} has no row in {page.relative_to(root)}"
                 for name, path in operations(root) if name not in described]
    tree.report(findings, looked_at)


if __name__ == "__main__":
    main(sys.argv[1])
