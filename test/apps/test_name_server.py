"""Names from a real name server, dnsmasq: the cases are those of test/http/real_names.cpp."""

import os
import socket
import struct
import subprocess

from nginx import free_port
from support import Case, environment, main, program, wait_until

ADDRESSES = 60   # more than fit in 512 bytes of UDP


def dnsmasq():
    if named := os.environ.get("WEIR_DNSMASQ"):
        return named
    script, servers = os.environ["WEIR_DNSMASQ_SCRIPT"], os.environ["WEIR_SERVERS_DIR"]
    done = subprocess.run([script, servers], check=True, stdout=subprocess.PIPE, text=True,
                          timeout=280)
    return done.stdout.strip().splitlines()[-1]


def is_answering(port):
    question = b"\x07\x01" + struct.pack("!5H", 0x100, 1, 0, 0, 0) + b"\x03one\x04test\0\0\x01\0\x01"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.settimeout(0.2)
        try:
            probe.connect(("127.0.0.1", port))
            probe.send(question)
            return probe.recv(512)[:2] == question[:2]
        except OSError:
            return False


class NameServer(Case):
    def test_names_of_a_real_name_server(self):
        port = free_port()
        big = [f"--host-record=big.test,192.0.2.{n}" for n in range(1, ADDRESSES + 1)]
        server = self.start(
            dnsmasq(), "--keep-in-foreground", "--conf-file=/dev/null", f"--port={port}",
            "--listen-address=127.0.0.1", "--bind-interfaces", "--no-resolv", "--no-hosts",
            "--pid-file=", "--user=", "--group=", "--local=/test/",
            "--host-record=one.test,192.0.2.1,2001:db8::1,40", "--cname=alias.test,one.test,11",
            "--host-record=four.test,192.0.2.4", *big)
        wait_until(lambda: is_answering(port) or not server.running, "dnsmasq answers")
        self.assertTrue(server.running, server.err)
        cases = self.start(program("test_http"), "--run_test=http_real_names", "--color_output=no",
                           "--catch_system_errors=no",
                           env=environment({"WEIR_NAME_SERVER": f"127.0.0.1:{port}"}))
        self.assertEqual(cases.wait(60), 0, cases.out + cases.err)
        self.assertIn(b"4 test cases", cases.out + cases.err)


if __name__ == "__main__":
    main()
