"""What a server or a list of URLs says never commands the terminal, nor breaks a line."""

import fcntl
import json
import os
import pty
import re
import shlex
import shutil
import socket
import struct
import subprocess
import termios
import threading

from faults import FaultServer
from support import PATIENCE, Case, main, program, wait_until, warm

class Screen:
    """What a terminal of some columns shows, of the few commands that a progress line is drawn with."""

    def __init__(self, columns):
        self.columns, self.rows, self.row, self.column = columns, [""], 0, 0
        self.wraps = True

    def feed(self, text):
        for part in re.findall("\x1b\\[[0-9;?]*[A-Za-z]|.", text, re.DOTALL):
            if part == "\r":
                self.column = 0
            elif part == "\n":
                self.row += 1
            elif part == "\x1b[K":
                self.rows[self.row] = self.rows[self.row][:self.column]
            elif part == "\x1b[A":
                self.row -= 1
            elif part in ("\x1b[?7l", "\x1b[?7h"):
                self.wraps = part.endswith("h")
            else:
                if self.column == self.columns and self.wraps:
                    self.row, self.column = self.row + 1, 0
                self.column = min(self.column, self.columns - 1)
                self.rows += [""] * (self.row + 1 - len(self.rows))
                line = self.rows[self.row].ljust(self.column)
                self.rows[self.row] = line[:self.column] + part + line[self.column + 1:]
                self.column += len(part)
            self.rows += [""] * (self.row + 1 - len(self.rows))


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

    def on_terminal(self, columns, *args, results=True, until=lambda said: None):
        """What a run writes to a terminal, and its process."""
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        said = bytearray()

        def listen():
            try:
                while chunk := os.read(ours, 4096):
                    said.extend(chunk)
                    until(said)
            except OSError:
                pass   # the other side has closed

        streams = {"stderr": theirs} | ({"stdout": theirs} if results else {})
        process = self.start_fetch(*args, **streams)
        os.close(theirs)
        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        self.assertEqual(process.wait(), 0)
        listener.join(PATIENCE)
        return said.decode(), process

    def test_progress_stands_below_the_results_and_leaves_nothing(self):
        urls = [self.server.url(f"slow/300/{number}") for number in range(6)]
        for columns in (40, 120):
            said, _ = self.on_terminal(columns, "-j", "2", *urls)
            # Behind each result but the last it is there again, at once.
            drawn = re.findall(r"\n\r\x1b\[K[^\n\r]* done, ", said)
            self.assertGreaterEqual(len(drawn), 2, said)
            screen = Screen(columns)
            screen.feed(said)
            self.assertNotIn(" done, ", "".join(screen.rows))
            self.assertEqual(sum(row.startswith("200\t") for row in screen.rows), 6, screen.rows)

    def test_progress_fits_a_narrow_terminal_and_shows_bytes_before_a_body_is_complete(self):
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        seen = threading.Event()

        def serve():
            connection = listener.accept()[0]
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 250000\r\n\r\n" + 120_000 * b"x")
                seen.wait(PATIENCE)
                connection.sendall(130_000 * b"x")

        threading.Thread(target=serve, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        said, process = self.on_terminal(40, url, results=False,
                                         until=lambda said: b"0 done, 0 failed, 120.0 kB" in said and seen.set())
        self.assertTrue(seen.is_set(), said)
        lines = re.findall("\x1b\\[\\?7l([^\x1b\r\n]* done, [^\x1b\r\n]*)", said)
        self.assertNotEqual(lines, [])
        self.assertTrue(all(len(line) < 40 for line in lines), lines)
        self.assertEqual(process.out.split(b"\t")[:2], [b"200", b"250000"])

    def in_tmux(self, columns, *command):
        """A terminal that runs a command, and then waits; a function to talk to it."""
        if not shutil.which("tmux"):
            self.skipTest("tmux is not there: apt-get install tmux")
        server = ["tmux", "-S", self.dir / "tmux", "-f", "/dev/null"]

        def tmux(*words):
            return subprocess.run([*server, *words], capture_output=True, text=True, check=True).stdout

        line = shlex.join(str(word) for word in command) + "; echo code $?; sleep 1000"
        tmux("new-session", "-d", "-s", "test", "-x", str(columns), "-y", "24", line)
        self.addCleanup(subprocess.run, [*server, "kill-server"], capture_output=True, check=False)
        return tmux

    def test_progress_is_one_line_after_each_resize(self):
        quick, slow = FaultServer(self), FaultServer(self)
        file = self.dir / "urls"
        urls = warm(slow, 4) + [quick.url(f"ok/{number}") for number in range(20)]
        urls += [slow.url(f"hold/{number}") for number in range(3)]
        file.write_text("".join(f"{url}\n" for url in urls))
        tmux = self.in_tmux(100, program("weir-fetch"), "--input-file", file)
        rows = lambda: [row for row in tmux("capture-pane", "-p", "-t", "test").splitlines() if row]
        drawn = lambda: [row for row in rows() if " done, " in row]
        ended = len(urls) - 3

        def wait_for_line(columns, text):
            """The line with this text, and no row of an older one: a terminal that was resized says so a little later."""
            found = lambda rows: len(rows) == 1 and text in rows[0] and len(rows[0]) < columns
            wait_until(lambda: found(drawn()), f"one line in {columns} columns")

        wait_for_line(100, f"{ended} of {len(urls)} done, 0 failed, 3 running")
        for columns, text in ((40, f"{ended}/{len(urls)} done, 0 failed"), (25, f"{ended}/{len(urls)} done, "),
                              (130, f"{ended} of {len(urls)} done, 0 failed, 3 running"), (60, " running")):
            tmux("resize-window", "-t", "test", "-x", str(columns), "-y", "24")
            wait_for_line(columns, text)
        slow.release()
        wait_until(lambda: "code 0" in rows(), "the end")
        self.assertEqual(drawn(), [], rows())

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
