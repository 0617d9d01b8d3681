"""flags.py write PROGRAM: writes what follows from `weir-fetch --help`: the OPTIONS of its man page, and the completions
for bash and zsh. flags.py check PROGRAM: fails when they are not as it would write them.
"""

import dataclasses
import pathlib
import re
import subprocess
import sys

HOME = pathlib.Path(__file__).resolve().parents[1] / "apps/fetch"
MAN, BASH, ZSH = HOME / "weir-fetch.1", HOME / "completions/weir-fetch.bash", HOME / "completions/_weir-fetch"
INDENT = 22   # of the texts in --help
BEGIN, END = '.\\" The flags: made by scripts/flags.py.\n', '.\\" The end of the flags.\n'
WORDS = {"VERSION": "1.2 1.3", "METHOD": "GET HEAD POST PUT PATCH DELETE OPTIONS"}
MADE = "Made by scripts/flags.py from `weir-fetch --help`."


@dataclasses.dataclass
class Flag:
    topic: str
    names: list
    value: str   # what it is called, "" when there is none
    text: str


def read(help_text):
    """The flags of `--help`."""
    flags, topic = [], None
    for line in help_text.splitlines():
        if match := re.fullmatch(r"(\w[^.]*):", line):
            topic = match[1]
        elif topic and line.startswith("  -"):
            head, text = (line[:INDENT], line[INDENT:]) if line[INDENT - 2:INDENT] == "  " else (line, "")
            match = re.fullmatch(r"(-[^\s,]+(?:, -[^\s,]+)*)(?: (.+))?", head.strip())
            flags.append(Flag(topic, match[1].split(", "), match[2] or "", text))
        elif topic and line.startswith(" " * INDENT):
            flags[-1].text = (flags[-1].text + " " + line.strip()).strip()
        elif line:
            topic = None
    return flags


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("^", "\\(ha")
    return "\\&" + text if text.startswith(".") else text


def man_page(flags, before):
    out, topic = [], None
    for flag in flags:
        if flag.topic != topic:
            topic = flag.topic
            out.append(f".SS {roff(topic)}")
        names = ", ".join(f"\\fB{roff(name)}\\fR" for name in flag.names)
        value = f" \\fI{roff(flag.value)}\\fR" if flag.value else ""
        out += [".TP", names + value, roff(flag.text[:1].upper() + flag.text[1:]) + "."]
    head, _, rest = before.partition(BEGIN)
    tail = rest.partition(END)[2]
    return head + BEGIN + "\n".join(out) + "\n" + END + tail


def bash(flags):
    def cases(flags, body):
        names = " | ".join(name for flag in flags for name in flag.names)
        return f"    {names})\n        {body}\n        return\n        ;;\n" if flags else ""

    def reply(how):
        return f'mapfile -t COMPREPLY < <(compgen {how} -- "$word")'

    with_value = [flag for flag in flags if flag.value]
    files = [flag for flag in with_value if flag.value == "FILE"]
    folders = [flag for flag in with_value if flag.value == "DIR"]
    known = [flag for flag in with_value if flag.value in WORDS]
    others = [flag for flag in with_value if flag not in files + folders + known]
    body = cases(files, "compopt -o filenames\n        " + reply("-f"))
    body += cases(folders, "compopt -o filenames\n        " + reply("-d"))
    body += "".join(cases([flag], reply(f"-W '{WORDS[flag.value]}'")) for flag in known)
    body += cases(others, ":   # nobody can guess it")
    names = "\n        ".join(" ".join(flag.names) for flag in flags)
    return (f"# bash completion for weir-fetch. {MADE}\n"
            "_weir_fetch()\n{\n"
            "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}\n"
            "    COMPREPLY=()\n"
            f"    case $before in\n{body}    esac\n"
            f'    [[ $word == -* ]] || return 0\n    {reply("-W " + chr(39) + names + chr(39))}\n'
            "}\ncomplete -F _weir_fetch weir-fetch\n")


def zsh(flags):
    def quoted(text):
        return text.replace("'", "'\\''")

    lines = []
    for flag in flags:
        text = re.sub(r"([\[\]:\\])", r"\\\1", re.split(r"; | \(", flag.text)[0])
        action = {"FILE": "_files", "DIR": "_files -/"}.get(flag.value, "")
        if flag.value in WORDS:
            action = f"({WORDS[flag.value]})"
        value = re.sub(r"([:\\\[\]])", r"\\\1", flag.value)
        value = f":{value}:{action}" if flag.value else ""
        for name in flag.names:
            lines.append(f"    '*{name}[{quoted(text)}]{quoted(value)}'")
    return (f"#compdef weir-fetch\n# zsh completion for weir-fetch. {MADE}\n_arguments -s -S \\\n" + " \\\n".join(lines)
            + " \\\n    '*:URL:_urls'\n")


def pages(help_text):
    """What is in each file."""
    flags = read(help_text)
    return {MAN: man_page(flags, MAN.read_text()), BASH: bash(flags), ZSH: zsh(flags)}


def main(what, program):
    text = subprocess.run([program, "--help"], check=True, capture_output=True, text=True).stdout
    made = pages(text)
    if what == "write":
        for path, content in made.items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(content)
        return
    stale = [path for path, content in made.items() if not path.exists() or path.read_text() != content]
    for path in stale:
        print(f"{path} is not as --help says: python3 scripts/flags.py write {program}")
    sys.exit(1 if stale else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
