"""--output: the body of one URL in a file of a chosen name, whole or not at all; or bodies on standard
output, in the order of the input.
"""

import json
import os
import signal
import threading

from faults import FaultServer, body_of
from recorder import Recorder, answer
from support import PATIENCE, Case, main, parse_rows, program, wait_until, warm


class Outputs(Case):
    def setUp(self):
        super().setUp()
        self.server = FaultServer(self)
        self.home = self.folder("home")
        self.file = self.home / "a page.html"

    def get(self, *args, code=0):
        done = self.fetch(*args)
        self.assertEqual(done.code, code, (done.out, done.err))
        return done

    def names(self):
        return sorted(path.name for path in self.home.iterdir())

    def refused(self, text, *args):
        """A usage error that says this, and asks the server for nothing."""
        done = self.get(*args, code=2)
        self.assertEqual(done.out, b"")
        self.assertIn(text, done.err)
        self.assertEqual(self.server.asked, [])



class ToFile(Outputs):
    def test_the_body_is_in_the_file(self):
        for flag in ("-o", "--output"):
            done = self.get(flag, self.file, self.server.url("ok/x"))
            self.assertEqual([row.status for row in done.rows], [200])
            self.assertEqual(self.file.read_bytes(), body_of("/ok/x"))
        self.assertEqual(self.names(), ["a page.html"])

    def test_the_name_is_taken_as_it_is(self):
        for name in (".hidden", "-dash", "con", "x.part"):
            self.get("-o", self.home / name, self.server.url("ok/x"))
            self.assertEqual((self.home / name).read_bytes(), body_of("/ok/x"))

    def test_a_file_that_is_replaced_keeps_its_mode(self):
        for mode in (0o600, 0o640, 0o755):
            self.file.write_bytes(b"secret")
            self.file.chmod(mode)
            self.get("-o", self.file, self.server.url("ok/x"))
            self.assertEqual(self.file.read_bytes(), body_of("/ok/x"))
            self.assertEqual(self.file.stat().st_mode & 0o7777, mode)
        self.file.chmod(0o600)   # and while it is written
        process = self.start_fetch("-o", self.file, self.server.url("stall-body/x"))
        part = self.home / "a page.html.part"
        wait_until(lambda: part.exists() and part.stat().st_size, "the first bytes")
        self.assertEqual(part.stat().st_mode & 0o7777, 0o600)
        process.end()

    def test_a_file_is_replaced_by_a_whole_body_alone(self):
        self.file.write_bytes(b"from last time")
        for kind in ("short", "reset", "stall-body", "drop", "status/404"):
            self.get("-m", "1", "-o", self.file, self.server.url(f"{kind}/x"), code=1)
            self.assertEqual(self.file.read_bytes(), b"from last time", kind)
            self.assertEqual(self.names(), ["a page.html"], kind)
        self.get("-o", self.file, self.server.url("ok/x"))
        self.assertEqual(self.file.read_bytes(), body_of("/ok/x"))

    def test_a_body_that_breaks_off_leaves_no_file(self):
        self.get("-o", self.file, self.server.url("short/x"), code=1)
        self.assertEqual(self.names(), [])

    def test_a_file_may_be_kept(self):
        self.file.write_bytes(b"from last time")
        self.get("--no-clobber", "-o", self.file, self.server.url("ok/x"))
        self.assertEqual(self.file.read_bytes(), b"from last time")
        self.assertEqual((self.home / "a page.html.1").read_bytes(), body_of("/ok/x"))

    def test_folders_are_made_when_asked_for(self):
        deep = self.home / "a" / "b" / "page"
        self.refused("--create-dirs", "-o", deep, self.server.url("ok/x"))
        self.assertEqual(self.names(), [])
        self.get("--create-dirs", "-o", deep, self.server.url("ok/x"))
        self.assertEqual(deep.read_bytes(), body_of("/ok/x"))

    def test_a_folder_is_no_file(self):
        self.refused("name a file in it", "-o", self.home, self.server.url("ok/x"))
        self.refused("name a file in it", "-o", f"{self.file}/", self.server.url("ok/x"))

    def test_one_file_is_for_one_url(self):
        urls = [self.server.url("ok/x"), self.server.url("ok/y")]
        (self.home / "list").write_text(urls[0] + "\n")
        self.refused("--output-dir", "-o", self.file, *urls)
        self.refused("--output-dir", "-o", self.file, "--input-file", self.home / "list")
        self.refused("-o DIR/FILE", "-o", self.file, "--output-dir", self.home, urls[0])
        self.refused("exclude", "-o", self.file, "-O", urls[0])

    def test_what_a_link_leads_to_is_replaced_and_the_link_stays(self):
        target = self.home / "target"
        target.write_bytes(b"from last time")
        self.file.symlink_to("target")
        self.get("-o", self.file, self.server.url("ok/x"))
        self.assertTrue(self.file.is_symlink())
        self.assertEqual(target.read_bytes(), body_of("/ok/x"))

    def test_the_null_device_stays_what_it_is(self):
        self.get("-o", os.devnull, self.server.url("ok/x"))
        with open(os.devnull, "rb") as device:
            self.assertEqual(device.read(1), b"")

    def test_another_program_that_writes_the_same_file_is_not_disturbed(self):
        first = self.start_fetch("-o", self.file, self.server.url("hold/a"))
        self.server.wait_for(1)
        self.get("-o", self.file, self.server.url("ok/b"))
        self.assertEqual(self.file.read_bytes(), body_of("/ok/b"))
        self.server.release()
        self.assertEqual(first.wait(), 0)
        self.assertEqual(self.file.read_bytes(), body_of("/hold/a"))
        self.assertEqual(self.names(), ["a page.html"])

    def test_a_result_names_the_file(self):
        results = self.home / "results"
        done = self.get("--jsonl", "--results", results, "-o", self.file, self.server.url("ok/x"))
        for text in (done.out, results.read_bytes().splitlines()[-1]):
            self.assertEqual(json.loads(text)["file"], str(self.file))

    def test_a_body_may_go_into_a_pipe_with_a_name(self):
        pipe = self.home / "pipe"
        os.mkfifo(pipe)
        got = []
        reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
        reader.start()
        done = self.get("-o", pipe, self.server.url("ok/x"))
        reader.join(PATIENCE)
        self.assertEqual(got, [body_of("/ok/x")])
        self.assertEqual([row.status for row in done.rows], [200])
        self.assertEqual(self.names(), ["pipe"])


