"""The recipes of docs/fetch.md do what they say: each is run as it stands there, in a shell, with a
weir-fetch whose connections all lead to a server of this test.
"""

import json
import pathlib
import re

from file_clock import wait_past
from recorder import Recorder, answer
from support import Case, main, program

GUIDE = pathlib.Path(__file__).resolve().parents[2] / "docs/fetch.md"
URLS = ("http://example.com/a", "http://example.com/b", "http://example.org/old",
        "http://example.com/moved", "http://example.net/missing")


def recipes():
    """Name -> shell text. No block of shell may be without a name."""
    text = GUIDE.read_text()
    found = re.findall(r"^<!-- recipe: (\w+) -->\n```sh\n(.*?)^```$", text, re.M | re.S)
    assert len(found) == text.count("```sh"), "a block of shell that is no recipe"
    return dict(found)


def site(request):
    path = request.target
    if path == "/missing":
        return answer(404, b"no such page\n")
    if path == "/download?id=7":
        return answer(200, b"seven\n", Content_Disposition="attachment; filename=seven.txt",
                      Last_Modified="Sun, 06 Nov 1994 08:49:37 GMT")
    if path == "/moved":
        return answer(302, Location="/b")
    if path.startswith("/private/") and request.of("Authorization") != ["Bearer token"]:
        return answer(401)
    if path == "/old" and request.of("If-Modified-Since"):
        return b"HTTP/1.1 304 x\r\n\r\n"
    body = f"body of {path}\n".encode()
    if request.of("Range") == ["bytes=5-"]:
        return answer(206, body[5:], Content_Range=f"bytes 5-{len(body) - 1}/{len(body)}")
    if request.method == "HEAD":
        return answer(200, body)[:-len(body)]
    if request.of("Range") == ["bytes=0-2"]:
        return answer(206, body[:3], Content_Range=f"bytes 0-2/{len(body)}")
    return answer(200, body)


