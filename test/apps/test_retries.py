"""What fails is tried again, as often as allowed and only where that may help; what a server asks for
is kept to; and a run ends at its deadline, or after too many errors.
"""

import json
import socket
import time

from faults import FaultServer, body_of
from support import Case, main, parse_rows, wait_until

REFUSAL = (b"HTTP/1.1 %d Not now\r\nContent-Length: 5\r\n%b\r\nlater")


class FlakyServer(FaultServer):
    """Some targets fail at first:
        /first/CODE/COUNT/...    that status for the first COUNT requests to this target
        /broken/COUNT/...        half of the body for the first COUNT
        /metered/SECONDS/...     429 with Retry-After, from the second request of all on, until that
                                 time is over
    """

    def __init__(self, case):
        self.pauses = 0
        self._pause_ends = None
        super().__init__(case)

    def _answer(self, connection, target):
        parts = target.split("/")
        refusal = None
        if parts[1] == "first" and self.asked.count(target) <= int(parts[3]):
            refusal = REFUSAL % (int(parts[2]), b"")
        elif parts[1] == "metered" and len(self.asked) > 1:
            if self._pause_ends is None:
                self._pause_ends = time.monotonic() + 0.9 * int(parts[2])
            if time.monotonic() < self._pause_ends:
                self.pauses += 1
                refusal = REFUSAL % (429, b"Retry-After: %d\r\n" % int(parts[2]))
        elif parts[1] == "broken" and self.asked.count(target) <= int(parts[2]):
            return super()._answer(connection, "/short" + target)
        if refusal is None:
            kind = "/ok" if parts[1] in ("first", "metered", "broken") else ""
            return super()._answer(connection, kind + target)
        self.serving.leave()
        connection.sendall(refusal)
        return True


