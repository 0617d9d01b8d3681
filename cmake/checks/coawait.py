#!/usr/bin/env python3
"""Finds what g++ 12 miscompiles beside co_await.

There, in one full expression with a co_await, these temporaries are destroyed twice: a lambda with a capture that
has a destructor, an aggregate, a ?: of a type with one, an initialiser list. Name them first. (g++ 15 and 16 also
miscompile `auto [a, b] = co_await f();` in loops: bind by reference to a named result.)

Finds too what g++ does not warn of: a statement `co_await x.async_acquire();` whose [[nodiscard]] result, a permit
or a send_result, is dropped there.

Looks at the sources of a build, with the flags the build has for them, and at the headers below ROOT through the
sources that include them, so that templates are seen as they are used. (Where no sources are named, those without a
co_await of their own are left out: they make up half the time, and headers are seen through the others.) Sources with
the same flags are read several at a time, because reading what they include is most of the work. A line that was
looked at and is right says `// coawait-lint: ok`. Exit status: 0 clean, 1 findings, 2 could not look.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

# "here" is the function that awaits: what stands inside a nested lambda's body is another function's business.
TEMPORARIES = """
m exprWithCleanups({ours}, forFunction(functionDecl().bind("here")),
  hasDescendant(coawaitExpr(forFunction(equalsBoundNode("here")))),
  hasDescendant(expr(forFunction(equalsBoundNode("here")), anyOf(
    cxxBindTemporaryExpr(has(expr(unless(anyOf(
      cxxConstructExpr(), callExpr(), coawaitExpr(), cxxStdInitializerListExpr(), exprWithCleanups(),
      implicitCastExpr(), materializeTemporaryExpr(), cxxFunctionalCastExpr()))))),
    materializeTemporaryExpr(has(initListExpr())),
    conditionalOperator(hasType(hasUnqualifiedDesugaredType(recordType())), hasDescendant(cxxBindTemporaryExpr())),
    cxxStdInitializerListExpr()))))
"""
BINDINGS = 'm declStmt({ours}, has(decompositionDecl(unless(hasType(referenceType())), hasDescendant(coawaitExpr()))))'
DEFAULTS = 'm parmVarDecl({ours}, hasInitializer(hasDescendant(cxxBindTemporaryExpr(has(initListExpr())))))'


def of_class(which):
    """Matches a type: the class itself, or an alias of it, as std::string is."""
    return f"hasUnqualifiedDesugaredType(recordType(hasDeclaration({which})))"


# A whole statement awaits what must be used: a type that says [[nodiscard]], or a tuple with one. clang warns there,
# g++ does not look through co_await.
# (A tuple's elements are the second arguments of libstdc++'s `_Head_base`.)
KEPT = 'cxxRecordDecl(hasAttr("attr::WarnUnusedResult"))'
TUPLE_OF_KEPT = ('cxxRecordDecl(hasName("::std::tuple"), isDerivedFrom(classTemplateSpecializationDecl('
                 f'hasName("_Head_base"), hasTemplateArgument(1, refersToType({of_class(KEPT)})))))')
STATEMENT = ("anyOf(" + ", ".join(f"hasParent({kind}())" for kind in (
    "compoundStmt", "ifStmt", "forStmt", "whileStmt", "doStmt", "cxxForRangeStmt", "switchCase", "labelStmt")) + ")")
DROPPED = f"""
m coawaitExpr({{ours}}, hasType({of_class(f"anyOf({KEPT}, {TUPLE_OF_KEPT})")}),
  anyOf({STATEMENT}, hasParent(exprWithCleanups({STATEMENT}))))
