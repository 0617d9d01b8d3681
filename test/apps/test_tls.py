"""https: which servers are trusted, and that nothing is fetched from the others."""

from certificates import Authority
from nginx import Nginx
from support import Case, main, sha256


class Tls(Case):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self)

    def serve(self, *names, server="", **how):
        nginx = Nginx(self, server=server, certificate=self.authority.issue(*names, **how))
        nginx.add("page", b"over TLS")
        return nginx

    def assert_refused(self, url, nginx, *options):
        done = self.fetch("--jsonl", *options, url)
        self.assertEqual(done.code, 1, done.out)
        row = done.of(url)
        self.assertEqual((row.error, row.status), ("tls", None), row)
        self.assertNotEqual(row.text, "")
        self.assertEqual([each for each in nginx.seen() if each.target == "/page"], [])

    def test_a_known_authority_is_trusted(self):
        nginx = self.serve("DNS:localhost", "IP:127.0.0.1")
        for host in ("localhost", "127.0.0.1"):
            url = nginx.url("page", host)
            done = self.fetch("--jsonl", "--cacert", self.authority.certificate, url)
            self.assertEqual(done.code, 0, done.out)
            self.assertEqual(done.of(url).sha256, sha256(b"over TLS"))

    def test_an_unknown_authority_is_not(self):
        nginx = self.serve("DNS:localhost", "IP:127.0.0.1")
        other = Authority(self, "somebody else")
        self.assert_refused(nginx.url("page"), nginx)
        self.assert_refused(nginx.url("page"), nginx, "--cacert", other.certificate)

    def test_a_certificate_for_another_name_is_not_enough(self):
        nginx = self.serve("DNS:other.example", "DNS:localhost.example", "IP:127.0.0.2")
        for host in ("localhost", "127.0.0.1"):
            url = nginx.url("page", host)
            self.assert_refused(url, nginx, "--cacert", self.authority.certificate)

    def test_an_address_is_not_a_name(self):
        nginx = self.serve("DNS:127.0.0.1")
        self.assert_refused(nginx.url("page"), nginx, "--cacert", self.authority.certificate)

    def test_the_subject_is_no_name(self):
        nginx = self.serve(subject="localhost")
        url = nginx.url("page", "localhost")
        self.assert_refused(url, nginx, "--cacert", self.authority.certificate)

    def test_old_protocols_are_refused(self):
        nginx = self.serve(
            "IP:127.0.0.1", server="ssl_protocols TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0;")
        self.assert_refused(nginx.url("page"), nginx, "--cacert", self.authority.certificate)

    def test_a_server_without_tls_is_a_failed_handshake(self):
        plain = Nginx(self)
        self.assert_refused(plain.url("page").replace("http:", "https:"), plain)

    def test_the_server_gets_the_name_and_no_address(self):
        nginx = self.serve("DNS:localhost", "IP:127.0.0.1",
                           server="location = /name { return 200 '<$ssl_server_name>'; }")
        for host, told in (("localhost", b"<localhost>"), ("127.0.0.1", b"<>")):
            url = nginx.url("name", host)
            done = self.fetch("--jsonl", "--cacert", self.authority.certificate, url)
            self.assertEqual((done.code, done.of(url).sha256), (0, sha256(told)), done.out)

    def test_connections_are_kept_under_tls_too(self):
        nginx = self.serve("IP:127.0.0.1")
        urls = [nginx.add(f"f{n}", b"%d" % n * 1000) for n in range(100)]
        done = self.fetch(
            "-j", "4", "--per-host", "4", "--cacert", self.authority.certificate, *urls)
        self.assertEqual(done.code, 0, done.out)
        seen = nginx.seen()
        self.assertEqual(len(seen), 100)
        self.assertLessEqual(len({each.connection for each in seen}), 4)
        self.assertLessEqual(max(each.active for each in seen), 4)

    def test_sessions_are_resumed(self):
        told = "keepalive_timeout 0; location /told { return 200 '$ssl_session_reused'; }"
        for version in ("TLSv1.2", "TLSv1.3"):
            with self.subTest(version):
                nginx = self.serve("IP:127.0.0.1", server=f"ssl_protocols {version}; {told}")
                urls = [nginx.url(f"told/{n}") for n in range(5)]
                done = self.fetch(
                    "--jsonl", "-j", "1", "--cacert", self.authority.certificate, *urls)
                self.assertEqual(done.code, 0, done.out)
                self.assertEqual([done.of(url).sha256 for url in urls],
                                 [sha256(b".")] + 4 * [sha256(b"r")])
                self.assertEqual(len({each.connection for each in nginx.seen()}), 5)

    def test_a_redirect_may_lead_to_https(self):
        secure = self.serve("IP:127.0.0.1")
        plain = Nginx(self, server=f"location = /go {{ return 301 {secure.url('page')}; }}")
        url = plain.url("go")
        done = self.fetch("--jsonl", "--cacert", self.authority.certificate, url)
        self.assertEqual((done.code, done.of(url).final_url), (0, secure.url("page")), done.out)
        self.assertEqual(self.fetch(url).code, 1)

    def test_a_file_of_authorities_that_cannot_be_read_is_wrong_usage(self):
        empty = self.dir / "empty.pem"
        empty.write_text("no certificate\n")
        for file in (self.dir / "not-there.pem", empty):
            done = self.fetch("--cacert", file, "http://127.0.0.1:1/")
            self.assertEqual((done.code, done.out), (2, b""), done.err)


if __name__ == "__main__":
    main()
