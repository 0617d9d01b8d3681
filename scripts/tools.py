"""The programs that tests call: where they are, or which package brings them."""

import pathlib
import shutil
import sys


def package_of(tool):
    for line in pathlib.Path(__file__).with_name("tools.txt").read_text().splitlines():
        name, _, package = line.partition(" ")
        if name == tool:
            return package
    raise KeyError(f"scripts/tools.txt does not list {tool}")


def need(tool):
    """The path of the program. Without it the whole test fails, and says what to install."""
    package = package_of(tool)
    path = shutil.which(tool)
    if not path:
        sys.exit(f"{tool} is not there. On Debian 12: apt-get install {package}")
    return path
