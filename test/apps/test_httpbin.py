"""weir-fetch against a real httpbin: what it says of itself by URL is what must come."""

import functools
import os
import socket
import subprocess
import urllib.request

from nginx import free_port
from support import PATIENCE, Case, main, sha256, wait_until

# The body depends on the URL alone.
FIXED = ("html", "robots.txt", "deny", "xml", "encoding/utf8", "image/png", "image/jpeg",
         "bytes/0", "bytes/10000?seed=1", "stream-bytes/10000?seed=1&chunk_size=100",
         "stream-bytes/1?seed=2", "range/2000", "range/2000?chunk_size=7", "links/10/0",
         "drip?numbytes=50&duration=0.5&delay=0", "base64/d2Vpcg==")


@functools.cache
def binary():
    if named := os.environ.get("WEIR_HTTPBIN"):
        return named
    command = [os.environ["WEIR_HTTPBIN_SCRIPT"], os.environ["WEIR_SERVERS_DIR"]]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=280)
    return done.stdout.strip().splitlines()[-1]


class Httpbin(Case):
    def setUp(self):
        super().setUp()
        for _ in range(10):   # the port may be taken before httpbin has it: then another one
            self.port = free_port()
            self.process = self.start(binary(), "--host", "127.0.0.1", "--port", self.port)
            wait_until(lambda: self.listens() or not self.process.running, "httpbin listens")
            if self.process.running:
                return
        self.fail(f"httpbin does not start: {self.process.err}")

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE).close()
            return True
        except ConnectionRefusedError:
            return False

    def url(self, path):
        return f"http://127.0.0.1:{self.port}/{path}"

    def by_url(self, urls, *options):
        """The result of each of these paths."""
        done = self.fetch("--jsonl", *options, *map(self.url, urls))
        self.assert_each_once(done.rows, map(self.url, urls))
        return {path: done.of(self.url(path)) for path in urls}

    def test_bodies_are_what_another_client_gets(self):
        got = self.by_url(FIXED, "-j", "1")   # its random bytes come from one generator
        for path, row in got.items():
            with urllib.request.urlopen(self.url(path), timeout=PATIENCE) as answer:
                self.assertEqual((row.error, row.sha256), ("", sha256(answer.read())), path)

    def test_statuses(self):
        statuses = (200, 201, 202, 204, 205, 300, 304, 400, 401, 402, 403, 404, 406, 407, 410,
                    418, 429, 500, 503)
        got = self.by_url([f"status/{status}" for status in statuses])
        self.assertEqual([row.status for row in got.values()], list(statuses))

    def test_redirects(self):
        last = self.url("get")
        for path, number in {"redirect/5": 5, "absolute-redirect/3": 3, "relative-redirect/10": 10,
                             "redirect-to?url=%2Fget&status_code=308": 1,
                             "redirect-to?url=get": 1}.items():
            row = self.by_url([path])[path]
            self.assertEqual((row.status, row.final_url, row.redirects), (200, last, number), path)
        for path in ("redirect/11", "redirect-to?url=ftp://127.0.0.1/"):
            self.assertEqual(self.by_url([path])[path].error, "redirect", path)

    def test_codings_that_were_not_asked_for_arrive_as_they_are(self):
        out = self.dir / "out"
        self.fetch("--output-dir", out, *map(self.url, ("gzip", "deflate", "html")))
        begins = sorted(file.read_bytes()[:2] for file in out.rglob("*") if file.is_file())
        self.assertEqual(begins, sorted([b"\x1f\x8b", b"\x78\x9c", b"<!"]))

    def test_ranges(self):
        whole = bytes(ord("a") + n % 26 for n in range(2000))
        for value, status, part in (("bytes=10-19", 206, whole[10:20]),
                                    ("bytes=1990-", 206, whole[1990:]), ("bytes=3000-", 416, b"")):
            row = self.by_url(["range/2000"], "-H", f"Range: {value}")["range/2000"]
            self.assertEqual((row.status, row.sha256), (status, sha256(part)), value)

    def test_conditions(self):
        for path, field in (("etag/it", 'If-None-Match: "it"'), ("cache", "If-Modified-Since: x")):
            self.assertEqual(self.by_url([path])[path].status, 200)
            self.assertEqual(self.by_url([path], "-H", field)[path].status, 304)

    def test_credentials_in_the_url(self):
        path = "basic-auth/me/p%40ss"
        with_them = self.url(path).replace("//", "//me:p%40ss@")
        self.assertEqual(self.by_url([path])[path].status, 401)
        self.assertEqual(self.fetch("--jsonl", with_them).rows[0].status, 200)

    def test_head(self):
        got = self.by_url(["get", "bytes/1000", "redirect/1", "status/404"], "--head")
        self.assertEqual([(row.status, row.bytes) for row in got.values()],
                         [(200, 0), (200, 0), (200, 0), (404, 0)])


if __name__ == "__main__":
    main()
