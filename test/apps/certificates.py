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
        self.dir = case.folder("ca")
        self.certificate = self.dir / "ca.pem"
        self._openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", self.dir / "ca.key", "-out", self.certificate, "-days", "2",
            "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:true",
            "-addext", "keyUsage=critical,keyCertSign")

    def issue(self, *names, days=2, use="serverAuth", subject="weir test server", years=None):
        """A server certificate for names as in "DNS:localhost" or "IP:127.0.0.1". With `years`, it
        is valid from the beginning of the first to the beginning of the second.
        """
        stem = self.dir / f"server-{len(list(self.dir.iterdir()))}"
        key, request, chain, extensions = (
            stem.with_suffix(end) for end in (".key", ".csr", ".pem", ".cnf"))
        names_line = f"subjectAltName={','.join(names)}\n" if names else ""
        extensions.write_text(f"{names_line}extendedKeyUsage={use}\n")
        self._openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
            "-out", request, "-subj", f"/CN={subject}")
        if years:
            self._sign_for(years, request, chain, extensions)
        else:
            self._openssl(
                "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey",
                self.dir / "ca.key", "-CAcreateserial", "-out", chain, "-days", str(days),
                "-extfile", extensions)
        return Certificate(chain, key)

    def itself(self):
        """Its own certificate, as a server's."""
        return Certificate(self.certificate, self.dir / "ca.key")

    def _sign_for(self, years, request, chain, extensions):
        """`openssl x509` has no dates: that takes `openssl ca`, which keeps books."""
        books = chain.with_suffix(".ca")
        books.mkdir()
        (books / "index").touch()
        config = books / "config"
        config.write_text(
            f"[ca]\ndefault_ca=it\n[it]\ndatabase={books}/index\nnew_certs_dir={books}\n"
            f"rand_serial=yes\ndefault_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n")
        begin, end = (f"{year}0101000000Z" for year in years)
        self._openssl(
            "ca", "-batch", "-notext", "-config", config, "-in", request, "-out", chain,
            "-cert", self.certificate, "-keyfile", self.dir / "ca.key", "-startdate", begin,
            "-enddate", end, "-extfile", extensions)

    @staticmethod
    def _openssl(*args):
        command = [tools.need("openssl"), *map(str, args)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise AssertionError(f"openssl {args[0]}: {done.stderr}")
