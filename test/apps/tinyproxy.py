"""A real tinyproxy with a configuration of its own, on a free port of loopback."""

import os
import select
import socket
import ssl
import subprocess
import threading

from nginx import free_port
from support import PATIENCE, wait_until

CONFIG = """
Port {port}
Listen 127.0.0.1
Allow 127.0.0.1
Timeout 60
MaxClients 50
LogFile "{dir}/log"
LogLevel Connect
{more}
"""


def binary():
    if named := os.environ.get("WEIR_TINYPROXY"):
        return named
    script, servers = os.environ["WEIR_TINYPROXY_SCRIPT"], os.environ["WEIR_SERVERS_DIR"]
    done = subprocess.run([script, servers], check=True, stdout=subprocess.PIPE, text=True,
                          timeout=280)
    return done.stdout.strip().splitlines()[-1]


class Tinyproxy:
    """A forward proxy; with a `user` (name, password) it asks for them. `more` are lines of its
    configuration."""

    def __init__(self, case, user=None, more=""):
        self.dir = case.folder("tinyproxy")
        if user:
            more += f"\nBasicAuth {user[0]} {user[1]}"
        for _ in range(10):
            self.port = free_port()   # it may be taken before tinyproxy has it: then another one
            config = self.dir / "conf"
            config.write_text(CONFIG.format(port=self.port, dir=self.dir, more=more))
            self.process = case.start(binary(), "-d", "-c", config)
            wait_until(lambda: self._listens() or not self.process.running, "tinyproxy listens")
            if self.process.running:
                return
        raise AssertionError(f"tinyproxy does not start: {self.log()} {self.process.err}")

    def _listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE).close()
            return self.process.running
        except ConnectionRefusedError:
            return False

    def url(self, user=""):
        return f"http://{user}127.0.0.1:{self.port}"

    def log(self):
        log = self.dir / "log"
        return log.read_text() if log.exists() else ""

    def requests(self):
        """The request lines that it took, in order."""
        mark = "): "
        return [line.split(mark, 1)[1] for line in self.log().splitlines()
                if "Request (file descriptor" in line]


class TlsDoor:
    """TLS in front of a server that has none: what makes an https proxy of tinyproxy."""

    def __init__(self, port, certificate):
        self._to = port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate.chain, certificate.key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        try:
            with self._context.wrap_socket(peer, server_side=True) as outer, \
                    socket.create_connection(("127.0.0.1", self._to)) as inner:
                while self._pass_on(outer, inner):
                    pass
        except OSError:
            pass   # the client did not trust us, or has gone

    @staticmethod
    def _pass_on(outer, inner):
        """Passes on what is there; false at the end of either."""
        ready = [outer] if outer.pending() else select.select([outer, inner], [], [])[0]
        for one in ready:
            data = one.recv(65536)
            if not data:
                return False
            (inner if one is outer else outer).sendall(data)
        return True
