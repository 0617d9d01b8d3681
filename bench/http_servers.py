"""The servers of the HTTP rows, and the peers among them that are programs of Debian: wrk and curl.

`bench_origin` answers GETs of 1 KiB. nginx, which scripts/nginx.sh unpacks when WEIR_NGINX names none, does the rest. Both
are processes of their own: what is counted is the processor time of the client alone.
"""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time

SIZE = 1024
LARGE = 100_000_000
ANSWERED = re.compile(r"^\s*(\d+) requests in ", re.M)

# worker_processes 1, and master_process off: one process, so that killing it leaves none behind.
CONFIG = """
daemon off;
master_process off;
worker_processes 1;
worker_rlimit_nofile 8192;
pid {dir}/nginx.pid;
error_log {dir}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    sendfile on;
    tcp_nodelay on;
    keepalive_requests 1000000000;
    default_type application/octet-stream;
    ssl_certificate {dir}/server.pem;
    ssl_certificate_key {dir}/server.key;
    ssl_session_cache off;
    ssl_session_tickets off;
    server {{
        listen 127.0.0.1:{plain} backlog=4096;
        listen 127.0.0.1:{tls} ssl backlog=4096;
        root {dir}/root;
        location /many/ {{ rewrite ^ /small break; }}
        location /empty {{ return 204; }}
        location /nginx-status {{ stub_status; }}
        location /stalled {{ alias {dir}/root/large; limit_rate_after 16k; limit_rate 1; }}
    }}
}}
"""


class Unavailable(Exception):
    pass


def unpacked_in():
    """The folder of servers that were unpacked for the tests, if it is named."""
    return [os.environ["WEIR_SERVERS_DIR"]] if "WEIR_SERVERS_DIR" in os.environ else []


def free_ports():
    with socket.socket() as first, socket.socket() as second:
        for one in first, second:
            one.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]


class Servers:
    """Starts each server when a row asks for it."""

    def __init__(self, folder):
        self.folder = folder
        self.started = []
        self.files = None
        self.origin_port = None
        self.nginx_ports = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.started:
            process.kill()
            process.wait()
        if self.files:
            self.files.cleanup()

    def environment(self, measure):
        """What a program is told of the servers for this measure."""
        environment = dict(os.environ)
        if measure in ("get", "get_1", "get_within_limits"):
            environment["WEIR_BENCH_URL"] = f"http://127.0.0.1:{self.origin()}/"
            return environment
        plain, tls = self.nginx()
        environment["WEIR_BENCH_CA"] = f"{self.files.name}/ca.pem"
        environment["WEIR_BENCH_URL"] = {
            "handshakes": f"https://127.0.0.1:{tls}/small", "download": f"http://127.0.0.1:{plain}/large",
            "stalled_plain": f"http://127.0.0.1:{plain}/stalled",
            "stalled_tls": f"https://127.0.0.1:{tls}/stalled"}[measure]
        return environment

    def origin(self):
        if self.origin_port is None:
            program = self.folder / "bench_origin"
            if not program.exists():
                raise Unavailable("bench_origin was not built")
            process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self.started.append(process)
            self.origin_port = int(process.stdout.readline())
        return self.origin_port

    def nginx(self):
        if self.nginx_ports is None:
            self.files = tempfile.TemporaryDirectory(prefix="weir-bench-")
            root = pathlib.Path(self.files.name) / "root"
            root.mkdir()
            (root / "small").write_bytes(b"x" * SIZE)
            with open(root / "large", "wb") as large:
                large.truncate(LARGE)
            self.certify(pathlib.Path(self.files.name))
            self.nginx_ports = self.started_nginx(pathlib.Path(self.files.name))
        return self.nginx_ports

    @staticmethod
    def certify(folder):
        """An authority of our own, and a certificate for 127.0.0.1 and the hosts of bench.test."""
        extensions = folder / "extensions"
        extensions.write_text("subjectAltName=IP:127.0.0.1,DNS:*.bench.test\nextendedKeyUsage=serverAuth\n")
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout")
        for command in (
                ("req", "-x509", *key, folder / "ca.key", "-out", folder / "ca.pem", "-days", "2",
                 "-subj", "/CN=weir bench CA"),
                ("req", *key, folder / "server.key", "-out", folder / "server.csr", "-subj", "/CN=weir bench"),
                ("x509", "-req", "-in", folder / "server.csr", "-CA", folder / "ca.pem", "-CAkey",
                 folder / "ca.key", "-CAcreateserial", "-out", folder / "server.pem", "-days", "2",
                 "-extfile", extensions)):
            try:
                subprocess.run(["openssl", *command], check=True, capture_output=True)
            except (OSError, subprocess.CalledProcessError) as why:
                raise Unavailable(f"openssl: {why}") from None

    def started_nginx(self, folder):
        script = pathlib.Path(__file__).parent.parent / "scripts" / "nginx.sh"
        binary = os.environ.get("WEIR_NGINX")
        if not binary:
            done = subprocess.run([script, *unpacked_in()], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise Unavailable("no nginx: " + done.stderr.strip()[-200:])
            binary = done.stdout.strip().splitlines()[-1]
        plain, tls = free_ports()
        config = folder / "nginx.conf"
        config.write_text(CONFIG.format(dir=folder, plain=plain, tls=tls))
        process = subprocess.Popen([binary, "-p", folder, "-c", config, "-e", folder / "error.log"],
                                   stderr=subprocess.DEVNULL)
        self.started.append(process)
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", plain), 1).close()
                return plain, tls
            except OSError:
                time.sleep(0.05)
        raise Unavailable("nginx does not start")


def known_tool(program):
    """Whether it is a program of Debian's that is there; None when it is none of those."""
    return shutil.which(program) is not None if program in ("wrk", "curl", "wget2", "aria2c") else None


def command_of(program, measure, items, environment, folder):
    """The command that does the same as ours, and how to read from its output how much of it it did."""
    url = environment["WEIR_BENCH_URL"]
    if program == "wrk":
        # It takes a length of time, not a number: about as long as ours needs.
        return (["wrk", "-t1", "-c64", f"-d{max(1, items // 50_000)}s", url], answered_by_wrk)
    config = pathlib.Path(folder) / "urls"
    config.write_text(f'url = "{url}"\noutput = "/dev/null"\n' * items)
    command = ["curl", "-q", "-s", "-K", config, "-w", "%{http_code} %{size_download}\\n"]
    if measure == "get":
        command += ["-Z", "--parallel-max", "64"]
        return command, lambda said: said.count(f"200 {SIZE}\n")
    if measure == "handshakes":
        command += ["--cacert", environment["WEIR_BENCH_CA"], "--no-sessionid", "-H", "Connection: close"]
        return command, lambda said: said.count(f"200 {SIZE}\n")
    return command, lambda said: sum(int(line.split()[1]) for line in said.splitlines())


def answered_by_wrk(said):
    if "Non-2xx" in said or "Socket errors" in said:
        return 0
    return int(ANSWERED.search(said)[1])
