"""A real haproxy in front of one server, on free ports of loopback."""

import functools
import os
import socket
import subprocess

from nginx import free_port
from support import PATIENCE, wait_until

# /port/... answers with the client's port, /large/... with a header of 90 kB, /nobody/... leads to
# a server that is not there; everything else leads to the one that is.
CONFIG = """
global
    tune.bufsize 200000
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout http-keep-alive 120s
    retries 0
frontend kept
    bind 127.0.0.1:{kept}
    bind 127.0.0.1:{secure} ssl crt {certificate}
    {rules}
frontend brief
    bind 127.0.0.1:{brief}
    timeout http-keep-alive 300ms
    {rules}
frontend closing
    bind 127.0.0.1:{closing}
    option httpclose
    {rules}
frontend metered
    bind 127.0.0.1:{metered}
    stick-table type ip size 1k expire 10s store http_req_rate(1s)
    http-request track-sc0 src
    http-request deny deny_status 429 hdr Retry-After 1 if {{ sc_http_req_rate(0) gt 20 }} {{ path_beg /polite/ }}
    http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt 20 }}
    default_backend there
backend there
    server there 127.0.0.1:{backend}
backend large
{large}
    server there 127.0.0.1:{backend}
backend nobody
    server nobody 127.0.0.1:{nobody}
"""
RULES = """
    http-request return content-type text/plain lf-string "%cp" if { path_beg /port/ }
    http-request deny deny_status 429 if { path_beg /denied/ }
    http-request redirect code 308 location /files/a if { path_beg /moved/ }
    http-request silent-drop if { path_beg /dropped/ }
    use_backend large if { path_beg /large/ }
    use_backend nobody if { path_beg /nobody/ }
    default_backend there
"""


@functools.cache
def binary():
    """An haproxy to run: the one named, or one unpacked by the project's own script."""
    if named := os.environ.get("WEIR_HAPROXY"):
        return named
    command = [os.environ["WEIR_HAPROXY_SCRIPT"], os.environ["WEIR_SERVERS_DIR"]]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=280)
    return done.stdout.strip().splitlines()[-1]


class Haproxy:
    """`kept` keeps connections, `brief` for 300 ms, `closing` none; `secure` is `kept` over TLS. `metered`
    allows 20 requests a second, and says Retry-After for /polite/."""

    def __init__(self, case, backend, certificate):
        pem = case.dir / "haproxy.pem"
        pem.write_bytes(certificate.chain.read_bytes() + certificate.key.read_bytes())
        nobody = socket.socket()   # bound and not listening
        case.addCleanup(nobody.close)
        nobody.bind(("127.0.0.1", 0))
        field = "    http-response set-header X-Large-{} " + "a" * 1800 + "\n"
        large = "".join(map(field.format, range(50)))
        config = case.dir / "haproxy.conf"
        for _ in range(10):   # a port may be taken before haproxy has it: then others
            self.ports = {name: free_port() for name in ("kept", "brief", "closing", "secure", "metered")}
            config.write_text(CONFIG.format(
                **self.ports, certificate=pem, rules=RULES, large=large, backend=backend,
                nobody=nobody.getsockname()[1]))
            self.process = case.start(binary(), "-db", "-f", config)
            wait_until(lambda: self._listens() or not self.process.running, "haproxy listens")
            if self.process.running:
                return
        raise AssertionError(f"haproxy does not start: {self.process.err}")

    def url(self, path, port="kept"):
        scheme = "https" if port == "secure" else "http"
        return f"{scheme}://127.0.0.1:{self.ports[port]}/{path}"

    def _listens(self):
        for port in self.ports.values():
            try:
                socket.create_connection(("127.0.0.1", port), timeout=PATIENCE).close()
            except ConnectionRefusedError:
                return False
        return self.process.running
