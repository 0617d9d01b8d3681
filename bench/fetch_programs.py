"""What the rows about whole programs run: weir-fetch and its peers, each as a process of its own, over a list in a file.

Servers are a real nginx on loopback (http_servers), a real haproxy for the origin that meters, and, for hosts that are
slow or silent, sockets of this process. Time and memory are those of the one child.
"""

import asyncio
import dataclasses
import os
import pathlib
import re
import select
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request

from http_servers import ANSWERED, SIZE, Unavailable, free_ports, unpacked_in

PLACES = 64
HOSTS = 200           # of the row over TLS
DELAY = 0.05          # of a good answer, where others are silent
METERED = 20          # requests a second
LONGEST = 1800        # seconds that a program may take

GATE = """
global
    stats socket {socket} mode 600
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout http-keep-alive 60s
frontend meter
    bind 127.0.0.1:{port}
    stick-table type ip size 1k expire 10m store http_req_rate(1s)
    http-request return status 429 {field} if {{ src_http_req_rate ge {most} }}
    http-request track-sc0 src
    http-request return status 200 content-type text/plain string ok
"""


@dataclasses.dataclass
class Ended:
    """A program that has ended well."""

    seconds: float
    user: float
    system: float
    memory: int      # bytes, at most at a time
    said: pathlib.Path

    def lines_with(self, text):
        with open(self.said, "rb") as file:
            return sum(text in line for line in file)


class Refused(Exception):
    pass


