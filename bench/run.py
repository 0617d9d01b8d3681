"""run.py BIN [--quick] [--json FILE] [ROW...]: runs the benchmarks and their peers, and prints one table.

Every program is called as `program MEASURE ITEMS` and prints one line of JSON with a checksum of what it computed. Of
each row, ours and the peers run in turn, several times; medians count. The ratio is ours divided by the best of the
peers that the goal names. The other peers are shown only.

The rows `weight_...` measure two programs themselves, which do the same: the processor time that the compiler takes for
the one translation unit, with neither ccache nor a precompiled header, and the size of the stripped program.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import re
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
import time

import fetch_programs
import http_servers

# What the checksums must be: ours and every peer do all of the work.
CHECKSUMS = {
    "doubled": lambda n: n * n,             # the sum of 2i + 1
    "summed": lambda n: n * (n - 1) // 2,   # the sum of i
    "counted": lambda n: n,
    "fast": lambda n: n - n // 100,         # one in a hundred is slow
    "warmed": lambda n: (n + 200_000) ** 2,
    "downloaded": lambda n: n * http_servers.LARGE,
}


@dataclasses.dataclass
class Peer:
    label: str
    program: str
    measure: str
    named: bool = False   # the goal is about this one
    share: int = 1        # of the items: one in `share`, for peers that would take minutes
    items: int = 0        # another number of items altogether


@dataclasses.dataclass
class Row:
    name: str
    ours: tuple           # program, measure
    items: int
    quick: int            # items with --quick
    peers: list
    goal: float = None
    checksum: str = "doubled"
    key: str = "ns"       # which of the numbers
    absolute: bool = False  # the goal is about ours alone
    note: str = ""
    refused: str = ""
    rounds: int = 0       # how often, when not as often as the other rows
    samples: dict = dataclasses.field(default_factory=dict)

    @property
    def unit(self):
        return {"bytes": "bytes", "idle_bytes": "bytes", "share": "of 1", "allocations": "allocations", "handshakes": "handshakes", "unused": "of 1",
                "refused": "of 1", "kilobytes": "KB", "seconds": "s"}.get(self.key, "ns")


def go(label, measure, named=True, **more):
    return Peer("Go " + label, "peer_go", measure, named, **more)


def asio(label, measure, **more):
    return Peer("Asio " + label, "peer_asio", measure, **more)


def tbb(label, measure, **more):
    return Peer("oneTBB " + label, "peer_tbb", measure, **more)


def threads(measure, **more):
    return Peer("threads", "peer_threads", measure, **more)


M, K = 1_000_000, 1_000


def pool_rows():
    two = [go("channels", "pool_stream_2"), asio("concurrent_channel", "pool_stream_2"),
           tbb("pipeline", "pool_pipeline"), tbb("bounded queues", "pool_queues_8", share=20),
           threads("pool_stream_2", share=5)]
    slices = go("slices of 64", "pool_slices_2", named=False)
    pool = "bench_worker_pool"
    yield Row("pool_stream_2", (pool, "pool_stream_2"), 3 * M, 300 * K, two, 0.5)
    yield Row("pool_stream_1", (pool, "pool_stream_1"), 3 * M, 300 * K,
              [go("channels", "pool_stream_1"), asio("channel", "pool_stream_1")], 0.5)
    yield Row("pool_stream_batch", (pool, "pool_stream_batch"), 3 * M, 300 * K, [two[0], slices, two[2]], 0.3)
    yield Row("pool_stream_100", (pool, "pool_stream_100"), 3 * M, 300 * K,
              [go("channels", "pool_stream_100"), asio("concurrent_channel", "pool_stream_100"),
               threads("pool_stream_100", share=50)], 0.7)
    yield Row("pool_coroutine", (pool, "pool_coroutine"), 3 * M, 300 * K, [two[0], two[1]], 1.0)
    yield Row("round_trip", (pool, "round_trip"), 1 * M, 200 * K,
              [go("unbuffered channels", "round_trip_1"), asio("channels of 0", "round_trip"),
               threads("round_trip", share=20)], 1.0)
    yield Row("round_trip_run", ("bench_task_pool", "round_trip_run"), 1 * M, 200 * K,
              [go("unbuffered channels", "round_trip_1")])


def task_rows():
    for limit in (8, 100):
        name = f"submit_many_{limit}"
        yield Row(name, ("bench_task_pool", name), 1 * M, 200 * K,
                  [go("errgroup", name), asio("post (unbounded)", "submit_by_post"),
                   asio("co_spawn (unbounded)", "submit_by_co_spawn"),
                   tbb("task_group (unbounded)", "submit_many"), threads(name, share=10)], 0.4)


def sync_rows():
    free = "semaphore_free"
    yield Row(free, ("bench_semaphore", free), 10 * M, 1 * M,
              [go("x/sync", "semaphore_free_1"), asio("channel", free), threads(free)], 0.8, "counted")
    for runners, goal in ((1, 0.8), (2, 1.2)):
        name = f"semaphore_contended_{runners}"
        yield Row(name, ("bench_semaphore", name), 1 * M, 200 * K,
                  [go("x/sync", name), asio("channel", name)], goal, "counted")
    for runners in (1, 2):
        name = f"channel_stream_{runners}"
        yield Row(name, ("bench_channel", name), 5 * M, 500 * K, [go("channel", name), asio("channel", name)],
                  None, "summed")


def limit_rows():
    limits = "bench_limits"

    def by_hand(label, measure):
        return Peer(label, limits, measure, True)

    for name, peer, goal in (("limit_rate_given", by_hand("semaphore", "limit_semaphore"), 2.0),
                             ("limit_rate", by_hand("semaphore and 1.3 clocks", "limit_semaphore_and_clock"), 1.0),
                             ("limit_keyed_rate", by_hand("one rate_limiter", "limit_rate"), None),
                             ("limit_admission", by_hand("the limits apart", "limit_apart"), 2.0)):
        yield Row(name, (limits, name), 10 * M, 1 * M, [peer], goal, "counted")


def key_rows():
    keys = "bench_keys"
    for kind in "keyed", "keyed_wide":
        for use, goal in ("idle", 150), ("in_use", 200):
            for thread_count in 1, 2:
                name = f"{kind}_{use}_{thread_count}"
                yield Row(name, (keys, name), 3 * M, 300 * K, [], goal, "counted", absolute=True)
        for key, goal in ("bytes", 64), ("idle_bytes", 0):
            yield Row(f"{kind}_{key}", (keys, kind + "_bytes"), 1 * K, 1 * K, [], goal, "counted", key, True)
    # 0.01: a Jain index of 0.99
    yield Row("keyed_unfairness", (keys, "keyed_unfairness"), 100 * K, 10 * K, [], 0.01, "counted", "share", True)
    yield Row("keyed_greedy", (keys, "keyed_greedy"), 50 * K, 20 * K,
              [Peer("its fair share", keys, "keyed_greedy_fair", True)], 1.05, "counted")


def map_rows():
    go_maps = {"ordered": [go("goroutines", "map_ordered_goroutines"), go("workers", "map_ordered_workers")],
               "completed": [go("errgroup", "map_completed_errgroup"), go("workers", "map_completed_workers")]}
    for order, peers in go_maps.items():
        yield Row("map_window_" + order, ("bench_map", "map_window_" + order), 1 * M, 200 * K,
                  peers + [tbb("pipeline", "map_" + order)], 0.5)
    for order in go_maps:
        name = "map_suspending_" + order
        yield Row(name, ("bench_map", name), 1 * M, 200 * K, [go("workers", name)])


def memory_rows():
    for name, key, goal in (("asleep", "bytes", 0.35), ("asleep_start", "start_ns", None),
                            ("asleep_finish", "finish_ns", None)):
        yield Row(name, ("bench_wait", "asleep"), 1 * M, 100 * K,
                  [go("goroutines", "asleep"), asio("steady_timer", "asleep")], goal, "summed", key)
    yield Row("queued", ("bench_worker_pool", "queued"), 10 * M, 1 * M,
              [Peer("10^5 jobs", "bench_worker_pool", "queued", True, items=100 * K)], 1.1, key="bytes")
    for kind, runners, goal in (("stream", 1, 0), ("stream", 2, 0.01), ("submit", 1, 0), ("submit", 2, 0.01)):
        name = f"allocations_{kind}_{runners}"
        yield Row(name, ("bench_allocations", name), 1 * M, 200 * K, [], goal, "warmed", "allocations", True)


def fairness_rows():
    for name, what, items, quick, key, goal in (
            ("slow_among_fast_sleeping", "slow_sleeping", 40 * K, 20 * K, "ns", 1.2),
            ("slow_among_fast_computing", "slow_computing", 20 * K, 5 * K, "ns", 1.2),
            ("slow_among_trivial", "slow_among_trivial", 10 * K, 5 * K, "ns", None),
            ("slow_among_trivial_received", "slow_among_trivial", 10 * K, 5 * K, "until_received_ns", None)):
        yield Row(name, ("bench_slow_among_fast", what), items, quick,
                  [Peer("batch of 1", "bench_slow_among_fast", what + "_by_hand", True),
                   go("channels", what, named=False)], goal, "fast", key)
    for kind in ("acquirers", "receivers"):
        name = "cancel_storm_" + kind
        peers = [go("contexts", name)]
        if kind == "receivers":
            peers.append(asio("channel (10^4 of them)", name, share=10))
        yield Row(name, ("bench_cancel", name), 100 * K, 100 * K, peers, 1000, "counted", absolute=True)
        yield Row(name + "_linear", ("bench_cancel", name), 100 * K, 100 * K,
                  [Peer("10^4 of them", "bench_cancel", name, True, items=10 * K)], 2, "counted")
    for kind in ("overtakers", "children"):
        name = "cancel_storm_" + kind
        yield Row(name + "_linear", ("bench_cancel", name), 100 * K, 100 * K,
                  [Peer("10^4 of them", "bench_cancel", name, True, items=10 * K)], 2, "counted")


def weight_rows():
    for name, key, goal, absolute in (("compile_O0", "seconds", 1.6, False), ("compile_O2", "seconds", 1.6, False),
                                      ("size", "kilobytes", 280, True)):
        yield Row("weight_" + name, ("weight_pool", name), 1 * K, 1 * K,
                  [Peer("Asio channel", "weight_asio_channel", name, True)], goal, key=key, absolute=absolute)


def http_rows():
    """Processor time of the client: the rows of one measure share their runs."""
    ours = "bench_http"

    def wrk(named=False):
        return Peer("wrk", "wrk", "get", named)

    def curl(label, measure, named=False, **more):
        return Peer(label, "curl", measure, named, **more)

    asio_alone = Peer("Asio", "peer_asio_http", "get")
    parallel = curl("curl --parallel", "get", share=10)
    peers = [wrk(True), asio_alone, parallel, go("net/http", "get_1", named=False)]
    by_go = [go("net/http", "get_1"), wrk(), asio_alone, parallel]

    def row(name, measure, items, quick, members, goal, key, checksum="counted", absolute=False, program=ours):
        return Row(name, (program, measure), items, quick, members, goal, checksum, key, absolute, rounds=9)

    yield row("http_get_user", "get", 100 * K, 20 * K, peers, 3500, "user_ns", absolute=True)
    yield row("http_get_system", "get", 100 * K, 20 * K, peers, None, "system_ns")
    yield row("http_get", "get", 100 * K, 20 * K, peers, None, "cpu_ns")
    yield row("http_limits_user", "get_within_limits", 100 * K, 20 * K, peers, None, "user_ns")
    yield row("http_limits", "get_within_limits", 100 * K, 20 * K, peers, 1.3, "cpu_ns")
    yield row("http_limits_go", "get_within_limits", 100 * K, 20 * K, by_go, 0.4, "cpu_ns")
    for name, measure in ("http_allocations", "get"), ("http_limits_allocations", "get_within_limits"):
        yield row(name, measure, 10 * K, 10 * K, [], 0, "allocations", absolute=True, program="bench_http_allocations")
    for name, measure, items, checksum, goal in (("http_handshakes", "handshakes", 1 * K, "counted", 1.1),
                                                 ("http_download", "download", 10, "downloaded", 1.0)):
        for part, its_goal in ("", goal), ("_user", None), ("_system", None):
            yield row(name + part, measure, items, items // 5, [curl("curl", measure, True)], its_goal,
                      (part[1:] or "cpu") + "_ns", checksum)
    for kind, goal in ("plain", 10 * K), ("tls", 40 * K):
        yield row("http_stalled_" + kind, "stalled_" + kind, 1 * K, 1 * K, [], goal, "bytes", absolute=True)


def fetch_rows():
    """weir-fetch as a whole: the rows of one measure share their runs."""
    ours = "weir-fetch"

    def peer(program, measure, named=True, **more):
        label = {"curl": "curl --parallel", "peer_go": "Go", "aria2c": "aria2"}.get(program, program)
        return Peer(label, program, measure, named, **more)

    def row(name, measure, items, quick, members, goal, key, absolute=False, rounds=9):
        return Row(name, (ours, measure), items, quick, members, goal, "counted", key, absolute, rounds=rounds)

    listed = "fetch_list"
    curl, go, wget = peer("curl", listed, share=10), peer("peer_go", listed), peer("wget2", listed, share=10)
    shown_only = [dataclasses.replace(each, named=False) for each in (curl, go)]
    for name, measure, goal in (("fetch_cpu", "fetch_list_unhashed", 1.5), ("fetch_cpu_hashed", listed, 1.8)):
        yield row(name, measure, 200 * K, 20 * K, [peer("wrk", listed), *shown_only], goal, "cpu_ns")
    yield row("fetch_cpu_user", listed, 200 * K, 20 * K, [peer("wrk", listed), *shown_only], None, "user_ns")
    yield row("fetch_cpu_curl", listed, 200 * K, 20 * K, [curl], 0.35, "cpu_ns")
    yield row("fetch_rate_curl", listed, 200 * K, 20 * K, [curl], 0.4, "ns")
    yield row("fetch_rate_go", listed, 200 * K, 20 * K, [go], 0.67, "ns")
    yield row("fetch_rate_wget2", listed, 200 * K, 20 * K, [wget], 0.83, "ns")
    stored = "fetch_stored"
    yield row(stored, stored, 20 * K, 2 * K,
              [peer("aria2c", stored), peer("wget2", stored), peer("curl", stored, named=False)], 0.7, "cpu_ns")
    for name, goal, key in (("cpu", 0.7, "cpu_ns"), ("rate", 1.0, "ns"), ("handshakes", 1.0, "handshakes")):
        yield row("fetch_tls_" + name, "fetch_tls", 5 * K, 1 * K, [peer("curl", "fetch_tls")], goal, key)
    memory = "fetch_memory"
    few = Peer("10^4 lines", ours, memory, True, items=10 * K)
    yield row(memory, memory, 10 * K, 10 * K, [], 20 * M, "bytes", absolute=True, rounds=3)
    yield row("fetch_memory_flat", memory, 1 * M, 100 * K, [few], 1.1, "bytes", rounds=1)
    yield row("fetch_memory_most", memory, 10 * M, 100 * K, [few], 1.1, "bytes", rounds=1)
    for name, alone in ("one", "alone"), ("many", "half"):
        label = "alone" if alone == "alone" else "alone at half the places"
        yield row("fetch_stalled_" + name, "fetch_stalled_" + name, 400, 400,
                  [Peer(label, ours, "fetch_good_" + alone, True)], 1.1, "ns", rounds=3)
    for name in "fetch_metered", "fetch_metered_after":
        for key, goal in ("unused", 0.1), ("refused", 0.05):
            yield row(f"{name}_{key}", name, 60, 10, [], goal, key, absolute=True, rounds=1)


ROWS = [*pool_rows(), *task_rows(), *sync_rows(), *limit_rows(), *key_rows(), *map_rows(), *memory_rows(), *fairness_rows(), *weight_rows(),
        *http_rows(), *fetch_rows()]

# Takes a quarter of an hour, so it is measured when it is named.
NAMED_ONLY = ("fetch_memory_most",)


class Refused(Exception):
    pass


HTTP_PROGRAMS = ("bench_http", "bench_http_allocations", "peer_asio_http", "wrk", "curl")


class Runner:
    """Runs programs. What several rows look at is run once a round."""

    def __init__(self, folder, rounds, servers):
        self.folder, self.rounds, self.servers = folder, rounds, servers
        self.wanted_rounds = 0   # of each row; 0: as the row says
        self.known = {}
        self.fetches = fetch_programs.Fetches(folder, servers)

    def has(self, program):
        tool = http_servers.known_tool(program)
        return (self.folder / program).exists() if tool is None else tool

    def run(self, program, measure, items, checksum, turn):
        key = program, measure, items, turn
        if key not in self.known:
            self.known[key] = self.call(program, measure, items)
        numbers, _ = self.known[key]
        expected = CHECKSUMS[checksum](items)
        if numbers["checksum"] != expected:
            raise Refused(f"{program} {measure} {items}: checksum {numbers['checksum']}, expected {expected}")
        return self.known[key]

    def call(self, program, measure, items):
        began = time.monotonic()
        if program.startswith("weight_"):
            numbers = json.loads(output_of(self.folder / program, str(items)))
            numbers.update(self.weighed(program, measure))
        elif measure.startswith("fetch_"):
            numbers = self.fetched(program, measure, items)
        elif program in HTTP_PROGRAMS or measure == "get_1":
            numbers = self.asked(program, measure, items)
        else:
            numbers = json.loads(output_of(self.folder / program, measure, str(items)))
        return numbers, time.monotonic() - began

    def fetched(self, program, measure, items):
        try:
            return self.fetches.run(program, measure, items)
        except (fetch_programs.Refused, http_servers.Unavailable) as why:
            raise Refused(str(why)) from None

    def asked(self, program, measure, items):
        """A client of a server that is another process: with the processor time of its own that each item took."""
        try:
            environment = self.servers.environment(measure)
        except http_servers.Unavailable as why:
            raise Refused(str(why)) from None
        with tempfile.TemporaryDirectory() as folder:
            command, done_by = (self.folder / program, measure, str(items)), None
            if http_servers.known_tool(program) is not None:
                command, done_by = http_servers.command_of(program, measure, items, environment, folder)
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            said = output_of(*command, environment=environment)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = items
        if done_by is None:
            numbers = json.loads(said)
        else:
            done = done_by(said)
            numbers = {"checksum": done}
        if program == "wrk" and done > 0:
            numbers["checksum"] = items   # it was asked for a length of time
        else:
            done = items
        user, system = (1e9 * (getattr(after, name) - getattr(before, name)) / done for name in ("ru_utime", "ru_stime"))
        numbers.update({"user_ns": user, "system_ns": system, "cpu_ns": user + system})
        return numbers

    def weighed(self, program, measure):
        with tempfile.TemporaryDirectory() as folder:
            made = pathlib.Path(folder) / "made"
            if measure == "size":
                output_of("strip", "-o", made, self.folder / program)
                return {"kilobytes": made.stat().st_size / 1000}
            command = self.compilation(program) + ["-" + measure.removeprefix("compile_"), "-o", made]
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
            output_of(*command)
            return {"seconds": resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before}

    def compilation(self, program):
        """The compiler's command for a program's one source: as it was built, without a launcher and an output."""
        source = program.removeprefix("weight_") + ".cpp"
        for built in json.loads((self.folder.parent / "compile_commands.json").read_text()):
            if built["file"].endswith("/bench/weight/" + source):
                words = shlex.split(built["command"])
                called = pathlib.Path(cached(self.folder, "CMAKE_CXX_COMPILER")).name
                while pathlib.Path(words[0]).name != called:
                    words.pop(0)
                output = words.index("-o")
                return words[:output] + words[output + 2:]
        raise Refused(f"{source} is not in compile_commands.json")


def output_of(*command, environment=None):
    said = " ".join(str(word) for word in (pathlib.Path(command[0]).name, *command[1:]))[:200]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=environment)
    except subprocess.TimeoutExpired:
        raise Refused(f"{said}: no end after 240 s") from None
    if done.returncode != 0:
        raise Refused(f"{said}: exit code {done.returncode} {done.stderr.strip()[:200]}")
    return done.stdout


def measure(row, runner, quick, wanted=0):
    """Fills in the row's samples: its own under None, a peer's under its label."""
    items = wanted or (row.quick if quick else row.items)
    members = [(None, *row.ours, items)]
    for peer in row.peers:
        if runner.has(peer.program):
            members.append((peer.label, peer.program, peer.measure, peer.items or items // peer.share))
    named = {peer.label for peer in row.peers if peer.named}
    slow = set()   # run once is enough
    few = (items >= M and row.ours[1] == "asleep") or row.ours[0].startswith("weight_")
    rounds = min(runner.rounds, 3, row.rounds or 3) if few or quick else row.rounds or runner.rounds
    rounds = runner.wanted_rounds or rounds
    for turn in range(rounds):
        for label, program, what, count in members:
            taken = row.samples.setdefault(label, [])
            needed = label is None or label in named
            if label in slow:
                continue
            numbers, seconds = runner.run(program, what, count, row.checksum, turn)
            if seconds > 4 and not needed:
                slow.add(label)
            taken.append(numbers[row.key])
            if label is None and numbers.get("in_flight", count) < count:
                row.note = f"only {numbers['in_flight']:,.0f} of {count:,} were in flight at a time"


def judge(row):
    """What the JSON file says of a row that was measured, and the medians."""
    medians = {label: statistics.median(taken) for label, taken in row.samples.items()}
    ours = medians[None]
    named = [peer.label for peer in row.peers if peer.named and peer.label in medians]
    best = min(named, key=medians.get, default=None)
    ratio = ours / medians[best] if best is not None and medians[best] else None
    value = ours if row.absolute else ratio
    met = None if row.goal is None or value is None else value <= row.goal
    return {"row": row.name, f"ours_{row.unit}": ours, "peer": best,
            f"peer_{row.unit}": None if best is None else medians[best],
            "ratio": ratio, "goal": row.goal, "met": met}, medians


def shown(value, unit):
    if value is None:
        return ""
    if unit == "bytes":
        return f"{value:,.0f} B" if value < 1e5 else f"{value / 1e6:.2f} MB"
    if unit == "allocations":
        return f"{value:.6f}".rstrip("0").rstrip(".")
    if unit == "of 1":
        return f"{value:.2g}"
    if unit == "handshakes":
        return f"{value:,.0f}"
    if unit == "KB":
        return f"{value:,.0f} KB"
    if unit == "s":
        return f"{value:.2f} s"
    return f"{value:.1f} ns" if value < 1e4 else f"{value / 1e3:,.1f} us"


def line(row):
    if row.refused:
        judged = {"row": row.name, f"ours_{row.unit}": None, "peer": None, f"peer_{row.unit}": None,
                "ratio": None, "goal": row.goal, "met": False}
        return f"| {row.name} | refused: {row.refused} | | | | NOT met |", judged
    judged, medians = judge(row)
    best = judged["peer"]
    peers = [f"{'**' if label == best else ''}{label} {shown(value, row.unit)}{'**' if label == best else ''}"
             for label, value in medians.items() if label is not None]
    goal = ""
    if row.goal is not None:
        goal = "<= " + (shown(row.goal, row.unit) if row.absolute else f"{row.goal:g}")
    ratio = "" if judged["ratio"] is None else f"{judged['ratio']:.2f}"
    met = {None: "not compared" if row.goal is not None else "", True: "met", False: "NOT met"}[judged["met"]]
    if row.note:
        met += f" ({row.note})"
    return (f"| {row.name} | {shown(medians[None], row.unit)} | {'; '.join(peers)} | {ratio} | {goal} | {met} |",
            judged)


def first_line(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.split("\n")[0]
    except OSError:
        return f"no {command[0]}"


def cached(folder, name):
    """A variable of the build."""
    return re.search(rf"^{name}:\w+=(.*)$", (folder.parent / "CMakeCache.txt").read_text(), re.M)[1]


def machine(folder):
    cpu = re.search(r"^model name\s*:\s*(.*)$", pathlib.Path("/proc/cpuinfo").read_text(), re.M)
    memory = re.search(r"^MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text(), re.M)
    yield f"{cpu[1] if cpu else platform.machine()}, {os.cpu_count()} cores, {int(memory[1]) >> 20} GB, " \
          f"{platform.system()} {platform.release()}"
    yield f"{first_line(cached(folder, 'CMAKE_CXX_COMPILER'), '--version')}, {cached(folder, 'CMAKE_CXX_FLAGS_RELEASE')}"
    yield first_line("go", "version")
    yield first_line("dpkg-query", "-W", "-f=${Package} ${Version}  ", "libboost1.81-dev", "libtbb-dev",
                     "golang-golang-x-sync-dev")
    load = os.getloadavg()[0]
    yield f"load before the start {load:.2f}" + (": not a quiet machine, the numbers are rough" * (load > 0.5))


def cache_line(runner):
    """Rows of two runners follow this number, and on a virtual machine it may change by the minute."""
    if not runner.has("peer_threads") or (os.cpu_count() or 1) < 2:
        return "not measured"
    numbers, _ = runner.call("peer_threads", "cache_line", 200_000)
    return f"{numbers['ns']:.0f} ns"


def chosen(names):
    """The rows of these names; for a name that no row has, those whose names begin with it."""
    exact = {row.name for row in ROWS}
    return [row for row in ROWS if row.name in names or (row.name not in NAMED_ONLY and (not names or any(
        name not in exact and row.name.startswith(name) for name in names)))]


def main():
    parser = argparse.ArgumentParser(prog="run.sh", description="Runs the benchmarks and their peers.")
    parser.add_argument("bin", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="fewer items and rounds")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the rows there as well")
    parser.add_argument("--items", type=int, default=0, metavar="N", help="so many items in each row")
    parser.add_argument("--rounds", type=int, default=0, metavar="N", help="run each row so many times")
    parser.add_argument("rows", nargs="*", metavar="ROW", help="only these; a name's beginning is enough")
    given = parser.parse_intermixed_args()
    rows = chosen(given.rows)
    if not rows:
        parser.error("the rows are " + ", ".join(row.name for row in ROWS))
    with http_servers.Servers(given.bin) as servers:
        runner = Runner(given.bin, 3 if given.quick else 5, servers)
        runner.wanted_rounds = given.rounds
        return run(rows, given, runner)


def run(rows, given, runner):
    for text in machine(given.bin):
        print(text)
    missing = sorted({peer.program for row in rows for peer in row.peers if not runner.has(peer.program)})
    if missing:
        print("missing, and not compared with: " + ", ".join(missing))
    print("a cache line from one processor to the other: " + cache_line(runner))
    print("\n| row | ours | peers (the one of the ratio in bold) | ratio | goal | |")
    print("| --- | --- | --- | --- | --- | --- |", flush=True)
    found = []
    for row in rows:
        try:
            measure(row, runner, given.quick, given.items)
        except Refused as why:
            row.refused = str(why)
        text, judged = line(row)
        print(text, flush=True)
        found.append(judged)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n")
    print("\na cache line from one processor to the other, after all: " + cache_line(runner))
    goals = [judged["met"] for judged in found if judged["met"] is not None]
    refused = [row.name for row in rows if row.refused]
    print(f"\n{sum(goals)} of {len(goals)} goals met" + (f"; refused: {', '.join(refused)}" * bool(refused)))
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
