"""equivalent.txt: faults that nobody can tell from what was written, each with the argument.

Four lines `file:`, `operator:`, `line:` (the line's text, blanks as one) and `mutant:` (what it says instead, or nothing),
then `why:`, which may go on in indented lines. A place is found by its text, not by its number.
"""

import re

FIELDS = ("file", "operator", "line", "mutant", "why")


def flat(text):
    return " ".join(text.split())


def key(m):
    return m["file"], m["operator"], flat(m["text"]), flat(m["mutated"])


def read(path):
    """{key: why}. Raises ValueError for an entry that is not complete."""
    found, text = {}, re.sub(r"^#.*\n", "", path.read_text(), flags=re.M) if path.exists() else ""
    for block in re.split(r"\n\s*\n", text.strip()):
        if not block.strip():
            continue
        entry = {}
        for line in re.sub(r"\n[ \t]+", " ", block).splitlines():
            name, _, value = line.partition(":")
            entry[name.strip()] = flat(value)
        if set(entry) != set(FIELDS) or not all(entry[name] for name in FIELDS if name != "mutant"):
            raise ValueError(f"{path.name}: an entry has the lines {', '.join(FIELDS)}:\n{block}")
        found[tuple(entry[name] for name in FIELDS[:4])] = entry["why"]
    return found


def stale(path, root):
    """Entries whose line does not stand in its file any more."""
    for file, _, line, _ in read(path):
        source = root / file
        if not source.exists() or line not in map(flat, source.read_text().splitlines()):
            yield f"{file}: {line}"
