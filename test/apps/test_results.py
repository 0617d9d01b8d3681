"""weir-fetch against a real nginx: one right result for every URL, in both formats; exit codes."""

import json
import re

from faults import FaultServer
from nginx import Nginx
from support import Case, main, sha256


class Results(Case):
    def setUp(self):
        super().setUp()
        self.nginx = Nginx(self)

    def files(self, count):
        """URL -> content, of sizes from nothing to a few hundred kilobytes."""
        sizes = [0, 1, 4096, 65536, 300_000]
        contents = {}
        for number in range(count):
            data = (b"%06d " % number) * (sizes[number % len(sizes)] // 7 + 1)
            data = data[: sizes[number % len(sizes)]]
            contents[self.nginx.add(f"d{number % 3}/f{number}", data)] = data
        return contents

    def test_every_url_gets_one_line(self):
        contents = self.files(50)
        done = self.fetch(*contents)
        self.assertEqual(done.code, 0, done.err)
        self.assert_each_once(done.rows, contents)
        for row in done.rows:
            self.assertEqual((row.status, row.error, row.bytes), (200, "", len(contents[row.url])))
            self.assertGreaterEqual(row.seconds, 0)
            self.assertEqual(row.text, "")

    def test_json_lines_hold_the_right_sums(self):
        contents = self.files(50)
        done = self.fetch("--jsonl", *contents)
        self.assertEqual(done.code, 0, done.err)
        self.assert_each_once(done.rows, contents)
        for row in done.rows:
            self.assertEqual((row.status, row.error, row.bytes), (200, "", len(contents[row.url])))
            self.assertEqual(row.sha256, sha256(contents[row.url]), row.url)
            self.assertEqual(row.final_url, row.url)
            self.assertTrue(row.timings)

    def test_a_record_says_all_there_is_to_say(self):
        url = self.nginx.add("page.txt", b"hello")
        done = self.fetch("--jsonl", url, self.nginx.url("not-there"), "http://127.0.0.1:1/")
        good, missing, refused = sorted(map(json.loads, done.out.splitlines()),
                                        key=lambda record: record["argument"])
        self.assertEqual(list(good), list(missing))
        self.assertEqual(list(good), list(refused))
        wanted = {"id": None, "line": None, "argument": 1, "url": url, "final_url": url,
                  "status": 200, "http_version": "1.1", "content_type": "application/octet-stream",
                  "content_encoding": None, "error": None, "address": url.split("/")[2],
                  "attempts": 1, "bytes": 5, "wire_bytes": 5, "sha256": sha256(b"hello"),
                  "file": None, "redirects": 0}
        self.assertEqual({name: good[name] for name in wanted}, wanted)
        self.assertEqual(list(good["timings"]),
                         ["queued", "dns", "connect", "tls", "first_byte", "total"])
        self.assertEqual({len(part) for part in re.findall(rb"\d\.(\d+)[,}]", done.out)}, {6})
        self.assertEqual((missing["status"], missing["error"]["class"]), (404, "http"))
        self.assertEqual((refused["status"], refused["error"]["class"], refused["error"]["phase"]),
                         (None, "connect", "connect"))
        self.assertEqual(refused["address"], "127.0.0.1:1")

    def test_bodies_are_not_hashed_when_nobody_wants_it(self):
        done = self.fetch("--jsonl", "--no-hash", self.nginx.add("page", b"hello"))
        self.assertEqual((done.code, done.rows[0].sha256), (0, None))

    def test_flags_that_curl_means_otherwise_are_refused(self):
        good = self.nginx.add("good", b"good")
        for flag, instead in (("--json", "--jsonl"), ("-q", "--silent"), ("--quiet", "--silent")):
            done = self.fetch(flag, good)
            self.assertEqual((done.code, done.out), (2, b""))
            self.assertIn(instead, done.err)
        self.assertEqual(self.fetch("-s", good).err, "")

    def test_a_missing_page_fails_alone(self):
        contents = self.files(5)
        missing = self.nginx.url("not-there")
        for options in ([], ["--jsonl"]):
            done = self.fetch(*options, missing, *contents)
            self.assertEqual(done.code, 1)
            self.assert_each_once(done.rows, [missing, *contents])
            self.assertEqual((done.of(missing).status, done.of(missing).error), (404, "http"))
            for url in contents:
                self.assertEqual((done.of(url).status, done.of(url).error), (200, ""))

    def test_the_exit_code_does_not_depend_on_the_order(self):
        good, missing = self.nginx.add("good", b"good"), self.nginx.url("not-there")
        for urls in ([good, missing], [missing, good], [missing, "ftp://bad/", good], [missing]):
            self.assertEqual(self.fetch("-j", "1", *urls).code, 1, urls)
        self.assertEqual(self.fetch(good).code, 0)

    def test_wrong_usage_is_2_and_fetches_nothing(self):
        good = self.nginx.add("good", b"good")
        for wrong in ([], ["--nonsense", good], ["-j", "0", good], ["-j", "many", good],
                      ["-j", "-1", good], ["--per-host", "0", good], ["-m", "-1", good],
                      ["-m", "soon", good],
                      ["--input-file", self.dir / "not-there"], ["--input-file", self.dir],
                      ["--output-dir", "/proc/not/there", good]):
            done = self.fetch(*wrong)
            self.assertEqual((done.code, done.out), (2, b""), wrong)
            self.assertNotEqual(done.err, "", wrong)
        self.assertEqual(self.nginx.seen(), [])

    def test_help_goes_to_stdout(self):
        done = self.fetch("--help")
        self.assertEqual(done.code, 0)
        for option in (b"--jobs", b"--per-host", b"--input-file", b"--output-dir", b"--jsonl"):
            self.assertIn(option, done.out)

    def test_the_same_url_twice_is_two_results(self):
        url = self.nginx.add("twice", b"twice")
        done = self.fetch(url, url)
        self.assertEqual(done.code, 0)
        self.assert_each_once(done.rows, [url, url])

    def test_connections_are_used_again(self):
        contents = self.files(60)
        self.assertEqual(self.fetch("-j", "3", "--per-host", "3", *contents).code, 0)
        seen = self.nginx.seen()
        self.assertEqual(len(seen), 60)
        self.assertLessEqual(len({each.connection for each in seen}), 3)

    def test_a_server_that_ends_keep_alive_costs_no_result(self):
        self.nginx = Nginx(self, keepalive_requests=7)
        contents = self.files(100)
        done = self.fetch("-j", "4", "--per-host", "4", *contents)
        self.assertEqual(done.code, 0, done.out)
        self.assert_each_once(done.rows, contents)

    def test_progress_is_for_terminals_only(self):
        contents = self.files(20)
        done = self.fetch(*contents)
        self.assertNotIn("\r", done.err)
        self.assertNotIn("\x1b", done.err)

    def test_the_summary_is_on_stderr(self):
        contents = self.files(20)
        done = self.fetch(*contents, self.nginx.url("not-there"))
        self.assertIn("21 URLs: 20 x 2xx, 1 x 4xx", done.err)

    def test_every_error_status_is_a_failure_and_no_other(self):
        server = FaultServer(self)
        codes = (200, 201, 203, 400, 404, 410, 500, 503, 599)
        urls = {code: server.url(f"status/{code}/x") for code in codes}
        done = self.fetch("--jsonl", *urls.values())
        self.assertEqual(done.code, 1)
        for code, url in urls.items():
            expected = (code, "http" if code >= 400 else "")
            self.assertEqual((done.of(url).status, done.of(url).error), expected)


if __name__ == "__main__":
    main()
