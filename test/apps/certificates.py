"""A certificate authority of our own, for one test."""

import dataclasses
import pathlib
import subprocess

from support import tools


@dataclasses.dataclass
class Certificate:
    chain: pathlib.Path
    key: pathlib.Path


class Authority:
    def __init__(self, case, name="weir test CA"):
        self.dir = case.dir / f"ca-{id(self):x}"
        self.dir.mkdir()
        self.certificate = self.dir / "ca.pem"
        self._openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", self.dir / "ca.key", "-out", self.certificate, "-days", "2",
            "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:true",
            "-addext", "keyUsage=critical,keyCertSign")

    def issue(self, *names, days=2):
        """A server certificate for names as in "DNS:localhost" or "IP:127.0.0.1"."""
        stem = self.dir / f"server-{len(list(self.dir.iterdir()))}"
        key, request, chain, extensions = (
            stem.with_suffix(end) for end in (".key", ".csr", ".pem", ".cnf"))
        extensions.write_text(f"subjectAltName={','.join(names)}\nextendedKeyUsage=serverAuth\n")
        self._openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
            "-out", request, "-subj", "/CN=weir test server")
        self._openssl(
            "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.dir / "ca.key",
            "-CAcreateserial", "-out", chain, "-days", str(days), "-extfile", extensions)
        return Certificate(chain, key)

    @staticmethod
    def _openssl(*args):
        command = [tools.need("openssl"), *map(str, args)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise AssertionError(f"openssl {args[0]}: {done.stderr}")
