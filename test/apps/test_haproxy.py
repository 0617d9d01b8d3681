"""weir-fetch through a real haproxy, in front of a real nginx."""

import json
import shutil
import subprocess

from certificates import Authority
from faults import FaultServer
from haproxy import Haproxy
from nginx import Nginx
from support import Case, main, sha256

PORTS = ("kept", "closing", "secure")


class ThroughHaproxy(Case):
    def setUp(self):
        super().setUp()
        authority = Authority(self)
        self.trust = ["--cacert", authority.certificate]
        # nginx sends chunks where it packs as it goes.
        self.nginx = Nginx(self, "gzip on; gzip_min_length 1; gzip_types *; gzip_http_version 1.0;")
        self.contents = {f"files/{n}": b"%d-" % n * n for n in (0, 1, 1000, 100_000)}
        self.contents |= {"files/a": b"here", "large/a": b"large"}
        for name, data in self.contents.items():
            self.nginx.add(name, data)
        for number in range(40):
            self.nginx.add(f"polite/{number}", b"yes")
            self.nginx.add(f"plain/{number}", b"yes")
        self.haproxy = Haproxy(self, self.nginx.port, authority.issue("IP:127.0.0.1"))

    def run_all(self, *args):
        done = self.fetch("--jsonl", *self.trust, *args)
        return done, {row.url: row for row in done.rows}

    @staticmethod
    def attempts(done):
        return [json.loads(line)["attempts"] for line in done.out.splitlines()]

    def stored(self, *args):
        """What came for each URL, in no order."""
        out = self.dir / "out"
        done = self.fetch("--output-dir", out, *self.trust, *args)
        self.assertEqual(done.code, 0, done.out)
        files = [file for file in out.rglob("*") if file.is_file()]
        bodies = [file.read_bytes() for file in files]
        shutil.rmtree(out)
        return bodies

    def test_every_body_arrives(self):
        sums = {self.haproxy.url(name, port): sha256(data)
                for name, data in self.contents.items() for port in PORTS}
        done, rows = self.run_all(*sums)
        self.assertEqual(done.code, 0, done.out)
        self.assertEqual({url: row.sha256 for url, row in rows.items()}, sums)

    def test_chunks_arrive(self):
        packed = ["-H", "Accept-Encoding: gzip"]
        direct, _ = self.run_all(*packed, self.nginx.url("files/100000"))
        urls = [self.haproxy.url("files/100000", port) for port in PORTS]
        done, rows = self.run_all(*packed, *urls)
        self.assertEqual(done.code, 0, done.out)
        self.assertLess(rows[urls[0]].bytes, 10_000)
        self.assertEqual({row.sha256 for row in rows.values()}, {direct.rows[0].sha256})

    def test_connections_are_kept_and_closed_as_it_says(self):
        for port, least, most in (("kept", 1, 4), ("secure", 1, 4), ("closing", 90, 100)):
            urls = [self.haproxy.url(f"port/{number}", port) for number in range(100)]
            clients = self.stored("-j", "4", "--per-host", "4", *urls)
            self.assertEqual(len(clients), 100)
            self.assertTrue(least <= len(set(clients)) <= most, (port, len(set(clients))))

    def test_a_connection_it_closes_while_idle_costs_nothing(self):
        slow = FaultServer(self)
        out = self.dir / "out"
        process = self.start_fetch("--output-dir", out, *self.trust, "--input-file", "-",
                                   stdin=subprocess.PIPE)
        for number in range(4):
            # While the second is waited for, haproxy closes the connection of the first.
            for url in (self.haproxy.url(f"port/{number}", "brief"), slow.url(f"slow/600/{number}")):
                process.stdin.write(f"{url}\n".encode())
                process.stdin.flush()
                process.wait_for_lines(process.lines + 1)
        process.stdin.close()
        self.assertEqual(process.wait(), 0)
        bodies = [file.read_bytes() for file in out.rglob("*") if file.is_file()]
        self.assertEqual(len({body for body in bodies if body.isdigit()}), 4)

    def test_what_it_answers_itself(self):
        for port in PORTS:
            urls = [self.haproxy.url(f"{name}/x", port) for name in ("nobody", "denied", "moved")]
            done, rows = self.run_all(*urls)
            self.assertEqual(done.code, 1)
            self.assertEqual([rows[url].status for url in urls], [503, 429, 200])
            self.assertEqual(rows[urls[2]].final_url, self.haproxy.url("files/a", port))

    def test_what_it_meters_is_learned(self):
        for folder in ("polite", "plain"):
            urls = [self.haproxy.url(f"{folder}/{number}", "metered") for number in range(40)]
            done, rows = self.run_all("--retry", "2", *urls)
            self.assertEqual(done.code, 0, done.out)   # though more was refused at the beginning
            self.assertEqual(len(rows), 40)
            # How many depends on the machine; eight places, and a few while the rate is looked for.
            refused = sum(self.attempts(done)) - 40
            self.assertLessEqual(refused, 16, folder)

    def test_without_learning_each_refusal_is_a_failed_attempt(self):
        url = self.haproxy.url("denied/x")
        done, rows = self.run_all("--no-adapt-rate", "--retry", "1", url)
        self.assertEqual((done.code, rows[url].status, self.attempts(done)), (1, 429, [2]))

    def test_a_request_that_it_drops_is_a_timeout_and_harms_no_other(self):
        urls = [self.haproxy.url(path) for path in ("files/a", "dropped/x", "files/1")]
        done, rows = self.run_all("-m", "10", "--per-host", "1", *urls)
        self.assertEqual([rows[url].error for url in urls], ["", "timeout", ""])


if __name__ == "__main__":
    main()
