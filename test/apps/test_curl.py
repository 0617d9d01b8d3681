"""weir-fetch and curl agree on the status, the body, the final URL and the number of redirects: for
what nginx serves, and for the rows of test/http/faults.tsv that are no error. Where they differ by
choice, DIFFERENCES says why.
"""

import dataclasses
import itertools
import re
import shutil
import socket
import sys

import fault_table
from fault_hellos import HELLOS
from fault_server import RowServer
from nginx import Nginx
from support import Case, main, sha256, tools

# By the end of a URL, why its answer is not the same. Where only the final URL differs, curl prints
# what it was given, and weir what it sent.
DIFFERENCES = {
    "/%2e/a": "it is a dot segment, as the URL standard says; curl keeps it",
    "/plain?": "an empty query is one; curl drops it",
    "#part": "weir prints the URL that it asked for, curl the fragment too",
    "#a?b": "the same",
    "-to-fragment": "the same",
    "-to-capitals": "host names are printed in lower case",
    "//LocalHost/files/plain": "the same",
    "/blank-before-colon-of-length": "it is a length; curl waits for the end of the connection",
    "/header-large": "a line may have 256 KiB; curl takes 100 KB",
    "/chunk-size-with-zeros": "zeros do not count; curl takes 16 digits",
    "/redirect-in-latin-1": "%E9 is written in capitals, as browsers do",
    "/redirect-with-blanks": "a tab in a URL is removed, as the URL standard says; curl refuses it",
    "/redirect-300": "only 301, 302, 303, 307 and 308 are followed; curl follows others too",
    "/redirect-304": "the same",
}

STATUSES = (200, 201, 202, 203, 204, 205, 300, 304, 400, 401, 402, 403, 404, 405, 406, 407, 408,
            409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422, 425, 426, 428, 429, 431,
            451, 500, 501, 502, 503, 504, 505, 507, 511)
PATHS = ("plain", "a%20b", "%41", "%c3%a9", "a+b", "a;b=c", "a,b", "~a", "!a", "(a)", "a*b", "a@b",
         "a:b", "a=b", "a$b", "a&b", "a%2Fb", "a%25b", "%zz", "a%", "[a]", "a|b", "a//b", "./a",
         "b/../a", "b/./a/.", "a/..", "%2e/a", ".a", "..a", "a.", "a-._~b", "A", "empty", "large",
         "", "plain?", "plain?a", "plain?a=b&c=d", "plain?a=b?c", "plain??", "plain?a%20b",
         "plain?a+b", "plain?%", "plain?a/../b", "plain?[]", "plain?%E4", "plain#part",
         "plain?a#part", "plain#", "plain#a?b")
LOCATIONS = {
    "path": "/files/plain", "name": "plain", "parent": "../files/plain",
    "root": "../../../files/plain", "itself": "?again", "dot": "./plain",
    "host": "//127.0.0.1:{other}/files/plain", "query": "/files/plain?a=b",
    "fragment": "/files/plain#part", "dots": "/files/b/../plain", "404": "/status/404",
    "204": "/status/204", "chain": "/chain/3", "url": "http://127.0.0.1:{other}/files/plain",
    "no-path": "http://127.0.0.1:{other}", "capitals": "http://LOCALHOST:{other}/files/plain",
    "blank": "/files/a%20b", "empty": "/files/empty",
}
WRITE_OUT = r'write-out = "%{urlnum} %{exitcode} %{http_code} %{num_redirects} %{url_effective}\n"'
RANGES = ("bytes=0-9", "bytes=5-", "bytes=-5", "bytes=0-0", "bytes=99999999-", "bytes=9-0",
          "lines=1-2")

CONFIG = """
    {listen6}
    absolute_redirect off;
    location = /gzip/large {{
        gzip on; gzip_min_length 1; gzip_types *;
        rewrite ^ /files/large break;
    }}
    {places}
"""


@dataclasses.dataclass(frozen=True)
class Got:
    failed: bool
    status: int | None
    final_url: str
    redirects: int
    body: str | None   # its sum

    def what_counts(self):
        """Of a failure, that it is one: how far it came is each program's own affair."""
        return (True,) if self.failed else dataclasses.astuple(self)


def places(other):
    """What nginx answers without a file, by path. `other` is another one's port."""
    answers = {f"/status/{code}": f"{code} 'status {code}'" for code in STATUSES}
    answers |= {f"/chain/{n}": f"302 /chain/{n - 1}" for n in range(1, 12)}
    answers["/chain/0"] = "200 end"
    for code, name in itertools.product((301, 302, 303, 307, 308), LOCATIONS):
        answers[f"/files/{code}-to-{name}"] = f"{code} '{LOCATIONS[name].format(other=other)}'"
    return {path: f"location = {path} {{ return {answer}; }}" for path, answer in answers.items()}


