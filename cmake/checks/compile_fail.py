"""compile_fail.py COMPILER FLAG... FILE: misuse does not compile, and for the right reason.

FILE says in its first line what the compiler must say:  // expect: REGULAR EXPRESSION
and keeps the misuse between #ifdef WEIR_MISUSE and #endif. Without it, the file must compile. Where lines end in
`// refused`, the compiler must say it of each of them.
"""

import re
import subprocess
import sys


def compile_file(command, *more):
    result = subprocess.run([*command[:-1], *more, "-fsyntax-only", command[-1]], capture_output=True, text=True)
    return result.returncode, result.stdout + result.stderr


def main(command):
    with open(command[-1]) as file:
        text = file.read()
    expect = re.match(r"// expect: (.+)\n", text)
    if not expect or "#ifdef WEIR_MISUSE" not in text:
        sys.exit(f"{command[-1]}: needs `// expect: ...` in its first line, and #ifdef WEIR_MISUSE")
    code, said = compile_file(command)
    if code != 0:
        sys.exit(f"does not compile even without the misuse:\n{said}")
    code, said = compile_file(command, "-DWEIR_MISUSE")
    if code == 0:
        sys.exit("the misuse compiles")
    if not re.search(expect[1], said):
        sys.exit(f"fails, but the compiler does not say `{expect[1]}`:\n{said}")
    for number, line in enumerate(text.split("\n"), 1):
        if line.endswith("// refused") and not re.search(rf":{number}:.*({expect[1]})", said):
            sys.exit(f"the compiler does not say `{expect[1]}` of line {number}, `{line.strip()}`:\n{said}")


if __name__ == "__main__":
    main(sys.argv[1:])
