"""What is shown of single exchanges, how fast bodies come, and which schemes are used: as curl does
it, where that is there to ask.
"""

import base64
import json
import os
import re
import shutil
import subprocess

from recorder import Recorder, answer
from support import PATIENCE, Case, environment, main

CLEAR = "\x1b[2J"


def reply(request):
    path = request.target
    if path == "/moved":
        return answer(302, b"old", Location="/there", X_Odd="  a  b ")
    if path == "/secure":
        return answer(302, Location="https://127.0.0.1:1/")
    if path == "/early":
        return b"HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n" + answer(200, b"body")
    if path == "/none":
        return answer(404, b"not here")
    if path == "/harmful":
        return answer(200, b"body", X_Text=CLEAR)
    if path.startswith("/large"):
        return answer(200, b"x" * 60_000)
    return answer(200, b"body", Set_Cookie="a=b")


class Exchanges(Case):
    def setUp(self):
        super().setUp()
        self.server = Recorder(self, reply)

    def curl(self, *args, output=os.devnull):
        curl = shutil.which("curl")
        if not curl:
            self.skipTest("curl is not there: apt-get install curl")
        return subprocess.run([curl, "-q", "-sL", "-o", output, *args], capture_output=True,
                              timeout=PATIENCE, env=environment())

    # --verbose

    @staticmethod
    def marked(text, marks="<>"):
        """The lines with these marks. The names of the programs differ."""
        lines = [line.rstrip("\r") for line in text.split("\n") if line[:1] in set(marks)]
        return [re.sub(r"(?<=^> User-Agent: ).*", "own", line) for line in lines]

    def test_verbose_shows_what_curl_shows(self):
        for path in ("x", "moved", "none"):
            with self.subTest(path=path):
                theirs = self.curl("-v", self.server.url(path)).stderr.decode()
                ours = self.fetch("-s", "-v", self.server.url(path)).err
                self.assertEqual(self.marked(ours), self.marked(theirs))

    def test_verbose_tells_of_connections(self):
        done = self.fetch("-v", self.server.url("moved"))
        address = f"127.0.0.1:{self.server.port}"
        self.assertEqual(self.marked(done.err, "*"), [
            f"* connected to {address}", f"* redirected to {self.server.url('there')}",
            f"* the connection is kept, to {address}"])
        done = self.fetch("--verbose", "http://127.0.0.1:1/")
        self.assertIn("* cannot connect to 127.0.0.1:1: Connection refused\n", done.err)

    def test_verbose_shows_no_secret(self):
        url = self.server.url("x").replace("http://", "http://me:hidden@")
        flags = ("-b", "a=hidden", "-H", "Proxy-Authorization: hidden")
        for urls in ((url,), (url, self.server.url("y"))):
            done = self.fetch("-v", *flags, *urls)
            self.assertNotIn("hidden", done.err)
            self.assertNotIn(base64.b64encode(b"me:hidden").decode(), done.err)
            for name in ("Authorization", "Cookie", "Proxy-Authorization"):
                self.assertRegex(done.err, rf"(?m)^> (\[.*\] )?{name}: \(not shown\)$")

    def test_verbose_shows_nothing_that_a_terminal_obeys(self):
        done = self.fetch("-v", self.server.url("harmful"))
        self.assertNotIn(CLEAR, done.err)
        self.assertIn("< X-Text: \\x1B[2J\n", done.err)

    def test_of_many_urls_each_line_names_its_own(self):
        urls = [self.server.url(str(number)) for number in range(3)]
        done = self.fetch("-s", "-v", "--input-file", "-", input=urls)
        lines = done.err.splitlines()
        for url in urls:
            self.assertIn(f"> [{url}] GET {url[url.rindex('/'):]} HTTP/1.1", lines)
            self.assertIn(f"< [{url}] HTTP/1.1 200 x", lines)
        for line in lines:
            self.assertRegex(line, r"^[<>*] \[http://127.*\] ")

    # --dump-header

    def test_headers_are_dumped_as_curl_dumps_them(self):
        for path in ("x", "moved", "none", "early"):
            with self.subTest(path=path):
                theirs, ours = self.dir / "theirs", self.dir / "ours"
                self.curl("-D", theirs, self.server.url(path))
                self.fetch("-D", ours, self.server.url(path))
                self.assertEqual(ours.read_bytes(), theirs.read_bytes())
                self.assertTrue(ours.read_bytes().endswith(b"\r\n\r\n"))

    def test_headers_on_standard_output_stand_before_the_body(self):
        done = self.fetch("-s", "--dump-header", "-", "-o", "-", self.server.url("x"))
        theirs = self.curl("-D", "-", self.server.url("x"), output="-")
        self.assertEqual(done.out, theirs.stdout)

    def test_headers_of_many_urls_are_refused(self):
        file = self.dir / "headers"
        for args in (["-D", file, self.server.url("x"), self.server.url("y")],
                     ["-D", file, "--input-file", "-"]):
            done = self.fetch(*args, input="")
            self.assertEqual(done.code, 2)
            self.assertIn("--dump-header is for one URL", done.err)
        self.assertFalse(file.exists())

    def test_a_file_for_headers_that_cannot_be_used(self):
        done = self.fetch("-D", self.dir / "no" / "file", self.server.url("x"))
        self.assertEqual((done.code, self.server.seen), (2, []))
        self.assertIn("cannot use --dump-header", done.err)
        done = self.fetch("-D", "/dev/full", self.server.url("x"))
        self.assertEqual(done.code, 5)
        self.assertIn("cannot write the headers to /dev/full: No space left", done.err)
        file = self.dir / "same"
        done = self.fetch("-D", file, "-o", file, self.server.url("x"))
        self.assertIn("name the same file", done.err)

    # --limit-rate: only that it is not faster can be said on any machine.

    def test_a_body_comes_no_faster_than_its_limit(self):
        args = ("-s", "--jsonl", "-Y", "1000000", "-y", "1", self.server.url("large"))
        done = self.fetch("--limit-rate", "40000", *args)   # which is too slow for a server
        row, = done.rows
        self.assertEqual((row.error, row.bytes), ("", 60_000))
        self.assertGreaterEqual(row.timings["total"], 1.2)

    def test_all_bodies_together_come_no_faster_than_their_limit(self):
        urls = [self.server.url(f"large{number}") for number in range(3)]
        done = self.fetch("-s", "--limit-rate-total", "120k", *urls)
        self.assertEqual([row.bytes for row in done.rows], [60_000] * 3)
        self.assertGreaterEqual(done.seconds, 1.2)

    def test_rates_that_curl_refuses_are_refused(self):
        for rate in ("10t", "1.5M", "-5", "10kk", "10kb", "", "k", "9999999999999G"):
            with self.subTest(rate=rate):
                self.assertNotEqual(self.curl("--limit-rate", rate, self.server.url()).returncode, 0)
                done = self.fetch(f"--limit-rate={rate}", self.server.url())
                self.assertEqual(done.code, 2)
        for rate in ("10B", "200k", "1M", "2G", "0"):
            with self.subTest(rate=rate):
                self.assertEqual(self.curl("--limit-rate", rate, self.server.url()).returncode, 0)
                self.assertEqual(self.fetch("--limit-rate", rate, self.server.url()).code, 0)

    # --proto, --proto-redir

    def test_schemes_that_are_not_allowed_are_not_used(self):
        for flags in (["--proto", "=https"], ["--proto", "-all,https"], ["--proto", "-http"],
                      ["--proto", "=ftp"]):
            with self.subTest(flags=flags):
                self.assertNotEqual(self.curl(*flags, self.server.url()).returncode, 0)
                row, = self.fetch(*flags, self.server.url()).rows
                self.assertEqual((row.error, self.server.seen), ("bad_url", []))
                self.assertIn("--proto does not allow http", row.text)
        self.assertEqual(self.fetch("--proto", "+http", self.server.url()).code, 0)

    def test_a_url_without_a_scheme_has_the_default(self):
        plain = f"127.0.0.1:{self.server.port}/x"
        lines = [plain, "http://" + plain, json.dumps({"url": plain, "method": "PUT"}), "//" + plain]
        for scheme, codes in (("https", ["bad_url", "200", "bad_url", "bad_url"]), ("HTTP", ["200"] * 4)):
            with self.subTest(scheme=scheme):
                done = self.fetch("--ordered", "--proto", "=http", "--proto-default", scheme,
                                  "--input-file", "-", input=lines)
                rows = [line.split("\t") for line in done.out.decode().splitlines()]
                self.assertEqual([row[0] for row in rows], codes)
                if codes[0] == "bad_url":
                    for row in (rows[0], rows[3]):
                        self.assertIn(f"https://{plain} is not asked for", row[4])

    def test_a_redirect_to_a_scheme_that_is_not_allowed_is_a_failure(self):
        for flags in (["--proto-redir", "=http"], ["--proto", "=http"],
                      ["--proto-redir", "=https", "--proto", "=http"]):
            with self.subTest(flags=flags):
                # 1: unsupported protocol
                self.assertEqual(self.curl(*flags, self.server.url("secure")).returncode, 1)
                row, = self.fetch("--jsonl", *flags, self.server.url("secure")).rows
                self.assertEqual((row.status, row.error), (302, "redirect"))
                self.assertIn(f"https://127.0.0.1:1/ is not asked for: {flags[-2]} does", row.text)
        row, = self.fetch("--proto-redir", "=https", self.server.url("moved")).rows
        self.assertEqual(row.error, "redirect")

    def test_a_scheme_that_there_is_not_is_told(self):
        theirs = self.curl("-S", "--proto", "gopherx,http", self.server.url())
        done = self.fetch("--proto", "gopherx,http", self.server.url())
        self.assertEqual((done.code, theirs.returncode), (0, 0))
        self.assertIn("--proto: there is http and https, and no protocol 'gopherx'", done.err)
        self.assertNotIn("gopherx", self.fetch("-s", "--proto", "gopherx", self.server.url()).err)


if __name__ == "__main__":
    main()
