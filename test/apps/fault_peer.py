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
# What a client that never gives up is sent at most, and how long it is waited for.
_ENDLESS = 8 * 1024 * 1024
_PATIENCE = 40.0


class Peer:
    """The client's end of the line, as the server sees it. `pace` says how answers are cut."""

    def __init__(self, sock, number):
        self.number = number   # of the connection, in the order in which they were accepted
        self.pace = "whole"
        self._loop = asyncio.get_running_loop()
        self._socket = sock
        self._tls = None
        self._received, self._written = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._ahead = b""
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
        return *lines[0].split(" ")[:2], host

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