"""
SAY = {
    TEMPORARIES: "g++ 12 destroys a temporary of this co_await expression twice: name it first",
    BINDINGS: "g++ 15 miscompiles a structured binding of a co_await: name the result, bind by reference",
    DROPPED: "the result of this co_await is dropped, and with it a permit, a value or a place: use it",
    DEFAULTS: "g++ 12 destroys an aggregate default argument twice: give the type a constructor",
}


# Of a compiler's command line what decides how the text is read.
WITH_ARGUMENT = ("-isystem", "-I", "-D", "-U", "-iquote", "-idirafter", "-isysroot", "--sysroot")
ALONE = re.compile(r"-[IDU].|-iquote.|-isystem.|-std=|-stdlib=|--sysroot=|-pthread$|-f(no-)?(exceptions|rtti)$|-m\w")

AT_A_TIME = 8   # sources


def give_up(why):
    print(why, file=sys.stderr)
    sys.exit(2)


def clang_query():
    names = [f"clang-query-{version}" for version in range(22, 13, -1)] + ["clang-query"]
    return next(filter(None, map(shutil.which, names)), None)


def flags_of(command):
    words = command.get("arguments") or shlex.split(command["command"])
    words = [word for word in words if word != "-Xclang"]
    kept = []
    for place, word in enumerate(words):
        if word in WITH_ARGUMENT:
            kept += [word, words[place + 1]]
        elif word == "-include":
            # For the compiler proper, so that it reads the text and not another compiler's precompiled header.
            kept += ["-Xclang", "-include", "-Xclang", words[place + 1]]
        elif ALONE.match(word):
            kept.append(word)
    return kept


def in_build(build, roots, files):
    """File, folder and flags of every source of the build, or of the files among them."""
    commands = json.loads((pathlib.Path(build) / "compile_commands.json").read_text())
    found = {}
    for command in commands:
        file = os.path.realpath(os.path.join(command["directory"], command["file"]))
        generated = file.startswith(os.path.realpath(build) + "/")
        if file in files or (not files and not generated and file.startswith(tuple(os.path.realpath(root) + "/" for root in roots))):
            found[file] = (file, command["directory"], flags_of(command))
    if not files:
        found = {file: job for file, job in found.items() if "co_await" in pathlib.Path(file).read_text()}
    missing = [file for file in files if file not in found]
    if missing:
        give_up(f"{build}/compile_commands.json does not have {', '.join(missing)}: configure again")
    return sorted(found.values())


def together(files):
    """The text of one source that stands for these. In each, names of its own are often those of another, so it stands
    in a namespace of its own, with what it includes outside, unless it adds to a named
    one.
    """
    included, parts = {}, []
    for number, file in enumerate(files):
        text = pathlib.Path(file).read_text()
        line = f'#include "{file}"'
        if not re.search(r"^(inline )?namespace [\w:]+ ?\{?$|^(struct|class) [\w:]+::", text, re.M):
            included |= dict.fromkeys(re.findall(r'^#include [<"].+[>"]', text, re.M))
            line = f"namespace unit_{number} {{\n{line}\n}}"
        parts.append(line)
    return "\n".join([*included, *parts, ""])


def in_groups(jobs):
    """(files, folder, flags) of those that can be read together."""
    alike = {}
    for file, folder, flags in jobs:
        alike.setdefault((folder, tuple(flags)), []).append(file)
    return [(files[first:first + AT_A_TIME], folder, list(flags)) for (folder, flags), files in alike.items()
            for first in range(0, len(files), AT_A_TIME)]


def look_at_all(files, folder, flags, look):
    """What `look(file, folder, flags)` gives for all of them at once; one by one where they do not go together."""
    if len(files) > 1:
        with tempfile.TemporaryDirectory() as made:
            one = pathlib.Path(made) / "together.cpp"
            one.write_text(together(files))
            folders = [f"-I{folder}" for folder in dict.fromkeys(os.path.dirname(file) for file in files)]
            findings, wrong = look(str(one), folder, flags + folders)
        if not wrong:
            return [(findings, None)]
    return [look(file, folder, flags) for file in files]


def look_at(jobs, look):
    """(all findings, all that went wrong)"""
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = [each for group in pool.map(lambda group: look_at_all(*group, look), in_groups(jobs))
                   for each in group]
    return sorted(set().union(*(found for found, _ in results))), [why for _, why in results if why]


def look(roots, build, file, folder, flags):
    """(findings, what went wrong)"""
    # clang names a header as the compiler was told of it, which may be by way of a link.
    spelled = sorted({os.path.realpath(root) for root in roots} | {os.path.abspath(root) for root in roots})
    ours = 'isExpansionInFileMatching("^(%s)/")' % "|".join(re.sub(r"\W", ".", root) for root in spelled)
    arguments = ["-c", "set output diag"]
    for matcher in SAY:
        arguments += ["-c", " ".join(matcher.replace("{ours}", ours).split())]
    run = subprocess.run([clang_query(), *arguments, file, "--", *flags], cwd=folder, capture_output=True, text=True)
    said = run.stdout + run.stderr
    rounds = re.split(r"^\d+ match(?:es)?\.$", said, flags=re.M)
    if len(rounds) != len(SAY) + 1 or re.search(r" error: ", said):
        error = re.search(r"^.*error: .*$", said, re.M)
        return set(), f"{file}: could not be read: {error.group() if error else said[-500:]}"
    findings = set()
    for said_by_one, why in zip(rounds, SAY.values()):
        for path, line, column in re.findall(r'^(.+?):(\d+):(\d+): note: "root" binds here', said_by_one, re.M):
            path = os.path.realpath(os.path.join(folder, path))
            if build and path.startswith(os.path.realpath(build) + "/"):
                continue   # another project's, unpacked there
            with open(path) as opened:
                text = opened.read().split("\n")[int(line) - 1]
            if "// coawait-lint: ok" not in text:
                findings.add(f"{path}:{line}:{column}: {why}")
    return findings, None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", action="append", required=True, metavar="ROOT",
                        help="folder whose files are looked at, headers too; may be repeated")
    parser.add_argument("--build", metavar="FOLDER", help="where compile_commands.json is")
    parser.add_argument("--flag", action="append", metavar="FLAG",
                        help="without --build, for the compiler; may be repeated (--flag=-std=c++20)")
    parser.add_argument("file", nargs="*", help="sources; with --build and none given, all below the roots")
    arguments = parser.parse_args()

    if not clang_query():
        give_up("clang-query is not there: cannot look for what g++ 12 miscompiles. On Debian 12: "
                "apt-get install clang-tools-19")
    roots = arguments.root
    # All that a target lists may be named: headers and objects among it.
    files = [os.path.realpath(file) for file in arguments.file if re.search(r"\.(cpp|cc|cxx|c\+\+|C)$", file)]
    if arguments.file and not files:
        give_up("there is no C++ source among: " + " ".join(arguments.file))
    if arguments.build:
        jobs = in_build(arguments.build, roots, files)
    else:
        jobs = [(file, os.getcwd(), arguments.flag or []) for file in files]
    if not jobs:
        give_up("no source to look at")
    findings, wrong = look_at(jobs, lambda *job: look(roots, arguments.build, *job))
    print(*wrong, sep="\n", end="\n" if wrong else "", file=sys.stderr)
    print(*findings, sep="\n", end="\n" if findings else "")
    sys.exit(2 if wrong else 1 if findings else 0)


if __name__ == "__main__":
    main()
