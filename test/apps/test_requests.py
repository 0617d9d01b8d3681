"""What weir-fetch sends for the flags it shares with curl: the same as curl, where that is there to
ask; and what becomes of it at a redirect.
"""

import gzip
import multiprocessing.pool
import os
import re
import shutil
import subprocess

from recorder import Recorder, answer
from support import PATIENCE, SANITIZED, Case, environment, main, program, tools

# As curl reads them. {file} is a file with two lines.
FLAGS = (
    [], ["-I"], ["-X", "DELETE"], ["-X", "PUT", "-d", "x"], ["-d", "a=b"], ["-d", "a", "-d", "b"],
    ["-d", ""], ["-d", "@{file}"], ["--data-ascii", "@{file}"], ["--data-binary", "@{file}"],
    ["--data-raw", "@{file}"], ["--data-urlencode", "a=b c&d/~\u00e9+%"],
    ["--data-urlencode", "=b c"], ["--data-urlencode", "b c"], ["--data-urlencode", "a@{file}"],
    ["--data-urlencode", "@{file}"], ["-d", "a", "--data-urlencode", "b=/", "--data-raw", "@c"],
    ["-d", "{}", "-H", "Content-Type: application/json"], ["-d", "x", "-H", "Content-Type:"],
    ["--data-binary", "@{large}"], ["--data-binary", "@{large}", "-H", "Expect:"],
    ["-A", "me/1"], ["-A", ""], ["-H", "User-Agent:"], ["-H", "Accept:"], ["-H", "X-A;"],
    ["-H", "X-A: 1", "-H", "X-B:2"], ["-H", "@{headers}"], ["-H", "Host: other.example"],
    ["-H", "Accept: text/html"], ["-H", "X-Not-There:"], ["-e", "http://from.example/"],
    ["-u", "me:secret"], ["-u", "me:"], ["-u", "me:a:b"], ["--oauth2-bearer", "token"],
    ["-u", "me:secret", "-H", "Authorization: mine"], ["-u", "me:x", "-H", "Authorization:"],
    ["-r", "0-9"], ["-r", "-9"], ["-r", "5-"], ["-b", "a=b"], ["-b", "a=b; c=d"],
    ["-z", "Sun, 06 Nov 1994 08:49:37 GMT"], ["-z", "-20261122"], ["-z", "22 Nov 2026 10:00:00"],
    ["-z", "{dated}"], ["-z", "-{dated}"], ["-e", "http://x/", "-H", "Referer: y"],
    ["-G"], ["-G", "-d", "a=b"], ["--get", "-d", "a=b", "-d", "c=d"], ["-G", "-I", "-d", "a=b"],
    ["-G", "--data-urlencode", "a=b c"],
    ["-b", "a=b", "-H", "Cookie: c=d"], ["-r", "0-9", "-H", "Range: bytes=5-6"],
)


