"""What is stored, under which name and with which time: -J, -R, --skip-existing, --fail-with-body."""

import json
import os

from faults import FaultServer, body_of
from file_clock import wait_past
from recorder import Recorder, answer
from support import Case, main


class Stored(Case):
    def setUp(self):
        super().setUp()
        self.out = self.dir / "a" / "b" / "out"   # deep, so that there is somewhere to escape to
        self.out.mkdir(parents=True)
        self.fields = {}   # of the answer of each target
        self.server = Recorder(self, self.reply)

    def reply(self, request):
        status = 404 if request.target.startswith("/missing") else 200
        return answer(status, f"body of {request.target}".encode(),
                      **self.fields.get(request.target, {}))

    def store(self, *args, code=0, to=None):
        done = self.fetch("-s", "--output-dir", to or self.out, *args)
        self.assertEqual(done.code, code, (done.out, done.err))
        return done

    def stored(self):
        """name -> content; everything there is a plain file."""
        found = {}
        for path in self.out.iterdir():
            self.assertTrue(path.is_file() and not path.is_symlink(), path)
            found[path.name] = path.read_text()
        return found

    def assert_nothing_outside(self):
        for folder, _, names in os.walk(self.dir):
            if folder != str(self.out):
                self.assertEqual(names, [], folder)


class RemoteHeaderName(Stored):
    def name_for(self, *values):
        """URLs whose answers give these names."""
        urls = []
        for number, value in enumerate(values):
            self.fields[f"/{number}"] = {"Content_Disposition": value}
            urls.append(self.server.url(str(number)))
        return urls

    def test_the_name_of_the_answer_is_taken(self):
        urls = self.name_for('attachment; filename="a report.pdf"', "inline; filename=b",
                             "attachment; filename*=UTF-8''%c3%a9.txt; filename=e.txt", "attachment")
        self.store("-J", *urls, self.server.url("own"))
        self.assertEqual(self.stored(), {
            "a_report.pdf": "body of /0", "b": "body of /1", "%C3%A9.txt": "body of /2",
            "3": "body of /3", "own": "body of /own"})

    def test_it_goes_with_remote_names(self):
        url, = self.name_for("attachment; filename=chosen")
        self.store("-O", "--remote-header-name", url)
        self.assertEqual(list(self.stored()), ["chosen"])

    def test_no_name_leads_out_of_the_folder(self):
        names = ["../evil", "../../../evil", "/etc/evil", "..", ".", "/", "a/b", "..\\evil", ".bashrc",
                 "-rf", "con", "x.part", "~/evil", "%2e%2e%2fevil", "a\x1b[31m", "n" * 5000]
        urls = self.name_for(*(f'attachment; filename="{name}"' for name in names))
        encoded = self.name_for(*([""] * len(urls)), "attachment; filename*=UTF-8''..%2f..%2fevil",
                                "attachment; filename*=UTF-8''a%00b")[len(urls):]
        self.name_for(*(f'attachment; filename="{name}"' for name in names))
        self.store("-J", *urls, *encoded)
        self.assert_nothing_outside()
        self.assertEqual(len(self.stored()), len(urls) + len(encoded))
        for name in self.stored():
            self.assertRegex(name, r"^[A-Za-z0-9_~%+=,@][A-Za-z0-9._~%+=,@-]{0,204}$")

    def test_a_file_that_is_there_stays(self):
        (self.out / "taken").write_text("mine")
        (self.out / "link").symlink_to(self.dir / "victim")
        urls = self.name_for("attachment; filename=taken", "attachment; filename=link")
        done = self.store("--jsonl", "-J", *urls)
        self.assertEqual({json.loads(line)["file"] for line in done.out.splitlines()},
                         {"taken.1", "link.1"})
        self.assertEqual((self.out / "taken").read_text(), "mine")
        self.assert_nothing_outside()

    def test_many_bodies_of_one_name_do_not_meet(self):
        urls = self.name_for(*["attachment; filename=5"] * 40)
        self.store("-J", *urls)
        self.assertEqual(sorted(self.stored().values()),
                         sorted(f"body of /{n}" for n in range(40)))
        self.assertEqual({name.partition(".")[0] for name in self.stored()}, {"5"})

    def test_the_name_is_recorded(self):
        url, = self.name_for("attachment; filename=chosen")
        results = self.dir / "a" / "results"
        self.store("-J", "--results", results, url)
        keeping, record = map(json.loads, results.read_text().splitlines())
        self.assertEqual((keeping["keeping"], record["file"]), ("chosen", "chosen"))


