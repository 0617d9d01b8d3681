"""One connection of a server that can do wrong on purpose: over TCP or TLS, in pieces of any size,
and with every way to end it.
"""

import asyncio
import random
import socket
import ssl
import struct

PACES = ("whole", "bytes", "trickle")

# Of a long answer, as much at each end goes in pieces; what lies between goes at once.
_IN_PIECES = 240
_PAUSE = 0.0005
_DRIP = 0.1
_PATTERN = bytes(range(65, 126))   # of a body
# What a client that never gives up is sent at most, and how long it is waited for.
_ENDLESS = 8 * 1024 * 1024
_PATIENCE = 120.0


class Peer:
    """The client's end of the line, as the server sees it. `pace` says how answers are cut."""

    def __init__(self, sock, number):
        self.number = number   # of the connection, in the order in which they were accepted
        self.pace = "whole"
        self._loop = asyncio.get_running_loop()
        self._socket = sock
        self._tls = None
        self._received, self._written = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._ahead = bytearray()
        self.expects = False   # the last request asked whether its body is wanted
        self._body = 0         # its length; None in chunks
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def secure(self, context):
        """The server's side of the handshake. What it refuses leaves as ssl.SSLError."""
        self._tls = context.wrap_bio(self._received, self._written, server_side=True)
        while True:
            try:
                self._tls.do_handshake()
                return await self._flush()
            except ssl.SSLWantReadError:
                await self._flush()
                await self._fill()
            except ssl.SSLError:
                await self._flush()   # our alert
                raise

    async def first_flight(self, context):
        """What the server would answer to the client's hello; nothing is sent."""
        server = context.wrap_bio(self._received, self._written, server_side=True)
        while not self._written.pending:
            try:
                await self._fill()
                server.do_handshake()
            except ssl.SSLWantReadError:
                pass
        return self._written.read()

    async def request(self):
        """Method, target and Host of the next request; nothing once the client has closed."""
        while b"\r\n\r\n" not in self._ahead:
            more = await self._read()
            if not more:
                return None
            self._ahead += more
        head, _, self._ahead = self._ahead.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        host = next(line[6:] for line in lines if line.startswith("Host: "))
        length = [int(line[16:]) for line in lines if line.startswith("Content-Length: ")]
        self.expects = "Expect: 100-continue" in lines
        self._body = None if "Transfer-Encoding: chunked" in lines else sum(length)
        return *lines[0].split(" ")[:2], host

    async def body(self):
        """Reads the body of the request. One that is not as uploads.cpp makes it ends the connection."""
        got = bytearray()
        if self._body is not None:
            got += await self._take(self._body)
        else:
            while size := int(await self._line(), 16):
                got += await self._take(size)
                await self._line()
            await self._line()
        if got != (_PATTERN * (len(got) // len(_PATTERN) + 1))[:len(got)]:
            raise ConnectionError("not the body that was sent")

    async def some_of_body(self):
        """Reads a part of it."""
        await self._more_than(100_000)

    async def body_slowly(self):
        for part in range(1, 21):
            await self._more_than(part * 10_000)
            await asyncio.sleep(_PAUSE * 20)
        await self.body()

    async def pause(self):
        """For longer than a client waits for 100 (Continue)."""
        await asyncio.sleep(1.5)

    async def stall(self):
        """Reads nothing more."""
        await asyncio.sleep(_PATIENCE)

    async def send(self, data):
        if self._tls and self.pace == "trickle":   # one record, cut anywhere
            self._tls.write(data)
            data = self._written.read()
        for piece in self._pieces(data):
            if self._tls and self.pace != "trickle":
                self._tls.write(piece)
                await self._flush()
            else:
                await self._loop.sock_sendall(self._socket, piece)
            if len(piece) < len(data):
                await asyncio.sleep(_PAUSE)

    async def send_raw(self, data):
        """Bytes as they are, below TLS."""
        await self._loop.sock_sendall(self._socket, data)

    async def send_endlessly(self, data):
        """Again and again, until the client closes."""
        many = data * (65536 // len(data) + 1)
        for _ in range(_ENDLESS // len(many)):
            if self._tls:
                self._tls.write(many)
                await self._flush()
            else:
                await self._loop.sock_sendall(self._socket, many)

    async def send_dripping(self, data):
        """Again and again and slowly, until the client closes."""
        for _ in range(int(_PATIENCE / _DRIP)):
            await self.send(data)
            await asyncio.sleep(_DRIP)

    async def hang(self):
        """Reads, and says nothing, until the client closes."""
        while await self._read():
            pass

    async def close(self):
        """In good order."""
        if self._tls:
            try:
                self._tls.unwrap()
            except ssl.SSLError:
                pass   # it waits for the client's goodbye
            await self._flush()
        await self.cut()

    async def cut(self):
        """Ends the connection; over TLS without a goodbye."""
        self._socket.shutdown(socket.SHUT_WR)
        async with asyncio.timeout(_PATIENCE):   # else our close would be a reset
            while await self._loop.sock_recv(self._socket, 65536):
                pass

    async def reset(self):
        await asyncio.sleep(0.05)   # so that what was sent before has been read
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    async def _more_than(self, size):
        while len(self._ahead) < size:
            more = await self._read()
            if not more:
                raise ConnectionError("the client closed")
            self._ahead += more

    async def _take(self, size):
        await self._more_than(size)
        data = self._ahead[:size]
        del self._ahead[:size]
        return data

    async def _line(self):
        while b"\r\n" not in self._ahead:
            await self._more_than(len(self._ahead) + 1)
        line = self._ahead[:self._ahead.index(b"\r\n")]
        del self._ahead[:len(line) + 2]
        return line

    def _pieces(self, data):
        if self.pace == "whole":
            return [data]
        end = max(_IN_PIECES, len(data) - _IN_PIECES)
        return [*self._small(data[:_IN_PIECES]), data[_IN_PIECES:end], *self._small(data[end:])]

    def _small(self, data):
        chance = random.Random(len(data))
        at = 0
        while at < len(data):
            size = 1 if self.pace == "bytes" else chance.randint(1, 30)
            yield data[at:at + size]
            at += size

    async def _read(self):
        while True:
            if not self._tls:
                return await self._loop.sock_recv(self._socket, 65536)
            try:
                return self._tls.read(65536)
            except ssl.SSLWantReadError:
                await self._fill()
            except ssl.SSLZeroReturnError:
                return b""

    async def _fill(self):
        data = await self._loop.sock_recv(self._socket, 65536)
        if not data:
            raise ConnectionError("the client closed")
        self._received.write(data)

    async def _flush(self):
        if not self._written.pending:
            return
        written = self._written.read()
        if self.pace == "bytes" and not self._tls.version():   # in the handshake
            for piece in self._pieces(written):
                await self._loop.sock_sendall(self._socket, piece)
                await asyncio.sleep(_PAUSE)
        else:
            await self._loop.sock_sendall(self._socket, written)