class ToStandardOutput(Outputs):
    @staticmethod
    def rows(done):
        """The results, on standard error."""
        return parse_rows(done.process.err)

    def test_the_body_is_on_standard_output_and_its_result_on_standard_error(self):
        for name in ("-", "/dev/stdout"):
            done = self.get("-s", "-o", name, self.server.url("ok/x"))
            self.assertEqual(done.out, body_of("/ok/x"))
            self.assertEqual([row.status for row in self.rows(done)], [200])

    def test_bodies_are_in_the_order_of_the_input(self):
        names = ["hold/first", *(f"ok/{number}" for number in range(60)), "slow/50/last"]
        urls = warm(self.server, 4) + [self.server.url(name) for name in names]
        process = self.start_fetch("-s", "-j", "40", "-o", "-", "--input-file", "-",
                                   stdin=self.file_with(urls))
        self.server.wait_for(30)
        self.server.release()
        self.assertEqual(process.wait(), 0)
        self.assertEqual(process.out, self.bodies(urls))
        self.assertEqual([row.url for row in parse_rows(process.err)], urls)

    def bodies(self, urls):
        return b"".join(body_of(url.removeprefix(self.server.url("")[:-1])) for url in urls)

    def file_with(self, urls):
        path = self.dir / "urls"
        path.write_text("".join(f"{url}\n" for url in urls))
        opened = open(path, "rb")
        self.addCleanup(opened.close)
        return opened

    def test_no_more_urls_are_taken_in_than_may_wait_for_the_first(self):
        first = warm(self.server, 4)
        urls = first + [self.server.url(f"{'ok' if n else 'hold'}/{n}") for n in range(100)]
        process = self.start_fetch("-s", "-j", "4", "-o", "-", *urls)
        self.server.wait_for(len(first) + 8)
        wait_until(lambda: self.server.serving.now == 1, "all but one answered")
        self.assertEqual(len(self.server.asked), len(first) + 8)
        self.server.release()
        self.assertEqual(process.wait(), 0)
        self.assertEqual(process.out, self.bodies(urls))

    def test_what_fails_prints_nothing_between_the_others(self):
        names = ["ok/a", "short/b", "status/404/c", "drop/d", "reset/e", "ok/f"]
        urls = [self.server.url(name) for name in names]
        done = self.get("-s", "-o", "-", *urls, "not a url", code=1)
        self.assertEqual(done.out, body_of("/ok/a") + body_of("/ok/f"))
        self.assertEqual([row.error for row in self.rows(done)],
                         ["", "incomplete", "http", "incomplete", "incomplete", "", "bad_url"])

    def test_an_attempt_that_broke_off_is_not_printed(self):
        body = b"whole" * 1000
        answers = [answer(200, body)[:-100], answer(200, body)]
        server = Recorder(self, lambda request: answers.pop(0))
        done = self.get("-s", "--retry", "1", "-y", "0.5", "-o", "-", server.url("x"))
        self.assertEqual(done.out, body)
        self.assertEqual(answers, [])

    def held_up(self, *flags):
        """A run whose first URL has no answer yet, and others have; then it gets a signal."""
        first = warm(self.server, 4)
        urls = first + [self.server.url(f"{'ok' if n else 'hold'}/{n}") for n in range(100)]
        process = self.start_fetch("-j", "4", "-o", "-", *flags, *urls)
        self.server.wait_for(len(first) + 8)
        wait_until(lambda: self.server.serving.now == 1, "all but one answered")
        process.signal(signal.SIGINT)
        wait_until(lambda: b"stopping" in process.err, "it drains")
        return urls, process

    def rows_of(self, process):
        lines = process.err.decode().splitlines(keepends=True)
        return parse_rows("".join(line for line in lines if "\t" in line).encode())

    def test_a_signal_ends_the_wait_for_a_place_in_the_order(self):
        remaining = self.home / "remaining"
        urls, process = self.held_up("--remaining", remaining)
        self.server.release()
        self.assertEqual(process.wait(), 3)
        rows = self.rows_of(process)
        self.assertEqual([row.url for row in rows], urls)
        done = [row.url for row in rows if not row.error]
        self.assertEqual(process.out, self.bodies(done))
        self.assertEqual(remaining.read_text().splitlines(), urls[len(done):])
        self.assertEqual(len(done), len(self.server.asked))

    def test_the_second_signal_prints_what_is_whole(self):
        urls, process = self.held_up()
        process.signal(signal.SIGINT)
        self.assertEqual(process.wait(), 3)
        rows = self.rows_of(process)
        self.assertEqual([row.url for row in rows], urls)
        self.assertEqual(process.out, self.bodies([row.url for row in rows if not row.error]))
        self.assertEqual({row.error for row in rows}, {"", "aborted"})

    def test_long_bodies_are_printed_whole(self):
        bodies = {f"/{n}": os.urandom(300_000 + n) for n in range(10)}
        server = Recorder(self, lambda request: answer(200, bodies[request.target]))
        done = self.get("-s", "--spill-dir", self.home, "-o", "-",
                        *(server.url(str(n)) for n in range(10)))
        self.assertEqual(done.out, b"".join(bodies.values()))
        self.assertEqual(self.names(), [])

    def test_a_reader_that_has_gone_ends_the_run(self):
        server = Recorder(self, lambda request: answer(200, b"x" * 1_000_000))
        script = f'"$0" -s -o - "$@" 2>"{self.home}/said" | head -c 10; echo "${{PIPESTATUS[0]}}"'
        process = self.start("/bin/bash", "-c", script, program("weir-fetch"),
                             *(server.url(str(n)) for n in range(20)))
        self.assertEqual(process.wait(), 0)
        self.assertEqual(process.out, b"x" * 10 + b"3\n")

    def test_a_full_disk_is_an_error(self):
        with open("/dev/full", "wb") as full:
            process = self.start_fetch("-s", "-o", "-", self.server.url("ok/x"), stdout=full)
            self.assertEqual(process.wait(), 5)
        self.assertIn(b"cannot write the bodies to standard output", process.err)

    def test_what_was_not_printed_is_among_what_remains(self):
        remaining = self.home / "remaining"
        urls = [self.server.url(f"ok/{n}") for n in range(5)]
        for journal in ([], ["--results", self.home / "results"]):
            with open("/dev/full", "wb") as full:
                process = self.start_fetch("-s", "-o", "-", *journal, "--remaining", remaining,
                                           *urls, stdout=full)
                self.assertEqual(process.wait(), 5)
            self.assertEqual(sorted(remaining.read_text().splitlines()), urls)
            self.assertNotIn(b"200\t", process.err)   # and has no line among the results

    def test_results_as_json_are_on_standard_error_too(self):
        done = self.get("-s", "--jsonl", "-o", "-", self.server.url("ok/x"))
        self.assertEqual(done.out, body_of("/ok/x"))
        self.assertEqual(json.loads(done.process.err)["status"], 200)


if __name__ == "__main__":
    main()