class Retries(Case):
    one_attempt = ()   # here with the defaults

    def setUp(self):
        super().setUp()
        self.server = FlakyServer(self)

    def json_of(self, done):
        return {row["url"]: row for row in map(json.loads, done.out.splitlines())}

    def refusing(self):
        """A port that refuses connections: bound and not listening, so that no other gets it."""
        taken = socket.socket()
        taken.bind(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        return f"http://127.0.0.1:{taken.getsockname()[1]}/"

    def test_what_passes_costs_no_result(self):
        urls = [self.server.url(path) for path in
                ("first/503/1/a", "first/500/2/b", "first/429/1/c", "broken/1/d", "ok/e")]
        done = self.fetch("--jsonl", *urls)
        self.assertEqual(done.code, 0, done.out)
        rows = self.json_of(done)
        self.assertEqual([rows[url]["attempts"] for url in urls], [2, 3, 2, 2, 1])
        self.assertEqual({row["status"] for row in rows.values()}, {200})

    def test_what_stays_fails_after_as_many_attempts_as_allowed(self):
        drops = FlakyServer(self)   # of its own, for a used connection that is dropped costs nothing
        urls = [self.server.url("status/503/a"), drops.url("drop/b"), self.refusing()]
        done = self.fetch("--retry", "1", "--jsonl", *urls)
        self.assertEqual(done.code, 1)
        rows = self.json_of(done)
        self.assertEqual([rows[url]["error"]["class"] for url in urls],
                         ["http", "incomplete", "connect"])
        self.assertEqual([rows[url]["attempts"] for url in urls], [2, 2, 2])
        self.assertEqual(self.server.asked, ["/status/503/a"] * 2)
        self.assertEqual(drops.asked, ["/drop/b"] * 2)

    def test_what_no_attempt_changes_is_tried_once_unless_it_is_asked_for(self):
        missing = self.server.url("status/404/a")
        self.assertEqual(self.fetch(missing).code, 1)
        self.assertEqual(len(self.server.asked), 1)
        self.assertEqual(self.fetch("--retry", "0", self.server.url("status/503/b")).code, 1)
        self.assertEqual(len(self.server.asked), 2)
        self.assertEqual(self.fetch("--retry-all-errors", "--retry", "1", missing).code, 1)
        self.assertEqual(len(self.server.asked), 4)
        self.fetch("--retry", "50", "--retry-max-time", "0.001", self.server.url("status/500/c"))
        self.assertLess(len(self.server.asked), 7)

    def test_retry_after_holds_the_whole_host(self):
        urls = [self.server.url(f"metered/1/{number}") for number in range(20)]
        done = self.fetch("--per-host", "1", "--jsonl", *urls)
        self.assertEqual(done.code, 0, done.out)
        self.assertEqual(self.server.pauses, 1)
        self.assertEqual(len(self.server.asked), 21)
        self.assertEqual(sum(row["attempts"] for row in self.json_of(done).values()), 21)

    def test_a_body_is_stored_once(self):
        out = self.dir / "out"
        url = self.server.url("broken/1/name")
        done = self.fetch("--output-dir", out, url)
        self.assertEqual(done.code, 0, done.out)
        stored = [path for path in out.rglob("*") if path.is_file()]
        self.assertEqual([path.name for path in stored], ["name"])
        self.assertEqual(stored[0].read_bytes(), body_of("/ok/broken/1/name"))

    def test_a_host_that_does_not_answer_is_given_up(self):
        dead = self.refusing()
        urls = [dead + str(number) for number in range(10)] + [self.server.url("ok/a")]
        done = self.fetch("--retry", "0", "--give-up-after", "3", *urls)
        self.assertEqual(done.code, 1)
        self.assert_each_once(done.rows, urls)
        errors = [row.error for row in done.rows]
        self.assertEqual([errors.count(each) for each in ("connect", "given_up", "")], [3, 7, 1])
        self.assertIn("7 x given_up", done.err)
        refused = [row.text for row in done.rows if row.error == "given_up"]
        self.assertIn("has failed to answer too often", refused[0])

    def test_at_the_deadline_what_runs_is_finished_and_no_more_is_begun(self):
        urls = [self.server.url(f"hold/{number}") for number in range(5)]
        process = self.start_fetch("-j", "1", "--deadline", "0.3", *urls)
        wait_until(lambda: b"deadline" in process.err or not process.running, "the deadline")
        self.server.release()
        self.assertEqual(process.wait(), 4, process.err)
        rows = parse_rows(process.out)
        self.assert_each_once(rows, urls)
        self.assertEqual([row.status for row in rows].count(200), 1)
        self.assertEqual([row.error for row in rows].count("aborted"), 4)

    def test_a_deadline_that_is_not_reached_changes_nothing(self):
        self.assertEqual(self.fetch("--deadline", "600", self.server.url("ok/a")).code, 0)

    def test_a_deadline_ends_the_wait_for_the_next_attempt(self):
        url = self.server.url("status/503/a")
        done = self.fetch("--retry", "1000", "--deadline", "0.5", url)
        self.assertEqual(done.code, 4)
        self.assertEqual((done.of(url).status, done.of(url).error), (503, "http"))

    def test_after_the_first_error_or_the_nth_no_more_is_begun(self):
        for flags, most in ((["--fail-early"], 1), (["--max-errors", "3"], 3)):
            server = FaultServer(self)
            urls = [server.url("ok/a")] + [server.url(f"status/404/{n}") for n in range(30)]
            done = self.fetch(*flags, "-j", "1", *urls)
            self.assertEqual(done.code, 1, done.err)
            self.assert_each_once(done.rows, urls)
            errors = [row.error for row in done.rows]
            self.assertGreaterEqual(errors.count("http"), most)
            self.assertLessEqual(errors.count("http"), most + 2)   # what was begun meanwhile
            self.assertEqual(errors.count("http") + errors.count("aborted"), 30)

    def test_a_rate_is_not_exceeded(self):
        urls = [self.server.url(f"ok/{number}") for number in range(6)]
        for flag in ("--rate", "--host-rate"):
            began = time.monotonic()
            self.assertEqual(self.fetch(flag, "10/s", *urls).code, 0)
            self.assertGreaterEqual(time.monotonic() - began, 0.5)   # never less, on any machine

    def test_wrong_numbers_are_refused(self):
        url = self.server.url("ok/a")
        for flags in (["--rate", "0"], ["--rate", "5/w"], ["--host-rate", "x"], ["--retry", "-1"],
                      ["--deadline", "-1"], ["--max-errors", "0"], ["--give-up-after", "65"],
                      ["--fail-early", "--max-errors", "2"]):
            done = self.fetch(*flags, url)
            self.assertEqual((done.code, done.out), (2, b""), flags)
            self.assertIn(flags[0], done.err)
        self.assertEqual(self.server.asked, [])


if __name__ == "__main__":
    main()
