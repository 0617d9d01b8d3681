"""Proxies: http and https through a real tinyproxy, by option and by the environment."""

from certificates import Authority
from nginx import Nginx, free_port
from support import Case, Fetched, environment, main, sha256
from tinyproxy import TlsDoor, Tinyproxy

PAGE = b"by a proxy"


class Proxies(Case):
    def setUp(self):
        super().setUp()
        log = "location /told { return 200 '<$http_proxy_authorization>'; }"
        self.plain = Nginx(self, server=log)
        self.plain.add("page", PAGE)

    def secure(self):
        authority = Authority(self)
        nginx = Nginx(self, certificate=authority.issue("DNS:localhost", "IP:127.0.0.1"))
        nginx.add("page", PAGE)
        return nginx, ("--cacert", authority.certificate)

    def fetch_in(self, variables, *args):
        """Runs weir-fetch with these environment variables."""
        process = self.start_fetch("--jsonl", *args, env=environment(variables))
        process.wait()
        return Fetched(process)

    def assert_fetched(self, done, url, data=PAGE):
        self.assertEqual((done.code, done.of(url).sha256), (0, sha256(data)), (done.out, done.err))

    def test_http_is_forwarded_and_https_goes_through_a_tunnel(self):
        proxy = Tinyproxy(self)
        secure, trust = self.secure()
        for server, line in ((self.plain, "GET http://"), (secure, "CONNECT 127.0.0.1:")):
            url = server.url("page")
            done = self.fetch("--jsonl", "-x", proxy.url(), *trust, url)
            self.assert_fetched(done, url)
            self.assertTrue(proxy.requests()[-1].startswith(line), proxy.log())

    def test_a_proxy_is_reached_over_tls(self):
        proxy = Tinyproxy(self, user=("user", "pass"))
        authority = Authority(self)
        certificate = authority.issue("DNS:localhost", "IP:127.0.0.1")
        secure = Nginx(self, certificate=certificate)
        secure.add("page", PAGE)
        large = secure.add("large", PAGE * 100_000)
        door = TlsDoor(proxy.port, certificate)
        self.addCleanup(door.close)
        by = ("-x", f"https://user:pass@localhost:{door.port}")
        trust = ("--cacert", authority.certificate)
        for url in (self.plain.url("page"), secure.url("page")):
            self.assert_fetched(self.fetch("--jsonl", *by, *trust, url), url)
        self.assert_fetched(self.fetch("--jsonl", *by, *trust, large), large, PAGE * 100_000)
        row = self.fetch("--jsonl", *by, self.plain.url("page")).rows[0]
        self.assertEqual(row.error, "proxy", row)
        self.assertIn("certificate", row.text)

    def test_many_urls_through_one_proxy(self):
        proxy = Tinyproxy(self)
        secure, trust = self.secure()
        urls = [self.plain.add(f"f{n}", b"%d" % n * 100) for n in range(50)]
        urls += [secure.add(f"s{n}", b"%d" % n * 100) for n in range(50)]
        done = self.fetch("-x", proxy.url(), *trust, *urls)
        self.assertEqual(done.code, 0, done.out)
        self.assert_each_once(done.rows, urls)

    def test_credentials_are_for_the_proxy_alone(self):
        proxy = Tinyproxy(self, user=("user", "pass"))
        secure, trust = self.secure()
        for server in (self.plain, secure):
            url = server.url("page")
            done = self.fetch("--jsonl", "-x", proxy.url("user:p%61ss@"), *trust, url)
            self.assert_fetched(done, url)
        told = self.plain.url("told")
        done = self.fetch("--jsonl", "-x", proxy.url("user:pass@"), told)
        self.assert_fetched(done, told, b"<>")

    def test_without_credentials_the_proxy_refuses(self):
        proxy = Tinyproxy(self, user=("user", "pass"))
        secure, trust = self.secure()
        for user in ("", "user:wrong@"):
            done = self.fetch("--jsonl", "-x", proxy.url(user), self.plain.url("page"))
            row = done.of(self.plain.url("page"))
            self.assertEqual((row.status, row.error), (407 if not user else 401, "http"), row)
            done = self.fetch("--jsonl", "-x", proxy.url(user), *trust, secure.url("page"))
            row = done.of(secure.url("page"))
            self.assertEqual((row.status, row.error), (None, "proxy"), row)
            self.assertNotIn("wrong", row.text)
        self.assertEqual(self.plain.seen() + secure.seen(), [])

    def test_a_tunnel_to_a_forbidden_port_is_refused(self):
        proxy = Tinyproxy(self, more="ConnectPort 443")
        secure, trust = self.secure()
        row = self.fetch("--jsonl", "-x", proxy.url(), *trust, secure.url("page")).rows[0]
        self.assertEqual(row.error, "proxy", row)
        self.assertIn("403", row.text)

    def test_a_proxy_that_is_not_there_is_named(self):
        row = self.fetch("--jsonl", "-x", f"127.0.0.1:{free_port()}", self.plain.url("page")).rows[0]
        self.assertEqual(row.error, "proxy", row)
        self.assertIn("the proxy 127.0.0.1:", row.text)

    def test_the_environment_names_proxies_and_what_goes_without(self):
        proxy = Tinyproxy(self)
        secure, trust = self.secure()
        plain_url, secure_url = self.plain.url("page"), secure.url("page")
        cases = (
            ({"http_proxy": proxy.url()}, (), plain_url, 1),
            ({"HTTP_PROXY": proxy.url()}, (), plain_url, 0),
            ({"https_proxy": proxy.url()}, (), secure_url, 1),
            ({"HTTPS_PROXY": proxy.url()}, (), plain_url, 0),
            ({"ALL_PROXY": proxy.url()}, (), plain_url, 1),
            ({"all_proxy": proxy.url(), "no_proxy": "127.0.0.0/8"}, (), plain_url, 0),
            ({"all_proxy": proxy.url(), "NO_PROXY": "example.com"}, (), secure_url, 1),
            ({"all_proxy": proxy.url()}, ("--noproxy", "127.0.0.1"), secure_url, 0),
            ({"all_proxy": proxy.url()}, ("-x", ""), plain_url, 0),
            ({"all_proxy": "socks5://127.0.0.1:1"}, ("-x", proxy.url()), plain_url, 1),
        )
        for variables, options, url, through in cases:
            with self.subTest(variables=variables, options=options, url=url):
                before = len(proxy.requests())
                self.assert_fetched(self.fetch_in(variables, *options, *trust, url), url)
                self.assertEqual(len(proxy.requests()) - before, through, proxy.log())
        done = self.fetch_in({"all_proxy": "socks5://127.0.0.1:1"}, plain_url)
        self.assertEqual((done.code, done.out), (2, b""))
        self.assertIn("SOCKS", done.err)

    def test_hosts_are_led_elsewhere(self):
        secure, trust = self.secure()
        port = secure.port
        cases = (
            ("--resolve", f"localhost:{port}:127.0.0.1", f"https://localhost:{port}/page"),
            ("--resolve", f"*:{port}:[::2],127.0.0.1", f"https://localhost:{port}/page"),
            ("--connect-to", f"localhost:443:127.0.0.1:{port}", "https://localhost/page"),
            ("--connect-to", f"::127.0.0.1:{port}", "https://localhost/page"),
        )
        for name, value, url in cases:
            with self.subTest(value):
                done = self.fetch("--jsonl", name, value, "-4", *trust, url)
                self.assert_fetched(done, url)
        done = self.fetch("--jsonl", "-6", *trust, secure.url("page"))
        self.assertEqual(done.rows[0].error, "dns")
        for name, value in (("--resolve", "a:1"), ("--resolve", "a:1:b"), ("--connect-to", "a:b")):
            self.assertEqual(self.fetch(name, value, self.plain.url("page")).code, 2)


if __name__ == "__main__":
    main()
