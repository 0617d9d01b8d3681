"""The rest of a body that broke off: over attempts, over runs that were killed, and with --continue-at,
against a real nginx. No torn file is taken for whole.
"""

import base64
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess

from nginx import Nginx
from recorder import Recorder
from support import Case, environment, main, sha256, wait_until

SIZE = 512 * 1024
AT_ONCE = 300 * 1024    # then the server is slow
SLOWLY = f"limit_rate_after {AT_ONCE}; limit_rate 1k; if (-f {{root}}/fast) {{{{ set $limit_rate 0; }}}}"
SERVER = f"""
    location /slow/ {{{{ alias {{root}}/; {SLOWLY} }}}}
    location /weak/ {{{{ alias {{root}}/; etag off; {SLOWLY} }}}}
    location /plain/ {{{{ alias {{root}}/; max_ranges 0; }}}}
    location /moved/ {{{{ rewrite ^/moved/(.*)$ /slow/$1 redirect; }}}}
"""


def bytes_of(seed, size=SIZE):
    return random.Random(seed).randbytes(size)


class Served(Case):
    def setUp(self):
        super().setUp()
        folder = self.dir / "nginx-1" / "root"   # where Nginx makes it
        self.nginx = Nginx(self, SERVER.format(root=folder))
        self.assertEqual(self.nginx.root, folder)
        self.out = self.dir / "out"
        self.results = self.dir / "results.jsonl"

    def serve(self, data, name="page"):
        """Gives the file other bytes, and another ETag."""
        self.nginx.add(name, data)
        when = 1_000_000_000 + int(hashlib.sha256(data).hexdigest()[:6], 16)
        os.utime(self.nginx.root / name, (when, when))
        return data

    def fetch_fast(self, *args):
        """The server has no limit meanwhile; the request is the same."""
        fast = self.nginx.root / "fast"
        fast.touch()
        try:
            return self.fetch(*args)
        finally:
            fast.unlink()

    def statuses(self):
        return [each.status for each in self.nginx.seen()]


