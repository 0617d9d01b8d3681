"""docs.py ROOT: every C++ block in README.md and docs/*.md is an example, word for word.

The line above a block says which:  <!-- examples/02_name.cpp -->         the whole file
                                    <!-- examples/02_name.cpp [part] -->  from `// [part]` to `// [/part]`
                                    <!-- sketch -->                       a signature; in docs/ only
Examples are named NN_name.cpp and have at most 60 lines. One that compares ways of doing a thing, or is a whole server,
may have more.
"""

import re
import sys
import textwrap

import tree

BLOCK = re.compile(r"^```(?:cpp|c\+\+|cc|cxx)\b[^\n]*\n(.*?)^```[ \t]*$", re.M | re.S)
LINES = {"34_files_of_a_request.cpp": 200, "36_inside_a_beast_server.cpp": 160}
MARKER = re.compile(r"<!--\s*(sketch|examples/\S+\.cpp)(?:\s+\[(\w+)\])?\s*-->\s*$")


def wanted(root, example, part):
    """The text a block must hold, or None when the example has no such part."""
    text = (root / example).read_text()
    if part:
        match = re.search(rf"^[ \t]*// \[{part}\]\n(.*?)^[ \t]*// \[/{part}\]$", text, re.M | re.S)
        return textwrap.dedent(match.group(1)) if match else None
    return re.sub(r"^[ \t]*// \[/?\w+\]\n", "", text, flags=re.M)


def check_page(root, page):
    text = page.read_text()
    for block in BLOCK.finditer(text):
        before = text[:block.start()].rstrip("\n")
        here = f"{page}:{text.count(chr(10), 0, block.start()) + 1}: "
        marker = MARKER.match(before[before.rfind("\n") + 1:])
        if not marker:
            yield here + "no line above says which example this block is"
        elif marker[1] == "sketch":
            if page.name == "README.md":
                yield here + "the README shows examples, no sketches"
        elif not (root / marker[1]).is_file():
            yield here + f"there is no {marker[1]}"
        elif (expected := wanted(root, marker[1], marker[2])) is None:
            yield here + f"{marker[1]} has no part [{marker[2]}]"
        elif block.group(1).strip("\n") != expected.strip("\n"):
            yield here + f"differs from {marker[1]}" + (f" [{marker[2]}]" if marker[2] else "")


def check_example(path):
    if not re.fullmatch(r"\d\d_\w+\.cpp", path.name):
        yield f"{path}: examples are named NN_name.cpp"
    lines = path.read_text().count("\n")
    allowed = LINES.get(path.name, 60)
    if lines > allowed:
        yield f"{path}: {lines} lines, {allowed} are allowed"


def main(root):
    root = tree.pathlib.Path(root)
    pages = [root / "README.md"] + [p for p in tree.files(root, "docs") if p.suffix == ".md"]
    examples = tree.code(root, "examples")
    findings = [finding for page in pages for finding in check_page(root, page)]
    findings += [finding for path in examples for finding in check_example(path)]
    tree.report(findings, examples)


if __name__ == "__main__":
    main(sys.argv[1])
