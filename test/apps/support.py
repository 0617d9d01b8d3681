"""What every test of the programs needs: processes that cannot outlive their test, a clock that
ends a test which hangs, and weir-fetch's output as rows.

The environment tells where things are:
    WEIR_BIN_DIR     the programs under test
    WEIR_NGINX       an nginx binary, or WEIR_NGINX_SCRIPT and WEIR_SERVERS_DIR to get one
    WEIR_HAPROXY, WEIR_HTTPBIN   these, in the same way
    WEIR_SANITIZED   set when the programs were built with sanitizers: slower, and with more memory
"""

import dataclasses
import faulthandler
import hashlib
import itertools
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.append(str(pathlib.Path(__file__).parents[2] / "scripts"))
import tools

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:   # in the background of a shell
    signal.signal(signal.SIGINT, signal.default_int_handler)

SANITIZED = bool(os.environ.get("WEIR_SANITIZED"))

# The longest a test waits for something that should happen at once: only what is broken takes it.
PATIENCE = 150.0


def program(name):
    """The path of a program under test."""
    path = pathlib.Path(os.environ["WEIR_BIN_DIR"]) / name
    if not path.exists():
        raise RuntimeError(f"{path} is not there: build it first")
    return str(path)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def wait_until(condition, what, within=PATIENCE):
    """Returns the condition's value as soon as it is true."""
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within:g} s: {what}")
        time.sleep(0.005)


class Process:
    """A child in its own process group. Its output is read all the time: it never blocks on us.

    The kernel kills it when this interpreter dies, in whatever way.
    """

    _alive = set()
    _alive_lock = threading.Lock()

    def __init__(self, argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                 stderr=subprocess.PIPE, env=None, cwd=None):
        # Not preexec_fn: there are threads.
        leash = [tools.need("setpriv"), "--pdeathsig", "KILL", "--"]
        self.argv = [str(part) for part in argv]
        self.started = time.monotonic()
        self._child = subprocess.Popen(
            leash + self.argv, stdin=stdin, stdout=stdout, stderr=stderr,
            env=environment(env), cwd=cwd, start_new_session=True)
        self.pid = self._child.pid
        self.stdin = self._child.stdin
        self.code = None
        self._ended = threading.Event()
        self._grown = threading.Condition()
        self._text = {"stdout": bytearray(), "stderr": bytearray()}
        self.lines = 0   # of standard output, so far
        with Process._alive_lock:
            Process._alive.add(self)
        self._threads = [threading.Thread(target=self._reap, daemon=True)]
        for name, pipe in (("stdout", self._child.stdout), ("stderr", self._child.stderr)):
            if pipe is not None:
                reader = threading.Thread(target=self._read, args=(name, pipe), daemon=True)
                self._threads.append(reader)
        for thread in self._threads:
            thread.start()

    def _read(self, name, pipe):
        with pipe:
            while chunk := os.read(pipe.fileno(), 65536):
                with self._grown:
                    self._text[name] += chunk
                    if name == "stdout":
                        self.lines += chunk.count(b"\n")
                    self._grown.notify_all()

    def _reap(self):
        self.code = self._child.wait()
        with Process._alive_lock:
            Process._alive.discard(self)
        self._ended.set()

    @property
    def out(self):
        with self._grown:
            return bytes(self._text["stdout"])

    @property
    def err(self):
        with self._grown:
            return bytes(self._text["stderr"])

    @property
    def running(self):
        return not self._ended.is_set()

    def wait(self, within=PATIENCE):
        """The exit status, once all output has been read."""
        if not self._ended.wait(within):
            self.kill()
            raise AssertionError(f"still running after {within:g} s: {self.argv}\n{self._tail()}")
        for thread in self._threads:
            thread.join(within)
        return self.code

    def wait_for_lines(self, count, within=PATIENCE):
        """The lines of standard output, once there are at least `count`."""
        deadline = time.monotonic() + within
        with self._grown:
            while self.lines < count:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(f"no {count} lines within {within:g} s\n{self._tail()}")
                self._grown.wait(min(left, 0.1))
            return bytes(self._text["stdout"]).splitlines()

    def signal(self, number):
        os.kill(self.pid, number)

    def kill(self):
        """Kills the whole group; one that has ended already is no error."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def end(self):
        """Kills what still runs, and waits until it has gone."""
        if self.running:
            self.kill()
            self._ended.wait(PATIENCE)
        if self.stdin is not None:
            try:
                self.stdin.close()
            except BrokenPipeError:
                pass

    def memory(self):
        """The most memory this program has used so far, in bytes."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1]) * 1024
        raise AssertionError("no VmHWM")

    def _tail(self):
        return (f"stdout: {bytes(self._text['stdout'][-2000:])!r}\n"
                f"stderr: {bytes(self._text['stderr'][-4000:]).decode(errors='replace')}")

    @classmethod
    def kill_all(cls):
        with cls._alive_lock:
            alive = list(cls._alive)
        for process in alive:
            process.kill()


