"""coawait.py ROOT BUILD [FILE...]: finds what g++ 12 miscompiles beside co_await.

There, in one full expression with a co_await, these temporaries are destroyed twice: a lambda with a capture that
has a destructor, an aggregate, a a ?: of a type with one, an initialiser list. Name them first. (g++ 15 and 16 also
miscompile `auto [a, b] = co_await f();` in loops: bind by reference to a named result.)
Without FILE: every source under lib, apps, test and examples, with the flags the build has for it; headers of ours
are looked at through the files that include them, so that templates are seen as they are used. A line that was looked
at and is right says `// coawait-lint: ok`. Exit status: 0 clean, 1 findings, 2 could not look, 77 no clang-query.
"""

import concurrent.futures
import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import tree

# "here" is the function that awaits: what stands inside a nested lambda's body is another function's business.
TEMPORARIES = """
m exprWithCleanups({ours}, forFunction(functionDecl().bind("here")),
  hasDescendant(coawaitExpr(forFunction(equalsBoundNode("here")))),
  hasDescendant(expr(forFunction(equalsBoundNode("here")), anyOf(
    cxxBindTemporaryExpr(has(expr(unless(anyOf(
      cxxConstructExpr(), callExpr(), coawaitExpr(), cxxStdInitializerListExpr(), exprWithCleanups(),
      implicitCastExpr(), materializeTemporaryExpr(), cxxFunctionalCastExpr()))))),
    materializeTemporaryExpr(has(initListExpr())),
    conditionalOperator(hasType(cxxRecordDecl()), hasDescendant(cxxBindTemporaryExpr())),
    cxxStdInitializerListExpr()))))
"""
BINDINGS = 'm declStmt({ours}, has(decompositionDecl(unless(hasType(referenceType())), hasDescendant(coawaitExpr()))))'
DEFAULTS = 'm parmVarDecl({ours}, hasInitializer(hasDescendant(cxxBindTemporaryExpr(has(initListExpr())))))'
SAY = {
    TEMPORARIES: "g++ 12 destroys a temporary of this co_await expression twice: name it first",
    BINDINGS: "g++ 15 miscompiles a structured binding of a co_await: name the result, bind by reference",
    DEFAULTS: "g++ 12 destroys an aggregate default argument twice: give the type a constructor",
}


def clang_query():
    return shutil.which("clang-query-19") or shutil.which("clang-query")


def flags_of(command):
    """Of the build's command line only what decides how the text is read."""
    words = shlex.split(command["command"])
    kept = []
    for place, word in enumerate(words):
        if word in ("-isystem", "-I", "-D"):
            kept += [word, words[place + 1]]
        elif re.match(r"-[ID].|-std=", word):
            kept.append(word)
    return kept


def look(root, file, flags):
    """(findings, what went wrong)"""
    ours = 'isExpansionInFileMatching("^%s/(lib|apps|test|examples)/")' % re.sub(r"\W", ".", str(root))
    arguments = ["-c", "set output diag"]
    for matcher in SAY:
        arguments += ["-c", " ".join(matcher.replace("{ours}", ours).split())]
    run = subprocess.run([clang_query(), *arguments, file, "--", *flags], capture_output=True, text=True)
    said = run.stdout + run.stderr
    rounds = re.split(r"^\d+ match(?:es)?\.$", said, flags=re.M)
    if len(rounds) != len(SAY) + 1 or re.search(r" error: ", said):
        error = re.search(r"^.*error: .*$", said, re.M)
        return set(), f"{file}: could not be read: {error.group() if error else said[-500:]}"
    findings = set()
    for said_by_one, why in zip(rounds, SAY.values()):
        for path, line, column in re.findall(r'^(.+?):(\d+):(\d+): note: "root" binds here', said_by_one, re.M):
            path = os.path.realpath(path)
            with open(path) as opened:
                text = opened.read().split("\n")[int(line) - 1]
            if "// coawait-lint: ok" not in text:
                findings.add(f"{path}:{line}:{column}: {why}")
    return findings, None


def main(root, build, *only):
    if not clang_query():
        print("skipped: neither clang-query-19 nor clang-query is installed (Debian: clang-tools-19)")
        sys.exit(77)
    root = tree.pathlib.Path(root).resolve()
    if only:
        jobs = [(os.path.realpath(file), ["-std=c++20", f"-I{root}/lib"]) for file in only]
    else:
        commands = json.loads((tree.pathlib.Path(build) / "compile_commands.json").read_text())
        ours = [str(root / folder) + "/" for folder in ("lib", "apps", "test", "examples")]
        jobs = {command["file"]: flags_of(command) for command in commands
                if command["file"].startswith(tuple(ours))}
        jobs = sorted(jobs.items())
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda job: look(root, *job), jobs))
    broken = [why for _, why in results if why]
    if broken:
        print("\n".join(broken))
        sys.exit(2)
    tree.report(sorted(set().union(*(findings for findings, _ in results))), jobs)


if __name__ == "__main__":
    main(*sys.argv[1:])
