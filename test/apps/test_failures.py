"""What servers and networks do wrong: each is one failed result with its class, and harms no
other URL.
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
        for form in ([], ["--json"]):
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

    def test_reset_in_the_middle_of_a_body(self):
        self.fails(self.server.url("reset/x"), {"incomplete"})

    def test_body_shorter_than_promised(self):
        self.fails(self.server.url("short/x"), {"incomplete"})

    def test_body_shorter_than_promised_after_good_ones_on_the_connection(self):
        self.fails(self.server.url("short/x"), {"incomplete"}, "-j", "1")

    def test_closed_without_an_answer(self):
        self.fails(self.server.url("drop/x"), {"incomplete"})

    def test_an_answer_that_is_not_http(self):
        self.fails(self.server.url("junk/x"), {"protocol"})

    def test_a_server_that_never_answers(self):
        row = self.fails(self.server.url("stall/x"), {"timeout"}, "-m", "1")
        self.assertGreaterEqual(row.seconds, 0.9)
        self.assertLess(row.seconds, 10)

    def test_a_server_that_stops_in_the_middle_of_a_body(self):
        self.fails(self.server.url("stall-body/x"), {"timeout"}, "-m", "1")

    def test_a_fraction_of_a_second_is_a_timeout_too(self):
        row = self.fails(self.server.url("stall/x"), {"timeout"}, "-m", "0.3")
        self.assertLess(row.seconds, 5)

    def test_an_unfinished_chunk(self):
        raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nhe"
        self.fails(self.server.url("raw?" + raw.hex()), {"incomplete"})

    def test_an_unfinished_header(self):
        raw = b"HTTP/1.1 200 OK\r\nContent-Le"
        self.fails(self.server.url("raw?" + raw.hex()), {"incomplete"})

    def test_a_header_without_end(self):
        self.fails(self.server.url("big/x"), {"too_large", "protocol"})

    def test_two_different_lengths(self):
        raw = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\nhello"
        self.fails(self.server.url("raw?" + raw.hex()), {"protocol"})

    def test_a_coding_we_do_not_undo_is_refused(self):
        raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        self.fails(self.server.url("raw?" + raw.hex()), {"protocol"})

    def test_a_body_that_ends_with_the_connection_is_complete(self):
        raw = b"HTTP/1.1 200 OK\r\n\r\nuntil the end"
        url = self.server.url("raw?" + raw.hex())
        done = self.fetch("--json", url, *self.good)
        self.assertEqual((done.code, done.of(url).bytes), (0, 13), done.out)

    def test_interim_answers_are_passed_over(self):
        raw = (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
               b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        url = self.server.url("raw?" + raw.hex())
        done = self.fetch("--json", url)
        row = done.of(url)
        self.assertEqual((done.code, row.status, row.bytes), (0, 200, 5), row)

    def test_no_content_has_no_body(self):
        raw = b"HTTP/1.1 204 No Content\r\n\r\n"
        url = self.server.url("raw?" + raw.hex())
        done = self.fetch("--json", url)
        row = done.of(url)
        self.assertEqual((done.code, row.status, row.bytes), (0, 204, 0), row)

    def test_a_connection_that_dies_idle_costs_no_result(self):
        urls = [self.server.url(f"quit/{number}") for number in range(30)]
        done = self.fetch("-j", "1", *urls)
        self.assertEqual(done.code, 0, done.out)
        self.assert_each_once(done.rows, urls)


if __name__ == "__main__":
    main()
