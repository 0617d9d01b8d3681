"""The promise: 10,000 URLs of one host through 32 connections, every body right, the bound kept."""

import random

from nginx import Nginx
from support import SANITIZED, Case, main, sha256

URLS = 10_000
BOUND = 32


class TenThousand(Case):
    def test_ten_thousand_right_sums_through_32_connections(self):
        # Nginx keeps every connection for as long as we want it: each one seen is one we opened.
        nginx = Nginx(self, keepalive_requests=1_000_000)
        chance = random.Random(1)
        sums = {}
        for number in range(URLS):
            data = chance.randbytes(chance.choice((0, 1, 17, 700, 3000, 9000)))
            sums[nginx.add(f"{number % 100}/{number}", data)] = (len(data), sha256(data))

        done = self.fetch("-j", BOUND, "--per-host", BOUND, "--jsonl", "--input-file", "-",
                          input=list(sums))

        self.assertEqual(done.code, 0, done.err)
        rows = done.rows
        self.assertEqual(len(rows), URLS)
        self.assertEqual({row.url: (row.bytes, row.sha256) for row in rows}, sums)
        self.assertEqual({row.status for row in rows}, {200})

        nginx.stop()
        seen = nginx.seen()
        self.assertEqual(len(seen), URLS)
        active = max(each.active for each in seen)   # nginx's own count, at every request
        connections = len({each.connection for each in seen})
        print(f"{URLS} URLs in {done.seconds:.2f} s, {URLS / done.seconds:.0f} a second: "
              f"{connections} connections, at most {active} at once", flush=True)
        self.assertLessEqual(active, BOUND)
        # An idle connection is given up after 4 s, and another may be opened for it later.
        self.assertLessEqual(connections, BOUND * (1 + int(done.seconds // 4)))

    def test_the_whole_bound_is_used(self):
        # Each body takes a second, so that the requests meet.
        nginx = Nginx(self, server="limit_rate 20k;")
        urls = [nginx.add(f"{number}", b"x" * 40_000) for number in range(4 * BOUND)]
        done = self.fetch("-j", BOUND, "--per-host", BOUND, "--input-file", "-", input=urls)
        self.assertEqual(done.code, 0, done.err)
        nginx.stop()
        self.assertEqual(max(each.active for each in nginx.seen()), BOUND)

    def test_the_bound_holds_when_the_server_closes_connections(self):
        nginx = Nginx(self, keepalive_requests=50)
        count = 1000 if SANITIZED else 4000
        urls = [nginx.add(f"{number}", b"%d" % number) for number in range(count)]
        done = self.fetch("-j", BOUND, "--per-host", BOUND, "--input-file", "-",
                          input=urls)
        self.assertEqual(done.code, 0, done.err)
        self.assert_each_once(done.rows, urls)
        nginx.stop()
        seen = nginx.seen()
        self.assertGreater(len({each.connection for each in seen}), count // 50 - 1)
        self.assertLessEqual(max(each.active for each in seen), BOUND)


if __name__ == "__main__":
    main()
