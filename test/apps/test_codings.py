"""Compressed bodies: from a real nginx, and as Python's zlib writes them."""

import gzip
import http.server
import random
import threading
import zlib

from nginx import Nginx
from support import Case, main, sha256

GZIP = "gzip on; gzip_types *; gzip_min_length 1;"


def some_text(size):
    chosen = random.Random(7)
    return b" ".join(b"%d" % chosen.randrange(1000) for _ in range(size // 4))


def raw_deflate(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


class Codings(Case):
    def test_from_nginx(self):
        """nginx streams it in chunks; several on one connection, each whole."""
        nginx = Nginx(self, GZIP)
        texts = {f"{size}.txt": some_text(size) for size in (10, 5000, 3_000_000)}
        urls = {nginx.add(name, text): text for name, text in texts.items()}
        done = self.fetch("--jsonl", "--compressed", "--per-host", "1", *urls)
        self.assert_each_once(done.rows, urls)
        for url, text in urls.items():
            row = done.of(url)
            self.assertEqual((row.status, row.error, row.sha256), (200, "", sha256(text)), row)
        nginx.stop()
        self.assertEqual([seen.requests for seen in nginx.seen()], [1, 2, 3])

    def test_without_the_option_a_file_is_what_the_server_has(self):
        encoded = gzip.compress(some_text(5000))
        server = encoded_bodies(self, {"x": ("gzip", encoded, None)})
        row = self.fetch("--jsonl", f"{server}/x").of(f"{server}/x")
        self.assertEqual((row.error, row.sha256), ("", sha256(encoded)))

    def test_a_file_that_grows_too_large(self):
        nginx = Nginx(self, GZIP)
        url = nginx.add("zeros.txt", bytes(200_000))   # some hundred bytes on the wire
        row = self.fetch("--jsonl", "--compressed", "--max-filesize", "100k", url).of(url)
        self.assertEqual(row.error, "too_large")
        self.assertIn("decoded", row.text)

    def test_what_python_writes(self):
        """Each body, the coding it is announced as, and what must come out (None: a failure)."""
        text = some_text(100_000)
        members = gzip.compress(text[:1000]) + gzip.compress(b"") + gzip.compress(text[1000:])
        wrong_sum = bytearray(zlib.compress(text))
        wrong_sum[-1] ^= 1
        bodies = {
            "gzip": ("gzip", gzip.compress(text), text),
            "x-gzip": ("x-gzip", gzip.compress(text, 1), text),
            "members": ("gzip", members, text),
            "zlib": ("deflate", zlib.compress(text), text),
            "raw": ("deflate", raw_deflate(text), text),
            "twice": ("deflate, gzip", gzip.compress(zlib.compress(text)), text),
            "unknown": ("zip", text, text),
            "behind": ("gzip", gzip.compress(text) + b"behind", None),
            "cut": ("gzip", gzip.compress(text)[:-9], None),
            "sum": ("deflate", bytes(wrong_sum), None),
        }
        server = encoded_bodies(self, bodies)
        urls = {name: f"{server}/{name}" for name in bodies}
        done = self.fetch("--jsonl", "--compressed", *urls.values())
        for name, (_, _, expected) in bodies.items():
            row = done.of(urls[name])
            if expected is None:
                self.assertIn(row.error, ("protocol", "incomplete"), name)
            else:
                self.assertEqual((row.error, row.sha256), ("", sha256(expected)), name)


def encoded_bodies(case, bodies):
    """The address of a server that sends them until the case ends."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            coding, body, _ = bodies[self.path[1:]]
            self.send_response(200)
            self.send_header("Content-Encoding", coding)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    case.addCleanup(server.server_close)
    case.addCleanup(server.shutdown)
    return f"http://127.0.0.1:{server.server_port}"


if __name__ == "__main__":
    main()
