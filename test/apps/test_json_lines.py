"""Lines that are JSON objects: what each sends, where its body goes, and what is wrong with it."""

import json
import pathlib
import signal

from recorder import Recorder, answer
from support import Case, main, wait_until

PART = 100_000


class JsonLines(Case):
    def setUp(self):
        super().setUp()
        self.replies = {}   # of paths
        self.server = Recorder(self, lambda request: self.reply(request))

    def reply(self, request):
        made = self.replies.get(request.target, answer(200, b"body of " + request.target.encode()))
        return made(request) if callable(made) else made

    def line(self, path, **members):
        return json.dumps({"url": self.server.url(path), **members})

    def run_lines(self, *args, lines, **options):
        done = self.fetch("--jsonl", *args, "--input-file", "-", input=lines, **options)
        self.results = sorted(map(json.loads, done.out.splitlines()), key=lambda each: each["line"])
        self.assertEqual([each["line"] for each in self.results], list(range(1, len(lines) + 1)), done.err)
        return done

    def seen(self, path):
        """The one request for it."""
        found = [each for each in self.server.seen if each.target == "/" + path]
        self.assertEqual(len(found), 1, path)
        return found[0]

    def test_each_line_says_what_is_sent(self):
        lines = [self.line("plain"), self.server.url("text"), self.line("put", method="PUT", body="a\u00e9\n"),
                 self.line("post", body="{}"), self.line("empty", body=""),
                 self.line("del", method="DELETE", id="x"),
                 self.line("fields", headers={"X-A": "1", "X-B": ["2", "3"], "Accept": None}),
                 self.line("agent", headers={"user-agent": "me", "Host": "other.example"})]
        done = self.run_lines(lines=lines)
        self.assertEqual(done.code, 0, done.out)
        for path in ("plain", "text", "fields", "agent"):
            self.assertEqual((self.seen(path).method, self.seen(path).body), ("GET", b""))
        put, post = self.seen("put"), self.seen("post")
        self.assertEqual((put.method, put.body), ("PUT", "a\u00e9\n".encode()))
        self.assertEqual((post.method, post.body, post.of("Content-Type")), ("POST", b"{}", []))
        self.assertEqual((self.seen("empty").method, self.seen("empty").of("Content-Length")), ("POST", ["0"]))
        self.assertEqual(self.seen("del").method, "DELETE")
        fields = self.seen("fields")
        self.assertEqual((fields.of("X-A"), fields.of("X-B"), fields.of("Accept")), (["1"], ["2", "3"], []))
        self.assertEqual(self.seen("plain").of("Accept"), ["*/*"])
        self.assertEqual(self.seen("agent").of("User-Agent"), ["me"])
        self.assertEqual(self.seen("agent").of("Host"), ["other.example"])

    def test_a_line_goes_before_the_command_line(self):
        lines = [self.line("all"), self.line("own", method="PUT", body="mine", headers={"x-a": "2"}),
                 self.line("body", body="mine"), self.line("none", headers={"X-A": None})]
        self.run_lines("-X", "PATCH", "-d", "data", "-H", "X-A: 1", "-H", "X-B: 1", lines=lines)
        form = ["application/x-www-form-urlencoded"]
        for path, method, body, a, kind in (("all", "PATCH", b"data", ["1"], form), ("own", "PUT", b"mine", ["2"], []),
                                            ("body", "PATCH", b"mine", ["1"], []), ("none", "PATCH", b"data", [], form)):
            one = self.seen(path)
            self.assertEqual((one.method, one.body, one.of("X-A"), one.of("X-B"), one.of("Content-Type")),
                             (method, body, a, ["1"], kind), path)

    def test_a_line_that_is_wrong_is_one_failure_that_names_it(self):
        bad = [{"method": "A B"}, {"method": "CONNECT"}, {"method": 7}, {"headers": {"A": 1}}, {"headers": []},
               {"headers": {"A": "b\r\nX: y"}}, {"headers": {"Transfer-Encoding": "chunked"}}, {"headers": {"A\0": "b"}},
               {"body": {}}, {"output": "../x"}, {"output": "/x"}, {"output": "a/"}, {"output": "a\0b"}, {"nonsense": 1}]
        lines = [self.line(f"good{n}") if n % 2 == 0 else self.line("bad", **bad[n // 2])
                 for n in range(2 * len(bad))]
        done = self.run_lines("--output-dir", self.dir / "out", lines=lines)
        self.assertEqual(done.code, 1)
        for number, result in enumerate(self.results):
            if number % 2 == 0:
                self.assertIsNone(result["error"])
                continue
            self.assertEqual(result["error"]["class"], "bad_url", lines[number])
            text, key = result["error"]["text"], next(iter(bad[number // 2]))
            self.assertTrue(text.startswith(f'line {number + 1}: "{key}"'), text)
        self.assertEqual({each.target for each in self.server.seen}, {f"/good{2 * n}" for n in range(len(bad))})

    def test_a_line_that_does_not_go_with_the_flags(self):
        lines = [self.line("a", body="x"), self.line("b")]
        self.run_lines("-I", lines=lines)
        self.assertIn("--head exclude", self.results[0]["error"]["text"])
        self.assertIsNone(self.results[1]["error"])

    def test_bodies_get_the_names_of_their_lines(self):
        out = self.dir / "out"
        lines = [self.line("1", output="a b.html"), self.line("2", output="x/y/z"), self.line("3"),
                 self.line("4", output="a b.html", method="POST"), self.line("5", method="HEAD", output="head")]
        self.replies["/5"] = b"HTTP/1.1 200 x\r\nContent-Length: 7\r\n\r\n"
        done = self.run_lines("-j", "1", "--sync", "--results", self.dir / "r", "--output-dir", out, lines=lines)
        self.assertEqual(done.code, 0)
        stored = {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}
        first, again = self.results[0]["file"], self.results[3]["file"]
        self.assertEqual({first, again}, {"a b.html", "a b.html.1"})
        self.assertEqual(stored, {first: b"body of /1", again: b"body of /4", "x/y/z": b"body of /2", "3": b"body of /3"})
        self.assertEqual([each["file"] for each in self.results], [first, "x/y/z", "3", again, None])

    def test_without_a_folder_they_are_in_the_working_directory(self):
        here = self.folder("here")
        (here / "a").write_bytes(b"before")
        lines = [self.line("1", output="a"), self.line("2", output="x/y"), self.line("3")]
        done = self.run_lines(lines=lines, cwd=here)
        self.assertEqual(done.code, 0)
        self.assertEqual([each["file"] for each in self.results], ["a.1", "x/y", None])
        self.assertEqual((here / "a").read_bytes(), b"before")   # it is never replaced
        self.assertEqual((here / "a.1").read_bytes(), b"body of /1")
        self.assertEqual((here / "x/y").read_bytes(), b"body of /2")
        self.assertEqual(sorted(path.name for path in here.iterdir()), ["a", "a.1", "x"])

    def test_one_that_cannot_be_stored_says_which(self):
        here = self.folder("here")
        (here / "a").write_bytes(b"a file")
        (here / "out").mkdir()
        (here / "out/a").write_bytes(b"a file")
        for flags, file in (([], "a/b"), (["--output-dir", "out"], "out/a/b")):
            with self.subTest(flags=flags):
                self.run_lines(*flags, lines=[self.line("1", output="a/b")], cwd=here)
                self.assertEqual(self.results[-1]["error"]["text"],
                                 f"the body could not be stored in {file}: Not a directory")

    def test_one_that_is_stored_is_not_printed(self):
        lines = [self.line("1"), self.line("2", output="two"), self.line("3")]
        done = self.fetch("-o", "-", "--input-file", "-", input=lines, cwd=self.dir)
        self.assertEqual((done.code, done.out), (0, b"body of /1body of /3"))
        self.assertEqual((self.dir / "two").read_bytes(), b"body of /2")
        done = self.fetch("-o", self.dir / "one", self.line("4", output="four"), cwd=self.dir)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual((self.dir / "four").read_bytes(), b"body of /4")
        self.assertFalse((self.dir / "one").exists())

    def test_one_that_is_there_is_skipped(self):
        out = self.folder("out")
        (out / "x").mkdir()
        (out / "x/y").write_bytes(b"before")
        self.run_lines("--skip-existing", "--output-dir", out,
                       lines=[self.line("1", output="x/y"), self.line("2", output="x/z")])
        self.assertEqual([each["skipped"] for each in self.results], [True, False])
        self.assertEqual([each["file"] for each in self.results], ["x/y", "x/z"])
        self.assertEqual([each.target for each in self.server.seen], ["/2"])

    def test_the_name_of_the_line_goes_before_that_of_the_answer(self):
        self.replies["/1"] = answer(200, b"x", Content_Disposition="attachment; filename=theirs")
        self.run_lines("-J", "--output-dir", self.dir / "out", lines=[self.line("1", output="mine")])
        self.assertEqual(self.results[0]["file"], "mine")

    def test_duplicates_are_those_that_send_the_same(self):
        lines = [self.line("a"), self.line("a", method="PUT"), self.line("a", body="1"), self.line("a", body="2"),
                 self.line("a", headers={"X": "1"}), self.line("a", headers={"x": "1"}), self.line("a", body="1", id=7),
                 self.line("a", method="GET")]
        self.run_lines("--dedupe", lines=lines)
        self.assertEqual([(each["duplicate_of"] or {}).get("line") for each in self.results],
                         [None, None, None, None, None, 5, 3, 1])
        self.assertEqual(len(self.server.seen), 5)

    def test_a_run_goes_on_and_what_remains_is_the_text_of_the_line(self):
        lines = ["# list", self.line("a", body="1"), self.line("b", method="PUT", body="2", headers={"X": "y"}, output="b2")]
        file, rest, out = self.dir / "results", self.dir / "rest", self.dir / "out"
        args = ("-s", "--results", file, "--resume", "--output-dir", out, "--input-file", "-")
        self.replies["/b"] = answer(500)
        self.assertEqual(self.fetch(*args, input=lines).code, 1)
        del self.replies["/b"]
        self.assertEqual(self.fetch(*args, input=lines).code, 0)
        self.assertEqual([(each.target, each.method, each.body) for each in self.server.seen],
                         [("/a", "POST", b"1"), ("/b", "PUT", b"2"), ("/b", "PUT", b"2")])
        self.assertEqual((out / "b2").read_bytes(), b"body of /b")
        # The same URL with another body is another line.
        done = self.fetch(*args, input=[lines[0], self.line("a", body="other"), lines[2]])
        self.assertEqual(done.code, 2)
        self.assertIn("line 2", done.err)
        self.replies["/a"] = lambda request: None
        before = len(self.server.seen)
        process = self.start_fetch("-s", "-j", "1", "--remaining", rest, "--drain-timeout", "0.001", *lines[1:],
                                   cwd=self.dir)
        wait_until(lambda: len(self.server.seen) == before + 1, "the first is asked for")
        process.signal(signal.SIGINT)
        process.wait()
        self.assertEqual(sorted(rest.read_text().splitlines()), sorted(lines[1:]))

    def test_redirects_and_attempts(self):
        other = Recorder(self)
        self.replies["/see"] = answer(303, Location="/seen")
        self.replies["/same"] = answer(307, Location="/kept")
        self.replies["/away"] = answer(307, Location=other.url("kept", host="localhost"))
        tries = []
        self.replies["/busy"] = lambda request: tries.append(request) or answer(503 if len(tries) == 1 else 200)
        own = {"method": "PUT", "body": "x", "headers": {"X-Key": "secret", "Accept": "text/html"}}
        lines = [self.line("see", body="x"), self.line("same", **own), self.line("away", **own), self.line("busy", **own),
                 self.line("post", body="x")]
        self.replies["/post"] = answer(503)
        done = self.run_lines("--retry", "1", "--no-adapt-rate", lines=lines)
        self.assertEqual([each["status"] for each in self.results], [200, 200, 200, 200, 503], done.out)
        self.assertEqual((self.seen("seen").method, self.seen("seen").body), ("GET", b""))
        kept, away = self.seen("kept"), other.seen[0]
        self.assertEqual((kept.method, kept.body, kept.of("X-Key")), ("PUT", b"x", ["secret"]))
        self.assertEqual((away.method, away.body, away.of("X-Key"), away.of("Accept")),
                         ("PUT", b"x", [], ["text/html"]))
        self.assertEqual([(each.method, each.body) for each in tries], [("PUT", b"x")] * 2)

    def test_what_is_sent_is_shown(self):
        done = self.fetch("-v", "-D", self.dir / "heads", self.line("a", method="PUT", headers={"X-A": "1"}))
        self.assertIn("> PUT /a HTTP/1.1", done.err)
        self.assertIn("> X-A: 1", done.err)
        self.assertIn("HTTP/1.1 200 x", (self.dir / "heads").read_text())

    def test_the_rest_of_a_body_goes_into_the_file_of_its_line(self):
        whole = bytes(range(256)) * (2 * PART // 256)
        asked = []

        def reply(request):
            asked.append((request.method, request.of("Range"), request.of("If-Range")))
            head = f"ETag: \"v1\"\r\nContent-Length: {len(whole)}\r\n\r\n".encode()
            first = request.of("Range")
            if not first:
                if request.method == "GET":
                    return b"HTTP/1.1 200 x\r\n" + head + whole[:PART]
                return b"HTTP/1.1 200 x\r\n" + head + whole
            at = int(first[0].removeprefix("bytes=").removesuffix("-"))
            return answer(206, whole[at:], ETag='"v1"', Content_Range=f"bytes {at}-{len(whole) - 1}/{len(whole)}")

        self.replies["/a"] = reply
        file, out = self.dir / "results", self.dir / "out"
        args = ("--results", file, "--resume", "--output-dir", out, "--input-file")
        lines = self.dir / "lines"
        lines.write_text(self.line("a", output="x/one") + "\n")
        process = self.start_fetch(*args, lines)
        part = out / "x/one.part"
        wait_until(lambda: part.exists() and part.stat().st_size == PART, "the beginning is there")
        process.kill()
        process.wait()
        # Neither another request for this URL nor another name takes it.
        lines.write_text(lines.read_text() + self.line("a", method="POST", output="two") + "\n")
        done = self.fetch("--jsonl", *args, lines)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual((out / "x/one").read_bytes(), whole)
        self.assertEqual((out / "two").read_bytes(), whole)
        self.assertEqual(sorted(asked[1:]), [("GET", [f"bytes={PART}-"], ['"v1"']), ("POST", [], [])])
        self.assertEqual(list(pathlib.Path(out).rglob("*.part")), [])


if __name__ == "__main__":
    main()
