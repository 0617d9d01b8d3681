"""What the checks share: which files there are, and how findings are told."""

import pathlib
import re
import shutil
import subprocess
import sys

CODE = {".hpp", ".cpp"}


def names(root, *folders):
    """All below the folders (default: all) that git would keep, or simply all outside build/."""
    root = pathlib.Path(root)
    listed = shutil.which("git") and subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True)
    if listed and listed.returncode == 0 and listed.stdout:
        found = [root / name.decode() for name in listed.stdout.split(b"\0") if name]
    else:
        found = root.rglob("*")
    inside = [root / folder for folder in folders] or [root]
    return sorted(path for path in found
                  if path.relative_to(root).parts[0] not in ("build", ".git")
                  and any(path.is_relative_to(folder) for folder in inside))


def files(root, *folders):
    return [path for path in names(root, *folders) if path.is_file()]


def links(root, *folders):
    """Links, whether or not they lead to something."""
    return [path for path in names(root, *folders) if path.is_symlink()]


def code(root, *folders):
    return [path for path in files(root, *folders) if path.suffix in CODE]


def without_comments(text):
    """The same text, line for line, with comments blanked. Strings are left alone."""
    def blank(match):
        token = match.group()
        return token if token[0] == '"' else re.sub(r"[^\n]", " ", token)
    return re.sub(r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/', blank, text, flags=re.S)


def report(findings, looked_at):
    """Prints the findings and leaves: 1 when there are any, 2 when nothing was looked at."""
    for finding in findings:
        print(finding)
    if not looked_at:
        print("nothing to look at: the check is broken, or the tree is")
        sys.exit(2)
    sys.exit(1 if findings else 0)
