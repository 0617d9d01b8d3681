"""Never more at once than was allowed, and as much as was; one host does not hold up another."""

import signal
import subprocess

from faults import Count, FaultServer
from support import SANITIZED, Case, main, parse_rows, wait_until, warm

# What is silent stays so for the whole test.
PATIENT = ("-m", "600", "--first-byte-timeout", "0")


class Bounds(Case):
    def test_a_host_never_sees_more_than_its_share(self):
        server = FaultServer(self)
        urls = warm(server, 4) + [server.url(f"hold/{n}") for n in range(4)]
        urls += [server.url(f"slow/10/{n}") for n in range(60)]
        process = self.start_fetch("-j", "8", "--per-host", "4", *urls)
        wait_until(lambda: server.serving.now == 4, "four at once")
        server.release()
        self.assertEqual(process.wait(), 0, process.err)
        self.assertEqual(server.connections.peak, 4)
        self.assertEqual(server.serving.peak, 4)

    def test_a_host_may_have_limits_of_its_own(self):
        few, many, slow, other = servers = [FaultServer(self) for _ in range(4)]
        file = self.dir / "limits.json"
        file.write_text(f"""{{"hosts": {{ // of this test
            "127.0.0.1:{few.port}": {{"per-host": 1}},
            "http://127.0.0.1:{many.port}": {{"per-host": 12}},
            "127.0.0.1:{slow.port}": {{"host-rate": "1/d"}},
        }}}}""")
        urls = [url for server in (few, many, other) for url in warm(server, 16)]
        urls += [server.url(f"hold/{n}") for n in range(20) for server in (few, many, other)]
        urls += [slow.url("ok/1"), slow.url("ok/2")]
        process = self.start_fetch("-j", "30", "--per-host", "4", "--host-limits", file, *PATIENT, *urls)
        wait_until(lambda: [server.serving.now for server in servers[:2]] == [1, 12], "these at once")
        wait_until(lambda: other.serving.now == 4 and process.lines >= 10, "as many as a host has")
        process.signal(signal.SIGINT)   # nothing more begins
        for server in servers:
            server.release()
        process.wait()
        self.assertEqual([server.serving.peak for server in servers], [1, 12, 1, 4])
        self.assertLessEqual(few.connections.peak, 1)
        rows = parse_rows(process.out)
        self.assert_each_once(rows, urls)
        self.assertEqual(sorted(row.error for row in rows if f":{slow.port}/" in row.url), ["", "aborted"])

    def test_a_file_of_limits_that_is_wrong_is_refused(self):
        file = self.dir / "limits.json"
        file.write_text('{"hosts": {"a.example": {"per-host": 0}}}')
        done = self.fetch("--host-limits", file, "http://127.0.0.1:1/")
        self.assertEqual((done.code, done.out), (2, b""))
        self.assertIn(f"--host-limits: {file}: hosts: a.example: per-host: must be a whole number", done.err)
        done = self.fetch("--host-limits", self.dir / "none", "http://127.0.0.1:1/")
        self.assertEqual(done.code, 2)
        self.assertIn("cannot read", done.err)
        done = self.fetch("--host-limits", self.dir, "http://127.0.0.1:1/")
        self.assertEqual(done.code, 2)
        self.assertIn(f"cannot read {self.dir}: Is a directory", done.err)
        file.write_text('{"hosts": {}}')
        done = self.fetch("--host-limits", file, "--remaining", file, "http://127.0.0.1:1/")
        self.assertEqual(done.code, 2)
        self.assertIn("name the same file", done.err)

    def test_all_hosts_together_never_see_more_than_the_total(self):
        serving = Count()
        servers = [FaultServer(self, serving) for _ in range(4)]
        urls = [server.url(f"slow/10/{n}") for n in range(25) for server in servers]
        held = [url for server in servers for url in warm(server, 4)]
        held += [server.url(f"hold/{n}") for n in range(3) for server in servers]
        process = self.start_fetch("-j", "6", "--per-host", "4", *held, *urls)
        wait_until(lambda: serving.now == 6, "six at once")
        for server in servers:
            server.release()
        self.assertEqual(process.wait(), 0, process.err)
        self.assertEqual(serving.peak, 6)
        for server in servers:
            self.assertLessEqual(server.connections.peak, 4)

    def test_without_options_a_host_sees_eight(self):
        server = FaultServer(self)
        process = self.start_fetch(*warm(server, 8), *[server.url(f"hold/{n}") for n in range(20)])
        wait_until(lambda: server.serving.now == 8, "eight at once")
        server.release()
        self.assertEqual(process.wait(), 0, process.err)
        self.assertEqual(server.serving.peak, 8)

    def test_one_at_a_time_is_one_at_a_time(self):
        server = FaultServer(self)
        done = self.fetch("-j", "1", *[server.url(f"slow/1/{n}") for n in range(30)])
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual((server.serving.peak, server.connections.peak), (1, 1))

    def test_a_stalled_host_holds_back_no_other(self):
        stalled, quick = FaultServer(self), FaultServer(self)
        slow_urls = [stalled.url(f"stall/{n}") for n in range(40)]
        quick_urls = [quick.url(f"ok/{n}") for n in range(100)]
        process = self.start_fetch(
            "-j", "3", "--per-host", "2", *PATIENT, *slow_urls, *quick_urls)
        lines = process.wait_for_lines(100)
        self.assertTrue(process.running)
        self.assertEqual({line.split(b"\t")[0] for line in lines}, {b"200"})
        wait_until(lambda: stalled.serving.now == 1, "its one has come")
        self.assertEqual(stalled.serving.peak, 1)   # it begins with one place

    def lines_of_a_stalled_host(self, count, *arguments):
        """So many URLs of a stalled host, then some of another; the process when it has those."""
        stalled, quick = FaultServer(self), FaultServer(self)
        process = self.start_fetch(*PATIENT, *arguments, "--input-file", "-",
                                   stdin=subprocess.PIPE)
        long = "x" * 100
        for begin in range(0, count, 10_000):
            lines = (stalled.url(f"stall/{n}/{long}\n") for n in range(begin, begin + 10_000))
            process.stdin.write("".join(lines).encode())
        process.stdin.write("".join(quick.url(f"ok/{n}\n") for n in range(100)).encode())
        process.stdin.flush()
        lines = process.wait_for_lines(100)
        self.assertEqual({line.split(b"\t")[0] for line in lines}, {b"200"})
        return process

    def test_more_urls_than_fit_into_memory_hold_back_no_other(self):
        spill = self.dir / "spill"
        spill.mkdir()
        count = 100_000 if SANITIZED else 300_000
        process = self.lines_of_a_stalled_host(count, "--spill-dir", spill)
        print(f"{count:,} URLs of a stalled host: {process.memory() / 1e6:.0f} MB", flush=True)
        if not SANITIZED:
            self.assertLess(process.memory(), 40e6)
        self.assertEqual(list(spill.iterdir()), [])   # the file has no name
        self.assertEqual(process.err.count(b"no more URLs"), 0, process.err)

    def test_what_was_spilled_is_reported_when_the_run_is_stopped(self):
        process = self.lines_of_a_stalled_host(100_000)
        process.signal(signal.SIGTERM)
        wait_until(lambda: b"stopping" in process.err, "it drains")
        process.signal(signal.SIGTERM)
        self.assertEqual(process.wait(), 3)
        rows = process.out.splitlines()
        self.assertEqual(len(rows), 100_100)
        self.assertEqual(len({row.split(b"\t")[3] for row in rows}), 100_100)

    def test_a_file_that_cannot_be_made_stops_the_input_and_says_so_once(self):
        stalled = FaultServer(self)
        spill = self.folder("spill")
        process = self.start_fetch("-m", "0.2", "--per-host", "1", "--spill-dir", spill,
                                   "--input-file", "-", stdin=subprocess.PIPE)
        long = "x" * 60_000
        lines = [stalled.url(f"stall/{n}/{long}\n").encode() for n in range(80)]
        process.stdin.write(lines[0])
        process.stdin.flush()
        stalled.wait_for(1)
        spill.rmdir()   # it was there when the run began
        process.stdin.write(b"".join(lines[1:]))
        process.stdin.close()
        self.assertEqual(process.wait(), 1)
        self.assertEqual(len(process.out.splitlines()), 80)   # and nothing is lost
        self.assertEqual(process.err.count(b"no more URLs"), 1, process.err)

    def test_after_the_timeouts_of_a_stalled_host_come_its_others(self):
        stalled = FaultServer(self)
        urls = [stalled.url(f"stall/{n}") for n in range(4)]
        urls += [stalled.url(f"ok/{n}") for n in range(4)]
        done = self.fetch("-j", "2", "--per-host", "2", "-m", "2", *urls)
        self.assertEqual(done.code, 1)
        self.assert_each_once(done.rows, urls)
        self.assertEqual([row.error for row in done.rows].count("timeout"), 4)
        self.assertEqual([row.status for row in done.rows].count(200), 4)

    def test_hosts_take_turns(self):
        """A long list of one host, then a short one of another, which is not kept for the end."""
        first, second = FaultServer(self), FaultServer(self)
        urls = [first.url(f"slow/20/{n}") for n in range(60)]
        urls += [second.url(f"slow/20/{n}") for n in range(3)]
        done = self.fetch("-j", "4", "--per-host", "2", *urls)
        self.assertEqual(done.code, 0)
        places = [place for place, row in enumerate(done.rows) if f":{second.port}/" in row.url]
        self.assertLess(max(places), 30)

    def test_a_redirect_to_another_host_counts_there(self):
        front, back = FaultServer(self), FaultServer(self)
        urls = [front.url(f"redirect/302?{back.url(f'slow/10/{n}')}") for n in range(24)]
        done = self.fetch("-j", "8", "--per-host", "2", *urls)
        self.assertEqual(done.code, 0, done.out)
        self.assert_each_once(done.rows, urls)
        self.assertLessEqual(back.serving.peak, 2)
        self.assertLessEqual(back.connections.peak, 2)

    def test_redirects_between_two_hosts_do_not_lock_each_other_out(self):
        one, two = FaultServer(self), FaultServer(self)
        urls = [one.url(f"redirect/302?{two.url(f'ok/{n}')}") for n in range(20)]
        urls += [two.url(f"redirect/302?{one.url(f'ok/{n}')}") for n in range(20)]
        done = self.fetch("-j", "4", "--per-host", "1", *urls)
        self.assertEqual(done.code, 0, done.out)
        self.assert_each_once(done.rows, urls)


if __name__ == "__main__":
    main()
