"""What a server or a list of URLs says never commands the terminal, nor breaks a line."""

import json
import os
import pty
import threading

from faults import FaultServer
from support import PATIENCE, Case, main

class Terminal(Case):
    def setUp(self):
        super().setUp()
        self.server = FaultServer(self)

    def assert_harmless(self, data):
        """UTF-8, and no control character in it but tab and newline; 0x80 to 0x9f are some, too."""
        for char in data.decode("utf-8"):
            control = ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0
            self.assertFalse(control and char not in "\t\n", repr(data))

    def hostile(self):
        """Lines of input that try to command a terminal, or to pass as another line."""
        base = self.server.url("ok/").encode()
        return [base + b"\x1b[31mred", base + b"\x1b]0;title\x07", base + b"a\tb", base + b"\x7f",
                base + b"\x9b31m", base + b"\xff\xfe", base + b"\x08\x08", b"\x1b[2J",
                b"ftp://\x1b[2J/", base + b"a\rb", base + b"\xc2\x9b31m",
                b"http://\x1b[31m.invalid:99999/"]

    def test_hostile_urls_in_both_formats(self):
        lines = self.hostile()
        data = b"".join(line + b"\n" for line in lines)
        done = self.fetch("--input-file", "-", input=data)
        self.assert_harmless(done.process.out)
        self.assert_harmless(done.process.err)
        self.assertEqual(len(done.rows), len(lines))
        done = self.fetch("--jsonl", "--input-file", "-", input=data)
        self.assert_harmless(done.process.out)
        self.assert_harmless(done.process.err)
        self.assertEqual(len([json.loads(line) for line in done.out.splitlines()]), len(lines))

    def test_hostile_answers(self):
        end = b"\r\nContent-Length: 0\r\n\r\n"
        answers = [b"HTTP/1.1 404 \x1b[31mNot\x9b Found" + end,
                   b"HTTP/1.1 302 Go\r\nLocation: ftp://\x1b[31m/\x9b" + end,
                   b"HTTP/1.1 302 Go\r\nLocation: http://127.0.0.1:1/\x1b[2J" + end,
                   b"HTTP/1.1 200 OK\r\nTransfer-Encoding: \x1b[31m\r\n\r\n",
                   b"\x1b[31mHTTP/9.9\r\n\r\n"]
        urls = [self.server.url("raw?" + answer.hex()) for answer in answers]
        for form in ([], ["--jsonl"]):
            done = self.fetch(*form, *urls)
            self.assert_harmless(done.process.out)
            self.assert_harmless(done.process.err)
            self.assert_each_once(done.rows, urls)

    def test_progress_on_a_terminal_is_harmless_too(self):
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        said = bytearray()

        def listen():
            try:
                while chunk := os.read(ours, 4096):
                    said.extend(chunk)
            except OSError:
                pass   # the other side has closed

        file = self.dir / "urls"
        slow = [self.server.url(f"slow/20/{number}").encode() for number in range(100)]
        file.write_bytes(b"".join(line + b"\n" for line in [*self.hostile(), *slow]))
        process = self.start_fetch("-j", "4", "--input-file", file, stderr=theirs)
        os.close(theirs)
        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        self.assertEqual(process.wait(), 1)
        listener.join(PATIENCE)
        self.assertNotEqual(said, b"")
        for command in (b"\x1b[31m", b"\x1b]0;", b"\x1b[2J", b"\x9b"):
            self.assertNotIn(command, said)
        self.assert_harmless(process.out)


if __name__ == "__main__":
    main()