class Continued(Served):
    def command(self, *urls):
        return ("--jsonl", "--output-dir", self.out, "--results", self.results, "--resume", *urls)

    def part(self, name="page"):
        return self.out / f"{name}.part"

    def kill_in_the_middle(self, url):
        process = self.start_fetch(*self.command(url))
        wait_until(lambda: self.part().exists() and self.part().stat().st_size >= AT_ONCE,
                   "a part of the body")
        process.kill()
        process.wait()
        self.assertEqual(process.code, -signal.SIGKILL)
        return self.part().stat().st_size

    def finish(self, url, data, fetched):
        done = self.fetch_fast(*self.command(url))
        self.assertEqual(done.code, 0, done.out + done.err.encode())
        self.assertEqual([each.name for each in self.out.iterdir()], ["page"])
        self.assertEqual((self.out / "page").read_bytes(), data)
        record = json.loads(done.out)
        self.assertEqual((record["sha256"], record["bytes"]), (sha256(data), len(data)))
        self.assertEqual(record["wire_bytes"], fetched)
        self.clean()

    def clean(self):
        for each in self.out.iterdir():
            each.unlink()
        self.results.unlink()

    def test_a_run_that_was_killed_in_a_body_fetches_its_rest(self):
        for place in ("slow", "moved"):
            with self.subTest(place):
                data = self.serve(bytes_of(place))
                url = self.nginx.url(f"{place}/page")
                there = self.kill_in_the_middle(url)
                self.finish(url, data, fetched=len(data) - there)
                self.assertEqual(self.statuses()[-1], 206)

    def test_killed_again_and_again_it_comes_to_the_end(self):
        data = self.serve(bytes_of(2, 3 * AT_ONCE))
        url = self.nginx.url("slow/page")
        there = 0
        for _ in range(2):
            process = self.start_fetch(*self.command(url))
            wait_until(lambda: self.part().exists() and self.part().stat().st_size >= there + AT_ONCE,
                       "more of the body")
            process.kill()
            process.wait()
            there = self.part().stat().st_size
        self.finish(url, data, fetched=len(data) - there)
        self.assertEqual(self.statuses(), [200, 206, 206])

    def test_another_version_is_fetched_from_its_start(self):
        self.serve(bytes_of(3))
        url = self.nginx.url("slow/page")
        self.kill_in_the_middle(url)
        data = self.serve(bytes_of(4, AT_ONCE))
        self.finish(url, data, fetched=len(data))

    def test_what_only_lacks_its_name_is_taken(self):
        data = self.serve(bytes_of(5))
        url = self.nginx.url("slow/page")
        self.kill_in_the_middle(url)
        with open(self.part(), "ab") as part:   # as the program would have written it
            part.write(data[self.part().stat().st_size:])
        self.finish(url, data, fetched=1)

    def test_what_is_not_sure_is_fetched_anew(self):
        def tear(_):   # the journal, below
            pass

        def start_the_system(lines):
            lines[-1]["boot"] = "another"

        def make_another_part(_):
            content = self.part().read_bytes()
            self.part().unlink()
            self.part().write_bytes(content[::-1])

        def begin_anew_elsewhere(_):   # by a run with another journal
            self.nginx.add("other/page", bytes_of("other"))
            process = self.start_fetch("--output-dir", self.out, self.nginx.url("slow/other/page"))
            wait_until(lambda: self.part().exists() and
                       self.part().read_bytes()[:9] == bytes_of("other")[:9], "another body")
            process.kill()
            process.wait()

        def lengthen(_):
            with open(self.part(), "ab") as part:
                part.write(b"x" * SIZE)

        def take_away(_):
            self.part().unlink()

        def claim_another_length(lines):
            lines[-1]["length"] += 1

        def claim_another_answer(lines):
            lines[-1]["final_url"] += "?y"

        for change in (tear, start_the_system, make_another_part, lengthen, take_away,
                       claim_another_length, claim_another_answer, begin_anew_elsewhere):
            with self.subTest(change.__name__):
                data = self.serve(bytes_of(change.__name__))
                url = self.nginx.url("slow/page")
                self.kill_in_the_middle(url)
                lines = [json.loads(line) for line in self.results.read_text().splitlines()]
                change(lines)
                text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
                self.results.write_text(text[:len(text) // 2] if change is tear else text)
                self.finish(url, data, fetched=len(data))

    def test_what_has_no_strong_validator_is_not_continued(self):
        data = self.serve(bytes_of(7))
        os.utime(self.nginx.root / "page")   # changed just now
        url = self.nginx.url("weak/page")
        self.kill_in_the_middle(url)
        self.assertEqual(self.results.read_bytes(), b"")
        self.finish(url, data, fetched=len(data))

    def test_a_part_outlasts_a_server_that_has_it_not_for_a_while(self):
        data = self.serve(bytes_of(8))
        url = self.nginx.url("slow/page")
        there = self.kill_in_the_middle(url)
        file = self.nginx.root / "page"
        file.rename(self.nginx.root / "away")
        done = self.fetch(*self.command(url))
        self.assertEqual((done.code, done.rows[0].status), (1, 404))
        self.assertEqual([each.name for each in self.out.iterdir()], ["page.part"])
        (self.nginx.root / "away").rename(file)
        self.finish(url, data, fetched=len(data) - there)

    def test_a_second_signal_leaves_a_part_for_the_next_run(self):
        data = self.serve(bytes_of(9))
        url = self.nginx.url("slow/page")
        process = self.start_fetch(*self.command(url))
        wait_until(lambda: self.part().exists() and self.part().stat().st_size >= AT_ONCE, "a part")
        process.signal(signal.SIGTERM)
        wait_until(lambda: b"stopping" in process.err, "the first signal")
        process.signal(signal.SIGTERM)
        self.assertEqual(process.wait(), 3)
        there = self.part().stat().st_size
        self.finish(url, data, fetched=len(data) - there)

    def test_a_part_that_no_run_can_continue_does_not_stay(self):
        self.serve(bytes_of(10))
        done = self.fetch("--output-dir", self.out, "-m", "1", self.nginx.url("slow/page"))
        self.assertEqual(done.code, 1)
        self.assertEqual([*self.out.iterdir()], [])


class Breaking(Recorder):
    """Closes each connection behind its answer, whether that was complete or not."""

    def _converse(self, connection):
        with connection, connection.makefile("rb") as stream:
            if request := self._read(connection, stream):
                try:
                    connection.sendall(self._reply(request))
                    connection.shutdown(socket.SHUT_WR)
                    stream.read()
                except OSError:
                    pass   # it has heard enough


class Attempts(Case):
    """A server that breaks off, and knows ranges or does not."""

    one_attempt = ("--retry", "2", "--give-up-after", "0")
    DATA = bytes_of(11)

    def answer(self, request):
        self.asked.append(request)
        data = self.data_of.get((request.of("Authorization") or [""])[0], self.DATA)
        first = 0
        fields = f'ETag: {self.etag}\r\nContent-Type: x/y\r\n'
        wanted = request.of("Range")
        if wanted and self.ranges and request.of("If-Range") == [self.etag]:
            first = int(wanted[0].removeprefix("bytes=").removesuffix("-"))
            fields += f"Content-Range: bytes {first + self.shift}-{len(data) - 1}/{len(data)}\r\n"
        length = len(data) - first
        status = "206 Partial" if first else "200 OK"
        some = data[first:first + 200_000] if len(self.asked) < self.whole_at else data[first:]
        head = f"HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{fields}Connection: close\r\n\r\n"
        return head.encode() + some

    def setUp(self):
        super().setUp()
        self.asked, self.etag, self.ranges, self.shift, self.whole_at = [], '"a"', True, 0, 3
        self.data_of = {}   # by what is in Authorization
        self.server = Breaking(self, self.answer)
        self.out = self.dir / "out"

    def run_it(self, *extra):
        done = self.fetch("--jsonl", "--output-dir", self.out, *extra, self.server.url("page"))
        self.assertEqual(done.code, 0, done.out)
        record = json.loads(done.out)
        self.assertEqual([each.name for each in self.out.iterdir()], ["page"])
        self.assertEqual((self.out / "page").read_bytes(), self.DATA)
        self.assertEqual((record["sha256"], record["bytes"]), (sha256(self.DATA), len(self.DATA)))
        return record

    def ranges_asked(self):
        return [value for each in self.asked for value in each.of("Range")]

    def test_another_attempt_fetches_the_rest(self):
        self.run_it()
        self.assertEqual(self.ranges_asked(), ["bytes=200000-", "bytes=400000-"])

    def test_another_user_is_not_given_the_rest(self):
        """Both have one validator, as pages of two users may that were changed at one time."""
        alice, bob = (f"Basic {base64.b64encode(user).decode()}" for user in (b"alice:p", b"bob:p"))
        self.data_of = {alice: bytes_of(12), bob: bytes_of(13)}
        self.whole_at = 2
        urls = [self.server.url("page").replace("//", f"//{user}:p@") for user in ("alice", "bob")]
        done = self.fetch("--jsonl", "-j", "1", "--output-dir", self.out, *urls)
        self.assertEqual(done.code, 0, done.out)
        self.assertEqual([each.of("Authorization") for each in self.asked],
                         [[alice], [bob], [alice]])
        self.assertEqual(self.asked[1].of("Range"), [])
        self.assertEqual(sorted(each.read_bytes() for each in self.out.iterdir()),
                         sorted(self.data_of.values()))

    def test_a_part_that_ends_early_is_not_the_rest(self):
        server = Recorder(self, lambda request: b"HTTP/1.1 206 Partial\r\nContent-Length: 5\r\n"
                          b"Content-Range: bytes 5-9/100\r\n\r\nabcde")
        file = self.dir / "file"
        for before in (b"01234", None):   # with None, nobody has asked for a part
            file.unlink(missing_ok=True)
            if before:
                file.write_bytes(before)
            done = self.fetch("-C", "-", "-o", file, server.url("x"))
            self.assertEqual(done.code, 1, done.out)
            self.assertEqual(file.read_bytes() if file.exists() else None, before)

    def test_what_came_before_a_fault_of_the_protocol_is_not_continued(self):
        torn = (f'HTTP/1.1 200 OK\r\nETag: {self.etag}\r\nTransfer-Encoding: chunked\r\n\r\n'
                f"{200_000:x}\r\n").encode() + self.DATA[:200_000] + b"\r\nno size\r\n"
        self.whole_at = 2
        server = Breaking(self, lambda request: torn if not self.asked and not self.asked.append(request)
                          else self.answer(request))
        args = ("--retry", "0", "--jsonl", "--output-dir", self.out, "--results", self.dir / "results",
                "--resume", server.url("page"))
        done = self.fetch(*args)
        self.assertEqual(json.loads(done.out)["error"]["class"], "protocol")
        self.assertEqual([*self.out.iterdir()], [])
        self.assertEqual(self.fetch(*args).code, 0)
        self.assertEqual(self.ranges_asked(), [])
        self.assertEqual((self.out / "page").read_bytes(), self.DATA)

    def test_where_ranges_are_not_known_it_begins_anew(self):
        self.ranges = False
        record = self.run_it()
        self.assertEqual(record["wire_bytes"], len(self.DATA))
        self.assertEqual(self.ranges_asked(), ["bytes=200000-"] * 2)

    def test_another_part_than_the_one_asked_for_is_not_taken(self):
        self.shift = 7
        self.whole_at = 2
        record = self.run_it()
        self.assertEqual(len(self.asked), 3)   # the third without Range, at once
        self.assertEqual(record["wire_bytes"], len(self.DATA))
        self.assertEqual(self.ranges_asked(), ["bytes=200000-"])

    def test_a_limit_of_length_is_that_of_the_whole_body(self):
        done = self.fetch("--jsonl", "--output-dir", self.out, "--max-filesize", "600000",
                          self.server.url("page"))
        self.assertEqual(done.code, 0)   # 524,288 bytes
        self.assertEqual(self.ranges_asked(), ["bytes=200000-", "bytes=400000-"])


class ContinueAt(Served):
    """As curl does it: what a file holds afterwards, and whether that is a success."""

    def setUp(self):
        super().setUp()
        self.data = self.serve(bytes_of(12))
        self.file = self.dir / "page"
        self.curl = shutil.which("curl")
        if not self.curl:
            self.skipTest("curl is not there: apt-get install curl")

    def both(self, url, before, *flags, fail="-f"):
        """What each of the two makes of a file, and of its absence (None)."""
        found = []
        for own in (True, False):
            self.file.unlink(missing_ok=True)
            if before is not None:
                self.file.write_bytes(before)
            if own:
                done = self.fetch("--jsonl", *flags, "-o", self.file, url)
                code, self.said = done.code, done
            else:
                code = subprocess.run([self.curl, "-qs", *flags, *([fail] if fail else []), "-o", self.file, url], timeout=60,
                                      env=environment()).returncode
            found.append((code == 0, self.file.read_bytes() if self.file.exists() else None))
        self.assertTrue(found[0] == found[1], (self.said.out, found[0][0], found[1][0]))
        self.assertFalse((self.dir / "page.part").exists())
        return found[0]

    def test_it_goes_on_where_the_file_ends(self):
        url, data = self.nginx.url("page"), self.data
        self.assertEqual(self.both(url, data[:1000], "-C", "-"), (True, data))
        record = json.loads(self.said.out)
        self.assertEqual((record["status"], record["bytes"], record["wire_bytes"], record["sha256"]),
                         (206, len(data), len(data) - 1000, sha256(data)))
        self.assertEqual(self.both(url, data[:1000], "-C", "1000"), (True, data))
        self.assertEqual(self.both(url, None, "-C", "-"), (True, data))
        self.assertEqual(self.both(url, b"", "-C", "-"), (True, data))

    def test_a_file_that_is_complete_stays(self):
        done = self.both(self.nginx.url("page"), self.data, "-C", "-", fail=None)   # curl's -f differs
        self.assertEqual(done, (True, self.data))
        record = json.loads(self.said.out)
        self.assertEqual((record["error"], record["sha256"]), (None, sha256(self.data)))

    def test_where_there_are_no_ranges_the_file_stays_as_it_is(self):
        kept = self.data[:1000]
        self.assertEqual(self.both(self.nginx.url("plain/page"), kept, "-C", "-"), (False, kept))
        self.assertIn("it knows no ranges", json.loads(self.said.out)["error"]["text"])
        self.assertEqual(self.both(self.nginx.url("missing"), kept, "-C", "-"), (False, kept))

    def test_what_is_no_beginning_is_refused(self):
        longer = self.data + b"x"
        self.file.write_bytes(longer)
        for flags, text in ((["-C", "-"], "the server has 524288 bytes"),
                            (["-C", "7"], "it ends at 524289; -C - goes on there")):
            done = self.fetch(*flags, "-o", self.file, self.nginx.url("page"))
            self.assertEqual(done.code, 1)
            self.assertIn(text, done.out.decode())
            self.assertEqual(self.file.read_bytes(), longer)

    def test_without_its_beginning_no_rest_is_fetched(self):
        for before, text in ((None, "at 5: it is not there; -C - fetches all of it"),
                             (b"", "at 5: it ends at 0; -C - fetches all of it")):
            if before is not None:
                self.file.write_bytes(before)
            done = self.fetch("-C", "5", "-o", self.file, self.nginx.url("page"))
            self.assertEqual(done.code, 1, done.out)
            self.assertIn(text, done.out.decode())
            self.assertEqual(self.file.read_bytes() if self.file.exists() else None, before)
        self.assertEqual(self.nginx.seen(), [])
        self.file.unlink()
        done = self.fetch("-C", "0", "-o", self.file, self.nginx.url("page"))
        self.assertEqual((done.code, self.file.read_bytes()), (0, self.data), done.out)

    def test_the_file_gets_the_time_of_the_answer(self):
        when = (self.nginx.root / "page").stat().st_mtime
        for before in (self.data[:1000], None):
            self.assertEqual(self.both(self.nginx.url("page"), before, "-C", "-", "-R"), (True, self.data))
            self.assertEqual(self.file.stat().st_mtime, when)   # curl's
            self.file.unlink()
            if before is not None:
                self.file.write_bytes(before)
            self.assertEqual(self.fetch("-C", "-", "-R", "-o", self.file, self.nginx.url("page")).code, 0)
            self.assertEqual(self.file.stat().st_mtime, when)

    def test_a_file_of_the_urls_name_is_gone_on_with(self):
        self.out.mkdir()
        (self.out / "page").write_bytes(self.data[:5])
        done = self.fetch("-C", "-", "--output-dir", self.out, self.nginx.url("page"))
        self.assertEqual(done.code, 0, done.out)
        self.assertEqual([each.name for each in self.out.iterdir()], ["page"])
        self.assertEqual((self.out / "page").read_bytes(), self.data)

    def test_a_run_goes_on_where_the_one_before_ended(self):
        process = self.start_fetch("-C", "-", "-o", self.file, self.nginx.url("slow/page"))
        wait_until(lambda: self.file.exists() and self.file.stat().st_size >= AT_ONCE, "a part")
        process.kill()
        process.wait()
        done = self.fetch_fast("--continue-at", "-", "-o", self.file, self.nginx.url("slow/page"))
        self.assertEqual(done.code, 0, done.out)
        self.assertEqual(self.file.read_bytes(), self.data)

    def test_what_does_not_go_together_is_refused(self):
        url = self.nginx.url("page")
        for flags, text in (
                (["-C", "x", "-o", self.file, url], "a number of bytes, or -"),
                (["-C", "-", url], "add -o FILE"),
                (["-C", "-", "-o", "-", url], "add -o FILE"),
                (["-C", "-", "-O", url, url], "one URL"),
                (["-C", "-", "-o", self.file, "-r", "1-2", url], "--range exclude"),
                (["-C", "-", "-o", self.file, "-d", "a", url], "GET"),
                (["-C", "-", "-o", self.file, "--compressed", url], "--compressed exclude"),
                (["-C", "-", "-o", self.file, "--no-clobber", url], "leave out")):
            done = self.fetch(*flags)
            self.assertEqual(done.code, 2, flags)
            self.assertIn(text, done.err)


if __name__ == "__main__":
    main()
