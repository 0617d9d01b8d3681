"""listed.py ROOT BUILD: every source file is compiled by the build, and every layer of lib/weir has tests in it."""

import json
import re
import sys

import tree

# Compiled by their own tests, or with clang only.
ELSEWHERE = ("test/compile_fail/", "test/fuzz/", "test/install/", "test/mutation/", "bench/")


def waits_for_another_build(path):
    """test/atomic is for optimised builds: there the file's own folder lists it."""
    lists = path.with_name("CMakeLists.txt")
    text = lists.read_text() if lists.exists() else ""
    return "CMAKE_BUILD_TYPE" in text and path.name in re.findall(r"[\w.]+", text)


def main(root, build):
    root = tree.pathlib.Path(root).resolve()
    commands = json.loads((tree.pathlib.Path(build) / "compile_commands.json").read_text())
    compiled = {tree.pathlib.Path(command["file"]).resolve() for command in commands}
    sources = [path for path in tree.code(root, "lib", "apps", "test", "examples")
               if path.suffix == ".cpp" and not path.relative_to(root).as_posix().startswith(ELSEWHERE)]
    findings = [f"{path}: no CMakeLists.txt lists it" for path in sources
                if path not in compiled and not waits_for_another_build(path)]
    tested = {path.parent.relative_to(root).as_posix() for path in compiled if path.is_relative_to(root)}
    findings += [f"nothing in test/{layer.name} tests {layer}" for layer in sorted((root / "lib/weir").iterdir())
                 if layer.is_dir() and f"test/{layer.name}" not in tested]
    tree.report(findings, sources)


if __name__ == "__main__":
    main(*sys.argv[1:])
