"""skipped.py OUTPUT LOG: the tests that ctest skipped, or that skipped a part of themselves, each with its reason.

OUTPUT is what ctest printed, LOG is build/<preset>/Testing/Temporary/LastTest.log. A test that skips everything exits
with 77 and says why in the last line of its output; a case of unittest says `skipped 'why'`.
"""

import pathlib
import re
import sys

SKIPPED = re.compile(r"^ *\d+/\d+ Test +#\d+: (\S+) .*\*\*\*Skipped", re.M)
TEST = re.compile(r"^\d+/\d+ Testing: (\S+)\n.*?^-{10,}\n(.*?)^<end of output>\n", re.M | re.S)


def main(output, log):
    skipped = set(SKIPPED.findall(pathlib.Path(output).read_text(errors="replace")))
    for name, said in TEST.findall(pathlib.Path(log).read_text(errors="replace")):
        lines = said.strip().splitlines()
        if name in skipped:
            print(f"{name}: {lines[-1] if lines else 'no reason given'}")
        for line in lines:
            if case := re.match(r"(\w+) .*\.\.\. skipped ['\"](.*)['\"]$", line):
                print(f"{name}: {case[1]}: {case[2]}")


if __name__ == "__main__":
    main(*sys.argv[1:])
