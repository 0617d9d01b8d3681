"""layers.py ROOT: includes point down only (docs/design.md), and what is private stays private."""

import re
import sys

import tree

# A layer may include itself and what it stands on.
# `detail` is what all layers share and users do not: open to the library, closed to everybody else.
BOTTOM = ["error", "duration", "rate", "default_token"]
ORDER = BOTTOM + ["detail", "time", "sync", "run", "policy", "flow", "http"]
MAY = {layer: set(ORDER[:place + 1]) for place, layer in enumerate(ORDER)}
MAY["sim"] = set(BOTTOM) | {"detail", "time", "sim"}
MAY["http"].add("sim")   # so that a client runs in a simulation
MAY["weir"] = set(ORDER) - {"http", "detail"}   # weir.hpp, the one header for the whole core

# The rules themselves: decided without Asio, so that a test may own every atomic access and lock.
CORE = re.compile(r"_core(_\w+)?\.hpp$|sync/detail/(ring|channel_lines)\.hpp$|^detail/(acquire_result|atomics|gcra|instant_heap|list|short_mutex)\.hpp$|"
                  r"^(duration|rate)\.hpp$|^sync/limit\.hpp$|^policy/(hold_result|key_options)\.hpp$|"
                  r"^policy/detail/(key_table|key_turns|slabs)\.hpp$")

UMBRELLAS = {"boost/asio.hpp", "boost/beast.hpp"}
HTTP_ONLY = re.compile(r"boost/(beast|asio/ssl)\b|openssl/|zlib\.h|brotli/|zstd\.h|ares\.h|idn2\.h")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)


def layer_of(path):
    """error.hpp -> error, sync/detail/core.hpp -> sync."""
    return path.split("/")[0].split(".")[0]


def includes(path):
    text = path.read_text()
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match.group(1), match.group(2)


def check_lib(root, path):
    name = path.relative_to(root / "lib/weir").as_posix()
    layer = layer_of(name)
    if layer not in MAY:
        yield f"{path}: the folder is no layer; the layers are {', '.join(MAY)}"
        return
    if path.suffix == ".hpp" and "#pragma once" not in path.read_text():
        yield f"{path}: no #pragma once"
    own = path.with_suffix(".hpp")
    first = next((target for _, _, target in includes(path)), None)
    if path.suffix == ".cpp" and own.exists() and first != f"weir/{name[:-4]}.hpp":
        yield f"{path}:1: its own header comes first"
    for line, quote, target in includes(path):
        here = f"{path}:{line}: "
        if quote == '"':
            yield here + f'write <weir/...>, not "{target}"'
        if target in UMBRELLAS:
            yield here + f"<{target}> is slow to read: include the narrow headers"
        if layer != "http" and HTTP_ONLY.match(target):
            yield here + f"<{target}> belongs to http; the core never sees it"
        if CORE.search(name) and target.startswith("boost/asio"):
            yield here + f"<{target}>: a core knows no Asio; what needs it is a state or an operation"
        if not target.startswith("weir/"):
            continue
        below = target[len("weir/"):]
        if CORE.search(name) and not CORE.search(below):
            yield here + f"<{target}> is no core: a core stands on cores alone"
        if layer_of(below) not in MAY[layer]:
            yield here + f"{layer} must not include {layer_of(below)}: includes point down only"
        elif "/detail/" in below and layer_of(below) != layer:
            yield here + f"<{target}> is private to {layer_of(below)}"


def check_outside(path):
    """Apps and examples are users: public headers only."""
    for line, _, target in includes(path):
        if target.startswith("weir/") and re.search(r"(^|/)detail/", target[len("weir/"):]):
            yield f"{path}:{line}: <{target}> is private to the library"


def main(root):
    root = tree.pathlib.Path(root)
    lib, outside = tree.code(root, "lib/weir"), tree.code(root, "apps", "examples")
    findings = [finding for path in lib for finding in check_lib(root, path)]
    findings += [finding for path in outside for finding in check_outside(path)]
    tree.report(findings, lib)


if __name__ == "__main__":
    main(sys.argv[1])
