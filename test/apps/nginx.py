"""A real nginx with a configuration of its own, on a free port of loopback."""

import dataclasses
import functools
import os
import socket
import subprocess
import urllib.request

from support import PATIENCE, wait_until

# master_process off: one process, so that killing it leaves none behind.
# $connections_active in the log is nginx's own count, taken at every request it answers.
CONFIG = """
daemon off;
master_process off;
worker_processes 1;
pid {dir}/nginx.pid;
error_log {dir}/error.log notice;
events {{ worker_connections 1024; }}
http {{
    log_format seen '$connection $connection_requests $connections_active $status $request_uri';
    access_log {dir}/access.log seen;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    gzip off;
    sendfile on;
    tcp_nodelay on;
    default_type application/octet-stream;
    keepalive_requests {keepalive_requests};
    server {{
        listen 127.0.0.1:{port}{listen_options} backlog=512;
        {server}
        root {root};
        location = /nginx-status {{ stub_status; access_log off; }}
    }}
}}
"""


@functools.cache
def binary():
    """An nginx to run: the one named, or one unpacked by the project's own script."""
    if named := os.environ.get("WEIR_NGINX"):
        return named
    script, servers = os.environ["WEIR_NGINX_SCRIPT"], os.environ["WEIR_SERVERS_DIR"]
    done = subprocess.run([script, servers], check=True, stdout=subprocess.PIPE, text=True,
                          timeout=280)
    return done.stdout.strip().splitlines()[-1]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclasses.dataclass
class Seen:
    """One line of the access log."""

    connection: int
    requests: int   # on this connection, this one included
    active: int     # connections open at this moment
    status: int
    target: str


class Nginx:
    """Serves the files under `root`. With a `certificate` (see certificates.py) it speaks TLS."""

    def __init__(self, case, server="", certificate=None, keepalive_requests=1000):
        self.scheme = "https" if certificate else "http"
        self.dir = case.folder("nginx")
        self.root = self.dir / "root"
        self.root.mkdir()
        if certificate:
            server += f"ssl_certificate {certificate.chain}; ssl_certificate_key {certificate.key};"
        for _ in range(10):
            self.port = free_port()   # it may be taken before nginx has it: then another one
            config = self.dir / "nginx.conf"
            config.write_text(CONFIG.format(
                dir=self.dir, root=self.root, port=self.port, server=server,
                listen_options=" ssl" if certificate else "",
                keepalive_requests=keepalive_requests))
            self.process = case.start(
                binary(), "-p", self.dir, "-c", config, "-e", self.dir / "error.log")
            wait_until(lambda: self._listens() or not self.process.running, "nginx listens")
            if self.process.running:
                return
            if "Address already in use" not in self.error_log():
                break
        raise AssertionError(f"nginx does not start: {self.error_log()} {self.process.err}")

    def _listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE).close()
            return self.process.running   # and not somebody else's on this port
        except ConnectionRefusedError:
            return False

    def add(self, name, data):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return self.url(name)

    def url(self, name="", host="127.0.0.1"):
        return f"{self.scheme}://{host}:{self.port}/{name}"

    def error_log(self):
        log = self.dir / "error.log"
        return log.read_text() if log.exists() else ""

    def active(self):
        """nginx's count of open connections, without the one that asks."""
        with urllib.request.urlopen(self.url("nginx-status"), timeout=PATIENCE) as answer:
            first = answer.read().decode().splitlines()[0]   # "Active connections: 3"
        return int(first.split(":")[1]) - 1

    def seen(self):
        """What it answered so far, in order."""
        lines = (self.dir / "access.log").read_text().splitlines()
        rows = [line.split(" ", 4) for line in lines]
        return [Seen(int(a), int(b), int(c), int(d), e) for a, b, c, d, e in rows]

    def stop(self):
        """Ends it, so that its log is complete."""
        self.process.end()
