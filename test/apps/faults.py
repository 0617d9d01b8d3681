"""An HTTP server that does, on request, what nginx never would, and counts what happens to it. What
servers do wrong, one by one, stands in fault_cases.py.

The first part of the path says what it does; the rest makes the URL different from others:
    /ok/...              200 and a body that depends on the path
    /slow/MS/...         the same, after MS milliseconds
    /hold/...            the same, once the test says `release()`
    /status/CODE/...     that status
    /redirect/CODE?URL   that status, with Location: URL
    /loop/...            redirects to itself
    /stall/...           never answers
    /stall-body/...      sends half of the body, and then nothing
    /reset/...           sends half of the body, and resets the connection
    /short/...           promises more than it sends, and closes
    /drop/...            closes instead of answering
    /raw?HEX             answers these bytes, and closes
"""

import collections
import socket
import struct
import threading
import urllib.parse

from support import wait_until


def body_of(target):
    """1 to 8 lines, of the path alone."""
    return (target.encode() + b"\n") * (1 + sum(target.encode()) % 8)


def redirect(code, location):
    return (b"HTTP/1.1 %d Go\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n"
            % (code, location.encode("latin-1")))


class Count:
    """How many at once: now, and the most ever. Several servers may share one."""

    def __init__(self):
        self._lock = threading.Lock()
        self.now = 0
        self.peak = 0

    def enter(self):
        with self._lock:
            self.now += 1
            self.peak = max(self.peak, self.now)

    def leave(self):
        with self._lock:
            self.now -= 1


class FaultServer:
    """`connections` counts those open, `serving` the requests read and not yet answered, `asked`
    holds the targets in the order they came. A request stops counting just before its answer is
    sent, so the client cannot know of it sooner than we do: more than the bound means the client
    broke it.
    """

    def __init__(self, case, serving=None):
        self.connections = Count()
        self.serving = serving or Count()
        self.asked = []
        self.hosts = collections.Counter()   # of Host lines
        self.credentials = 0                 # requests with an Authorization line
        self._released = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._sockets = set()
        self._threads = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        self._start(self._accept)
        case.addCleanup(self.stop)

    def url(self, path, host="127.0.0.1"):
        return f"http://{host}:{self.port}/{path}"

    def wait_for(self, count, what="requests"):
        """Until `count` requests have come."""
        wait_until(lambda: len(self.asked) >= count, f"{count} {what}")

    def release(self):
        """Lets every /hold/ go, now and later."""
        self._released.set()

    def stop(self):
        self._stopping.set()
        self._released.set()
        with self._lock:
            sockets = [self._listener, *self._sockets]
        for each in sockets:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self._listener.close()
        for thread in list(self._threads):
            thread.join(10)

    def _start(self, function, *args):
        thread = threading.Thread(target=function, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._sockets.add(connection)
            self.connections.enter()
            self._start(self._converse, connection)

    def _converse(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            with connection.makefile("rb") as stream:
                while target := self._read(stream):
                    self.asked.append(target)
                    self.serving.enter()
                    if not self._answer(connection, target):
                        break
        except OSError:
            pass   # the client left, or the test is over
        finally:
            with self._lock:
                self._sockets.discard(connection)
            self.connections.leave()
            connection.close()

    def _read(self, stream):
        """The next request's target, nothing at the end."""
        line = stream.readline()
        if not line:
            return None
        while (header := stream.readline()) not in (b"\r\n", b"\n", b""):
            name, _, value = header.decode("latin-1").partition(":")
            if name.lower() == "host":
                self.hosts[value.strip()] += 1
            self.credentials += name.lower() == "authorization"
        return line.decode("latin-1").split(" ")[1]

    def _answer(self, connection, target):
        """Answers, and tells whether the connection stays."""
        path, _, query = target.partition("?")
        parts = path.split("/")
        kind, number = parts[1], int(parts[2]) if len(parts) > 2 and parts[2].isdigit() else 0
        body = body_of(target)
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        counted = True

        def send(data):
            nonlocal counted
            if counted:
                counted = False
                self.serving.leave()
            connection.sendall(data)

        try:
            if kind == "slow":
                self._stopping.wait(number / 1000)
            elif kind == "hold":
                self._released.wait()
            if kind in ("ok", "slow", "hold"):
                send(head + body)
            elif kind == "status":
                send(head.replace(b"200 OK", b"%d Chosen" % number) + body)
            elif kind == "redirect":
                send(redirect(number, urllib.parse.unquote(query)))
            elif kind == "loop":
                send(redirect(302, target))
            elif kind == "stall":
                self._wait_for_client(connection)
            elif kind == "stall-body":
                connection.sendall(head + body[: len(body) // 2])
                self._wait_for_client(connection)
            elif kind == "reset":
                send(head + body[: len(body) // 2])
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif kind == "short":
                send(head + body[: len(body) // 2])
            elif kind == "raw":
                send(bytes.fromhex(query))
            elif kind != "drop":
                send(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return kind in ("ok", "slow", "hold", "status", "redirect", "loop")
        finally:
            if counted:
                self.serving.leave()

    def _wait_for_client(self, connection):
        """Until the client closes, or the test is over."""
        while connection.recv(1024):
            pass
