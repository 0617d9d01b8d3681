"""The rows of test/http/faults.tsv: what servers do wrong, and what is made of it."""

import dataclasses
import pathlib

from fault_peer import PACES

FILE = pathlib.Path(__file__).parents[1] / "http" / "faults.tsv"

EXPECTED = ("ok", "connect", "tls", "timeout", "protocol", "incomplete", "too_large", "redirect",
            "http")
PHASES = ("connect", "tls", "head", "body", "redirect", "end")
AFTER = ("same", "new", "none")


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    expected: str        # an error class, or ok
    status: int | None   # None: there was none
    bytes: int           # of the body, delivered
    phase: str
    after: str           # the connection of the next request; none: no server is left to ask
    schemes: tuple
    paces: tuple
    what: str

    @property
    def method(self):
        if self.name.startswith("put-"):
            return "PUT"
        return "HEAD" if self.name.startswith("head-") else "GET"

    @property
    def body(self):
        """Of a request that has one: its length, and its framing. Above 1 MiB, and in chunks, the
        client asks whether it is wanted.
        """
        if self.name.startswith("put-small"):
            return 1000, "length"
        if "unread" in self.name or "answered-in-body" in self.name:
            return 20_000_000, "length"   # more than the system takes before anybody reads
        return 3_000_000, "chunks" if self.name.startswith("put-chunks") else "length"


def _words(text, all_of, name):
    words = tuple(text.split(","))
    if text == "all":
        return all_of
    if not set(words) <= set(all_of):
        raise ValueError(f"{name}: {text} is none of {all_of}")
    return words


def read(text):
    """The rows below the line that names the columns. A line that begins with # is a comment."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    columns = [field.name for field in dataclasses.fields(Row)]
    if lines[0].split("\t") != columns:
        raise ValueError(f"the columns are not {columns}")
    return [_row(line.split("\t")) for line in lines[1:]]


def _row(fields):
    name, expected, status, size, phase, after, schemes, paces, what = fields
    for value, allowed in ((expected, EXPECTED), (phase, PHASES), (after, AFTER)):
        if value not in allowed:
            raise ValueError(f"{name}: {value} is none of {allowed}")
    return Row(name, expected, None if status == "-" else int(status), int(size), phase, after,
               _words(schemes, ("http", "https"), name), _words(paces, PACES, name), what)


def rows():
    return read(FILE.read_text(encoding="utf-8"))
