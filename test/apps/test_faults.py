"""What servers do wrong, row by row of test/http/faults.tsv: what is made of it, and that the next
request to the same server is answered.
"""

import collections
import itertools

import fault_table
from fault_cases import ANSWERS
from fault_hellos import HELLOS
from fault_server import RowServer
from support import SANITIZED, Case, main, parse_rows, program, sha256

UNHEARD = ("refused", "backlog-full")   # nothing is accepted: the server needs no code for it

# Only what hangs takes as long; so everything else must be done within it, on a busy machine too.
TIME_OF_HANGING = 15 if SANITIZED else 5
TIME_OF_OTHERS = 120
MAX_BODY = 1024 * 1024


class Faults(Case):
    def setUp(self):
        super().setUp()
        self.rows = fault_table.rows()

    def test_every_fault_has_a_row_and_every_row_a_fault(self):
        names = [row.name for row in self.rows]
        self.assertEqual(sorted(names), sorted({*ANSWERS, *HELLOS, *UNHEARD}))
        self.assertGreaterEqual(len(names), 280)   # as docs/http.md says
        self.assertTrue(all(row.what for row in self.rows))

    def test_what_hangs(self):
        self.run_rows([row for row in self.rows
                       if row.expected == "timeout" and row.method != "PUT"],
                      "-m", TIME_OF_HANGING, "--connect-timeout", TIME_OF_HANGING * 0.7)

    def test_what_ends(self):
        self.run_rows([row for row in self.rows
                       if row.expected != "timeout" and row.method == "GET"],
                      "-m", TIME_OF_OTHERS, "--connect-timeout", TIME_OF_OTHERS)

    def test_answers_to_head(self):
        self.run_rows([row for row in self.rows if row.method == "HEAD"],
                      "-m", TIME_OF_OTHERS, "--connect-timeout", TIME_OF_OTHERS, "--head")

    def test_uploads_that_hang(self):
        self.run_rows([row for row in self.rows
                       if row.expected == "timeout" and row.method == "PUT"], TIME_OF_HANGING,
                      by=self.upload)

    def test_uploads(self):
        self.run_rows([row for row in self.rows
                       if row.expected != "timeout" and row.method == "PUT"], TIME_OF_OTHERS,
                      by=self.upload)

    def get(self, server, pairs, *options):
        """The results of each URL of a fault, and of the good one behind it."""
        urls = [each for url, (row, good) in pairs.items()
                for each in ([url] if row.after == "none" else [url, good])]
        done = self.fetch(
            "--jsonl", "-s", "-j", 1500, "--per-host", 1, "--max-filesize", MAX_BODY,
            "--cacert", server.authority, *options, "--input-file", "-", input=urls)
        self.assert_each_once(done.rows, urls)
        fine = all(row.expected == "ok" for row, _ in pairs.values())
        self.assertEqual(done.code, 0 if fine else 1, done.err)
        return done.rows

    def upload(self, server, pairs, seconds):
        """The same with a request's body to each fault."""
        lines = [f"{url} {row.body[0]} {row.body[1]} {good}\n" for url, (row, good) in pairs.items()]
        file = self.dir / "uploads"
        file.write_text("".join(lines))
        with open(file, "rb") as stdin:
            process = self.start(program("uploads"), server.authority, seconds, stdin=stdin)
        self.assertEqual(process.wait(), 0, process.err)
        rows = parse_rows(process.out, as_json=True)
        self.assert_each_once(rows, [each for url, (_, good) in pairs.items() for each in (url, good)])
        return rows

    def run_rows(self, rows, *options, by=None):
        """Makes every variant of these rows at once, and behind each a good one of its server."""
        server = RowServer(self, rows)
        pairs = {}
        for row in rows:
            for scheme, pace in itertools.product(row.schemes, row.paces):
                url = server.url(row, scheme, pace)
                pairs[url] = row, server.url(row, scheme, pace, "good")
        got = {each.url: each for each in (by or self.get)(server, pairs, *options)}
        wrong = []
        for url, (row, good) in pairs.items():
            wrong += self.faults_of(row, server.asked(url), got[url], got.get(good))
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))
        self.assertEqual(collections.Counter(row.name for row, _ in pairs.values()),
                         {row.name: len(row.schemes) * len(row.paces) for row in rows})

    def faults_of(self, row, asked, got, good):
        """What is not as the row says, in sentences."""
        def expect(what, is_, wanted):
            if is_ != wanted:
                yield f"{got.url}: {what} is {is_}, not {wanted} ({got.text}) [{row.what}]"

        yield from expect("the class", got.error or "ok", row.expected)
        yield from expect("the status", got.status, row.status)
        yield from expect("the number of bytes", got.bytes, row.bytes)
        if row.expected == "ok":
            yield from expect("the body", got.sha256, sha256(b"hello\r"[:row.bytes]))
        yield from expect("the phase", self.phase_of(got), row.phase)
        if row.after == "none":
            return
        yield from expect("the next answer", (good.status, good.error, good.sha256),
                          (200, "", sha256(b"" if row.method == "HEAD" else b"hello")))
        yield from expect("the next connection", self.connection_after(asked), row.after)
        if row.phase == "tls":
            yield from expect("the number of requests before TLS", len(asked), 1)

    @staticmethod
    def phase_of(got):
        """What the client was at when it ended."""
        if got.error in ("", "http"):
            return "end"
        if got.error in ("redirect", "connect"):
            return got.error
        if not got.timings["connect"]:
            return "connect"
        if got.url.startswith("https:") and not got.timings["tls"]:
            return "tls"
        return "body" if got.timings["first_byte"] else "head"

    @staticmethod
    def connection_after(asked):
        """Whether the last request, which was answered, used the connection of the one before."""
        before = [each.connection for each in asked[:-1]]
        return "same" if before and before[-1] == asked[-1].connection else "new"


if __name__ == "__main__":
    main()