class Requests(Case):
    def setUp(self):
        super().setUp()
        self.server = Recorder(self)

    def send(self, *flags, path="x", code=0):
        """The one request that these flags make."""
        before = len(self.server.seen)
        done = self.fetch(*flags, self.server.url(path))
        self.assertEqual(done.code, code, done.err)
        self.assertEqual(len(self.server.seen), before + 1)
        return self.server.seen[-1]

    def test_the_same_as_curl(self):
        curl = shutil.which("curl")
        if not curl:
            self.skipTest("curl is not there: apt-get install curl")
        for flags in FLAGS:
            flags = [self.with_files(flag) for flag in flags]
            with self.subTest(flags=flags):
                subprocess.run([curl, "-q", "-s", "-o", os.devnull, *flags, self.server.url("x")],
                               check=True, timeout=PATIENCE, env=environment())
                theirs = self.what_counts(self.server.seen[-1])
                self.assertEqual(self.what_counts(self.send(*flags)), theirs)

    def with_files(self, flag):
        files = {"file": b"one\r\ntwo & 3\n", "large": b"x" * (1024 * 1024 + 1),
                 "headers": b"X-One: 1\nX-Two;\r\n", "dated": b""}
        for name, content in files.items():
            if "{" + name + "}" in flag:
                path = self.dir / name
                path.write_bytes(content)
                os.utime(path, (1_700_000_000, 1_700_000_000))
                return flag.replace("{" + name + "}", str(path))
        return flag

    @staticmethod
    def what_counts(request):
        """Their own names differ."""
        fields = [(name.lower(), "own" if value.startswith(("curl/", "weir/")) else value)
                  for name, value in request.fields]
        return request.line, sorted(fields), request.body

    def test_every_flag_of_curl_is_known(self):
        curl = shutil.which("curl")
        if not curl:
            self.skipTest("curl is not there: apt-get install curl")
        text = subprocess.run([curl, "--help", "all"], check=True, capture_output=True,
                              timeout=PATIENCE).stdout.decode()
        known = self.fetch("--help").out.decode()
        asked = []
        for line in text.splitlines()[1:]:
            *names, value = re.match(r" *(?:(-.), )?(--\S+) ([<\[]?)", line).groups()
            value = ["x"] if value else []
            asked += [[name, *value] for name in names
                      if name and not re.search(rf" {re.escape(name)}[ ,\n]", known)]
        self.assertGreater(len(asked), 150)
        if SANITIZED:   # slow to start, and the same code for each
            asked = asked[::8]
        with multiprocessing.pool.ThreadPool(4) as pool:
            said = pool.map(self.refusal, asked)
        unexplained = [text for words, text in zip(asked, said)
                       if not re.match(rf"weir-fetch: (.*/)?{re.escape(words[0])}[:/ ]", text)]
        self.assertEqual(unexplained, [])

    @staticmethod
    def refusal(words):
        run = subprocess.run([program("weir-fetch"), *words], capture_output=True, text=True,
                             timeout=PATIENCE, env=environment())
        return run.stderr

    def test_own_headers_may_be_left_out(self):
        got = self.send("-A", "", "-H", "Accept:")
        self.assertEqual([name for name, _ in got.fields], ["Host"])

    def test_secrets_stay_with_their_host_and_a_range_does_not(self):
        other = Recorder(self)
        self.server = Recorder(
            self, lambda request: answer(302, Location=other.url("there", "localhost")))
        self.send("-u", "me:secret", "-b", "a=b", "-e", "http://f/", "-H", "X-Mine: 1", "-r", "0-9",
                  "-z", "2026-11-22", "-A", "me/1")
        sent = {"Authorization", "Cookie", "Referer", "X-Mine", "Range", "If-Modified-Since",
                "User-Agent"}
        got, = other.seen
        kept = {"Range", "If-Modified-Since", "User-Agent"}
        for name in sent:
            self.assertEqual(len(self.server.seen[0].of(name)), 1, name)
            self.assertEqual(len(got.of(name)), 1 if name in kept else 0, name)

    def test_data_goes_where_307_leads_and_not_with_302(self):
        for status, expected in ((307, ("POST", b"a=b")), (302, ("GET", b""))):
            other = Recorder(self)
            self.server = Recorder(
                self, lambda request, s=status, o=other: answer(s, Location=o.url("there")))
            self.send("-d", "a=b")
            got, = other.seen
            self.assertEqual((got.method, got.body), expected)
            self.assertEqual(bool(got.of("Content-Type")), status == 307)

    def test_data_in_the_query_comes_behind_what_is_there(self):
        for path, target in (("x?y=z", "/x?y=z&a=b"), ("x?", "/x?a=b"), ("x#part", "/x?a=b")):
            got = self.send("-G", "-d", "a=b", path=path)
            self.assertEqual((got.line, got.body), (f"GET {target} HTTP/1.1", b""))
        done = self.fetch("-G", "-d", "a=b", self.server.url("x"))
        self.assertEqual([row.url for row in done.rows], [self.server.url("x")])   # as it was given

    def test_every_url_gets_the_data(self):
        urls = [self.server.url(f"{n}") for n in range(20)]
        self.assertEqual(self.fetch("-d", "a=b", *urls).code, 0)
        self.assertEqual([request.body for request in self.server.seen], [b"a=b"] * 20)

    def test_not_modified_stores_nothing(self):
        self.server = Recorder(self, lambda request: b"HTTP/1.1 304 x\r\n\r\n")
        pages = self.dir / "pages"
        self.send("-z", "2026-11-22", "--output-dir", pages)
        self.assertEqual(list(pages.iterdir()), [])

    def test_a_part_is_stored_as_it_comes(self):
        self.server = Recorder(
            self, lambda request: answer(206, b"01234", Content_Range="bytes 0-4/10"))
        self.send("-r", "0-4", "--output-dir", self.dir / "pages")
        self.assertEqual((self.dir / "pages/x").read_bytes(), b"01234")

    def test_remote_names_are_stored_here(self):
        self.server = Recorder(self, lambda request: answer(200, b"page"))
        process = self.start(tools.need("env"), "-C", self.dir, os.path.abspath(program("weir-fetch")),
                             "-fsSLO",
                             self.server.url("a/name.txt?b"))
        self.assertEqual(process.wait(), 0)
        self.assertEqual((self.dir / "name.txt_b").read_bytes(), b"page")

    def test_redirects_without_a_limit(self):
        def next_of(request):
            n = int(request.target[1:])
            return answer(302, Location=f"/{n - 1}") if n else answer()
        self.server = Recorder(self, next_of)
        url = self.server.url("60")
        self.assertEqual(self.fetch(url).code, 1)
        self.assertEqual(self.fetch("--max-redirs", "59", url).code, 1)
        self.assertEqual(self.fetch("--max-redirs", "-1", url).code, 0)

    def test_a_path_may_stay_as_it_is(self):
        self.assertEqual(self.send(path="a/../b").target, "/b")
        self.assertEqual(self.send("--path-as-is", path="a/../b").target, "/a/../b")

    def test_private_addresses_may_be_blocked(self):
        done = self.fetch("--block-private", self.server.url("x"))
        self.assertEqual(([row.error for row in done.rows], self.server.seen), (["blocked"], []))

    def test_a_silent_server_is_given_up(self):
        self.server = Recorder(self, lambda request: None)
        done = self.fetch("--first-byte-timeout", "0.2", self.server.url("x"))
        self.assertEqual([row.error for row in done.rows], ["timeout"])
        self.assertIn("first_byte", done.rows[0].text)

    def test_a_stalled_body_is_given_up(self):
        def begin(request):
            return answer(200, b"x" * 100)[:-50]
        self.server = Recorder(self, begin)
        done = self.fetch("-Y", "1", "-y", "0.2", self.server.url("x"))
        self.assertEqual([row.error for row in done.rows], ["timeout"])
        self.assertIn("least_speed", done.rows[0].text)

    def test_what_is_too_large_decoded(self):
        packed = gzip.compress(b"0" * 10_000)
        self.server = Recorder(self, lambda request: answer(200, packed, Content_Encoding="gzip"))
        done = self.fetch("--compressed", "--max-decoded", "100", self.server.url("x"))
        self.assertEqual([row.error for row in done.rows], ["too_large"])


if __name__ == "__main__":
    main()