def environment(extra=None):
    """Ours, without what would lead requests elsewhere or change the language of errors."""
    env = {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
    env["LC_ALL"] = "C.UTF-8"
    env.update(extra or {})
    return env


def warm(server, places):
    """URLs that are answered at once: after them a host has so many places, for it begins with one."""
    return [server.url(f"ok/warm-{number}") for number in range((places - 1).bit_length())]


class Case(unittest.TestCase):
    """A test with a directory of its own, and a limit: when it is over, the test's processes are
    killed, which fails the test; if that does not end it, the whole module ends.
    """

    limit = 600.0
    # Most tests look at what one attempt comes to.
    one_attempt = ("--retry", "0", "--give-up-after", "0")

    def run(self, result=None):
        def too_long():
            sys.stderr.write(f"\n{self.id()}: not done after {self.limit:g} s\n")
            faulthandler.dump_traceback()
            self._overdue = True
            Process.kill_all()

        def much_too_long():
            Process.kill_all()
            os._exit(70)

        self._overdue = False
        timers = [threading.Timer(self.limit, too_long),
                  threading.Timer(self.limit + 15, much_too_long)]
        for timer in timers:
            timer.daemon = True
            timer.start()
        try:
            return super().run(result)
        finally:
            for timer in timers:
                timer.cancel()

    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="weir-apps-"))
        self.folders = itertools.count(1)
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.addCleanup(lambda: self.assertFalse(self._overdue, "the test's time was over"))

    def folder(self, name):
        """A new one, for one of many servers."""
        made = self.dir / f"{name}-{next(self.folders)}"
        made.mkdir()
        return made

    def start(self, *argv, **options):
        process = Process(argv, **options)
        self.addCleanup(self._end, process)
        return process

    def _end(self, process):
        """Whatever a test looked at: no program may crash, nor a sanitizer have complained."""
        process.end()
        for sign in (b"Sanitizer", b"runtime error:", b"terminate called", b"Assertion"):
            self.assertNotIn(sign, process.err, process.argv)
        crashes = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE)
        self.assertNotIn(process.code, [-crash for crash in crashes], process.argv)

    def start_fetch(self, *args, **options):
        return self.start(program("weir-fetch"), *self.one_attempt, *args, **options)

    def fetch(self, *args, input=None, within=PATIENCE, **options):
        """Runs weir-fetch to its end. `input` is what it reads on standard input."""
        if input is None:
            process = self.start_fetch(*args, **options)
        else:
            if isinstance(input, (list, tuple)):
                input = "".join(f"{line}\n" for line in input)
            if isinstance(input, str):
                input = input.encode()
            file = self.dir / f"input-{time.monotonic_ns()}"
            file.write_bytes(input)
            with open(file, "rb") as stdin:
                process = self.start_fetch(*args, stdin=stdin, **options)
        process.wait(within)
        return Fetched(process)

    def assert_each_once(self, rows, urls):
        """The ledger: every URL is in the output as often as it was in the input."""
        self.assertEqual(sorted(row.url for row in rows), sorted(urls))


@dataclasses.dataclass
class Row:
    """One result of weir-fetch, whichever way it was written."""

    url: str
    status: int | None = None   # of the final response, if there was one
    error: str = ""             # the error's class, "" when all is well
    bytes: int = 0
    seconds: float = 0.0
    text: str = ""
    sha256: str | None = None   # --jsonl only
    final_url: str | None = None
    redirects: int | None = None
    timings: dict | None = None


def parse_line(line):
    """status or error class, bytes, seconds, URL, error text (and nothing else) between tabs."""
    fields = line.split("\t")
    if len(fields) != 5:
        raise AssertionError(f"not five fields: {line!r}")
    outcome, size, seconds, url, text = fields
    row = Row(url=url, bytes=int(size), seconds=float(seconds), text=text)
    if outcome.isdigit():
        row.status = int(outcome)
        row.error = "http" if row.status >= 400 else ""
    else:
        row.error = outcome
    return row


class Fetched:
    """A weir-fetch that has ended."""

    def __init__(self, process):
        self.process = process
        self.code = process.code
        self.out = process.out
        self.err = process.err.decode(errors="replace")
        self.seconds = time.monotonic() - process.started
        self.json = "--jsonl" in process.argv

    @property
    def rows(self):
        return parse_rows(self.out, self.json)

    def of(self, url):
        """The one row of this URL."""
        found = [row for row in self.rows if row.url == url]
        if len(found) != 1:
            raise AssertionError(f"{len(found)} rows of {url} in {self.out!r}")
        return found[0]


def parse_rows(out, as_json=False):
    if out and not out.endswith(b"\n"):
        raise AssertionError(f"the last line is not complete: {out[-200:]!r}")
    lines = out.decode("utf-8").split("\n")[:-1]
    return [parse_json(line) if as_json else parse_line(line) for line in lines]


def parse_json(line):
    raw = json.loads(line)
    error = raw["error"] or {"class": "", "text": ""}
    return Row(
        url=raw["url"], status=raw["status"], error=error["class"], bytes=raw["bytes"],
        seconds=raw["timings"]["total"], text=error["text"], sha256=raw["sha256"],
        final_url=raw["final_url"], redirects=raw["redirects"], timings=raw["timings"])


def main():
    faulthandler.enable()
    unittest.main(verbosity=2)
