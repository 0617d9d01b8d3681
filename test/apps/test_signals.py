"""SIGINT and SIGTERM: the first finishes what was begun and reports what was not, the second stops
at once; and what happens when the reader of the output has gone.
"""

import json
import os
import signal
import subprocess
import time

from faults import FaultServer
from support import Case, main, parse_rows, program, wait_until, warm


class Signals(Case):
    def setUp(self):
        super().setUp()
        self.server = FaultServer(self)

    def held(self, count):
        """The first two of them at a time."""
        return warm(self.server, 2) + [self.server.url(f"hold/{number}") for number in range(count)]

    def test_the_first_signal_drains(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number.name):
                server = FaultServer(self)
                urls = warm(server, 4) + [server.url(f"hold/{n}") for n in range(30)]
                process = self.start_fetch("-j", "4", "--per-host", "4", *urls)
                server.wait_for(2 + 4)
                process.signal(number)
                self.drains(process)
                server.release()
                self.assertEqual(process.wait(), 3, process.err)
                rows = parse_rows(process.out)
                self.assert_each_once(rows, urls)
                self.assertEqual(sum(row.status == 200 for row in rows), 2 + 4)
                self.assertEqual({row.error for row in rows if row.status != 200}, {"aborted"})
                self.assertEqual(len(server.asked), 2 + 4)   # nothing new was begun

    def drains(self, process):
        """Until it has taken the signal: it says so. (Two signals too close would be one.)"""
        wait_until(lambda: b"stopping" in process.err or not process.running, "it drains")
        self.assertTrue(process.running)

    def test_the_second_signal_stops_at_once(self):
        urls = self.held(30)
        process = self.start_fetch("-j", "4", "--per-host", "4", *urls)
        self.server.wait_for(1 + 2)
        process.signal(signal.SIGTERM)
        self.drains(process)
        process.signal(signal.SIGTERM)
        self.assertEqual(process.wait(within=25), 3, process.err)
        rows = parse_rows(process.out)
        self.assert_each_once(rows, urls)
        self.assertEqual([row.status for row in rows].count(200), 1)
        self.assertEqual({row.error for row in rows if row.status != 200}, {"aborted"})

    def test_the_third_signal_says_what_is_not_written(self):
        remaining = self.dir / "remaining"
        process = self.start_fetch("--remaining", remaining, "--input-file", "-",
                                   stdin=subprocess.PIPE)
        process.stdin.write(f"{self.server.url('hold/1')}\n".encode())
        process.stdin.flush()
        self.server.wait_for(1)
        process.signal(signal.SIGINT)
        self.drains(process)
        for _ in range(20):   # it may end by itself after the second one
            if process.running:
                process.signal(signal.SIGTERM)
                process.signal(signal.SIGINT)
                process.signal(signal.SIGHUP)
        self.assertEqual(process.wait(within=25), 3, process.err)
        if not remaining.exists():
            self.assertIn(f"{remaining} is not written", process.err.decode())

    def test_a_pipe_that_stays_open_is_read_for_what_remains(self):
        process = self.start_fetch("--remaining", self.dir / "remaining", "--input-file", "-",
                                   stdin=subprocess.PIPE)
        url = self.server.url("hold/1")
        process.stdin.write(f"{url}\n".encode())
        process.stdin.flush()
        self.server.wait_for(1)
        process.signal(signal.SIGINT)
        self.drains(process)
        self.server.release()
        wait_until(lambda: b"reading the rest of the URLs" in process.err, "it says what it does")
        process.stdin.write(f"{url}2\n".encode())
        process.stdin.close()
        self.assertEqual(process.wait(), 3, process.err)
        self.assertEqual((self.dir / "remaining").read_text(), f"{url}2\n")

    def test_a_reader_that_reads_nothing_holds_nobody(self):
        remaining = self.dir / "remaining"
        for signals in ((signal.SIGTERM,), (signal.SIGTERM, signal.SIGTERM)):
            server = FaultServer(self)
            urls = [server.url(f"ok/{number}/{'x' * 900}") for number in range(400)]
            reading, writing = os.pipe()
            self.addCleanup(os.close, reading)
            process = self.start_fetch("--drain-timeout", "0.3", "--remaining", remaining,
                                       "--jsonl", *urls, stdout=writing)
            os.close(writing)
            server.wait_for(1)
            before = 0
            while before != len(server.asked):   # until the pipe is full
                before = len(server.asked)
                time.sleep(0.5)
            for number in signals:
                process.signal(number)
                self.drains(process)
            self.assertEqual(process.wait(), 3, process.err)
            os.set_blocking(reading, False)
            lines = os.read(reading, 10_000_000).split(b"\n")[:-1]
            found = [json.loads(line)["url"] for line in lines]
            left = remaining.read_text().splitlines()
            self.assertEqual(sorted({*found} | {*left}), sorted(urls))

    def test_two_different_signals_are_two(self):
        process = self.start_fetch("-j", "2", *self.held(5))
        self.server.wait_for(1 + 2)
        process.signal(signal.SIGINT)
        self.drains(process)
        process.signal(signal.SIGTERM)
        self.assertEqual(process.wait(within=25), 3)

    def test_a_drain_with_failures_is_still_an_interruption(self):
        bad = "ftp://127.0.0.1/"
        urls = [bad, *self.held(10)]
        process = self.start_fetch("-j", "2", *urls)
        self.server.wait_for(1 + 2)
        process.signal(signal.SIGTERM)
        self.server.release()
        self.assertEqual(process.wait(), 3)
        self.assert_each_once(parse_rows(process.out), urls)

    def test_a_pipe_that_stays_open_does_not_hold_up_a_drain(self):
        process = self.start_fetch("-j", "2", "--input-file", "-", stdin=subprocess.PIPE)
        urls = self.held(2)
        process.stdin.write("".join(url + "\n" for url in urls).encode())
        process.stdin.flush()
        self.server.wait_for(1 + 2)
        process.signal(signal.SIGTERM)
        self.server.release()
        self.assertEqual(process.wait(), 3, process.err)
        self.assert_each_once(parse_rows(process.out), urls)

    def test_a_signal_while_it_waits_for_input(self):
        process = self.start_fetch("--input-file", "-", stdin=subprocess.PIPE)
        url = self.server.url("ok/x")
        process.stdin.write(f"{url}\n".encode())
        process.stdin.flush()
        process.wait_for_lines(1)
        process.signal(signal.SIGTERM)
        self.assertEqual(process.wait(), 3)
        self.assert_each_once(parse_rows(process.out), [url])

    def test_lines_that_were_read_are_all_reported(self):
        """Of a file of many lines, those taken in are in the output once, and are its beginning."""
        urls = [self.server.url(f"slow/5/{number}") for number in range(3000)]
        file = self.dir / "urls"
        file.write_text("".join(url + "\n" for url in urls))
        process = self.start_fetch("-j", "8", "--input-file", file)
        process.wait_for_lines(50)
        process.signal(signal.SIGTERM)
        self.assertEqual(process.wait(), 3, process.err)
        rows = parse_rows(process.out)
        told = [row.url for row in rows]
        self.assertEqual(len(told), len(set(told)))
        self.assertEqual(set(told), set(urls[: len(told)]))
        self.assertEqual({row.error for row in rows}, {"", "aborted"})
        self.assertEqual(len(self.server.asked), sum(row.status == 200 for row in rows))

    def test_every_argument_is_reported(self):
        """More than are taken in at a time: those it never looked at are aborted, too."""
        urls = self.held(3000)
        process = self.start_fetch("-j", "4", *urls)
        self.server.wait_for(1 + 2)
        process.signal(signal.SIGTERM)
        self.drains(process)
        self.server.release()
        self.assertEqual(process.wait(), 3, process.err)
        self.assert_each_once(parse_rows(process.out), urls)

    def test_an_abort_leaves_no_half_written_file(self):
        out = self.dir / "out"
        out.mkdir()
        good = [self.server.url(f"ok/good-{number}") for number in range(10)]
        stuck = [self.server.url(f"stall-body/stuck-{number}") for number in range(4)]
        process = self.start_fetch("-j", "4", "--output-dir", out, *good, *stuck)
        process.wait_for_lines(10)
        self.server.wait_for(14)   # ten answers, and the host has four places by then
        process.signal(signal.SIGTERM)
        self.drains(process)
        process.signal(signal.SIGTERM)
        self.assertEqual(process.wait(within=25), 3, process.err)
        finished = [path for path in out.iterdir() if not path.name.endswith(".part")]
        self.assertEqual(len(finished), 10)
        self.assertTrue(all("stuck" not in path.name for path in finished))

    def test_without_a_reader_left_it_ends(self):
        """weir-fetch ... | head -1"""
        urls = [self.server.url(f"slow/5/{number}") for number in range(400)]
        file = self.dir / "urls"
        file.write_text("".join(url + "\n" for url in urls))
        script = '"$1" -j 4 --input-file "$2" | head -1; echo "${PIPESTATUS[0]}"'
        process = self.start("bash", "-c", script, "bash", program("weir-fetch"), file)
        self.assertEqual(process.wait(), 0, process.err)
        line, code = process.out.decode().splitlines()
        self.assertTrue(line.startswith("200\t"), line)
        self.assertIn(int(code), (1, 3, 128 + signal.SIGPIPE), process.err)
        self.assertLess(len(self.server.asked), 400)   # it did not go on without a reader

    def test_a_full_disk_is_not_all_well(self):
        process = self.start("sh", "-c", 'exec "$@" > /dev/full', "sh", program("weir-fetch"),
                             *[self.server.url(f"ok/{number}") for number in range(5)])
        self.assertNotEqual(process.wait(), 0)
        self.assertNotEqual(process.err, b"")


if __name__ == "__main__":
    main()