class HostFolders(Stored):
    """Each host has a folder for its bodies."""

    def folder(self, host="127.0.0.1"):
        return self.out / f"{host}+{self.server.port}"

    def test_hosts_do_not_meet(self):
        self.store("--host-folders", self.server.url("x"), self.server.url("a/b/x"),
                   self.server.url("x").replace("127.0.0.1", "LocalHost"))
        self.assertEqual(sorted(path.name for path in self.out.iterdir()),
                         sorted(path.name for path in (self.folder(), self.folder("localhost"))))
        self.assertEqual(sorted(path.read_text() for path in self.folder().iterdir()),
                         ["body of /a/b/x", "body of /x"])
        self.assertEqual((self.folder("localhost") / "x").read_text(), "body of /x")

    def test_the_name_of_an_answer_stays_in_the_folder(self):
        self.fields["/0"] = {"Content_Disposition": "attachment; filename=chosen"}
        self.fields["/1"] = {"Content_Disposition": "attachment; filename=../evil"}
        done = self.store("--host-folders", "-J", "--jsonl", self.server.url("0"),
                          self.server.url("1"))
        names = {path.name for path in self.folder().iterdir()}
        self.assertEqual(names, {"chosen", "evil"})
        self.assertEqual({json.loads(line)["file"] for line in done.out.splitlines()},
                         {f"{self.folder().name}/{name}" for name in names})
        self.assertEqual([path.name for path in self.out.iterdir()], [self.folder().name])

    def test_what_is_there_is_skipped_and_resumed(self):
        results = self.dir / "a" / "results"
        url = self.server.url("x")
        self.store("--host-folders", "--results", results, url)
        wait_past(self.folder() / "x")
        done = self.store("--host-folders", "--skip-existing", "--jsonl", url)
        self.assertEqual(json.loads(done.out)["file"], f"{self.folder().name}/x")
        self.store("--host-folders", "--results", results, "--resume", url)
        self.assertEqual(len(self.server.seen), 1)
        self.assertEqual([path.name for path in self.folder().iterdir()], ["x"])


class RemoteTime(Stored):
    DATE, SECONDS = "Sun, 06 Nov 1994 08:49:37 GMT", 784111777

    def test_a_file_gets_the_time_of_the_answer(self):
        self.fields["/x"] = {"Last_Modified": self.DATE}
        self.store("-R", self.server.url("x"))
        self.assertEqual((self.out / "x").stat().st_mtime, self.SECONDS)
        file = self.out / "chosen"
        self.assertEqual(self.fetch("--remote-time", "-o", file, self.server.url("x")).code, 0)
        self.assertEqual(file.stat().st_mtime, self.SECONDS)

    def test_without_one_it_is_as_any_new_file(self):
        self.fields["/bad"] = {"Last_Modified": "yesterday"}
        before = self.dir.stat().st_mtime
        self.store("-R", self.server.url("none"), self.server.url("bad"))
        for name in ("none", "bad"):
            self.assertGreaterEqual((self.out / name).stat().st_mtime, before)


