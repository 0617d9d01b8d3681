"""No URL is lost: whatever ends weir-fetch, what --results has and what --remaining has is the input;
and after kill -9 at any instant the same command goes on, until each URL was done once.

WEIR_KILLS is how often it is killed (10).
"""

import collections
import json
import os
import pathlib
import random
import signal
import subprocess
import time
import unittest

from faults import FaultServer, body_of
from support import SANITIZED, Case, main, program, sha256, wait_until, warm

KILLS = int(os.environ.get("WEIR_KILLS", "10"))


class Resume(Case):
    limit = 500.0 + 20 * KILLS

    def setUp(self):
        super().setUp()
        self.server = FaultServer(self)
        self.results = self.dir / "results.jsonl"
        self.remaining = self.dir / "remaining"
        self.urls = self.dir / "urls"
        self.out = self.dir / "out"

    def write_urls(self, urls):
        self.urls.write_text("".join(f"{url}\n" for url in urls))
        return urls

    def records(self):
        """The records of the file of results; no line of it may be torn."""
        data = self.results.read_bytes()
        self.assertTrue(not data or data.endswith(b"\n"), data[-200:])
        lines = [json.loads(line) for line in data.splitlines()]
        return [line for line in lines if "id" in line]

    def whole_records(self):
        """The same of a program that was killed."""
        lines = self.results.read_bytes().split(b"\n")[:-1] if self.results.exists() else []
        return [line for line in map(json.loads, lines) if "id" in line]

    def done(self):
        return [each["url"] for each in self.records() if each["error"] is None]

    def left(self):
        return self.remaining.read_text().splitlines()

    def journaled(self, *args, **options):
        return self.start_fetch("--results", self.results, "--remaining", self.remaining, *args,
                                **options)

    def assert_nothing_lost(self, urls):
        """results + remaining = input"""
        self.assertEqual(sorted([each["url"] for each in self.records()] + self.left()),
                         sorted(urls))
        self.assertFalse((self.dir / "remaining.part").exists())

    # ---- another input

    def test_of_a_changed_input_from_a_pipe_no_line_is_lost(self):
        urls = [self.server.url(f"ok/{number}") for number in range(200)]
        self.fetch("--results", self.results, "--input-file", "-", input=urls)
        other = [self.server.url(f"ok/other-{number}") for number in range(31)]
        for changed in (urls[:69] + other + urls[100:], urls[:10] + other[:1],
                        urls[:1] + other[:2] + urls[3:64], other, urls[:199]):
            before = self.results.read_bytes()
            # Not a file, which would be looked at first.
            process = self.journaled("--resume", "--input-file", "-", stdin=subprocess.PIPE)
            process.stdin.write("".join(f"{url}\n" for url in changed).encode())
            process.stdin.close()
            self.assertEqual(process.wait(), 2, process.err)
            self.assertIn(b"this is not the input of", process.err)
            self.assertEqual(sorted({*changed} - {*self.done()}), sorted({*self.left()} - {*self.done()}))
            self.assertLessEqual({*other} & {*changed}, {*self.done(), *self.left()})
            self.results.write_bytes(before)

    # ---- files that are one

    def test_no_file_is_used_for_two_things(self):
        self.write_urls([self.server.url("ok/x")])
        self.results.write_text("")
        link = self.dir / "link"
        link.symlink_to(self.results)
        pairs = (("--results", self.results, "--remaining", self.results),
                 ("--results", self.results, "--remaining", link),
                 ("--results", self.dir / "new", "--remaining", self.dir / "." / "new"),
                 ("--results", self.urls), ("--remaining", self.out, "-o", self.out))
        before = self.urls.read_text()
        for pair in pairs:
            source = ["--input-file", self.urls] if "-o" not in pair else [self.server.url("ok/x")]
            done = self.fetch(*pair, *source)
            self.assertEqual(done.code, 2, pair)
            self.assertIn("name the same file", done.err)
        self.assertEqual(self.server.asked, [])
        self.assertEqual(self.urls.read_text(), before)
        done = self.fetch("--remaining", self.urls, "--input-file", self.urls)
        self.assertEqual((done.code, self.urls.read_text()), (0, ""))

    def test_no_file_is_the_part_of_another(self):
        part = self.dir / "list.part"
        link = self.dir / "link"
        link.symlink_to(self.dir / "list")
        (self.dir / "list").write_text("")
        lines = self.server.url("ok/x") + "\n"
        part.write_text(lines)
        command = [program("weir-fetch"), "--input-file"]
        for name in (self.dir / "list", link):
            for source in (part, "-"):
                with open(part, "rb") as list_file:
                    process = self.start(*command, source, "--remaining", name, stdin=list_file)
                    self.assertEqual(process.wait(), 2, source)
                self.assertIn(b"first, and that is the file of --input-file", process.err)
        limits = self.dir / "limits.part"
        limits.write_text('{"hosts": {"localhost": {"per-host": 4}}}')
        done = self.fetch("--host-limits", limits, "--remaining", self.dir / "limits", self.server.url("ok/x"))
        self.assertIn("that is the file of --host-limits", done.err)
        self.assertEqual(part.read_text(), lines)
        self.assertEqual(self.server.asked, [])
        with open(part, "rb") as list_file:   # which may be what remains
            process = self.start(*command, "-", "--remaining", part, stdin=list_file)
            self.assertEqual(process.wait(), 0, process.err)
        self.assertEqual(part.read_text(), "")

    def test_what_is_given_twice_and_read_once_is_refused(self):
        self.write_urls([self.server.url("ok/x")])
        for flag in ("--input-file", "--results", "--remaining"):
            done = self.fetch("--input-file", self.urls, flag, "a", flag, "b")
            self.assertEqual(done.code, 2)
            self.assertIn(f"{flag} is given twice", done.err)
        for flags in (["-d", "@-"], ["-H", "@-"], ["-w", "@-"]):
            done = self.fetch(*flags, "--input-file", "-", input=[self.server.url("ok/x")])
            self.assertEqual(done.code, 2, flags)
            self.assertIn("standard input already", done.err)
        done = self.fetch("-d", "@-", "-w", "@-", self.server.url("ok/x"), input="a")
        self.assertEqual(done.code, 2)
        self.assertIn("standard input was read already", done.err)
        self.assertEqual(self.server.asked, [])

    def test_bodies_that_were_not_stored_are_missed(self):
        urls = self.write_urls([self.server.url(f"ok/{n}") for n in range(3)])
        command = ["--results", self.results, "--resume", "--input-file", self.urls]
        done = self.fetch(*command)
        self.assertIn("3 URLs: 3 x 2xx;", done.err)
        done = self.fetch("--output-dir", self.out, *command)
        self.assertEqual(done.code, 0)
        self.assertIn("none of the results in", done.err)
        self.assertIn("3 URLs: 3 done before;", done.err)
        self.write_urls([*urls, self.server.url("ok/3")])
        done = self.fetch("--output-dir", self.out, *command)
        self.assertIn("4 URLs: 1 x 2xx, 3 done before;", done.err)
        done = self.fetch("--output-dir", self.out, *command)
        self.assertNotIn("none of the results in", done.err)

    def test_no_bodies_are_missed_where_nothing_is_done(self):
        self.write_urls([self.server.url("status/404")])
        command = ["--output-dir", self.out, "--results", self.results, "--resume"]
        for _ in range(2):
            done = self.fetch(*command, "--input-file", self.urls)
            self.assertEqual(done.code, 1, done.err)
            self.assertNotIn("none of the results in", done.err)

    def test_stored_files_that_have_gone_are_told(self):
        self.write_urls([self.server.url(f"ok/{n}") for n in range(3)])
        command = ["--results", self.results, "--resume", "--input-file", self.urls]
        self.assertEqual(self.fetch("--output-dir", self.out, *command).code, 0)
        next(iter(self.out.iterdir())).unlink()
        for folder, count in ((self.out, 1), (self.dir / "another", 3)):
            done = self.fetch("--output-dir", folder, *command)
            self.assertEqual(done.code, 0)
            self.assertIn(f"says are stored, {count} are not there any more", done.err)
            self.assertIn("3 URLs: 3 done before;", done.err)
        self.assertNotIn("not there any more", self.fetch(*command).err)

    # ---- kill -9

    def check_files(self, urls, complete):
        """Files that have their names are whole."""
        wanted = {url.rpartition("/")[2]: body_of("/" + url.split("/", 3)[3]) for url in urls}
        found = {path.name: path.read_bytes() for path in self.out.iterdir()
                 if not path.name.endswith(".part")} if self.out.exists() else {}
        for name, data in found.items():
            self.assertEqual(data, wanted.get(name), name)
        if complete:
            self.assertEqual(sorted(path.name for path in self.out.iterdir()), sorted(wanted))

    def test_killed_at_any_instant_it_goes_on_where_it_was(self):
        chance = random.Random(KILLS)
        urls = self.write_urls(
            [self.server.url(f"slow/{number % 7}/page-{number}") for number in range(60 * KILLS)])
        command = ["-s", "-j", "8", "--jsonl", "--output-dir", self.out, "--results", self.results,
                   "--resume", "--input-file", self.urls]
        killed = 0
        for _ in range(KILLS):
            process = self.start_fetch(*command)
            asked = len(self.server.asked) + chance.randrange(60)
            wait_until(lambda: len(self.server.asked) >= asked or not process.running, "requests")
            time.sleep(chance.random() * 0.01)
            process.kill()
            process.wait()
            killed += process.code == -signal.SIGKILL
            self.check_files(urls, complete=False)
            done = [each["line"] for each in self.whole_records() if each["error"] is None]
            self.assertEqual(len(done), len(set(done)))
        self.assertGreater(killed, 0)
        process = self.start_fetch(*command)
        self.assertEqual(process.wait(), 0, process.err)
        self.check_files(urls, complete=True)
        self.assertEqual(collections.Counter(self.done()), collections.Counter(urls))
        for record in self.records():
            target = "/" + record["url"].split("/", 3)[3]
            self.assertEqual(record["sha256"], sha256(body_of(target)))
            self.assertEqual(record["url"], urls[record["line"] - 1])

    def keep(self, file):
        """The line of the journal that says that a file is about to get its name."""
        fields = subprocess.check_output(["stat", "--format", "%i %.9W %s %.9Y", file], text=True).split()
        numbers = (int(field.replace(".", "")) for field in fields)
        line = {"keeping": file.name} | dict(zip(("inode", "born", "size", "changed"), numbers))
        self.results.write_text(json.dumps(line) + "\n")
        return line

    def test_a_body_that_got_its_name_without_its_record_is_replaced(self):
        url = self.server.url("ok/page")
        self.out.mkdir()
        file = self.out / "page"
        notes = b"notes of somebody"
        for what in ("same", "other inode", "rewritten", "old line"):
            with self.subTest(what):
                file.write_bytes(b"whole, and not recorded")
                line = self.keep(file)
                if what == "other inode":
                    self.results.write_text(json.dumps(line | {"inode": line["inode"] + 1}) + "\n")
                elif what == "rewritten":   # as when a new file got the inode of a removed one
                    file.write_bytes(notes)
                elif what == "old line":
                    self.results.write_text(f'{{"keeping":"page","inode":{line["inode"]}}}\n')
                before = file.read_bytes()
                done = self.fetch("--output-dir", self.out, "--results", self.results, "--resume",
                                  url)
                self.assertEqual(done.code, 0, done.err)
                names = ["page"] if what == "same" else ["page", "page.1"]
                self.assertEqual(sorted(path.name for path in self.out.iterdir()), names)
                self.assertEqual((self.out / names[-1]).read_bytes(), body_of("/ok/page"))
                if what != "same":
                    self.assertEqual(file.read_bytes(), before)
                for path in self.out.iterdir():
                    path.unlink()

    def test_killed_again_it_replaces_the_body_all_the_same(self):
        url = self.server.url("ok/page")
        self.out.mkdir()
        file = self.out / "page"
        file.write_bytes(b"whole, and not recorded")
        line = self.keep(file)
        with open(self.results, "a", encoding="ascii") as results:   # that never got the name
            results.write(json.dumps(line | {"inode": line["inode"] + 1}) + "\n")
        done = self.fetch("--output-dir", self.out, "--results", self.results, "--resume", url)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual([each.name for each in self.out.iterdir()], ["page"])
        self.assertEqual(file.read_bytes(), body_of("/ok/page"))

    def test_one_file_that_got_its_name_without_its_record_is_replaced(self):
        url = self.server.url("ok/page")
        for folder in ("", "sub/"):
            home = self.folder("home")
            (home / folder).mkdir(exist_ok=True)
            file = home / folder / "out"
            file.write_bytes(b"whole, and not recorded")
            line = self.keep(file) | {"keeping": f"{folder}out"}
            self.results.write_text(json.dumps(line) + "\n")
            done = self.fetch("--no-clobber", "-o", f"{folder}out", "--results", self.results,
                              "--resume", url, cwd=home)
            self.assertEqual(done.code, 0, done.err)
            self.assertEqual([each.name for each in file.parent.iterdir()], ["out"])
            self.assertEqual(file.read_bytes(), body_of("/ok/page"))

    def test_a_part_that_a_killed_program_left_is_written_anew(self):
        self.out.mkdir()
        (self.out / "page.part").write_bytes(b"x" * 10_000)
        done = self.fetch("--output-dir", self.out, self.server.url("ok/page"))
        self.assertEqual(done.code, 0, done.out)
        self.assertEqual([path.name for path in self.out.iterdir()], ["page"])
        self.assertEqual((self.out / "page").read_bytes(), body_of("/ok/page"))

    # ---- --resume

    def test_what_is_done_is_left_out_and_what_failed_is_fetched_again(self):
        good = [self.server.url(f"ok/{number}") for number in range(5)]
        urls = self.write_urls([*good, self.server.url("status/404/x"), "no-url"])
        args = ["--results", self.results, "--input-file", self.urls]
        self.assertEqual(self.fetch(*args).code, 1)
        again = self.fetch("--resume", *args)
        self.assertEqual(again.code, 1)
        self.assert_each_once(again.rows, urls[5:])
        self.assertEqual(sorted(self.done()), sorted(good))
        self.assertEqual(len(self.records()), len(urls) + 2)

    def test_a_torn_last_line_is_mended(self):
        urls = self.write_urls([self.server.url(f"ok/{number}") for number in range(3)])
        args = ["--results", self.results, "--resume", "--input-file", self.urls]
        self.assertEqual(self.fetch("-j", "1", *args).code, 0)
        self.results.write_bytes(self.results.read_bytes()[:-100])
        again = self.fetch(*args)
        self.assertEqual(len(again.rows), 1, again.err)
        self.assertEqual(sorted(self.done()), sorted(urls))

    def test_results_of_another_run_are_not_mixed_in(self):
        url = self.server.url("ok/x")
        args = ["--results", self.results, url]
        self.assertEqual(self.fetch(*args).code, 0)
        before = self.results.read_bytes()
        again = self.fetch(*args)
        self.assertEqual((again.code, again.out), (2, b""))
        self.assertIn("--resume", again.err)
        self.assertEqual(self.results.read_bytes(), before)

    def test_another_input_is_refused_with_its_first_line(self):
        urls = self.write_urls([self.server.url(f"ok/{number}") for number in range(200)])
        args = ["--results", self.results, "--resume", "--input-file"]
        self.assertEqual(self.fetch(*args, self.urls).code, 0)
        before, asked = self.results.read_bytes(), len(self.server.asked)
        for lines, number in ((urls[:99] + ["http://127.0.0.1/"] + urls[100:150] + urls, 100),
                              (urls[:150], 151), (urls[1:], 1), ([], 1)):
            self.write_urls(lines)
            done = self.fetch(*args, self.urls)
            self.assertEqual((done.code, done.out), (2, b""), done.err)
            self.assertIn(f": line {number} is not", done.err)
        with open(self.urls, "w") as file:
            file.write("\n".join(urls[:99] + ["http://127.0.0.1/"] + urls[100:]))
        piped = self.start("sh", "-c", 'cat "$1" | "$2" --results "$3" --resume --input-file -',
                           "sh", self.urls, program("weir-fetch"), self.results)
        self.assertEqual(piped.wait(), 2)
        self.assertIn(b": line 100 is not", piped.err)
        self.assertEqual((self.results.read_bytes(), len(self.server.asked)), (before, asked))

    def test_arguments_have_places_too(self):
        urls = [self.server.url(f"ok/{number}") for number in range(3)]
        args = ["--results", self.results, "--resume"]
        self.assertEqual(self.fetch(*args, *urls).code, 0)
        self.assertEqual(self.fetch(*args, *urls).out, b"")
        self.assertEqual(sorted(each["argument"] for each in self.records()), [1, 2, 3])
        done = self.fetch(*args, urls[0], urls[2], urls[1])
        self.assertEqual(done.code, 2)
        self.assertIn("argument 2 is not", done.err)

    def test_two_at_once_are_refused(self):
        first = self.start_fetch("--results", self.results, self.server.url("hold/x"))
        self.server.wait_for(1)
        second = self.fetch("--results", self.results, "--resume", self.server.url("ok/y"))
        self.assertEqual((second.code, second.out), (2, b""))
        self.assertIn("another weir-fetch", second.err)
        self.server.release()
        self.assertEqual(first.wait(), 0)

    def test_a_file_that_is_no_journal_is_left_alone(self):
        self.results.write_text("http://127.0.0.1/\n")
        done = self.fetch("--results", self.results, "--resume", self.server.url("ok/x"))
        self.assertEqual((done.code, done.out), (2, b""))
        self.assertEqual(self.results.read_text(), "http://127.0.0.1/\n")

    def test_it_syncs_when_asked_to(self):
        urls = self.write_urls([self.server.url(f"ok/{number}") for number in range(10)])
        done = self.fetch("--sync", "--results", self.results, "--output-dir", self.out,
                          "--input-file", self.urls)
        self.assertEqual(done.code, 0, done.err)
        self.assertEqual(sorted(self.done()), sorted(urls))

    # ---- results + remaining = input

    def some_held(self, count):
        return self.write_urls(
            warm(self.server, 4) + [self.server.url(f"hold/{n}") for n in range(count)])

    def test_when_all_is_done(self):
        urls = self.write_urls([self.server.url(f"ok/{number}") for number in range(30)] +
                               ["no-url", self.server.url("status/500/x")])
        process = self.journaled("--input-file", self.urls)
        self.assertEqual(process.wait(), 1)
        self.assertEqual(self.left(), [])
        self.assert_nothing_lost(urls)

    def test_after_a_signal(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            for times in (1, 2):
                with self.subTest(number.name, times=times):
                    self.results.unlink(missing_ok=True)
                    self.server = FaultServer(self)
                    urls = self.some_held(3000)
                    process = self.journaled("-j", "4", "--input-file", self.urls)
                    self.server.wait_for(2 + 4)
                    process.signal(number)
                    wait_until(lambda: b"stopping:" in process.err, "it drains")
                    if times == 1:
                        self.server.release()
                    else:
                        process.signal(number)
                    self.assertEqual(process.wait(), 3, process.err)
                    self.assertEqual(len(self.done()), 6 if times == 1 else 2)
                    self.assert_nothing_lost(urls)

    def test_when_the_drain_takes_too_long(self):
        urls = self.some_held(20)
        process = self.journaled("-j", "4", "--drain-timeout", "0.2", "--input-file", self.urls)
        self.server.wait_for(2 + 4)
        process.signal(signal.SIGTERM)
        self.assertEqual(process.wait(), 3, process.err)
        self.assertIn(b"--drain-timeout is over", process.err)
        self.assert_nothing_lost(urls)

    def test_what_remains_is_the_rest_of_the_next_run(self):
        urls = self.some_held(500)
        process = self.journaled("-j", "4", "--input-file", self.urls)
        self.server.wait_for(2 + 4)
        process.signal(signal.SIGTERM)
        self.server.release()
        self.assertEqual(process.wait(), 3)
        rest = self.fetch("--input-file", self.remaining)
        self.assertEqual(rest.code, 0)
        self.assertEqual(sorted([row.url for row in rest.rows] + self.done()), sorted(urls))

    def test_when_a_resumed_run_is_stopped(self):
        urls = self.some_held(500)
        for run in range(2):
            process = self.journaled("-j", "4", "--resume", "--input-file", self.urls)
            self.server.wait_for(2 + 4 + run)   # it begins with one place again
            process.signal(signal.SIGTERM)
            wait_until(lambda: b"stopping:" in process.err, "it drains")
            process.signal(signal.SIGTERM)
            self.assertEqual(process.wait(), 3, process.err)
            self.assertGreater(len(self.done()), 0)
            self.assert_nothing_lost(urls)

    def test_of_lines_that_were_not_read_those_that_are_done_do_not_remain(self):
        done = [self.server.url(f"ok/{number}") for number in range(20)]
        first = self.fetch("--results", self.results, "--input-file", "-", input=["none"] * 10 + done)
        self.assertEqual((first.code, len(self.done())), (1, len(done)), first.err)
        urls = warm(self.server, 2) + [self.server.url(f"hold/{number}") for number in range(9)]
        urls = urls[:10] + done + [self.server.url("ok/last")]
        process = self.journaled("-j", "2", "--resume", "--input-file", "-", stdin=subprocess.PIPE)
        process.stdin.write("".join(f"{url}\n" for url in urls[:10]).encode())
        process.stdin.flush()
        self.server.wait_for(len(done) + 1 + 2)
        process.signal(signal.SIGTERM)
        wait_until(lambda: b"stopping:" in process.err, "it drains")
        self.server.release()
        process.stdin.write("".join(f"{url}\n" for url in urls[10:]).encode())
        process.stdin.close()
        self.assertEqual(process.wait(), 3, process.err)
        self.assertEqual(sorted(self.done() + self.left()), sorted(urls))

    def test_lines_of_a_pipe_that_were_not_read(self):
        urls = self.some_held(3000)
        process = self.journaled("-j", "2", "--input-file", "-", stdin=subprocess.PIPE)
        process.stdin.write("".join(f"{url}\n" for url in urls[:1000]).encode())
        process.stdin.flush()
        self.server.wait_for(2 + 2)
        process.signal(signal.SIGTERM)
        wait_until(lambda: b"stopping:" in process.err, "it drains")
        self.server.release()   # it waits for the end of the pipe, until the drain timeout
        process.stdin.write("".join(f"{url}\n" for url in urls[1000:]).encode())
        process.stdin.close()
        self.assertEqual(process.wait(), 3, process.err)
        self.assert_nothing_lost(urls)

    def test_a_long_pipe_is_read_to_its_end(self):
        urls = self.write_urls([self.server.url(f"hold/{number}/{'x' * 80}") for number in range(40_000)])
        process = self.start("bash", "-c", 'cat "$1" | "${@:2}"', "bash", self.urls, program("weir-fetch"), "-s", "-j",
                             "2", "--deadline", "1", "--drain-timeout", "0.2", "--remaining", self.remaining,
                             "--results", self.results, "--input-file", "-")
        self.assertEqual(process.wait(), 4, process.err)
        self.assert_nothing_lost(urls)

    def test_half_a_line_does_not_remain(self):
        """It would be another URL."""
        url = self.server.url("hold/1")
        for rest, left in ((f"{url}2\n{url}3/to", f"{url}2\n"), (f"{url}3/to", "")):
            process = self.start_fetch("--drain-timeout", "1", "--remaining", self.remaining, "--input-file", "-",
                                       stdin=subprocess.PIPE)
            process.stdin.write(f"{url}\n".encode())
            process.stdin.flush()
            self.server.wait_for(1)
            process.signal(signal.SIGTERM)
            wait_until(lambda: b"stopping:" in process.err, "it drains")
            process.stdin.write(rest.encode())
            process.stdin.flush()
            self.assertEqual(process.wait(), 3, process.err)
            self.assertEqual(self.remaining.read_text(), f"{url}\n{left}")
            self.assertIn(f"what was not read is not in {self.remaining}", process.err.decode())
            self.server.asked.clear()

    def test_the_mark_of_an_encoding_does_not_remain(self):
        urls = [self.server.url(f"hold/{number}") for number in range(3)]
        self.urls.write_bytes(b"\xef\xbb\xbf" + "".join(f"{url}\n" for url in urls[1:]).encode())
        done = self.fetch("-s", "-j", "1", "--ordered", "-o", "-", "--deadline", "0.3", "--drain-timeout", "0.1",
                          "--remaining", self.remaining, "--input-file", self.urls, urls[0])
        self.assertEqual(done.code, 4, done.err)
        self.assertEqual(sorted(self.remaining.read_text().splitlines()), sorted(urls))

    def test_input_without_an_end_ends(self):
        process = self.start("bash", "-c", 'ulimit -f 2000; exec "$@"', "bash", program("weir-fetch"),
                             "--input-file", "/dev/zero", "--remaining", self.remaining)
        self.assertEqual(process.wait(), 5, process.err)
        self.assertIn(b"the input is no text", process.err)

    @unittest.skipIf(SANITIZED, "UBSan needs descriptors itself, and complains without")
    def test_idle_connections_leave_descriptors_to_files(self):
        urls = self.write_urls([f"http://{number}.example/ok/{number}" for number in range(400)])
        process = self.start("sh", "-c", 'ulimit -n 100; exec "$@"', "sh", program("weir-fetch"), "-s", "--connect-to",
                             f"::127.0.0.1:{self.server.port}", "--output-dir", self.dir / "out", "--input-file",
                             self.urls)
        self.assertEqual(process.wait(), 0, (process.out[-500:], process.err))
        self.assertEqual(len(list((self.dir / "out").iterdir())), len(urls))

    def test_when_the_reader_goes(self):
        urls = self.write_urls([self.server.url(f"slow/2/{number}") for number in range(400)])
        script = '"$@" | head -1; exit "${PIPESTATUS[0]}"'
        process = self.start("bash", "-c", script, "bash", program("weir-fetch"), "-s", "-j", "4",
                             "--results", self.results, "--remaining", self.remaining,
                             "--input-file", self.urls)
        self.assertEqual(process.wait(), 3, process.err)
        self.assertEqual(process.err, b"")   # quietly
        self.assertGreater(len(self.left()), 0)
        self.assert_nothing_lost(urls)

    def limited(self, size, *args, stdout=""):
        """weir-fetch with files of `size` bytes at most: a disk that is full."""
        script = f'ulimit -f "$1"; shift; exec "$@" {stdout}'
        return self.start("sh", "-c", script, "sh", size // 512, program("weir-fetch"), *args)

    def test_when_the_disk_of_the_results_is_full(self):
        urls = self.write_urls([self.server.url(f"ok/{number}") for number in range(300)])
        process = self.limited(64 * 1024, "--results", self.results, "--remaining", self.remaining,
                               "--output-dir", self.out, "--input-file", self.urls)
        self.assertEqual(process.wait(), 5, process.err)
        self.assertIn(b"cannot write the results to", process.err)
        self.assertGreater(len(self.done()), 0)
        self.assert_nothing_lost(urls)
        again = self.fetch("--resume", "--results", self.results, "--output-dir", self.out,
                           "--input-file", self.urls)
        self.assertEqual(again.code, 0, again.err)
        self.assertEqual(sorted(self.done()), sorted(urls))
        self.assertEqual(len(list(self.out.iterdir())), len(urls))   # none is there twice

    def test_when_the_disk_of_standard_output_is_full(self):
        urls = self.write_urls([self.server.url(f"ok/{number}") for number in range(900)])
        printed = self.dir / "printed"
        process = self.limited(16 * 1024, "-s", "--remaining", self.remaining, "--input-file",
                               self.urls, stdout=f"> {printed}")
        self.assertEqual(process.wait(), 5, process.err)
        lines = printed.read_text().split("\n")[:-1]   # the last one may be torn
        rows = [line.split("\t") for line in lines]
        shown = [row[3] for row in rows if row[0] != "aborted"]
        self.assertGreater(len(shown), 0)
        self.assertEqual(sorted(shown + self.left()), sorted(urls))

    def test_when_bodies_cannot_be_stored(self):
        urls = self.write_urls([self.server.url(f"ok/{number}") for number in range(500)])
        process = self.limited(0, "--output-dir", self.out, "--input-file", self.urls)
        self.assertEqual(process.wait(), 5, process.err)
        rows = [line.split("\t") for line in process.out.decode().splitlines()]
        self.assertEqual(len({row[3] for row in rows} & set(urls)), len(rows))
        self.assertEqual({row[0] for row in rows}, {"io", "aborted"})   # no other could be either
        self.assertLess(len(self.server.asked), 400)
        self.assertIn(b"the disk is full", process.err)
        self.assertEqual(list(self.out.iterdir()), [])

    def test_a_body_that_cannot_be_appended_is_one_that_cannot_be_stored(self):
        file = self.dir / "page"
        process = self.limited(0, "-C", "-", "-o", file, self.server.url("ok/x"))
        self.assertEqual(process.wait(), 5, process.err)
        self.assertIn(f"could not be stored in {file}: File too large", process.out.decode())

    def test_standard_error_that_cannot_be_written_loses_nothing(self):
        url = self.server.url("ok/x")
        command = ["-s", "--remaining", self.remaining, "-w"]
        with open("/dev/full", "wb") as full:
            process = self.start_fetch(*command, "%{stderr}%{url}", url, stderr=full)
            self.assertEqual(process.wait(), 5)
            self.assertEqual(self.left(), [url])
            process = self.start_fetch(*command, "%{url}", url, stderr=full)
            self.assertEqual(process.wait(), 0)
        self.assertEqual(self.left(), [])

    def test_a_process_with_few_descriptors_stores_all_the_same(self):
        lines = [json.dumps({"url": self.server.url(f"ok/{n}"), "output": f"{n}"})
                 for n in range(300)]
        self.urls.write_text("\n".join(lines))
        process = self.start("sh", "-c", 'ulimit -n "$1"; shift; exec "$@"', "sh", 100,
                             program("weir-fetch"), "-j", 90, "--per-host", 90, "--input-file",
                             self.urls, cwd=self.folder("stored"))
        self.assertEqual(process.wait(), 0, process.err)

    @unittest.skipIf(SANITIZED, "UBSan needs descriptors itself, and complains without")
    def test_no_descriptor_for_a_body_is_no_mere_failure_of_its_url(self):
        lost = 0
        for most in range(12, 28):
            process = self.start("sh", "-c", 'ulimit -n "$1"; shift; exec "$@"', "sh", most,
                                 program("weir-fetch"), "--retry", 0, "--output-dir",
                                 self.dir / f"out-{most}", self.server.url("ok/x"))
            process.wait()
            unstored = b"could not be stored" in process.out
            self.assertEqual(process.code == 5, unstored, process.out + process.err)
            lost += unstored
        self.assertGreater(lost, 0)

    def test_a_file_that_is_no_journal_is_left_alone(self):
        url = self.server.url("ok/x")
        for text in ('{"id":1,"name":"precious"}', '{"id":1}\n', "{", "text", "\0" * 5000):
            self.results.write_text(text)
            self.assertEqual(self.fetch("--results", self.results, url).code, 2, text)
            self.assertEqual(self.results.read_text(), text)
        for text in ('{"id":1,"name":"precious"}', '{"id":1}\n', "text"):
            self.results.write_text(text)
            self.assertEqual(self.fetch("--results", self.results, "--resume", url).code, 2, text)
            self.assertEqual(self.results.read_text(), text)
        self.assertEqual(self.server.asked, [])

    def test_what_remains_goes_to_a_file(self):
        url = self.server.url("status/404")
        pipe = self.dir / "pipe"
        os.mkfifo(pipe)
        for path in (pipe, "/dev/null", self.dir, "-", ""):
            self.assertEqual(self.fetch("--remaining", path, url).code, 2, path)
        self.assertTrue(pipe.is_fifo() and pathlib.Path("/dev/null").is_char_device())
        self.assertEqual(self.server.asked, [])
        link, target = self.dir / "link", self.dir / "target"
        target.write_text("from before")
        link.symlink_to(target)
        self.fetch("--remaining", link, url)
        self.assertEqual((link.is_symlink(), target.read_text()), (True, ""))

    def test_closed_streams_are_not_mistaken_for_files(self):
        url = self.server.url("ok/x")
        for closed in (">&-", "2>&-", "<&-", ">&- 2>&- <&-"):
            self.results.unlink(missing_ok=True)
            process = self.start("sh", "-c", f'exec "$@" {closed}', "sh", program("weir-fetch"),
                                 "--results", self.results, "-w", "%{stderr}ERR%{stdout}OUT", url)
            self.assertEqual(process.wait(), 5 if ">&-" in closed.replace("2>&-", "") else 0, closed)
            self.assertEqual(len(self.records()), 1, closed)

    def test_when_the_input_is_no_text(self):
        urls = self.write_urls([self.server.url(f"ok/{number}") for number in range(20)])
        with open(self.urls, "ab") as file:
            file.write(b"\0\1\2\n" + b"".join(f"{url}?\n".encode() for url in urls))
        process = self.journaled("--input-file", self.urls)
        self.assertEqual(process.wait(), 2)
        self.assertIn(b"line 21 holds a NUL byte", process.err)
        self.assert_nothing_lost(urls + ["\0\1\2"] + [url + "?" for url in urls])

    def test_usage_errors_take_nothing(self):
        self.write_urls([self.server.url("ok/x")])
        self.remaining.write_text("from before\n")
        for wrong in (["--nonsense"], ["--resume"], ["--sync"], ["--drain-timeout", "soon"],
                      ["--results", self.dir], ["--results", "/dev/null"],
                      ["--results", "/proc/not/there"], ["--output-dir", "/proc/not/there"]):
            done = self.fetch("--remaining", self.remaining, "--input-file", self.urls, *wrong)
            self.assertEqual((done.code, done.out), (2, b""), wrong)
            self.assertNotEqual(done.err, "", wrong)
        done = self.fetch("--remaining", "/proc/not/there", "--input-file", self.urls)
        self.assertEqual((done.code, done.out), (2, b""))
        self.assertEqual(self.remaining.read_text(), "from before\n")
        self.assertEqual(self.server.asked, [])

    def test_sigint_that_was_ignored_stays_so(self):
        process = self.start("sh", "-c", "trap '' INT; exec \"$@\"", "sh", program("weir-fetch"),
                             self.server.url("hold/x"))
        self.server.wait_for(1)
        process.signal(signal.SIGINT)
        process.signal(signal.SIGTERM)   # of two, the second would not wait for what is held
        wait_until(lambda: b"stopping" in process.err, "the signal that counts")
        self.server.release()
        self.assertEqual(process.wait(), 3)
        self.assertTrue(process.out.startswith(b"200\t"), process.out)

    def test_nohup_holds(self):
        """A SIGHUP that is ignored when it starts stays so."""
        process = self.start("bash", "-c", "trap '' HUP; exec \"$@\"", "bash",
                             program("weir-fetch"), self.server.url("hold/x"))
        self.server.wait_for(1)
        process.signal(signal.SIGHUP)
        self.server.release()
        self.assertEqual(process.wait(), 0, process.err)


if __name__ == "__main__":
    main()
