"""whatwg_urls.py FOLDER: writes whatwg_urls.tsv and whatwg_hosts.tsv, of url/resources/ of web-platform-tests in FOLDER.

One line a case, three fields separated by tabs: the input, the base (`-` for none), and the serialised URL (`-` where
the input is to be refused). Bytes that are not printable ASCII, and the backslash, are written \\xNN.

whatwg_urls.tsv is of urltestdata.json: inputs that resolve to an http or https URL, and inputs to be refused that have
no base or an http or https one. whatwg_hosts.tsv is of toascii.json, with each host in a URL.
"""

import json
import pathlib
import sys


def escaped(text):
    """The UTF-8 of the text, printable."""
    return "".join(chr(byte) if 0x20 <= byte < 0x7f and byte != 0x5c else f"\\x{byte:02x}"
                   for byte in text.encode())


def concerns_http(case):
    if case.get("failure"):
        return case["base"] is None or case["base"].startswith(("http:", "https:"))
    return case["protocol"] in ("http:", "https:")


def cases_of(path):
    return [case for case in json.loads(path.read_text()) if isinstance(case, dict)]  # comments are strings


def write(name, rows):
    fields = (["-" if field is None else escaped(field) for field in row] for row in rows)
    text = "".join("\t".join(row) + "\n" for row in fields)
    pathlib.Path(__file__).with_name(name).write_text(text)


def in_url(host):
    return None if host is None else f"https://{host}/x"


def main(folder):
    urls = filter(concerns_http, cases_of(folder / "urltestdata.json"))
    write("whatwg_urls.tsv", [(case["input"], case["base"], case.get("href")) for case in urls])
    hosts = cases_of(folder / "toascii.json")
    write("whatwg_hosts.tsv", [(in_url(case["input"]), None, in_url(case["output"])) for case in hosts])


main(pathlib.Path(sys.argv[1]))