class SkipExisting(Stored):
    def test_what_is_there_is_not_fetched(self):
        (self.out / "x").write_text("mine")
        wait_past(self.out / "x")
        urls = [self.server.url("x"), self.server.url("y")]
        done = self.store("--skip-existing", *urls)
        self.assertEqual(sorted(line.split("\t")[0] for line in done.out.decode().splitlines()),
                         ["200", "skipped"])
        self.assertEqual(self.stored(), {"x": "mine", "y": "body of /y"})
        self.assertEqual([request.target for request in self.server.seen], ["/y"])

    def test_it_is_counted_and_no_failure(self):
        (self.out / "x").write_text("mine")
        wait_past(self.out / "x")
        done = self.fetch("--output-dir", self.out, "--skip-existing", "--retry-all-errors",
                          "--fail-early", *[self.server.url("x")] * 3)
        self.assertEqual(done.code, 0)
        self.assertIn("3 URLs: 3 x skipped", done.err)
        self.assertEqual(self.server.seen, [])

    def test_a_result_names_the_file(self):
        (self.out / "x").write_text("mine")
        wait_past(self.out / "x")
        done = self.store("--skip-existing", "--jsonl", self.server.url("x"), self.server.url("y"))
        of = {each["url"]: each for each in map(json.loads, done.out.splitlines())}
        for name, skipped in (("x", True), ("y", False)):
            each = of[self.server.url(name)]
            self.assertEqual((each["skipped"], each["file"], each["error"]), (skipped, name, None))

    def test_a_run_that_goes_on_has_it_as_done(self):
        (self.out / "x").write_text("mine")
        wait_past(self.out / "x")
        results = self.dir / "a" / "results"
        flags = ["--skip-existing", "--results", results]
        self.store(*flags, self.server.url("x"))
        self.assertEqual(self.store(*flags, "--resume", self.server.url("x")).out, b"")

    def test_what_this_run_has_stored_does_not_count(self):
        urls = [self.server.url(f"{folder}/x") for folder in "abc"]
        done = self.store("-j", "1", "--skip-existing", *urls)
        self.assertEqual([line.split(b"\t")[0] for line in done.out.splitlines()], [b"200"] * 3)
        self.assertEqual(set(self.stored()), {"x", "x.1", "x.2"})

    def test_a_folder_and_what_broke_off_do_not_count(self):
        (self.out / "y.part").write_text("half")
        wait_past(self.out / "y.part")
        self.store("--skip-existing", self.server.url("y"))
        self.assertEqual(self.stored(), {"y": "body of /y"})
        file = self.dir / "a" / "file"
        self.assertEqual(self.fetch("--skip-existing", "-o", file, self.server.url("x")).code, 0)
        wait_past(file)
        done = self.fetch("--skip-existing", "-o", file, self.server.url("z"))
        self.assertEqual((done.code, done.out.split(b"\t")[0]), (0, b"skipped"))
        self.assertEqual(file.read_text(), "body of /x")


class FailWithBody(Stored):
    def test_the_body_is_kept_and_the_result_a_failure(self):
        urls = [self.server.url("missing"), self.server.url("x")]
        done = self.store("--fail-with-body", *urls, code=1)
        self.assertEqual((done.of(urls[0]).status, done.of(urls[0]).error), (404, "http"))
        self.assertEqual(self.stored(), {"missing": "body of /missing", "x": "body of /x"})

    def test_without_the_flag_it_is_not(self):
        self.store(self.server.url("missing"), code=1)
        self.assertEqual(self.stored(), {})

    def test_on_standard_output_too(self):
        done = self.fetch("--fail-with-body", "-o", "-", self.server.url("missing"))
        self.assertEqual((done.code, done.out), (1, b"body of /missing"))

    def test_a_body_that_broke_off_is_not_kept(self):
        server = FaultServer(self)
        half = b"HTTP/1.1 404 x\r\nContent-Length: 100\r\n\r\nhalf".hex()
        self.store("--fail-with-body", server.url(f"raw?{half}"), server.url("short/x"),
                   server.url("status/500/z"), code=1)
        self.assertEqual(self.stored(), {"z": body_of("/status/500/z").decode()})


if __name__ == "__main__":
    main()
