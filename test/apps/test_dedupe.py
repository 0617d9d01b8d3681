"""--dedupe: what is the same request is made once. --ordered: results as the input is."""

import json
import random
import subprocess
import threading
import unittest

from recorder import Recorder, answer
from support import SANITIZED, Case, Fetched, main


class Dedupe(Case):
    def setUp(self):
        super().setUp()
        self.missing = set()
        self.server = Recorder(self, self.reply)

    def reply(self, request):
        return answer(404) if request.target in self.missing else answer(200, b"body")

    def asked(self):
        return sorted(request.target for request in self.server.seen)

    def test_the_same_request_is_made_once(self):
        first, other = self.server.url("a"), self.server.url("b")
        lines = ["# a list", first, other, first + "#part", "", self.server.url("x/../a"), first]
        done = self.fetch("--dedupe", "--input-file", "-", input=lines)
        self.assertEqual((done.code, self.asked()), (0, ["/a", "/b"]))
        rows = [line.split("\t") for line in done.out.decode().splitlines()]
        self.assertEqual(sorted(row[0] for row in rows), ["200"] * 2 + ["duplicate"] * 3)
        for row in rows:
            if row[0] == "duplicate":
                self.assertEqual((row[1], row[4]), ("0", "the same as line 2"))
        self.assertIn("5 URLs: 2 x 2xx, 3 x duplicate", done.err)
        self.assertEqual(len(self.fetch(first, first).rows), 2)   # only on request
        self.assertEqual(self.asked(), ["/a"] * 3 + ["/b"])

    def test_json_lines_name_the_first(self):
        url = self.server.url("a")
        done = self.fetch("--jsonl", "--dedupe", url, "--input-file", "-", input=[url])
        first, second = sorted(map(json.loads, done.out.splitlines()), key=lambda each: each["line"] or 0)
        self.assertEqual((first["argument"], first["duplicate_of"]), (1, None))
        self.assertEqual((second["line"], second["error"], second["status"]), (1, None, None))
        self.assertEqual(second["duplicate_of"], {"line": None, "argument": 1})

    def test_a_duplicate_is_done_whatever_the_first_came_to(self):
        self.missing.add("/a")
        lines = [self.server.url("a"), self.server.url("b"), self.server.url("a")]
        file = self.dir / "results"
        args = ("--dedupe", "--results", file, "--resume", "--input-file", "-")
        done = self.fetch(*args, input=lines)
        self.assertEqual((done.code, self.asked()), (1, ["/a", "/b"]))
        self.missing.clear()
        lines.append(self.server.url("b"))   # which was done in the run before
        done = self.fetch(*args, input=lines)
        self.assertEqual((done.code, self.asked()), (0, ["/a", "/a", "/b"]))
        rows = [line.split("\t") for line in done.out.decode().splitlines()]
        self.assertEqual(sorted((row[0], row[4]) for row in rows),
                         [("200", ""), ("duplicate", "the same as line 2")])

    @unittest.skipIf(SANITIZED, "takes minutes with a sanitizer; test_fetch has it too")
    def test_a_list_of_many_lines(self):
        """Most of them are in files by then."""
        count = 70_000
        base = "http://127.0.0.1:1/"   # nobody answers; what is given up is not asked
        lines = [f"{base}{number}" for number in range(count)]
        again = random.Random(1).sample(range(count), 1000)
        lines += [f"{base}{number}" for number in again]
        done = self.fetch("-s", "--dedupe", "--give-up-after", "1", "--input-file", "-",
                          input=lines)
        rows = [line.split("\t") for line in done.out.decode().splitlines()]
        self.assertEqual(len(rows), len(lines))
        found = {row[3]: row[4] for row in rows if row[0] == "duplicate"}
        self.assertEqual(found, {f"{base}{number}": f"the same as line {number + 1}"
                                 for number in again})

    @unittest.skipIf(SANITIZED, "takes minutes with a sanitizer")
    def test_what_cannot_be_looked_up_remains(self):
        lines = [f"http://127.0.0.1:1/{number}" for number in range(70_000)]
        rest = self.dir / "rest"
        spill = self.folder("spill")
        process = self.start_fetch("-s", "--dedupe", "--give-up-after", "1", "--remaining", rest,
                                   "--spill-dir", spill, "--input-file", "-",
                                   stdin=subprocess.PIPE)
        process.stdin.write(f"{lines[0]}\n".encode())
        process.stdin.flush()
        process.wait_for_lines(1)
        spill.rmdir()   # it was there when the run began
        process.stdin.write("".join(f"{line}\n" for line in lines[1:]).encode())
        process.stdin.close()
        process.wait()
        done = Fetched(process)
        self.assertEqual(done.code, 2)
        self.assertIn("no more URLs are read", done.err)
        left = rest.read_text().split()
        over = [row.url for row in done.rows if row.error != "aborted"]
        self.assertEqual(sorted(over + left), sorted(lines))
        self.assertIn(lines[-1], left)


class Ordered(Case):
    def setUp(self):
        super().setUp()
        self.release = threading.Event()
        self.others = threading.Semaphore(0)
        self.server = Recorder(self, self.reply)
        self.addCleanup(self.release.set)

    def reply(self, request):
        if request.target == "/slow":
            self.release.wait(60)
        else:
            self.others.release()
        return answer(200, b"body")

    def test_results_come_in_the_order_of_the_input(self):
        urls = [self.server.url("slow"), *(self.server.url(str(number)) for number in range(200)),
                "no-url", self.server.url("0")]
        threading.Thread(target=self.let_go, daemon=True).start()
        done = self.fetch("--ordered", "--dedupe", "--per-host", "4", "--input-file", "-",
                          input=urls)
        rows = [line.split("\t") for line in done.out.decode().splitlines()]
        self.assertEqual([row[3] for row in rows], urls)
        self.assertEqual([row[0] for row in rows[-2:]], ["bad_url", "duplicate"])

    def let_go(self):
        """The slow one ends when others have."""
        for _ in range(50):
            self.others.acquire(timeout=30)
        self.release.set()

    def test_with_a_journal_and_formats_too(self):
        urls = [self.server.url(str(number)) for number in range(100)]
        file = self.dir / "results"
        done = self.fetch("-s", "--ordered", "--results", file, "-w", r"%{url}\n", *urls)
        self.assertEqual(done.out.decode().split(), urls)
        recorded = [json.loads(line)["url"] for line in file.read_text().splitlines()]
        self.assertEqual(recorded, urls)

    def test_many_bodies_go_to_dev_null(self):
        urls = [self.server.url(str(number)) for number in range(3)]
        done = self.fetch("-o", "/dev/null", *urls)
        self.assertEqual([row.bytes for row in done.rows], [4] * 3)


if __name__ == "__main__":
    main()
