"""What the fault server does for each row of test/http/faults.tsv: bytes to send and things to do,
in order. A connection that is left open after the last one answers the next request as usual.

Where an answer holds COUNT, the server puts the number of requests it has seen; where it holds
REFUSED, a port on which nothing listens.
"""

from fault_peer import Peer

CLOSE, CUT, RESET, HANG = Peer.close, Peer.cut, Peer.reset, Peer.hang
NEXT = Peer.request   # waits for it
BODY, SOME, STALL = Peer.body, Peer.some_of_body, Peer.stall


def endless(data):
    return lambda peer: peer.send_endlessly(data)


def dripping(data):
    return lambda peer: peer.send_dripping(data)


def raw(data):
    return lambda peer: peer.send_raw(data)


OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = OK + b"Content-Length: 5\r\n\r\n"
GOOD = LENGTH + b"hello"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
FIVE = b"5\r\nhello\r\n"
LAST = b"0\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
STALE = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def status_line(line):
    return line + b"\r\nContent-Length: 5\r\n\r\nhello"


def field(line):
    """A good answer, but for this line of its header."""
    return OK + line + b"\r\nContent-Length: 5\r\n\r\nhello"


def framed(lines, body=b"hello"):
    return OK + lines + b"\r\n\r\n" + body


def moved(location, code=302, more=b"Content-Length: 0\r\n\r\n"):
    return b"HTTP/1.1 %d Moved\r\nLocation: %s\r\n%s" % (code, location, more)


# Where the answer stops: the connection is closed there, is reset, or hangs.
_BOUNDARIES = {
    "before-answer": b"",
    "in-status-line": b"HTTP/1.1 20",
    "after-status-line": OK,
    "in-field-name": OK + b"Content-Le",
    "in-field-value": OK + b"Content-Length: ",
    "before-blank-line": OK + b"Content-Length: 5\r\n",
    "in-blank-line": OK + b"Content-Length: 5\r\n\r",
    "after-header": LENGTH,
    "in-body": LENGTH + b"hel",
    "after-chunked-header": CHUNKED,
    "in-chunk-size": CHUNKED + b"5",
    "in-chunk": CHUNKED + b"5\r\nhel",
    "after-chunk": CHUNKED + FIVE,
    "before-trailers": CHUNKED + FIVE + b"0\r\n",
    "in-trailers": CHUNKED + FIVE + b"0\r\nDigest: a",
    "after-interim": CONTINUE,
}

