"""Builds a copy with its faults, and runs its tests with one fault at a time."""

import concurrent.futures
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time

import schemata

SLOWER = 5          # times as long as without a fault is a hang,
CPU_MORE = 5        # and so many seconds of processor time more,
WALL_MORE = 20      # or so many of the clock: other programs may run beside it
BATCHES = (0.3, 3)  # seconds without a fault: the quickest cases first, for most faults fail at once


class Build:
    """The rewritten copy of the tree, and what is compiled of it."""

    def __init__(self, copy, sources, folder, options, jobs):
        self.copy, self.sources, self.folder, self.options, self.jobs = copy, sources, folder, options, jobs
        self.seconds = 0

    def make(self, drawn, programs):
        """Builds the programs. Returns the faults that do not compile in them, which are out of the copy then."""
        began, out = time.time(), []
        subprocess.run(["cmake", "-S", self.copy, "-B", self.folder, "-G", "Ninja", *self.options],
                       check=True, stdout=subprocess.DEVNULL)
        for _ in range(8):
            lines = schemata.lay_out(self.copy, self.sources, [m for m in drawn if m not in out])
            made = subprocess.run(["cmake", "--build", self.folder, f"-j{self.jobs}", "--target", *programs, "--", "-k", "0"],
                                  env={**os.environ, "LC_ALL": "C"}, capture_output=True, text=True, errors="replace")
            (self.folder / "mutation.log").write_text(made.stdout + made.stderr)
            if made.returncode == 0:
                self.seconds += time.time() - began
                return out
            guilty = schemata.blamed(made.stdout, self.copy, lines)
            if not guilty:
                sys.exit(f"the build fails, and no fault is to blame: see {self.folder / 'mutation.log'}")
            why = next(iter(re.findall(r"error: (.*)", made.stdout)), "")
            out += [dict(m, why=why) for m in drawn if m["k"] in guilty]
            drawn = [m for m in drawn if m["k"] not in guilty]
        sys.exit("the build goes on failing")


class Program:
    """A test program: its cases, how long each takes without a fault, and which places each executes."""

    def __init__(self, path, environment=()):
        self.path, self.name, self.environment = path.resolve(), path.name, dict(environment)
        self.seconds, self.reached, self.before, self.passed = {}, {}, set(), set()

    def measure(self, limit=1200):
        """Without a fault all must pass."""
        with tempfile.TemporaryDirectory() as folder:
            cases, reached = pathlib.Path(folder, "cases"), pathlib.Path(folder, "reached")
            reached.write_bytes(bytes(4096))
            why = self.run([], 0, limit, limit, {"WEIR_MUTANT_CASES": str(cases), "WEIR_MUTANT_REACHED": str(reached)})
            if why:
                sys.exit(f"without a fault, {self.name} fails: {why}")
            for line in cases.read_text().splitlines():
                name, took, ks = line.split("\t")
                ks = {int(k) for k in ks.split()}
                if name == "*":
                    self.before |= ks
                else:
                    self.seconds[name], self.reached[name] = float(took), ks

    def cases_of(self, k):
        """The cases that execute the place, the quickest first."""
        return sorted((c for c in self.seconds if k in self.before or k in self.reached[c]), key=self.seconds.get)

    def trial(self, k):
        """'' when all cases that execute the place pass with the fault; otherwise the first thing that went wrong."""
        cases, total, batch, limits = self.cases_of(k), 0.0, [], list(BATCHES)
        for i, case in enumerate(cases):
            batch.append(case)
            total += self.seconds[case]
            if i + 1 == len(cases) or (limits and total + self.seconds[cases[i + 1]] > limits[0]):
                limits_now = SLOWER * total + CPU_MORE, SLOWER * total + WALL_MORE
                why = self.run(batch, k, *limits_now)
                if why:
                    self.control(tuple(batch), *limits_now)
                    return why
                batch, total = [], 0.0
                del limits[:1]
        return ""

    def control(self, batch, processor, wall):
        """What fails with a fault must pass without it: by themselves, too, and on a machine that is busy."""
        if batch not in self.passed:
            why = self.run(batch, 0, processor, wall)
            if why:
                sys.exit(f"without a fault, {self.name} fails when it runs these alone: {why}: {' '.join(batch)}")
            self.passed.add(batch)

    def run(self, cases, k, processor, wall, more=()):
        def limits():
            resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_CPU, (int(processor) + 1, int(processor) + 3))

        with tempfile.TemporaryDirectory() as folder:
            child = subprocess.Popen(
                [str(self.path), *("--run_test=" + pattern(case) for case in cases), "--catch_system_errors=no",
                 "--color_output=no", "--log_level=error", "--report_level=no"],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                errors="replace", start_new_session=True, preexec_fn=limits, cwd=folder,
                env={**os.environ, **self.environment, "TMPDIR": folder, "WEIR_MUTANT": str(k), **dict(more)})
            hung = threading.Event()
            watch = threading.Timer(wall, lambda: (hung.set(), stop(child)))
            watch.start()
            why = ""
            for line in child.stdout:
                found = re.search(r'error: in "([^"]*)"', line)
                if found:
                    why = found.group(1)
                    break
                if "Assertion" in line:
                    why = "assertion"
            if why and why != "assertion":
                stop(child)
            child.stdout.close()
            code = child.wait()
            watch.cancel()
            stop(child)
        if hung.is_set() or code == -signal.SIGXCPU:
            return "hang"
        return why or (f"exit {code}" if code else "")


def pattern(case):
    """A name for --run_test: what stands in angles may hold commas and colons."""
    return re.sub(r"<.*", "*", case)


def stop(child):
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def judge(mutants, program, jobs, tell):
    """Runs the program with each mutant that a case of it executes; sets verdict and why."""
    def one(m):
        began, cases = time.time(), len(program.cases_of(m["k"]))
        why = program.trial(m["k"]) if cases else ""
        m["passed"] = m.get("passed", 0) + (0 if why else cases)
        m["seconds"] = round(m.get("seconds", 0) + time.time() - began, 1)
        m["verdict"] = "killed" if why else "survived"
        m["why"] = (f"{program.name} {why}" if why else
                    f"{m['passed']} cases execute it and pass" if m["passed"] else "never executed")
        tell(m)

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for done in [pool.submit(one, m) for m in mutants]:
            done.result()
