"""--output-dir: every body in a file of its own, whole, and nowhere else."""

import os
import socket

from faults import FaultServer, body_of
from support import PATIENCE, Case, main, program, tools, wait_until


class Files(Case):
    def setUp(self):
        super().setUp()
        self.server = FaultServer(self)
        self.out = self.dir / "a" / "b" / "out"   # deep, so that there is somewhere to escape to
        self.out.mkdir(parents=True)

    def store(self, *urls, code=0, **options):
        done = self.fetch("--output-dir", self.out, *urls, **options)
        self.assertEqual(done.code, code, done.out)
        self.assert_each_once(done.rows, urls)
        return done

    def stored(self):
        """name -> content; everything there is a plain file."""
        found = {}
        for path in self.out.iterdir():
            self.assertTrue(path.is_file() and not path.is_symlink(), path)
            found[path.name] = path.read_bytes()
        return found

    def assert_nothing_outside(self):
        inside = os.path.join(self.dir, "a", "b", "out")
        for folder, _, names in os.walk(self.dir):
            if folder != inside:
                strangers = [name for name in names if not name.startswith("input-")]
                self.assertEqual(strangers, [], folder)

    def test_bodies_are_stored(self):
        urls = [self.server.url(f"ok/page-{number}.html") for number in range(20)]
        self.store(*urls)
        self.assertEqual(sorted(self.stored().values()),
                         sorted(body_of(f"/ok/page-{number}.html") for number in range(20)))
        self.assertIn("page-7.html", self.stored())
        self.assertEqual(self.stored()["page-7.html"], body_of("/ok/page-7.html"))

    def test_a_directory_that_is_not_there_is_made_or_refused_at_once(self):
        target = self.out / "new"
        done = self.fetch("--output-dir", target, self.server.url("ok/x"))
        self.assertIn(done.code, (0, 2))
        self.assertEqual(target.is_dir(), done.code == 0)

    def test_the_same_name_twice_is_two_files(self):
        urls = [self.server.url(f"ok/{folder}/index.html") for folder in range(30)]
        self.store(*urls)
        self.assertEqual(sorted(self.stored().values()),
                         sorted(body_of(f"/ok/{folder}/index.html") for folder in range(30)))

    def test_the_same_url_twice_is_two_files_or_one_whole_one(self):
        url = self.server.url("ok/same")
        self.fetch("--output-dir", self.out, *[url] * 20)
        self.assertGreaterEqual(len(self.stored()), 1)
        self.assertEqual(set(self.stored().values()), {body_of("/ok/same")})

    def test_names_differing_in_case_or_query_do_not_meet(self):
        names = ("ok/Page", "ok/page", "ok/page?a=1", "ok/page?a=2", "ok/page/")
        self.store(*[self.server.url(name) for name in names])
        expected = [body_of("/" + name) for name in names]
        self.assertEqual(sorted(self.stored().values()), sorted(expected))

    def test_no_name_leads_out_of_the_directory(self):
        targets = ["ok/../../../../evil", "ok/%2e%2e/%2e%2e/evil", "ok/..%2f..%2f..%2fevil",
                   "ok/%2fetc%2fevil", "ok/..", "ok/.", "ok/%2e%2e", "ok/..%5c..%5cevil", "ok//",
                   "ok/a%00b", "ok/%00", "ok/%0a", "ok/~root", "ok/C:%5cevil", "ok/..;/..;/evil"]
        urls = [self.server.url(target) for target in targets]
        done = self.fetch("--output-dir", self.out, "--input-file", "-", input=urls)
        self.assertEqual(len(done.rows), len(targets))
        self.assert_nothing_outside()
        self.assertGreater(len(self.stored()), 0)

    def test_names_are_harmless_to_a_shell_and_a_terminal(self):
        targets = ["ok/.bashrc", "ok/-rf", "ok/--help", "ok/%1b%5b31mred", "ok/a%0ab", "ok/%7f",
                   "ok/%e2%80%ae", "ok/" + "long" * 500, "ok/" + "%c3%bc" * 200, "ok/con",
                   "ok/x.part", "ok/%20", "ok/*"]
        urls = [self.server.url(target) for target in targets]
        done = self.fetch("--output-dir", self.out, *urls)
        self.assertEqual(done.code, 0, done.out)
        names = self.stored().keys()
        self.assertEqual(len(names), len(targets))
        for name in names:
            self.assertFalse(name.startswith((".", "-")), name)
            self.assertTrue(name.isprintable(), repr(name))
            self.assertFalse(name.endswith(".part"), name)
        self.assert_nothing_outside()

    def test_a_link_that_lies_in_wait_is_not_followed(self):
        victim = self.dir / "a" / "victim"
        victim.write_bytes(b"precious")
        for name in ("trap", "trap.part"):
            (self.out / name).symlink_to(victim)
        self.fetch("--output-dir", self.out, self.server.url("ok/trap"))
        self.assertEqual(victim.read_bytes(), b"precious")

    def test_what_was_there_before_is_not_destroyed_by_a_failure(self):
        (self.out / "page").write_bytes(b"from last time")
        self.fetch("-m", "1", "--output-dir", self.out, self.server.url("short/page"))
        self.assertEqual((self.out / "page").read_bytes(), b"from last time")

    def test_half_a_body_never_gets_its_name(self):
        kinds = ("short", "reset", "stall-body", "drop", "status/404")
        urls = [self.server.url(f"{kind}/broken") for kind in kinds]
        done = self.fetch("-m", "5", "--output-dir", self.out, self.server.url("ok/whole"), *urls)
        self.assertEqual(done.code, 1)
        finished = {name: data for name, data in self.stored().items()
                    if not name.endswith(".part")}
        self.assertEqual(finished, {"whole": body_of("/ok/whole")})

    def test_a_name_that_is_taken_meanwhile_is_not_replaced(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(PATIENCE)
            process = self.start_fetch("--output-dir", self.out,
                                       f"http://127.0.0.1:{listener.getsockname()[1]}/page")
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
                wait_until((self.out / "page.part").exists, "half of it")
                (self.out / "page").write_bytes(b"another program's")
                connection.sendall(b"cd")
                self.assertEqual(process.wait(), 0, process.err)
        self.assertEqual(self.stored(), {"page": b"another program's", "page.1": b"abcd"})

    def test_where_there_is_no_body_nothing_is_stored(self):
        self.fetch("-I", "--output-dir", self.out, self.server.url("ok/page"))
        self.assertEqual(list(self.out.iterdir()), [])
        one = self.dir / "one"
        one.write_bytes(b"old")
        self.fetch("-I", "-o", one, self.server.url("ok/page"))
        self.assertEqual(one.read_bytes(), b"old")

    def test_a_directory_we_may_not_write_is_no_success(self):
        target = self.out
        os.chmod(target, 0o555)
        self.addCleanup(os.chmod, target, 0o755)
        # Root may write everywhere, until it gives up that right.
        as_anybody = [] if os.geteuid() else [tools.need("setpriv"), "--bounding-set=-dac_override"]
        process = self.start(*as_anybody, program("weir-fetch"), "--output-dir", target,
                             self.server.url("ok/x"))
        self.assertIn(process.wait(), (1, 2))
        self.assertEqual(list(target.iterdir()), [])

    def test_many_bodies_at_once_do_not_mix(self):
        urls = [self.server.url(f"slow/{number % 20}/{number}.txt") for number in range(200)]
        self.store(*urls)
        self.assertEqual(sorted(self.stored().values()), sorted(
            body_of(f"/slow/{number % 20}/{number}.txt") for number in range(200)))


if __name__ == "__main__":
    main()