class Guide(Case):
    def setUp(self):
        super().setUp()
        self.server = Recorder(self, site)
        self.recipes = recipes()
        (self.dir / "urls.txt").write_text("# a list\n" + "".join(f"{url}\n" for url in URLS))
        (self.dir / "order.json").write_text('{"fish": 2}\n')
        (self.dir / "secret.txt").write_text("Authorization: Bearer token\n")
        to_server = f"--connect-to ::127.0.0.1:{self.server.port}"
        (self.dir / "weir-fetch").write_text(
            f'#!/bin/sh\nexec {program("weir-fetch")} "$@" {to_server}\n')
        (self.dir / "weir-fetch").chmod(0o755)

    def follow(self, name, code=0):
        """Runs a recipe; its lines on standard output, cut into fields."""
        text = self.recipes[name].replace("https://", "http://")
        text = text.replace("127.0.0.1:8080", f"127.0.0.1:{self.server.port}")
        script = f'cd {self.dir}; PATH="$PWD:$PATH"\n{text}'
        process = self.start("/bin/sh", "-c", script)
        self.assertEqual(process.wait(), code, process.err)
        return [line.split("\t") for line in process.out.decode().splitlines()]

    def stored(self, folder):
        return {path.name: path.read_text() for path in (self.dir / folder).iterdir()}

    def test_each_recipe_is_tested(self):
        self.assertGreaterEqual(len(self.recipes), 10)
        text = pathlib.Path(__file__).read_text()
        for name in self.recipes:
            self.assertIn(f'follow("{name}"', text)

    def test_one(self):
        (status, size, _, url, error), = self.follow("one")
        self.assertEqual((status, size, error), ("200", "11", ""))
        self.assertTrue(url.endswith("/a"))

    def test_store(self):
        self.follow("store")
        self.assertEqual(self.stored("pages"), {"a": "body of /a\n", "b": "body of /b\n"})
        self.follow("store")
        self.assertEqual(set(self.stored("pages")), {"a", "b", "a.1", "b.1"})

    def test_output(self):
        self.follow("output")
        self.assertEqual((self.dir / "page.html").read_text(), "body of /a\n")

    def test_fields(self):
        rows = [row[0].split(" ") for row in self.follow("fields", code=1)]
        self.assertEqual(sorted(row[2] for row in rows), sorted(URLS))
        self.assertEqual(sorted(row[0] for row in rows), ["200"] * 4 + ["404"])

    def test_bodies(self):
        self.assertEqual(self.follow("bodies"), [])
        self.assertEqual((self.dir / "sorted.txt").read_text(),
                         "body of /a\nbody of /b\nbody of /b\nbody of /old\n")

    def test_list(self):
        rows = self.follow("list", code=1)   # one is missing
        self.assertEqual(sorted(row[3] for row in rows), sorted(URLS))
        self.assertEqual(set(self.stored("pages")), {"a", "b", "old", "moved"})

    def test_pipe(self):
        self.assertEqual(len(self.follow("pipe")), 20)
        self.assertEqual(set(self.stored("items")), {str(n) for n in range(1, 21)})

    def test_links(self):
        rows = self.follow("links")
        self.assertEqual([(row[0], row[3]) for row in rows], [("404", URLS[-1])])
        self.assertEqual({request.method for request in self.server.seen}, {"HEAD"})

    def test_gentle(self):
        self.assertEqual(len(self.follow("gentle", code=1)), len(URLS))

    def test_hosts(self):
        limits, = re.findall(r"^```\n(\{\"hosts\".*?)^```$", GUIDE.read_text(), re.M | re.S)
        (self.dir / "limits.json").write_text(limits)
        self.assertEqual(len(self.follow("hosts", code=1)), len(URLS))

    def test_slowly(self):
        self.assertEqual(len(self.follow("slowly", code=1)), len(URLS))
        self.assertEqual(set(self.stored("pages")), {"a", "b", "old", "moved"})

    def test_said_and_answered(self):
        self.assertEqual([row[0] for row in self.follow("said_and_answered")], ["200"])
        heads = (self.dir / "headers.txt").read_text()
        self.assertRegex(heads, r"^HTTP/1.1 302 x\n(.+\n)+\nHTTP/1.1 200 x\n(.+\n)+\n$")

    def test_ordered(self):
        self.follow("ordered", code=1)
        rows = (self.dir / "results.txt").read_text().splitlines()
        self.assertEqual([row.split("\t")[3] for row in rows], list(URLS))

    def test_dedupe(self):
        rows = self.follow("dedupe", code=1)
        self.assertEqual(sorted(row[3] for row in rows if row[0] == "duplicate"), sorted(URLS))
        self.assertEqual(len(rows), 2 * len(URLS))

    def test_secure(self):
        rows = self.follow("secure", code=1)
        self.assertEqual([row[3] for row in rows if row[0] == "redirect"], [URLS[3]])

    def test_early(self):
        self.assertEqual(len(self.follow("early", code=1)), len(URLS))

    def test_jsonl(self):
        self.assertEqual(self.follow("jsonl", code=1), [])
        lines = (self.dir / "results.jsonl").read_text().splitlines()
        self.assertEqual(sorted(json.loads(line)["url"] for line in lines), sorted(URLS))

    def test_new(self):
        self.follow("new", code=1)
        self.assertEqual(set(self.stored("new")), {"a", "b", "moved"})

    def test_missing(self):
        self.follow("store")
        wait_past(*(self.dir / "pages").iterdir())
        rows = self.follow("missing", code=1)
        self.assertEqual(sorted(row[0] for row in rows), ["200", "200", "404", "skipped", "skipped"])
        self.assertEqual(set(self.stored("pages")), {"a", "b", "old", "moved"})

    def test_names(self):
        self.follow("names")
        self.assertEqual((self.dir / "seven.txt").read_text(), "seven\n")
        self.assertEqual((self.dir / "seven.txt").stat().st_mtime, 784111777)

    def test_folders(self):
        self.follow("folders", code=1)
        pages = self.dir / "pages"
        self.assertEqual({str(path.relative_to(pages)): path.read_text()
                          for path in pages.rglob("*") if path.is_file()},
                         {"example.com/a": "body of /a\n", "example.com/b": "body of /b\n",
                          "example.com/moved": "body of /b\n", "example.org/old": "body of /old\n"})

    def test_said(self):
        self.follow("said", code=1)
        self.assertEqual((self.dir / "error.json").read_text(), "no such page\n")

    def test_query(self):
        self.follow("query")
        self.assertEqual(self.server.seen[0].line, "GET /search?q=fish+%26+chips HTTP/1.1")

    def test_rest(self):
        (self.dir / "page.html").write_bytes(b"body ")
        self.assertEqual([row[0] for row in self.follow("rest")], ["206"])
        self.assertEqual((self.dir / "page.html").read_bytes(), b"body of /a\n")

    def test_range(self):
        self.follow("range", code=1)
        self.assertEqual(self.stored("heads"), dict.fromkeys(("a", "b", "old", "moved"), "bod"))

    def test_form_and_json(self):
        self.follow("form")
        self.follow("json")
        form, order = self.server.seen
        self.assertEqual((form.method, form.body), ("POST", b"name=weir&text=fish+%26+chips"))
        self.assertEqual((order.method, order.body), ("POST", b'{"fish": 2}\n'))
        self.assertEqual(order.of("Content-Type"), ["application/json"])

    def test_differ(self):
        lines = re.findall(r"^```\n(\{\"url\".*?)^```$", GUIDE.read_text(), re.M | re.S)
        self.assertEqual(len(lines), 1)
        (self.dir / "requests.jsonl").write_text(lines[0].replace("https://", "http://"))
        self.assertEqual(len(self.follow("differ")), 3)
        self.assertEqual((self.dir / "pages/first/page.html").read_text(), "body of /a\n")
        seen = {request.target: request for request in self.server.seen}
        self.assertEqual((seen["/form"].method, seen["/form"].body), ("POST", b'{"fish": 2}'))
        self.assertEqual(seen["/form"].of("Content-Type"), ["application/json"])
        self.assertEqual((seen["/b"].method, seen["/b"].of("X-Key")), ("DELETE", ["1", "2"]))
        self.assertEqual(seen["/b"].of("Accept"), [])

    def test_login(self):
        self.follow("login")
        self.assertEqual(self.stored("private"), {"report": "body of /private/report\n"})

    def test_strangers(self):
        rows = self.follow("strangers", code=1)
        self.assertEqual([row[0] for row in rows], ["blocked"] * len(URLS))
        self.assertEqual(self.server.seen, [])

    def test_try(self):
        self.assertEqual([row[0] for row in self.follow("try")], ["200"])
        self.assertEqual(self.server.seen[0].of("Host"), ["new.example.com"])

    def test_killed(self):
        self.follow("killed", code=1)
        before = len(self.server.seen)
        self.follow("killed", code=1)   # only what had failed
        self.assertEqual([each.target for each in self.server.seen[before:]], ["/missing"])
        self.assertEqual(sorted(self.stored("pages")), ["a", "b", "moved", "old"])
        lines = (self.dir / "results.jsonl").read_text().splitlines()
        records = [record for record in map(json.loads, lines) if "url" in record]
        done = [record["url"] for record in records if not record["error"]]
        self.assertEqual(sorted(done), sorted(URLS[:4]))

    def test_remaining(self):
        self.follow("remaining", code=1)
        self.assertEqual((self.dir / "rest.txt").read_text(), "")
        self.assertEqual(len((self.dir / "results.txt").read_text().splitlines()), len(URLS))

    def test_patient(self):
        self.assertEqual(sorted(row[3] for row in self.follow("patient", code=1)), sorted(URLS))

    def test_strict(self):
        self.assertIn("404", [row[0] for row in self.follow("strict", code=1)])

    def test_curl(self):
        self.follow("curl")
        self.assertEqual((self.dir / "a").read_text(), "body of /a\n")


if __name__ == "__main__":
    main()
