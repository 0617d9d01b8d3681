"""Redirects: followed within reason, and never to where they must not lead."""

from faults import FaultServer, body_of
from nginx import Nginx
from support import SANITIZED, Case, main, sha256


class Redirects(Case):
    def setUp(self):
        super().setUp()
        self.server = FaultServer(self)

    def follow(self, url, *options):
        done = self.fetch("--jsonl", *options, url)
        self.assert_each_once(done.rows, [url])
        return done.of(url)

    def test_to_the_same_host(self):
        for code in (301, 302, 303, 307, 308):
            row = self.follow(self.server.url(f"redirect/{code}?/ok/{code}"))
            self.assertEqual((row.status, row.error), (200, ""), row)
            self.assertEqual(row.sha256, sha256(body_of(f"/ok/{code}")))
            self.assertEqual(row.final_url, self.server.url(f"ok/{code}"))

    def test_to_another_port(self):
        other = FaultServer(self)
        row = self.follow(self.server.url(f"redirect/302?{other.url('ok/there')}"))
        self.assertEqual((row.status, row.final_url), (200, other.url("ok/there")))
        self.assertEqual(list(other.hosts), [f"127.0.0.1:{other.port}"])
        self.assertEqual(len(self.server.asked), 1)

    def test_relative_to_where_we_are(self):
        row = self.follow(self.server.url("redirect/302?../ok/x/../y"))
        self.assertEqual((row.status, row.final_url), (200, self.server.url("ok/y")))

    def test_a_chain(self):
        target = "/ok/end"
        for _ in range(4):
            target = "/redirect/302?" + target.replace("%", "%25").replace("?", "%3F")
        row = self.follow(self.server.url(target[1:]))
        self.assertEqual((row.status, row.final_url), (200, self.server.url("ok/end")))

    def test_a_loop_ends(self):
        row = self.follow(self.server.url("loop/x"))
        self.assertEqual(row.error, "redirect")
        self.assertNotEqual(row.text, "")
        self.assertGreater(len(self.server.asked), 2)
        self.assertLess(len(self.server.asked), 100)

    def test_what_cannot_be_followed_is_a_failure(self):
        for location in ("ftp://127.0.0.1/x", "file:///etc/passwd", "http://", "http://[::1",
                         "javascript:x"):
            row = self.follow(self.server.url(f"redirect/302?{location}"))
            self.assertEqual(row.error, "redirect", (location, row))
            self.assertNotEqual(row.text, "")

    def test_many_redirects_are_one_result_each(self):
        """Quick ones: the second answer may be there before the first was looked at."""
        back = Nginx(self, "location /f { return 200 $uri; }")
        front = Nginx(self, f"location ~ ^/r(.*)$ {{ return 302 {back.url('f')}$1; }}")
        count = 500 if SANITIZED else 2000
        sums = {front.url(f"r{number}"): sha256(b"/f%d" % number) for number in range(count)}
        for bounds in (("4", "1"), ("4", "4"), ("64", "16")):
            done = self.fetch("-j", bounds[0], "--per-host", bounds[1], "--jsonl",
                              "--input-file", "-", input=list(sums))
            self.assertEqual(done.code, 0, done.err)
            self.assert_each_once(done.rows, sums)
            self.assertEqual({row.url: row.sha256 for row in done.rows}, sums)

    def test_the_fragment_is_not_sent(self):
        row = self.follow(self.server.url("redirect/302?/ok/a%23part"))
        self.assertEqual(row.status, 200)
        self.assertEqual(self.server.asked[-1], "/ok/a")

    def test_the_password_does_not_move_to_another_host(self):
        other = FaultServer(self)
        url = self.server.url(f"redirect/302?{other.url('ok/x')}").replace("//", "//me:secret@", 1)
        self.fetch(url)
        self.assertEqual(self.server.credentials, 1)
        self.assertEqual(other.credentials, 0)


if __name__ == "__main__":
    main()