_HEAD = {
    "garbage": [b"\x00\xff\x13\x37 what is this\r\n\r\n", CLOSE],
    "other-protocol": [b"SSH-2.0-OpenSSH_9.2\r\n", CLOSE],
    "http-0-9": [b"<html>an answer without a header</html>\n", CLOSE],
    "http-2-settings": [b"\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64", HANG],
    "http-2-status-line": [status_line(b"HTTP/2.0 200 OK"), CLOSE],
    "http-1-2": [status_line(b"HTTP/1.2 200 OK"), CLOSE],
    "http-10-1": [status_line(b"HTTP/10.1 200 OK"), CLOSE],
    "icy": [status_line(b"ICY 200 OK"), CLOSE],
    "lower-case-http": [status_line(b"http/1.1 200 OK"), CLOSE],
    "blank-line-first": [b"\r\n" + GOOD, CLOSE],
    "blank-first": [b" " + GOOD, CLOSE],
    "status-000": [status_line(b"HTTP/1.1 000 Nothing"), CLOSE],
    "status-099": [status_line(b"HTTP/1.1 099 Early"), CLOSE],
    "status-1000": [status_line(b"HTTP/1.1 1000 Late"), CLOSE],
    "status-of-two-digits": [status_line(b"HTTP/1.1 20 OK"), CLOSE],
    "status-is-a-word": [status_line(b"HTTP/1.1 OK"), CLOSE],
    "status-is-negative": [status_line(b"HTTP/1.1 -200 OK"), CLOSE],
    "status-missing": [status_line(b"HTTP/1.1"), CLOSE],
    "status-after-tab": [status_line(b"HTTP/1.1\t200 OK"), CLOSE],
    "status-999": [status_line(b"HTTP/1.1 999 Request denied")],
    "status-299": [status_line(b"HTTP/1.1 299 Unheard of")],
    "status-404": [status_line(b"HTTP/1.1 404 Not Found")],
    "status-503": [status_line(b"HTTP/1.1 503 Busy\r\nRetry-After: 99999999999999999999")],
    "reason-long": [status_line(b"HTTP/1.1 200 " + b"a" * 7000)],
    "no-reason": [status_line(b"HTTP/1.1 200")],
    "no-reason-but-blank": [status_line(b"HTTP/1.1 200 ")],
    "reason-in-latin-1": [status_line(b"HTTP/1.1 200 D'accord, \xe9t\xe9")],
    "nul-in-reason": [status_line(b"HTTP/1.1 200 O\x00K"), CLOSE],
    "cr-in-reason": [status_line(b"HTTP/1.1 200 O\rK"), CLOSE],
    "status-line-endless": [b"HTTP/1.1 200 ", endless(b"very "), CLOSE],
    "bare-lf": [GOOD.replace(b"\r\n", b"\n")],
    "no-colon": [field(b"Just words"), CLOSE],
    "no-name": [field(b": value"), CLOSE],
    "blank-in-name": [field(b"Two words: value"), CLOSE],
    "latin-1-in-name": [field(b"Gr\xfc\xdfe: value"), CLOSE],
    "nul-in-name": [field(b"A\x00B: value"), CLOSE],
    "nul-in-value": [field(b"A: va\x00lue"), CLOSE],
    "cr-in-value": [field(b"A: va\rB: lue"), CLOSE],
    "blank-before-colon": [field(b"A : value")],
    "blank-before-colon-of-length": [framed(b"Content-Length : 5")],
    "folded-field": [field(b"A: one\r\n two\r\n\tthree")],
    "first-field-folded": [OK + b" A: value\r\nContent-Length: 5\r\n\r\nhello", CLOSE],
    "controls-in-value": [field(b"A: \x01\x1b[31m\x7f\x08")],
    "empty-value": [field(b"A:")],
    "header-endless": [OK, endless(b"X-Filler: abcdefghijklmnopqrstuvwxyz\r\n"), CLOSE],
    "field-endless": [OK + b"X-Filler: ", endless(b"abcdefghijklmnopqrstuvwxyz"), CLOSE],
    "header-too-large": [field(b"X-Filler: " + b"a" * 300_000), CLOSE],
    "header-large": [field(b"X-Filler: " + b"a" * 200_000)],
    "too-many-fields": [field(b"\r\n".join(b"A: b" for _ in range(1200))), CLOSE],
    "a-hundred-cookies": [field(b"\r\n".join(b"Set-Cookie: n%d=v" % n for n in range(100)))],
    "interim": [b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + CONTINUE + GOOD],
    "interim-with-length": [b"HTTP/1.1 100 Continue\r\nContent-Length: 500\r\n\r\n" + GOOD],
    "interim-sixteen": [CONTINUE * 16 + GOOD],
    "interim-seventeen": [CONTINUE * 17 + GOOD, CLOSE],
    "interim-endless": [endless(b"HTTP/1.1 102 Processing\r\n\r\n"), CLOSE],
    "switch-offered": [field(b"Upgrade: h2,h2c\r\nConnection: Upgrade")],
    "header-dripping": [OK + b"A: ", dripping(b"b")],
    "switch-unasked": [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                       b"Connection: Upgrade\r\n\r\n\x81\x05hello", HANG],
    "refused-400": [b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nhello", CLOSE],
}

_FRAMING = {
    "length-twice-equal": [framed(b"Content-Length: 5\r\nContent-Length: 5")],
    "length-list-equal": [framed(b"Content-Length: 5, 5")],
    "length-differs": [framed(b"Content-Length: 5\r\nContent-Length: 6"), CLOSE],
    "length-list-differs": [framed(b"Content-Length: 5, 6"), CLOSE],
    "length-negative": [framed(b"Content-Length: -5"), CLOSE],
    "length-with-plus": [framed(b"Content-Length: +5"), CLOSE],
    "length-hexadecimal": [framed(b"Content-Length: 0x5"), CLOSE],
    "length-is-a-word": [framed(b"Content-Length: five"), CLOSE],
    "length-empty": [framed(b"Content-Length: "), CLOSE],
    "length-2-to-the-64": [framed(b"Content-Length: 18446744073709551616"), CLOSE],
    "length-above-limit": [framed(b"Content-Length: 9223372036854775807"), CLOSE],
    "length-between-blanks": [framed(b"Content-Length: \t 5 \t")],
    "length-with-zeros": [framed(b"Content-Length: 00000000000000000000000005")],
    "length-and-chunks": [framed(b"Content-Length: 5\r\nTransfer-Encoding: chunked", FIVE + LAST),
                          CLOSE],
    "coding-in-capitals": [framed(b"Transfer-Encoding: CHUNKED", FIVE + LAST)],
    "coding-gzip": [framed(b"Transfer-Encoding: gzip"), CLOSE],
    "coding-gzip-chunked": [framed(b"Transfer-Encoding: gzip, chunked", FIVE + LAST), CLOSE],
    "coding-chunked-twice": [framed(b"Transfer-Encoding: chunked, chunked", FIVE + LAST), CLOSE],
    "coding-in-two-fields": [framed(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                                    FIVE + LAST), CLOSE],
    "coding-identity": [framed(b"Transfer-Encoding: identity\r\nContent-Length: 5"), CLOSE],
    "coding-vertical-tab": [framed(b"Transfer-Encoding: \x0bchunked", FIVE + LAST), CLOSE],
    "chunks-in-http-1-0": [b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n"
                           b"Transfer-Encoding: chunked\r\n\r\n" + FIVE + LAST],
    "http-1-0-kept": [b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n"
                      b"Content-Length: 5\r\n\r\nhello"],
    "http-1-0": [b"HTTP/1.0 200 OK\r\n\r\nhello", CLOSE],
    "close-and-keep-alive": [framed(b"Connection: close, keep-alive\r\nContent-Length: 5")],
    "gzip-that-is-none": [framed(b"Content-Encoding: gzip\r\nContent-Length: 5")],
}

_BODY = {
    "no-length": [framed(b"A: b"), CLOSE],
    "no-length-no-goodbye": [framed(b"A: b"), CUT],
    "no-length-cut-off": [framed(b"A: b"), CUT],
    "length-no-goodbye": [GOOD, CUT],
    "length-too-long": [framed(b"Content-Length: 6"), CLOSE],
    "length-too-short": [framed(b"Content-Length: 5", b"hello, world")],
    "length-zero-with-body": [framed(b"Content-Length: 0")],
    "body-endless": [OK + b"\r\n", endless(b"hello, "), CLOSE],
    "chunks-dripping": [CHUNKED, dripping(b"0")],
    "chunks-endless": [CHUNKED, endless(FIVE), CLOSE],
    "no-content-with-body": [b"HTTP/1.1 204 No Content\r\n\r\nhello"],
    "no-content-with-length": [b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"],
    "no-content-with-chunks": [b"HTTP/1.1 204 No Content\r\n"
                               b"Transfer-Encoding: chunked\r\n\r\n" + LAST],
    "not-modified-with-length": [b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"],
    "not-modified-with-body": [b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello"],
    "reset-content-with-body": [b"HTTP/1.1 205 Reset Content\r\nContent-Length: 5\r\n\r\nhello"],
    "head-with-length": [LENGTH],
    "head-with-body": [GOOD],
    "head-with-chunks": [CHUNKED],
    "chunk-size-empty": [CHUNKED + b"\r\nhello\r\n" + LAST, CLOSE],
    "chunk-size-is-a-word": [CHUNKED + b"many\r\nhello\r\n" + LAST, CLOSE],
    "chunk-size-negative": [CHUNKED + b"-5\r\nhello\r\n" + LAST, CLOSE],
    "chunk-size-0x": [CHUNKED + b"0x5\r\nhello\r\n" + LAST, CLOSE],
    "chunk-size-above-64-bits": [CHUNKED + b"10000000000000005\r\nhello\r\n" + LAST, CLOSE],
    "chunk-size-huge": [CHUNKED + b"fffffffffffffff0\r\nhello", CLOSE],
    "chunk-size-with-zeros": [CHUNKED + b"0000000000000000005\r\nhello\r\n" + LAST],
    "chunk-size-after-blank": [CHUNKED + b" 5\r\nhello\r\n" + LAST, CLOSE],
    "chunk-size-before-blanks": [CHUNKED + b"5  \r\nhello\r\n0 \r\n\r\n"],
    "chunk-size-endless": [CHUNKED, endless(b"0"), CLOSE],
    "chunk-extensions": [CHUNKED + b'5;a=b;c="d"\r\nhello\r\n0;e\r\n\r\n'],
    "chunk-extension-endless": [CHUNKED + b"5;", endless(b"a=b;"), CLOSE],
    "chunk-extensions-endless": [CHUNKED, endless(b"1;" + b"a=b;" * 200 + b"\r\nx\r\n"), CLOSE],
    "chunk-longer-than-size": [CHUNKED + b"5\r\nhello!\r\n" + LAST, CLOSE],
    "chunk-shorter-by-one": [CHUNKED + b"6\r\nhello\r\n" + LAST],
    "chunk-shorter-than-size": [CHUNKED + b"7\r\nhello\r\n" + LAST, CLOSE],
    "chunk-without-line-end": [CHUNKED + b"5\r\nhello" + LAST, CLOSE],
    "chunk-with-bare-lf": [CHUNKED + b"5\nhello\n0\n\n"],
    "chunk-missing-last": [CHUNKED + FIVE, CLOSE],
    "chunk-missing-last-line": [CHUNKED + FIVE + b"0\r\n", CLOSE],
    "trailers": [CHUNKED + FIVE + b"0\r\nDigest: a\r\nContent-Length: 99\r\n"
                 b"Connection: close\r\n\r\n"],
    "trailers-endless": [CHUNKED + FIVE + b"0\r\n", endless(b"A: b\r\n"), CLOSE],
    "trailer-field-endless": [CHUNKED + FIVE + b"0\r\nA: ", endless(b"b"), CLOSE],
    "trailer-without-colon": [CHUNKED + FIVE + b"0\r\nwords\r\n\r\n", CLOSE],
}

_END = {
    "answer-before-request": [],   # it was sent before: see fault_hellos.py
    "bytes-behind": [GOOD + b"and more"],
    "answered-twice": [GOOD + GOOD],
    "interim-behind": [GOOD + CONTINUE],
    "answer-to-nobody": [GOOD, NEXT, GOOD + GOOD],
    "closes-after-one": [GOOD, CLOSE],
    "resets-after-one": [GOOD, RESET],
    "closes-on-the-next": [GOOD, NEXT, CLOSE],
    "resets-on-the-next": [GOOD, NEXT, RESET],
    "408-while-idle": [GOOD + STALE, CLOSE],
    "408-to-the-next": [GOOD, NEXT, STALE, CLOSE],
    "keep-alive-for-0": [framed(b"Keep-Alive: timeout=0\r\nContent-Length: 5")],
    "close-that-stays": [framed(b"Connection: close\r\nContent-Length: 5"), HANG],
}

_REDIRECTS = {
    "redirect-to-itself": [moved(b"redirect-to-itself")],
    "redirect-endless": [moved(b"redirect-endless?COUNT")],
    "redirect-to-nothing": [moved(b"")],
    "redirect-without-location": [b"HTTP/1.1 302 Found\r\nContent-Length: 5\r\n\r\nhello"],
    "redirect-twice-differing": [moved(b"a", more=b"Location: b\r\nContent-Length: 0\r\n\r\n")],
    "redirect-twice-equal": [moved(b"good", more=b"Location: good\r\nContent-Length: 0\r\n\r\n")],
    "redirect-to-ftp": [moved(b"ftp://127.0.0.1/x")],
    "redirect-to-a-file": [moved(b"file:///etc/passwd")],
    "redirect-to-a-script": [moved(b"javascript:alert(1)")],
    "redirect-to-no-host": [moved(b"http://")],
    "redirect-to-half-an-address": [moved(b"http://[::1")],
    "redirect-to-port-99999": [moved(b"http://127.0.0.1:99999/")],
    "redirect-huge": [moved(b"/" + b"a" * 100_000)],
    "redirect-to-nobody": [moved(b"http://127.0.0.1:REFUSED/")],
    "redirect-over-many-dots": [moved(b"../../../a/../whole/./good")],
    "redirect-in-latin-1": [moved(b"good?\xe9\xff")],
    "redirect-with-blanks": [moved(b" \t go\tod ")],
    "redirect-300": [moved(b"good", 300)],
    "redirect-304": [moved(b"good", 304)],
    "redirect-200": [moved(b"good", 200)],
    "redirect-201": [moved(b"good", 201)],
    "redirect-with-body": [moved(b"good", more=b"Content-Length: 5\r\n\r\nhello")],
    "redirect-with-body-cut": [moved(b"good", more=b"Content-Length: 6\r\n\r\nhello"), CLOSE],
    "redirect-with-body-endless": [moved(b"good", more=b"\r\n"), endless(b"hello, "), CLOSE],
    "redirect-with-bad-length": [moved(b"good", more=b"Content-Length: x\r\n\r\n"), CLOSE],
}

async def take(peer):
    """A request with its body, as a good server does."""
    if peer.expects:
        await peer.send(CONTINUE)
    await peer.body()


def only_expected(data):
    """Answers those who ask whether their body is wanted."""
    async def does(peer):
        if peer.expects:
            await peer.send(data)
            await peer.close()
    return does


def refused(code, length=5, connection=b"close"):
    return (b"HTTP/1.1 %d No\r\nConnection: %s\r\nContent-Length: %d\r\n\r\nhello"
            % (code, connection, length))


# Requests with bodies: see `Row.body`.
_PUT = {
    "put-small": [BODY, GOOD],
    "put-small-closed": [BODY, CLOSE],
    "put-small-unread": [GOOD, BODY],
    "put-chunks": [take, GOOD],
    "put-chunks-refused": [refused(411), CLOSE],
    "put-chunks-reset": [CONTINUE, SOME, RESET],
    "put-never-continued": [BODY, GOOD],
    "put-continued": [take, GOOD],
    "put-continued-often": [CONTINUE * 16, BODY, GOOD],
    "put-continued-late": [Peer.pause, CONTINUE, BODY, GOOD],
    "put-continued-after": [BODY, CONTINUE + GOOD],
    "put-continued-hang": [CONTINUE, HANG],
    "put-hang": [HANG],
    "put-reads-nothing": [CONTINUE, STALL],
    "put-reads-slowly": [CONTINUE, Peer.body_slowly, GOOD],
    "put-close-before-body": [CLOSE],
    "put-reset-before-body": [RESET],
    "put-close-in-body": [CONTINUE, SOME, CLOSE],
    "put-reset-in-body": [CONTINUE, SOME, RESET],
    "put-close-after-body": [take, CLOSE],
    "put-reset-after-body": [take, RESET],
    "put-refused": [refused(413), CLOSE],
    "put-refused-unread": [refused(413, connection=b"keep-alive"), STALL],
    "put-refused-in-body": [CONTINUE, SOME, refused(413), CLOSE],
    "put-refused-in-body-reset": [CONTINUE, SOME, refused(413), RESET],
    "put-refused-cut": [CONTINUE, SOME, refused(413, 6), CLOSE],
    "put-refused-after-body": [take, refused(500, connection=b"keep-alive")],
    "put-answered-in-body": [CONTINUE, SOME, framed(b"Connection: close\r\nContent-Length: 5"), BODY,
                             CLOSE],
    "put-417": [only_expected(refused(417)), BODY, GOOD],
    "put-417-always": [only_expected(refused(417)), BODY, refused(417)],
    "put-moved-early": [moved(b"good", 307)],
    "put-moved-after-body": [take, moved(b"good", 307)],
    "put-becomes-get": [take, moved(b"good", 303)],
    "put-answer-before-request": [],   # see fault_hellos.py
}

_TLS = {
    "record-corrupt": [LENGTH + b"he", raw(b"\x17\x03\x03\x00\x20" + b"\x5a" * 32), HANG],
    "record-of-http": [LENGTH + b"he", raw(b"HTTP/1.1 200 OK\r\n\r\n"), HANG],
    "record-too-long": [LENGTH + b"he", raw(b"\x17\x03\x03\xff\xff" + b"\x5a" * 32), HANG],
}

# What the server does once it has read the request, by name.
ANSWERS = {
    **{f"close-{name}": [data, CLOSE] for name, data in _BOUNDARIES.items()},
    **{f"reset-{name}": [data, RESET] for name, data in _BOUNDARIES.items()},
    **{f"hang-{name}": [data, HANG] for name, data in _BOUNDARIES.items()},
    **_HEAD, **_FRAMING, **_BODY, **_END, **_REDIRECTS, **_PUT, **_TLS,
}
