"""What the fault server does before there is a request: to the first connection of a port. The next
ones are served as usual.
"""

import ssl
import warnings

from certificates import Authority
from fault_cases import GOOD
from fault_peer import Peer

REFUSAL = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\nhello"
HANDSHAKE_FAILURE = b"\x15\x03\x03\x00\x02\x02\x28"


def _wait_for_hello(then):
    async def does(peer, contexts):
        await peer.first_flight(contexts["good"])
        await then(peer)
    return does


def _half_a_hello(then):
    async def does(peer, contexts):
        flight = await peer.first_flight(contexts["good"])
        await peer.send_raw(flight[:len(flight) // 2])
        await then(peer)
    return does


def _say(data, then):
    async def does(peer, _):
        await peer.send_raw(data)
        await then(peer)
    return does


def _secured_by(name):
    async def does(peer, contexts):
        await peer.secure(contexts[name])
    return does


async def _in_bytes(peer, contexts):
    peer.pace = "bytes"
    await peer.secure(contexts["good"])


def _at_once(then):
    async def does(peer, _):
        await then(peer)
    return does


async def _stay(_):
    pass


# Before anything but the connection itself.
PLAIN = {
    "accept-close": _at_once(Peer.cut),
    "accept-reset": _at_once(Peer.reset),
    "accept-hang": _at_once(Peer.hang),
    "answer-before-request": _say(GOOD, _stay),
    "refusal-before-request": _say(REFUSAL, Peer.cut),
    "put-answer-before-request": _say(GOOD, _stay),
}
TLS = {
    "tls-close-at-once": _at_once(Peer.cut),
    "tls-reset-at-once": _at_once(Peer.reset),
    "tls-hang-at-once": _at_once(Peer.hang),
    "tls-close-after-hello": _wait_for_hello(Peer.cut),
    "tls-reset-after-hello": _wait_for_hello(Peer.reset),
    "tls-hang-after-hello": _wait_for_hello(Peer.hang),
    "tls-close-in-hello": _half_a_hello(Peer.cut),
    "tls-reset-in-hello": _half_a_hello(Peer.reset),
    "tls-hang-in-hello": _half_a_hello(Peer.hang),
    "tls-is-http": _say(REFUSAL, Peer.cut),
    "tls-is-ssh": _say(b"SSH-2.0-OpenSSH_9.2\r\n", Peer.hang),
    "tls-alert": _say(HANDSHAKE_FAILURE, Peer.cut),
    "tls-in-bytes": _in_bytes,
}
# Handshakes as usual, with a context that is not: see `contexts`.
CONTEXTS = ("tls-expired", "tls-not-yet", "tls-self-signed", "tls-other-authority",
            "tls-other-name", "tls-no-name", "tls-part-of-a-name", "tls-for-clients",
            "tls-1-1", "tls-wants-certificate", "tls-wants-certificate-late")
# No connection is accepted.
UNHEARD = ("refused", "backlog-full")

HELLOS = {**PLAIN, **TLS, **{name: _secured_by(name) for name in CONTEXTS}}


def _context(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    return context


def contexts(case, authority, domain):
    """Of the server's own: "good", and one for each of CONTEXTS."""
    names = f"DNS:*.{domain}"
    good = authority.issue(names)
    own = Authority(case, f"*.{domain}")
    made = {
        "good": good,
        "tls-expired": authority.issue(names, years=(2019, 2020)),
        "tls-not-yet": authority.issue(names, years=(2048, 2049)),
        "tls-self-signed": own.itself(),
        "tls-other-authority": own.issue(names),
        "tls-other-name": authority.issue("DNS:*.example.localhost"),
        "tls-no-name": authority.issue(subject=f"tls-no-name-whole.{domain}"),
        "tls-part-of-a-name": authority.issue(f"DNS:tls-part-*.{domain}"),
        "tls-for-clients": authority.issue(names, use="clientAuth"),
        "tls-1-1": good,
        "tls-wants-certificate": good,
        "tls-wants-certificate-late": good,
    }
    all_of = {name: _context(certificate) for name, certificate in made.items()}
    all_of["tls-1-1"].set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(category=DeprecationWarning, action="ignore"):
        all_of["tls-1-1"].minimum_version = ssl.TLSVersion.TLSv1
        all_of["tls-1-1"].maximum_version = ssl.TLSVersion.TLSv1_1
    for name in ("tls-wants-certificate", "tls-wants-certificate-late"):
        all_of[name].verify_mode = ssl.CERT_REQUIRED
    all_of["tls-wants-certificate"].maximum_version = ssl.TLSVersion.TLSv1_2
    return all_of
