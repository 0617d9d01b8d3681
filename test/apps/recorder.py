"""An HTTP server that keeps each request as it came, and answers what the test says."""

import dataclasses
import socket
import threading


@dataclasses.dataclass
class Request:
    line: str
    fields: list      # of (name, value), in their order
    body: bytes

    @property
    def method(self):
        return self.line.split(" ")[0]

    @property
    def target(self):
        return self.line.split(" ")[1]

    def of(self, name):
        """The values of the fields of this name."""
        return [value for each, value in self.fields if each.lower() == name.lower()]


def answer(status=200, body=b"", **fields):
    """Bytes of a response; `X_Y=1` is a header X-Y."""
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


class Recorder:
    """`reply` takes a Request and returns the bytes to answer, or None for silence."""

    def __init__(self, case, reply=lambda request: answer()):
        self.seen = []
        self._reply = reply
        self._sockets = set()
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        self._threads = []
        self._start(self._accept)
        case.addCleanup(self.stop)

    def url(self, path="", host="127.0.0.1"):
        return f"http://{host}:{self.port}/{path}"

    def stop(self):
        self._stopping.set()
        for each in (self._listener, *list(self._sockets)):
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
            self._sockets.add(connection)
            self._start(self._converse, connection)

    def _converse(self, connection):
        with connection, connection.makefile("rb") as stream:
            try:
                while request := self._read(connection, stream):
                    self.seen.append(request)
                    reply = self._reply(request)
                    if reply is None:
                        self._stopping.wait()
                        return
                    connection.sendall(reply)
            except OSError:
                pass

    @staticmethod
    def _read(connection, stream):
        line = stream.readline().decode("latin-1").rstrip("\r\n")
        if not line:
            return None
        request = Request(line, [], b"")
        while text := stream.readline().decode("latin-1").rstrip("\r\n"):
            name, _, value = text.partition(":")
            request.fields.append((name, value.strip()))
        if request.of("Expect"):
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.body = stream.read(int((request.of("Content-Length") or ["0"])[0]))
        return request
