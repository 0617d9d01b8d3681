"""cancellation.py ROOT: docs/cancellation.md says what happens, and the tests show it.

The page has a table of operations that says what happens, and below `## Tests` another with the same rows and columns
that names the tests: one or more `suite/case` in each cell that says something in the first table, and nothing in the
others. A case is one of BOOST_AUTO_TEST_CASE in test/. Every operation that lib/weir (but sim) offers has a
row: `async_name` for a free function, `type::async_name` for a member.
"""

import re
import sys

import tree

SUITE = re.compile(r"BOOST_(AUTO|FIXTURE)_TEST_SUITE(?:\(\s*(\w+)|_END)|BOOST_\w*TEST_CASE(?:_TEMPLATE)?\(\s*(\w+)")
CLASS = re.compile(r"^([ \t]*)(?:class|struct)\s+(?:\[\[\w+(?:\(\x22[^\x22]*\x22\))?\]\]\s*|WEIR_\w+\s+)?(?:basic_)?(\w+)(?:\s+final)?\s*(?::[^;{]*)?\{", re.M)
OPERATION = re.compile(r"^[ \t]*(?:static\s+)?(?:WEIR_\w+\s+)?auto\s+(async_\w+)\(", re.M)


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
        if path.suffix != ".hpp" or parts[0] == "sim" or "detail" in parts:
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


def tables(page):
    """The rows of what happens, and of the tests: {name: (line number, {column: cell})} each."""
    happens, tests, heading, below = {}, {}, None, False
    for number, line in enumerate(page.read_text().split("\n"), 1):
        if not line.startswith("|"):
            heading = None
            below = below or line == "## Tests"
            continue
        cells = [cell.strip() for cell in line.strip()[1:-1].split("|")]
        if heading is None:
            heading = cells
        elif len(cells) != len(heading):
            sys.exit(f"{page}:{number}: a row has a cell for each heading")
        elif not all(set(cell) <= set("-: ") for cell in cells):
            (tests if below else happens)[cells[0]] = number, dict(zip(heading[1:], cells[1:]))
    return happens, tests


def check_row(name, row, tests, known):
    if name not in tests:
        yield row[0], f"{name} has no row of tests"
        return
    number, named = tests[name]
    for column, said in row[1].items():
        cases_named = re.findall(r"`([\w/]+)`", named.get(column, ""))
        if said and not cases_named:
            yield row[0], f"{name}: `{column}` says something and has no test"
        if cases_named and not said:
            yield number, f"{name}: `{column}` names a test for nothing that is said"
        yield from ((number, f"there is no test {case}") for case in cases_named if case not in known)


def main(root):
    root = tree.pathlib.Path(root)
    page = root / "docs/cancellation.md"
    known = cases(root)
    happens, tests = tables(page)
    findings = [f"{page}:{number}: {why}" for name, row in happens.items()
                for number, why in check_row(name, row, tests, known)]
    findings += [f"{page}:{row[0]}: {name} has tests, and nothing is said of it"
                 for name, row in tests.items() if name not in happens]
    described = {operation for name in happens for operation in re.findall(r"`([\w:]+)`", name)}
    findings += [f"{path}: {name} has no row in {page.relative_to(root)}"
                 for name, path in operations(root) if name not in described]
    tree.report(findings, happens)


if __name__ == "__main__":
    main(sys.argv[1])
