"""Where URLs come from: arguments, files, a pipe that never ends; and what is not a URL."""

import json
import os
import subprocess
import threading

from faults import FaultServer
from nginx import Nginx
from support import SANITIZED, Case, main, parse_line, parse_rows, wait_until


class Input(Case):
    def setUp(self):
        super().setUp()
        self.server = FaultServer(self)

    def urls(self, count):
        return [self.server.url(f"ok/{number}") for number in range(count)]

    def test_from_a_file_and_from_standard_input(self):
        urls = self.urls(40)
        file = self.dir / "urls"
        file.write_text("".join(url + "\n" for url in urls))
        for done in (self.fetch("--input-file", file), self.fetch("--input-file", "-", input=urls)):
            self.assertEqual(done.code, 0, done.err)
            self.assert_each_once(done.rows, urls)

    def test_a_last_line_without_an_end_counts(self):
        urls = self.urls(3)
        done = self.fetch("--input-file", "-", input="\n".join(urls))
        self.assert_each_once(done.rows, urls)

    def test_windows_lines_and_blank_ones(self):
        urls = self.urls(3)
        done = self.fetch("--input-file", "-", input="\r\n\n  \n".join(urls) + "\r\n\r\n")
        self.assertEqual(done.code, 0, done.out)
        self.assert_each_once(done.rows, urls)

    def test_no_blank_glues_two_urls(self):
        urls = self.urls(3)
        for blank in ("\r", "\v", "\f", "\u00a0", "\u2028"):
            done = self.fetch("--input-file", "-", input=blank.join(urls) + blank)
            self.assertEqual(done.code, 1, done.out)
            self.assertEqual([row.error for row in done.rows], ["bad_url"])
            self.assertIn("there are two URLs", done.rows[0].text)
            self.assertEqual(blank == "\r", "lines end in LF or CRLF" in done.rows[0].text)
        self.assertEqual(self.server.asked, [])
        done = self.fetch(f" {urls[0]} ")
        self.assertEqual([(row.url, row.status) for row in done.rows], [(urls[0], 200)])

    def test_a_list_that_is_given_as_a_url_is_told(self):
        home = self.folder("lists")
        (home / "localhost").write_text(self.server.url("ok/x") + "\n")
        done = self.fetch("--connect-timeout", 1, "localhost", cwd=home)
        self.assertIn("localhost is a file here", done.err)
        self.assertIn("--input-file localhost", done.err)
        done = self.fetch("--input-file", "localhost", cwd=home)
        self.assertEqual((done.code, "is a file here" in done.err), (0, False))

    def test_a_folder_for_spilled_urls_is_looked_at_before(self):
        done = self.fetch("--spill-dir", self.dir / "none", self.server.url("ok/x"))
        self.assertEqual(done.code, 2)
        self.assertIn("--spill-dir", done.err)
        self.assertIn("No such file or directory", done.err)
        self.assertEqual(self.server.asked, [])

    def test_empty_input_is_all_well(self):
        done = self.fetch("--input-file", "-", input="")
        self.assertEqual((done.code, done.out), (0, b""))

    def test_a_url_is_fetched_before_the_next_one_is_there(self):
        process = self.start_fetch("--input-file", "-", stdin=subprocess.PIPE)
        for number, url in enumerate(self.urls(5)):
            process.stdin.write(f"{url}\n".encode())
            process.stdin.flush()
            lines = process.wait_for_lines(number + 1)
            self.assertEqual(parse_line(lines[-1].decode()).url, url)
        self.assertTrue(process.running)
        process.stdin.close()
        self.assertEqual(process.wait(), 0)

    def test_a_line_in_two_pieces_is_one_line(self):
        process = self.start_fetch("--input-file", "-", stdin=subprocess.PIPE)
        first, second = self.urls(2)
        process.stdin.write(f"{first}\n{second[:-4]}".encode())
        process.stdin.flush()
        process.wait_for_lines(1)
        process.stdin.write(f"{second[-4:]}\n".encode())
        process.stdin.close()
        process.wait()
        self.assert_each_once(parse_rows(process.out), [first, second])

    def test_what_is_not_a_url_is_one_failed_result(self):
        good = self.urls(3)
        bad = ["ftp://127.0.0.1/x", "http://", "///x", "http://[::1", "http://%zz/",
               "http://127.0.0.1:99999/", "http://127.0.0.1:port/", "://", "http://a b/",
               "mailto:me@example.org"]
        urls = [good[0], *bad[:5], good[1], *bad[5:], good[2]]
        for form in ([], ["--jsonl"]):
            done = self.fetch(*form, "--input-file", "-", input=urls)
            self.assertEqual(done.code, 1, done.err)
            self.assert_each_once(done.rows, urls)
            for url in bad:
                row = done.of(url)
                self.assertEqual((row.error, row.status, row.bytes), ("bad_url", None, 0), row)
                self.assertNotEqual(row.text, "")
            for url in good:
                self.assertEqual(done.of(url).status, 200)

    def test_what_people_write_in_urls_is_encoded(self):
        url = self.server.url("ok/a b|c/ü?q=[1]")
        done = self.fetch("--jsonl", "--input-file", "-", input=[url])
        self.assertEqual(done.code, 0, done.out)
        self.assertEqual(done.of(url).status, 200)
        self.assertEqual(self.server.asked, ["/ok/a%20b|c/%C3%BC?q=[1]"])

    def test_a_line_without_end_is_one_failed_result(self):
        good = self.urls(2)
        done = self.fetch("--input-file", "-",
                          input=f"{good[0]}\nhttp://127.0.0.1/{'x' * 3_000_000}\n{good[1]}\n")
        self.assertEqual(done.code, 1)
        rows = done.rows
        self.assertEqual(len(rows), 3)
        self.assertEqual(sorted(row.error for row in rows), ["", "", "bad_url"])

    def test_no_byte_of_the_input_does_harm(self):
        all_bytes = [bytes([byte]) for byte in range(256) if byte not in b"\0\r\n"]
        lines = [byte * 3 for byte in all_bytes]
        lines += [b"http://127.0.0.1:1/" + byte for byte in all_bytes]
        blank = {b"   ", b"\t\t\t", b"\v\v\v", b"\f\f\f"}
        expected = [line for line in lines if line not in blank]
        for form in ([], ["--jsonl"]):
            data = b"".join(line + b"\n" for line in lines)
            done = self.fetch(*form, "--input-file", "-", input=data)
            self.assertEqual(done.code, 1, done.err)
            self.assertIn(len(done.rows) - len(expected), range(3))   # or blank ones are bad URLs

    def test_what_is_no_text_stops_at_once(self):
        url = self.server.url("ok/x")
        for data, why in ((b"%s\nx\0y\n%s\n" % (url.encode(), url.encode()), "line 2 holds a NUL"),
                          (url.encode("utf-16"), "UTF-16"), (url.encode("utf-16-be"), "NUL"),
                          (b"\x1f\x8b\x08\0\0", "gzip -dc")):
            done = self.fetch("--input-file", "-", input=data)
            self.assertEqual(done.code, 2)
            self.assertIn(why, done.err)
            self.assertIn(self.server.asked, ([], ["/ok/x"]))

    def test_a_byte_order_mark_is_no_part_of_a_url(self):
        url = self.server.url("ok/x")
        done = self.fetch("--input-file", "-", input=f"\ufeff{url}\r\n")
        self.assertEqual(done.code, 0, done.out)
        self.assert_each_once(done.rows, [url])

    def test_a_bad_line_is_named_by_its_number(self):
        lines = [self.server.url("ok/x"), "", "# comment", "word", "ftp://a/", '{"url": 7}']
        done = self.fetch("--jsonl", "--input-file", "-", input=lines)
        self.assertEqual(done.code, 1)
        for number in (4, 5, 6):
            row = done.of(lines[number - 1])
            self.assertEqual(row.error, "bad_url")
            self.assertTrue(row.text.startswith(f"line {number}: "), row.text)
        self.assertEqual(sorted(json.loads(line)["line"] for line in done.out.splitlines()),
                         [1, 4, 5, 6])
        done = self.fetch("word")
        self.assertTrue(done.of("word").text.startswith("argument 1: "))

    def test_a_line_may_be_a_json_object(self):
        url = self.server.url("ok/x")
        lines = [json.dumps({"url": url, "id": "one"}), json.dumps({"id": 2, "url": url})]
        done = self.fetch("--jsonl", "--input-file", "-", input=lines)
        self.assertEqual(done.code, 0, done.out)
        records = [json.loads(line) for line in done.out.splitlines()]
        self.assertEqual({(each["id"], each["line"], each["url"]) for each in records},
                         {("one", 1, url), (2, 2, url)})
        done = self.fetch("--input-file", "-", input=[json.dumps({"url": url, "metod": "PUT"})])
        self.assertEqual((done.code, done.rows[0].error), (1, "bad_url"))
        self.assertIn("\"metod\" is not known", done.rows[0].text)

    def test_input_is_read_only_as_there_is_room(self):
        """A pipe holds 64 KiB: when there are enough hosts to go on with, the writer must get stuck."""
        process = self.start_fetch("-j", "1", "--input-file", "-", stdin=subprocess.PIPE)
        written = 0
        lock = threading.Lock()

        def feed():
            nonlocal written
            try:
                for number in range(1, 200_000):   # each on a host of its own
                    host = f"127.{number >> 16}.{number >> 8 & 255}.{number & 255}"
                    line = self.server.url(f"stall/{number}", host) + "\n"
                    os.write(process.stdin.fileno(), line.encode())
                    with lock:
                        written = number
            except OSError:
                pass
        feeder = threading.Thread(target=feed, daemon=True)
        feeder.start()
        self.server.wait_for(1)
        before = -1
        while True:   # until nothing moves for a while
            with lock:
                now = written
            if now == before:
                break
            before = now
            feeder.join(0.5)
        self.assertLess(before, 20_000)
        process.kill()
        process.wait()
        feeder.join(30)

    def test_memory_is_flat_however_long_the_input(self):
        nginx = Nginx(self, "location /f { return 200 'here'; }", keepalive_requests=1_000_000)
        total, early = (20_000, 4_000) if SANITIZED else (200_000, 20_000)
        # One in eight is a request, the others cannot be.
        lines = [nginx.url(f"f{n}") if n % 8 == 0 else f"ftp://127.0.0.1/{n}" for n in range(total)]
        # A sanitizer keeps what was freed, for a while.
        options = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"
        process = self.start_fetch("-j", "16", "--per-host", "16", "--input-file", "-",
                                   stdin=subprocess.PIPE, env={"ASAN_OPTIONS": options})

        def feed(part):
            process.stdin.write("".join(f"{line}\n" for line in part).encode())
            process.stdin.flush()

        feed(lines[:early])
        wait_until(lambda: process.lines >= early, "the first part is done")
        before = process.memory()
        feed(lines[early:])
        wait_until(lambda: process.lines >= total, "all is done")
        after = process.memory()
        process.stdin.close()
        self.assertEqual(process.wait(), 1)
        self.assertEqual(process.lines, total)
        # 4 MiB of URLs are read ahead, and they are moved while they grow.
        self.assertLess(after - before, (64 if SANITIZED else 16) << 20)
        rows = parse_rows(process.out)
        self.assert_each_once(rows, lines)


if __name__ == "__main__":
    main()