def peak_memory(pid):
    """Its own: that in the `rusage` of a child begins with what this process had when it was forked."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return next((int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:")), 0)
    except OSError:
        return 0


def ran(command, said, codes=(0,)):
    began = time.monotonic()
    with open(said, "wb") as out:
        child = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out,
                                 stderr=subprocess.PIPE)
        errors = []
        reader = threading.Thread(target=lambda: errors.append(child.stderr.read()))
        reader.start()
        most = 0
        while True:
            ended, status, used = os.wait4(child.pid, os.WNOHANG)
            if ended:
                break
            most = max(most, peak_memory(child.pid))
            if time.monotonic() - began > LONGEST:
                child.kill()
            time.sleep(0.01)
        child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - began
    reader.join()
    child.stderr.close()
    if child.returncode not in codes:
        name = pathlib.Path(command[0]).name
        raise Refused(f"{name}: exit code {child.returncode} {errors[0][-200:].decode(errors='replace').strip()}")
    return Ended(seconds, used.ru_utime, used.ru_stime, most, pathlib.Path(said))


class Fetches:
    """Runs a program for a measure. `servers` are those of the other rows."""

    def __init__(self, folder, servers):
        self.folder, self.servers = folder, servers

    def run(self, program, measure, items):
        with tempfile.TemporaryDirectory(prefix="weir-fetch-") as scratch:
            return getattr(self, measure)(program, items, pathlib.Path(scratch))

    # ---- a list of URLs of one host

    def base(self):
        plain, _ = self.servers.nginx()
        return f"http://127.0.0.1:{plain}"

    def ours(self, *flags):
        return [self.folder / "weir-fetch", "-s", "-j", PLACES, "--per-host", PLACES, *flags]

    def listed(self, scratch, items, url):
        file = scratch / "urls"
        with open(file, "w", encoding="ascii") as out:
            for number in range(items):
                out.write(url.format(number=number) + "\n")
        return file

    def curl_list(self, scratch, items, url, output="/dev/null"):
        file = scratch / "config"
        with open(file, "w", encoding="ascii") as out:
            for number in range(items):
                out.write(f'url = "{url.format(number=number)}"\noutput = "{output.format(number=number)}"\n')
        return ["curl", "-q", "-s", "-Z", "--parallel-max", PLACES, "-K", file, "-w", "%{http_code} %{size_download}\\n"]

    @staticmethod
    def numbers(ended, done, **more):
        if done == 0:
            raise Refused(f"nothing came: {ended.said.read_bytes()[:200]!r}")
        return {"checksum": done, "ns": 1e9 * ended.seconds / done, "user_ns": 1e9 * ended.user / done,
                "system_ns": 1e9 * ended.system / done, "cpu_ns": 1e9 * (ended.user + ended.system) / done,
                "bytes": ended.memory, **more}

    def fetch_list(self, program, items, scratch, *flags):
        url, said = self.base() + "/small?{number}", scratch / "said"
        if program == "wrk":   # it takes a length of time, not a number
            ended = ran(["wrk", "-t1", f"-c{PLACES}", f"-d{max(1, items // 50_000)}s", url.format(number=0)], said)
            text = said.read_text()
            if "Non-2xx" in text or "Socket errors" in text:
                raise Refused("wrk: " + text[-200:])
            return self.numbers(ended, int(ANSWERED.search(text)[1])) | {"checksum": items}
        if program == "curl":
            ended = ran(self.curl_list(scratch, items, url), said)
            return self.numbers(ended, ended.lines_with(b"200 %d" % SIZE))
        file = self.listed(scratch, items, url)
        if program == "peer_go":
            os.environ["WEIR_BENCH_LIST"] = str(file)
            ended = ran([self.folder / "peer_go", "fetch_list", items], said)
            return self.numbers(ended, ended.lines_with(b'"status":200,"bytes":%d,' % SIZE))
        if program == "weir-fetch":
            ended = ran(self.ours("--jsonl", *flags, "--input-file", file), said)
            return self.numbers(ended, ended.lines_with(b'"error":null'))
        return self.stored_by(program, items, scratch, file)

    def fetch_list_unhashed(self, program, items, scratch):
        return self.fetch_list(program, items, scratch, "--no-hash")

    def fetch_stored(self, program, items, scratch):
        url = self.base() + "/many/{number}"
        return self.stored_by(program, items, scratch, self.listed(scratch, items, url), url)

    def stored_by(self, program, items, scratch, file, url=None):
        """Each body in a file of its own."""
        to = scratch / "files"
        to.mkdir()
        command = {
            "weir-fetch": lambda: self.ours("--output-dir", to, "--input-file", file),
            "curl": lambda: self.curl_list(scratch, items, url, f"{to}/{{number}}"),
            "wget2": lambda: ["wget2", "-q", f"--max-threads={PLACES}", "-nH", "--no-robots", "-P", to, "-i", file],
            "aria2c": lambda: ["aria2c", "-q", "--no-conf", "-j", PLACES, "-x", 1, "--file-allocation=none", "-d", to,
                               "-i", file],
        }[program]()
        ended = ran(command, scratch / "said")
        done = sum(path.stat().st_size == SIZE for path in to.rglob("*") if path.is_file())
        return self.numbers(ended, done)

    # ---- TLS

    def fetch_tls(self, program, items, scratch):
        plain, tls = self.servers.nginx()
        ca = f"{self.servers.files.name}/ca.pem"
        url = "https://h{host}.bench.test:%d/small?{number}" % tls
        to = f"::127.0.0.1:{tls}"
        said = scratch / "said"
        before = self.handshakes(plain)
        if program == "curl":
            command = self.curl_list(scratch, items, url.replace("{host}", "{{host}}"))
            command = self.with_hosts(scratch / "config", command) + ["--cacert", ca, "--connect-to", to]
            ended = ran(command, said)
            done = ended.lines_with(b"200 %d" % SIZE)
        else:
            file = self.listed(scratch, items, url.replace("{host}", "{{host}}"))
            self.with_hosts(file, None)
            ended = ran([self.folder / "weir-fetch", "-s", "-j", PLACES, "--jsonl", "--no-hash", "--cacert", ca,
                         "--connect-to", to, "--input-file", file], said)
            done = ended.lines_with(b'"error":null')
        return self.numbers(ended, done, handshakes=self.handshakes(plain) - before)

    @staticmethod
    def with_hosts(file, command):
        """Gives each URL one of the hosts, in turn."""
        count = iter(range(1 << 40))
        file.write_text(re.sub(r"\{host\}", lambda _: str(next(count) % HOSTS), file.read_text()))
        return command

    @staticmethod
    def handshakes(plain):
        """The connections that nginx has accepted: over TLS each has one."""
        with urllib.request.urlopen(f"http://127.0.0.1:{plain}/nginx-status", timeout=60) as answer:
            return int(answer.read().decode().splitlines()[2].split()[0])

    # ---- memory

    def fetch_memory(self, _, items, scratch):
        file = self.listed(scratch, items, self.base() + "/empty?{number}")
        ended = ran(self.ours("--jsonl", "--input-file", file), scratch / "said")
        return self.numbers(ended, ended.lines_with(b'"error":null'))

    # ---- hosts that say nothing

    def fetch_stalled_one(self, _, items, scratch):
        with Hosts() as hosts:
            lines = [line for number in range(items)
                     for line in (f"http://127.0.1.1:{hosts.silent}/{number}", hosts.good_url(number))]
            return self.good_among(lines, items, scratch, 50)

    def fetch_stalled_many(self, _, items, scratch):
        with Hosts() as hosts:
            lines = [line for number in range(items)
                     for line in (f"http://127.1.{number // 250}.{1 + number % 250}:{hosts.silent}/",
                                  hosts.good_url(number))]
            return self.good_among(lines, items, scratch, 50)

    def fetch_good_alone(self, _, items, scratch, places=50):
        with Hosts() as hosts:
            return self.good_among([hosts.good_url(number) for number in range(items)], items, scratch, places)

    def fetch_good_half(self, _, items, scratch):
        return self.fetch_good_alone(_, items, scratch, 25)

    def good_among(self, lines, items, scratch, places):
        """How long it takes until the last good URL has its result."""
        file = scratch / "urls"
        file.write_text("".join(f"{line}\n" for line in lines))
        began = time.monotonic()
        child = subprocess.Popen([str(word) for word in (self.folder / "weir-fetch", "-s", "-j", places, "--retry", 0,
                                                         "--input-file", file)],
                                 stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        done, rest = 0, b""
        try:
            while done < items:
                if not select.select([child.stdout], [], [], 120)[0]:
                    raise Refused(f"weir-fetch: {done} of {items} good URLs, and no more for two minutes")
                part = os.read(child.stdout.fileno(), 65536)
                if not part:
                    raise Refused(f"weir-fetch: {done} of {items} good URLs")
                *whole, rest = (rest + part).split(b"\n")
                done += sum(line.startswith(b"200\t") and b"/good/" in line for line in whole)
            seconds = time.monotonic() - began
        finally:
            child.kill()
            child.wait()
            child.stdout.close()
        return {"checksum": done, "ns": 1e9 * seconds / items}

    # ---- an origin that meters

    def fetch_metered(self, program, items, scratch, field=""):
        """Of `items` seconds: the share of the allowed requests that was not used, and of all that was refused."""
        port, _ = free_ports()
        config, control = scratch / "haproxy.conf", scratch / "control"
        config.write_text(GATE.format(port=port, socket=control, field=field, most=METERED))
        gate = subprocess.Popen([haproxy(), "-db", "-f", config], stderr=subprocess.DEVNULL)
        try:
            for _ in range(200):
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.05)
            else:
                raise Unavailable("haproxy does not start")
            file = self.listed(scratch, 3 * METERED * items, f"http://127.0.0.1:{port}/{{number}}")
            ran([self.folder / "weir-fetch", "-s", "--deadline", items, "--drain-timeout", 1, "--input-file", file],
                scratch / "said", codes=(0, 1, 4))
            good, refused = answered(control)
        finally:
            gate.kill()
            gate.wait()
        return {"checksum": items, "unused": max(0.0, 1 - good / (METERED * items)),
                "refused": refused / max(1, good + refused)}

    def fetch_metered_after(self, program, items, scratch):
        return self.fetch_metered(program, items, scratch, "hdr Retry-After 1")


def haproxy():
    if named := os.environ.get("WEIR_HAPROXY"):
        return named
    script = pathlib.Path(__file__).parent.parent / "scripts" / "haproxy.sh"
    done = subprocess.run([script, *unpacked_in()], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable("no haproxy: " + done.stderr.strip()[-200:])
    return done.stdout.strip().splitlines()[-1]


def answered(control):
    """How many answers of 200 and of 429 haproxy has given."""
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(control))
        line.sendall(b"show stat\n")
        text = b""
        while part := line.recv(65536):
            text += part
    names, *rows = [row.split(",") for row in text.decode().lstrip("# ").splitlines() if row]
    for row in rows:
        if row[0] == "meter" and row[1] == "FRONTEND":
            return int(row[names.index("hrsp_2xx")]), int(row[names.index("hrsp_4xx")])
    raise Refused("haproxy does not say what it has answered")


class Hosts:
    """Good hosts, which answer after DELAY, and silent ones: each address of 127.0.0.0/8 is one, on two ports."""

    def __enter__(self):
        self.socket = socket.create_server(("0.0.0.0", 0), backlog=4096)   # connects, and never says a word
        self.silent = self.socket.getsockname()[1]
        self.loop = asyncio.new_event_loop()
        self.good = None
        ready = threading.Event()
        self.thread = threading.Thread(target=self.serve, args=(ready,), daemon=True)
        self.thread.start()
        ready.wait(60)
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(60)
        self.socket.close()

    def good_url(self, number):
        return f"http://127.0.0.1:{self.good}/good/{number}"

    def serve(self, ready):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self.answer, "127.0.0.1", 0, backlog=4096))
        self.good = server.sockets[0].getsockname()[1]
        ready.set()
        self.loop.run_forever()
        server.close()

    @staticmethod
    async def answer(reader, writer):
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(DELAY)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
