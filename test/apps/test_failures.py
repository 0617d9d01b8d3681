"""A URL that fails is one failed result, in both forms of the output, and harms no other URL. What
servers do wrong, and its classes, stand in test_faults.py.
"""

import socket

from faults import FaultServer, body_of
from support import Case, main


class Failures(Case):
    def setUp(self):
        super().setUp()
        self.server = FaultServer(self)
        self.good = [self.server.url(f"ok/{number}") for number in range(6)]

    def fails(self, url, classes, *options, status=None):
        """Fetches it among good ones: they are fine, it fails with one of the classes."""
        urls = [*self.good[:3], url, *self.good[3:]]
        for form in ([], ["--jsonl"]):
            done = self.fetch(*form, *options, *urls)
            self.assertEqual(done.code, 1, done.err)
            self.assert_each_once(done.rows, urls)
            for good in self.good:
                row = done.of(good)
                self.assertEqual((row.status, row.error), (200, ""), row)
                self.assertEqual(row.bytes, len(body_of(good.partition(str(self.server.port))[2])))
            row = done.of(url)
            self.assertIn(row.error, classes, row)
            self.assertNotEqual(row.text, "")
        return row

    def test_connection_refused(self):
        with socket.socket() as taken:   # bound and not listening, so that no other process gets the port
            taken.bind(("127.0.0.1", 0))
            row = self.fails(f"http://127.0.0.1:{taken.getsockname()[1]}/", {"connect"})
        self.assertIn("refused", row.text.lower())

    def test_unknown_host(self):
        self.fails("http://nowhere.invalid/", {"dns"})

    def test_body_shorter_than_promised(self):
        self.fails(self.server.url("short/x"), {"incomplete"})

    def test_body_shorter_than_promised_after_good_ones_on_the_connection(self):
        self.fails(self.server.url("short/x"), {"incomplete"}, "-j", "1")

    def test_a_server_that_never_answers(self):
        row = self.fails(self.server.url("stall/x"), {"timeout"}, "-m", "1")
        self.assertGreaterEqual(row.seconds, 0.9)
        self.assertLess(row.seconds, 25)

    def test_a_fraction_of_a_second_is_a_timeout_too(self):
        row = self.fails(self.server.url("stall/x"), {"timeout"}, "-m", "0.3")
        self.assertLess(row.seconds, 25)


if __name__ == "__main__":
    main()
