"""All faults in one build: the rewritten copy of the sources, and which fault a compiler's error belongs to."""

import collections
import os
import re

SWITCH = "weir/mutant_switch.hpp"


def rewritten(source, drawn):
    """The file with the faults that were drawn in it, and for each the lines it takes: {k: (first, last)}."""
    drawn = sorted(drawn, key=lambda m: (m["start"], -m["end"], m["k"]))
    marks = {}

    def render(low, high, todo):
        out, at = "", low
        while todo:
            m, inner = todo[0], []
            todo = todo[1:]
            while todo and todo[0]["start"] < m["end"]:
                inner.append(todo[0])
                todo = todo[1:]
            out += source[at:m["start"]].decode()
            text = m["form"].format(inner=render(m["start"], m["end"], inner), mutated=m["mutated"])
            out += f"\1{m['k']}\2" + text.replace("weir_mutant(K)", f"weir_mutant({m['k']})") + f"\3{m['k']}\2"
            at = m["end"]
        return out + source[at:high].decode()

    text, clean, line = f"#include <{SWITCH}>\n" + render(0, len(source), drawn), "", 1
    for part in re.split("([\1\3][0-9]+\2)", text):
        if part[:1] in ("\1", "\3"):
            marks.setdefault(int(part[1:-1]), []).append(line)
        else:
            clean += part
            line += part.count("\n")
    return clean, {k: (v[0], v[-1]) for k, v in marks.items()}


def write(path, content):
    """Only what changed: what is built below it stays."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_bytes() != content:
        path.write_bytes(content)
        return True
    return False


def lay_out(copy, sources, drawn):
    """Writes all sources ({name: bytes}) with the drawn faults; {file: {k: (first line, last line)}}."""
    lines, by_file = {}, collections.defaultdict(list)
    for m in drawn:
        by_file[m["file"]].append(m)
    for name, source in sources.items():
        text = source
        if name in by_file:
            new, lines[name] = rewritten(source, by_file[name])
            text = new.encode()
        write(copy / name, text)
    return lines


def guilty(lines, errors):
    """Of the faults that the errors [(file, line)] are in, the smallest each."""
    found = set()
    for name, line in errors:
        inside = [(b - a, k) for k, (a, b) in lines.get(name, {}).items() if a <= line <= b]
        found |= {k for size, k in inside if size == min(inside)[0]}
    return found


def blamed(log, root, lines):
    """The faults that a compiler's errors are in; where there are none, those its notes lead through."""
    for pattern in (r"^(/[^\s:]+):(\d+):(?:\d+:)? (?:fatal )?error:", r"^(?:In file included from )?(/[^\s:]+):(\d+):"):
        found = [(os.path.relpath(f, root), int(n)) for f, n in re.findall(pattern, log, re.M)
                 if f.startswith(str(root))]
        if guilty(lines, found):
            return guilty(lines, found)
    return set()
