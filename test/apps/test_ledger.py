"""Any mixture of URLs, ended in any way at any moment: each is one result, no more, no less."""

import random
import signal

from faults import FaultServer
from support import Case, main, parse_rows, wait_until

KINDS = ("ok", "ok", "ok", "slow/5", "slow/20", "status/404", "status/503", "stall", "stall-body",
         "reset", "short", "drop", "junk", "close", "quit", "loop")


class Ledger(Case):
    def mixture(self, chance, servers):
        urls = []
        for number in range(chance.choice((20, 100, 200))):
            target = chance.choice(servers).url(f"{chance.choice(KINDS)}/{number}")
            if chance.random() < 0.1:
                target = f"ftp://127.0.0.1/{number}"
            elif chance.random() < 0.2:
                target = chance.choice(servers).url(f"redirect/302?{target}")
            urls.append(target)
        return urls

    def run_one(self, seed):
        chance = random.Random(seed)
        servers = [FaultServer(self) for _ in range(3)]
        urls = self.mixture(chance, servers)
        out = self.dir / f"out-{seed}"
        form = chance.choice(([], ["--jsonl"], ["--output-dir", out]))
        process = self.start_fetch(
            "-j", chance.choice((3, 16, 50)), "--per-host", chance.choice((1, 2, 8)),
            "-m", "0.3", *form, *urls)
        signals = chance.choice((0, 1, 2))
        after = chance.randrange(len(urls))
        if signals > 0:
            wait_until(lambda: process.lines >= after or not process.running, f"{after} results")
            wait_until(lambda: any(server.asked for server in servers) or not process.running,
                       "a request")
        for _ in range(signals):
            if process.running:
                process.signal(signal.SIGTERM)
        self.assertIn(process.wait(), (1, 3))
        self.assert_each_once(parse_rows(process.out, "--jsonl" in process.argv), urls)
        if out.exists():
            self.assertEqual([path for path in out.iterdir() if path.name.endswith(".part")], [])
        for server in servers:
            server.stop()

    def test_each_url_is_one_result(self):
        for seed in range(12):
            with self.subTest(seed=seed):
                self.run_one(seed)


if __name__ == "__main__":
    main()