def free_port_of_ipv6():
    """None where there is no IPv6."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
            return probe.getsockname()[1]
    except OSError:
        return None


class Curl(Case):
    def setUp(self):
        super().setUp()
        self.compared = 0
        self.runs = itertools.count()
        self.differing = {}

    def test_agreement(self):
        self.compare_nginx()
        self.compare_faults()
        self.assertGreaterEqual(self.compared, 200)
        unexpected = {url: both for url, both in self.differing.items() if not self.reason(url)}
        self.assertEqual(unexpected, {}, "\n" + "\n".join(map(str, unexpected.items())))
        found = {self.reason(url) for url in self.differing}
        self.assertEqual(set(DIFFERENCES) - found, set(), "they agree now")

    @staticmethod
    def reason(url):
        """The entry of DIFFERENCES for this URL, if there is one."""
        without_port = re.sub(r":\d+/", "/", url)
        return next((end for end in DIFFERENCES if without_port.endswith(end)), None)

    def compare_nginx(self):
        other = Nginx(self)
        other.add("files/plain", b"the other one")
        answers = places(other.port)
        port6 = free_port_of_ipv6()
        listen6 = f"listen [::1]:{port6};" if port6 else ""
        nginx = Nginx(self, CONFIG.format(places="\n".join(answers.values()), listen6=listen6))
        for name, data in {"plain": b"plain\n", "a b": b"blank", "\u00e9": b"accent", "a": b"a",
                           "empty": b"", "large": b"0123456789" * 30_000}.items():
            nginx.add(f"files/{name}", data)
        urls = [nginx.url(path[1:]) for path in answers]
        urls += [nginx.url("files/" + path) for path in PATHS]
        urls += [nginx.url("files/plain", host)
                 for host in ("localhost", "LocalHost", "127.1", "2130706433")]
        if port6:
            urls += [f"http://[::1]:{port6}/files/{name}" for name in ("plain", "302-to-path")]
        self.compare(urls)
        self.compare(urls[::3], ["--head"], ["--head"])
        self.compare(urls[::5], ["--no-location"], ["--no-location"])
        self.compare([nginx.url("gzip/large")], *[["-H", "Accept-Encoding: gzip"]] * 2)
        for value in RANGES:
            names = ("plain", "empty", "large", "302-to-path")
            self.compare([nginx.url(f"files/{name}") for name in names],
                         *[["-H", f"Range: {value}"]] * 2)

    def compare_faults(self):
        rows = [row for row in fault_table.rows() if row.expected in ("ok", "http")
                and row.method == "GET" and row.name not in HELLOS]
        server = RowServer(self, rows)
        urls = [server.url(row, scheme, "whole") for row in rows for scheme in row.schemes]
        trust = ["--cacert", server.authority]
        self.compare(urls, trust, trust)

    def compare(self, urls, options=(), curl_options=()):
        ours, theirs = self.by_weir(urls, options), self.by_curl(urls, curl_options)
        self.compared += len(urls)
        for url in urls:
            if ours[url].what_counts() != theirs[url].what_counts():
                self.differing[url] = ours[url], theirs[url]

    def by_weir(self, urls, options):
        done = self.fetch("--jsonl", "-s", "-m", "30", *options, "--input-file", "-", input=urls)
        self.assert_each_once(done.rows, urls)
        return {row.url: Got(row.error not in ("", "http"), row.status, row.final_url,
                             row.redirects, row.sha256) for row in done.rows}

    def by_curl(self, urls, options):
        got = {}
        while left := [url for url in urls if url not in got]:
            before = len(got)   # it ends where a line is too long for it
            got |= self.run_curl(left, options)
            self.assertGreater(len(got), before)
        return got

    def run_curl(self, urls, options):
        """One curl for all of them, one after the other."""
        folder = self.dir / f"curl-{next(self.runs)}"
        folder.mkdir()
        lines = ["silent", "globoff", "http1.1", "max-redirs = 10", "max-time = 30", WRITE_OUT]
        for number, url in enumerate(urls):
            lines += [f'url = "{url}"', f'output = "{folder}/{number}"']
        config = folder / "config"
        config.write_text("".join(f"{line}\n" for line in lines))
        follow = [] if "--no-location" in options else ["--location"]
        rest = [option for option in options if option != "--no-location"]
        process = self.start(tools.need("curl"), *follow, *rest, "--config", config)
        process.wait(100)
        return {urls[int(line.split()[0])]: self.got(folder, line, "--head" in options)
                for line in process.out.decode().splitlines()}

    @staticmethod
    def got(folder, line, head):
        number, code, status, redirects, url = line.split(" ", 4)
        file = folder / number
        data = b"" if head or not file.exists() else file.read_bytes()
        return Got(code != "0", int(status) or None, url, int(redirects), sha256(data))


if __name__ == "__main__":
    if not shutil.which("curl"):
        print("curl is not there: apt-get install curl")
        sys.exit(77)
    main()
