"""Every flag that --help lists stands in the man page, in both completions and in a test, and what
scripts/flags.py makes of --help is up to date.
"""

import pathlib
import re
import subprocess
import sys

from support import PATIENCE, Case, main, program

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "scripts"))
import flags


def stands_in(name, text):
    """As a whole word: `--max` is not in `--max-time`."""
    return re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) is not None


class Flags(Case):
    def setUp(self):
        super().setUp()
        self.help = self.fetch("--help").out.decode()
        self.flags = flags.read(self.help)
        self.assertGreater(len(self.flags), 50)

    def test_all_of_help_is_read(self):
        for line in self.help.splitlines():
            if line.startswith("  -"):
                name = line.split()[0].rstrip(",")
                self.assertTrue(any(name in flag.names for flag in self.flags), line)
        for flag in self.flags:
            for name in flag.names:
                self.assertRegex(name, r"^(-[^-]|--[a-z0-9][a-z0-9.-]+)$")
            self.assertTrue(flag.text, flag.names)

    def test_each_flag_that_takes_a_value_says_its_default(self):
        for flag in self.flags:
            if flag.value not in ("", "FILE", "DIR", "URL"):   # without these there is none
                self.assertRegex(flag.text, r"\(.+\)", flag.names)

    def test_each_flag_stands_in_the_man_page_and_the_completions(self):
        for path in (flags.MAN, flags.BASH, flags.ZSH):
            text = path.read_text().replace("\\-", "-").replace("\\fB", " ").replace("\\fR", " ")
            missing = [name for flag in self.flags for name in flag.names
                       if not stands_in(name, text)]
            self.assertEqual(missing, [], path.name)

    def test_each_flag_stands_in_a_test(self):
        tests = [path for path in (*ROOT.glob("test/apps/*.py"), *ROOT.glob("test/fetch/*.cpp"))
                 if path.name != "test_flags.py"]
        quoted = " ".join(word for path in tests
                          for word in re.findall(r"[\"']([^\"'\n]*)[\"']", path.read_text()))
        missing = [flag.names for flag in self.flags
                   if not any(stands_in(name, quoted) for name in flag.names)]
        self.assertEqual(missing, [])

    def test_what_is_made_of_help_is_up_to_date(self):
        made = flags.pages(self.help)
        for path, content in made.items():
            self.assertEqual(path.read_text(), content,
                             f"python3 scripts/flags.py write {program('weir-fetch')}")

    def complete(self, *words):
        """What bash offers for the last word."""
        script = (f"source {flags.BASH}; COMP_WORDS=(weir-fetch \"$@\"); COMP_CWORD=$#; "
                  "_weir_fetch; printf '%s\\n' \"${COMPREPLY[@]}\"")
        run = subprocess.run(["/bin/bash", "-c", script, "bash", *words], capture_output=True,
                             text=True, timeout=PATIENCE)
        self.assertEqual(run.stderr, "")
        return run.stdout.split()

    def test_bash_completes_flags_and_their_values(self):
        self.assertEqual(self.complete("--max-ti"), ["--max-time"])
        self.assertEqual(self.complete("-m", "5", "--max-f"), ["--max-filesize"])
        self.assertEqual(self.complete("--tls-min", ""), ["1.2", "1.3"])
        self.assertEqual(self.complete("--max-time", "-"), [])
        self.assertEqual(self.complete("http"), [])
        self.assertEqual(set(self.complete("-")), {n for flag in self.flags for n in flag.names})


if __name__ == "__main__":
    main()
