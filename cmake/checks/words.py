"""words.py ROOT: what no file may say, and where no link may point."""

import os
import re
import sys

import tree

# rule: (which files, pattern, what to say). Comments do not count in code; they do elsewhere.
RULES = [
    (lambda path: True,
     r"(?<![\w.:/$}-])/(tmp|work|root|home)/\w",
     "a path of one machine"),
    (lambda path: path.startswith("lib/"),
     r"\bdetached\b",
     "`detached` swallows exceptions"),
    (lambda path: path.startswith("lib/"),
     r"\bstd::(cout|cerr|clog)\b|(?<!\w)f?printf\(|\bputs\(",
     "nothing in lib prints"),
    (lambda path: path.startswith("lib/") and path.endswith(".hpp"),
     r"\busing namespace\b",
     "a header must not open a namespace for others"),
    (lambda path: re.match(r"test/.*\.cpp$", path),
     r"TEST_CASE\w*\(\s*(\w*_)?(who|he|him|his|nobody|somebody|everybody|told|tells)(_\w*)?\b",
     "name the role: waiter, submitter, receiver, caller"),
    (lambda path: re.match(r"test/(error|detail|time|sync|run|policy|flow|sim)/", path),
     r"\bthis_thread::sleep_|\busleep\(|\bnanosleep\(|\b(system|steady|high_resolution)_clock::now\b",
     "unit tests never sleep and read no real clock"),
]


def check(root, path):
    name = path.relative_to(root).as_posix()
    rules = [rule for rule in RULES if rule[0](name)]
    try:
        text = path.read_text()
    except UnicodeDecodeError:
        return
    if path.suffix in tree.CODE:
        for number, line in enumerate(text.split("\n"), 1):
            if len(line) > 100:
                yield f"{path}:{number}: longer than 100 columns"
        text = tree.without_comments(text)
    for number, line in enumerate(text.split("\n"), 1):
        for _, pattern, why in rules:
            if re.search(pattern, line):
                yield f"{path}:{number}: {why}: {line.strip()}"


def check_link(root, path):
    target = os.readlink(path)
    inside = tree.pathlib.Path(os.path.normpath(path.parent / target)).is_relative_to(root)
    if os.path.isabs(target) or not inside:
        yield f"{path}: a link that points out of the tree: {target}"
    elif not path.exists():
        yield f"{path}: a link to nothing: {target}"


def main(root):
    root = tree.pathlib.Path(root).resolve()
    looked_at = tree.files(root)
    findings = [finding for path in looked_at for finding in check(root, path)]
    findings += [finding for path in tree.links(root) for finding in check_link(root, path)]
    tree.report(findings, looked_at)


if __name__ == "__main__":
    main(sys.argv[1])
