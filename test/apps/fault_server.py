"""The fault server: answers /PACE/NAME as fault_cases.py says, on a port for http, a port for
https, and a port of its own for each fault that comes before the request. By hand:

    python3 test/apps/fault_server.py [NAME...]

prints the URLs of these faults (of all), and serves them until it is killed.
"""

import asyncio
import collections
import contextlib
import dataclasses
import itertools
import pathlib
import signal
import socket
import ssl
import sys
import tempfile
import threading
import types
import urllib.parse

import fault_table
from certificates import Authority
from fault_cases import ANSWERS, GOOD, LENGTH, take
from fault_hellos import HELLOS, contexts
from fault_peer import Peer

# Each fault has a host name of its own, so that it shares no connection with the others.
DOMAIN = "faults.localhost"


@dataclasses.dataclass(frozen=True)
class Asked:
    """A request: on which connection, and what for."""

    connection: int
    method: str
    target: str


class RowServer:
    def __init__(self, case, rows):
        """Serves these rows until the test case is over."""
        authority = Authority(case)
        self.authority = authority.certificate
        self._contexts = contexts(case, authority, DOMAIN)
        self._asked = collections.defaultdict(list)   # by Host
        self._numbers = itertools.count()
        self._held = contextlib.ExitStack()
        self._ports = {"refused": self._refusing(), "backlog-full": self._full()}
        self._loop = asyncio.new_event_loop()
        listening = threading.Event()
        thread = threading.Thread(target=self._run, args=(rows, listening), daemon=True)
        thread.start()
        listening.wait()
        case.addCleanup(self._held.close)
        case.addCleanup(thread.join)
        case.addCleanup(self._loop.call_soon_threadsafe, self._loop.stop)

    def url(self, row, scheme, pace, name=None):
        """Of the row's fault; with a `name`, of another answer of the same server."""
        port = next(self._ports[key] for key in ((row.name, scheme, pace), row.name, scheme)
                    if key in self._ports)
        return f"{scheme}://{row.name}-{pace}.{DOMAIN}:{port}/{pace}/{name or row.name}"

    def asked(self, url):
        """The requests that came to the host of this URL, in order."""
        return self._asked[urllib.parse.urlsplit(url).netloc]

    def _refusing(self):
        """A port that nobody else gets, and on which nothing listens."""
        taken = self._held.enter_context(socket.socket())
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]

    def _full(self):
        """A port whose queue is full: who connects gets no answer at all."""
        full = self._held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            filler = self._held.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        return full.getsockname()[1]

    def _run(self, rows, listening):
        asyncio.set_event_loop(self._loop)
        with contextlib.ExitStack() as listeners:
            for scheme in ("http", "https"):
                self._ports[scheme] = self._listen(listeners, self._usual(scheme))
            for row in rows:
                for scheme, pace in itertools.product(row.schemes, row.paces):
                    if row.name in HELLOS:
                        rude = self._rude(HELLOS[row.name], self._usual(scheme))
                        self._ports[row.name, scheme, pace] = self._listen(listeners, rude)
            listening.set()
            self._loop.run_forever()
            left = asyncio.all_tasks(self._loop)
            for task in left:
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.close()

    def _listen(self, listeners, greet):
        listener = listeners.enter_context(socket.create_server(("127.0.0.1", 0), backlog=1024))
        listener.setblocking(False)
        self._loop.create_task(self._accept(listener, greet))
        return listener.getsockname()[1]

    async def _accept(self, listener, greet):
        running = set()
        while True:
            sock, _ = await self._loop.sock_accept(listener)
            task = self._loop.create_task(self._converse(sock, greet))
            running.add(task)   # the loop holds tasks weakly
            task.add_done_callback(running.discard)

    def _usual(self, scheme):
        async def greet(peer):
            if scheme == "https":
                await peer.secure(self._contexts["good"])
        return greet

    def _rude(self, hello, usual):
        """To the first connection; polite to the others."""
        first = iter([True])

        async def greet(peer):
            if next(first, False):
                await hello(peer, self._contexts)
            else:
                await usual(peer)
        return greet

    async def _converse(self, sock, greet):
        with sock:
            peer = Peer(sock, next(self._numbers))
            try:
                await greet(peer)
                while asked := await self._request(peer):
                    await self._answer(peer, asked)
            except (OSError, TimeoutError, ssl.SSLError):
                pass   # the client left, as it may

    async def _request(self, peer):
        found = await peer.request()
        if not found:
            return None
        method, target, host = found
        asked = Asked(peer.number, method, target)
        self._asked[host].append(asked)
        return asked

    async def _answer(self, peer, asked):
        _, peer.pace, name = asked.target.partition("?")[0].split("/")
        usual = LENGTH if asked.method == "HEAD" else GOOD
        for step in ANSWERS.get(name, [take, usual]):
            if step is Peer.request:
                await self._request(peer)
            elif callable(step):
                await step(peer)
            else:
                step = step.replace(b"COUNT", b"%d" % next(self._numbers))
                await peer.send(step.replace(b"REFUSED", b"%d" % self._ports["refused"]))


def main(names):
    rows = [row for row in fault_table.rows() if not names or row.name in names]
    with contextlib.ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        case = types.SimpleNamespace(dir=pathlib.Path(folder), addCleanup=stack.callback)
        server = RowServer(case, rows)
        for row in rows:
            for scheme, pace in itertools.product(row.schemes, row.paces):
                print(server.url(row, scheme, pace), row.what, sep="\t")
        print(f"--cacert {server.authority}", flush=True)
        signal.pause()


if __name__ == "__main__":
    main(sys.argv[1:])
