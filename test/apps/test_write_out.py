"""--write-out: what curl's variables say, in curl's syntax."""

import json
import os
import pathlib
import pty
import re
import shutil
import subprocess
import threading

from faults import FaultServer, body_of
from recorder import Recorder, answer
from support import PATIENCE, Case, environment, main, sha256

MAN = pathlib.Path(__file__).resolve().parents[2] / "apps/fetch/weir-fetch.1"
# What must be the same as curl prints, whatever else differs between the two.
SAME_AS_CURL = (
    "%{http_code}", "%{response_code}", "%{http_version}", "%{url}", "%{url_effective}",
    "%{num_redirects}", "%{num_headers}", "%{num_retries}", "%{size_download}", "%{content_type}",
    "%{remote_ip}", "%{remote_port}", "%{exitcode}", "%{errormsg}", "%{redirect_url}",
    "%{filename_effective}", "%header{x-own}", "%header{X-OWN}", "%header{none}",
    r"a\tb\r\n", r"\x\\", "100%%", "%d %", "%{", "%{http_code", "%header{x", "%", "\\", "",
    "%{stderr}no%{stdout}yes", "%{http_code}%{onerror}failed", "a\nb", "\u00e9",
)


class WriteOut(Case):
    def setUp(self):
        super().setUp()
        self.server = FaultServer(self)

    def write(self, text, *args, code=0):
        """What is on standard output."""
        done = self.fetch("-s", "-w", text, *args)
        self.assertEqual(done.code, code, done.err)
        self.err = done.err
        return done.out.decode()

    def test_it_is_printed_once_a_url_instead_of_the_line(self):
        urls = [self.server.url(f"ok/{n}") for n in range(20)]
        out = self.write(r"%{http_code} %{url}\n", *urls)
        self.assertEqual(sorted(out.splitlines()), sorted(f"200 {url}" for url in urls))
        done = self.fetch("-s", "--write-out", "", *urls)
        self.assertEqual((done.code, done.out, done.err), (0, b"", ""))

    def test_the_same_as_curl(self):
        curl = shutil.which("curl")
        if not curl:
            self.skipTest("curl is not there: apt-get install curl")
        server = Recorder(self, self.reply)
        known = subprocess.run([curl, "-q", "-s", "-o", os.devnull, "-w", "%{json}",
                                server.url("x")], check=True, capture_output=True,
                               timeout=PATIENCE, env=environment()).stdout
        for path in ("x", "moved", "none"):
            for text in SAME_AS_CURL:
                name = re.match(r"%\{(\w+)\}", text)
                if name and name[1] not in json.loads(known) and name[1] not in ("stderr", "url"):
                    continue   # this curl is too old
                self.compare(curl, server.url(path), text)

    def compare(self, curl, url, text):
        ours, theirs = self.dir / "ours", self.dir / "theirs"
        expected = subprocess.run([curl, "-q", "-s", "-o", theirs, "-w", text, url], check=True,
                                  capture_output=True, timeout=PATIENCE, env=environment())
        done = self.fetch("-s", "--no-location", "-o", ours, "-w", text, url)
        with self.subTest(text=text, url=url):
            self.assertEqual(done.out, expected.stdout.replace(b"theirs", b"ours"))
            self.assertEqual(done.process.err, expected.stderr)

    @staticmethod
    def reply(request):
        if request.target == "/moved":
            return answer(302, b"there", Location="/x?a=b", Content_Type="text/plain")
        if request.target == "/none":
            return answer(204)
        return answer(200, b"page", Content_Type="text/html; charset=utf-8", X_Own="mine")

    def test_what_went_wrong_is_there_to_be_printed(self):
        text = r"%{http_code} %{exitcode} %{errormsg} %{remote_ip}:%{remote_port}\n"
        refused = "http://127.0.0.1:1/"
        out = self.write(text, self.server.url("status/404/x"), refused, code=1)
        lines = sorted(out.splitlines())
        self.assertRegex(lines[0], r"^000 1 .+ 127\.0\.0\.1:1$")
        self.assertRegex(lines[1], r"^404 1 the server answered 404.* 127\.0\.0\.1:\d+$")

    def test_times_grow(self):
        names = ("namelookup", "connect", "starttransfer", "total")
        out = self.write(" ".join(f"%{{time_{name}}}" for name in names),
                         self.server.url("slow/20/x", "localhost"))
        times = [float(text) for text in out.split()]
        self.assertEqual(len(times), len(names))
        self.assertEqual(times, sorted(times))
        self.assertGreaterEqual(times[-1], 0.02)
        self.assertRegex(out, r"^(\d+\.\d{6} ?){4}$")

    def test_tries_and_redirects_are_counted(self):
        target = self.server.url("ok/x")
        url = self.server.url(f"redirect/302?{target}")
        out = self.write("%{num_redirects} %{url} %{url_effective} %{num_retries}", url)
        self.assertEqual(out, f"1 {url} {target} 0")
        self.assertEqual(self.write("%{num_retries}", "--retry", "1", self.server.url("drop/x"),
                                    code=1), "1")

    def test_json_is_the_line_of_jsonl(self):
        url = self.server.url("ok/x")
        got = json.loads(self.write("%{json}", url))
        self.assertEqual((got["url"], got["status"]), (url, 200))
        self.assertEqual(got["sha256"], sha256(body_of("/ok/x")))
        done = self.fetch("--jsonl", "-w", "%{json}", url)
        self.assertEqual((done.code, done.out), (2, b""))
        self.assertIn("exclude each other", done.err)

    def test_a_format_may_be_in_a_file(self):
        file = self.dir / "format"
        file.write_text("%{http_code}\n\\n%{scheme}\n")
        self.assertEqual(self.write(f"@{file}", self.server.url("ok/x")), "200\nhttp")
        done = self.fetch("-w", "@/no/such/file", self.server.url("ok/x"))
        self.assertEqual((done.code, done.out), (2, b""))
        self.assertIn("cannot read /no/such/file", done.err)

    def test_an_unknown_variable_is_named_and_prints_nothing(self):
        out = self.write("a%{no_such}b", self.server.url("ok/x"), self.server.url("ok/y"))
        self.assertEqual(out, "abab")
        self.assertEqual(self.err.count("%{no_such}"), 1)

    def test_it_follows_the_body_on_standard_output(self):
        urls = [self.server.url(f"ok/{n}") for n in range(3)]
        out = self.write(r"%{http_code}\n", "-o", "-", *urls)
        self.assertEqual(out, "".join(body_of(f"/ok/{n}").decode() + "200\n" for n in range(3)))
        self.assertEqual(self.err, "")

    def test_only_standard_output_is_left_of_a_stored_body(self):
        file = self.dir / "page"
        out = self.write("%{filename_effective}", "-o", file, self.server.url("ok/x"))
        self.assertEqual(out, str(file))
        out = self.write("%{filename_effective}", "--output-dir", self.dir / "pages",
                         self.server.url("ok/x"))
        self.assertEqual(out, str(self.dir / "pages/x"))

    def test_a_server_cannot_command_the_terminal(self):
        server = Recorder(self, lambda request: answer(200, X_Own="a\x1b[31m\\b"))
        self.assertEqual(self.write("%header{X-Own}\\t", server.url("x")), "a\x1b[31m\\b\t")
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        said = bytearray()

        def listen():
            try:
                while chunk := os.read(ours, 4096):
                    said.extend(chunk)
            except OSError:
                pass   # the other side has closed

        process = self.start_fetch("-s", "-w", "%header{X-Own}\\t", server.url("x"), stdout=theirs)
        os.close(theirs)
        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        self.assertEqual(process.wait(), 0)
        listener.join(PATIENCE)
        self.assertEqual(bytes(said), rb"a\x1B[31m\x5Cb" + b"\t")

    def test_the_man_page_has_each_variable(self):
        text = MAN.read_text()
        names = re.findall(r"^\.B ([a-z_]+)$", text.partition(".SH WRITE\\-OUT")[2].partition(".SH")[0],
                           re.M)
        self.assertGreater(len(names), 20)
        out = self.write("".join(f"%{{{name}}}" for name in names), self.server.url("ok/x"))
        self.assertNotEqual(out, "")
        self.assertEqual(self.err, "")


if __name__ == "__main__":
    main()
