"""weir-origin, the demo's server, over real sockets."""

import http.client
import json
import re
import signal
import socket
import threading
import time
import unittest

from support import PATIENCE, SANITIZED, Case, main, program, wait_until


def item_body(number):
    return f"item {number}\n".encode() * (1 + number % 8)


class Origin(Case):
    def origin(self, *args):
        file = self.dir / "port"
        process = self.start(program("weir-origin"), "--port", "0", "--port-file", file, *args)
        wait_until(lambda: file.exists() or not process.running, "the origin listens")
        self.assertTrue(process.running, process.err)
        self.port = int(file.read_text())
        return process

    def connect(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        self.addCleanup(connection.close)
        return connection

    def get(self, target, connection=None, method="GET"):
        connection = connection or self.connect()
        connection.request(method, target)
        answer = connection.getresponse()
        return answer, answer.read()

    def stats(self):
        return json.loads(self.get("/stats")[1])

    def say(self, data):
        """Everything the origin answers to these bytes, up to its end of stream."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as raw:
            raw.sendall(data)
            answer = b""
            while chunk := raw.recv(65536):
                answer += chunk
            return answer

    def test_an_item_depends_on_its_number_alone(self):
        self.origin("--min-delay-ms", "0", "--max-delay-ms", "1")
        connection = self.connect()   # one, kept alive
        for number in (0, 1, 7, 8, 499, 10**17):
            answer, body = self.get(f"/item/{number}", connection)
            self.assertEqual((answer.status, body), (200, item_body(number)))
        self.assertEqual(self.stats()["served"], 6)

    def test_unknown_targets_are_not_found_and_not_counted(self):
        self.origin()
        connection = self.connect()
        for target in ("/", "/item", "/item/", "/item/x", "/item/1x", "/item/-1",
                       "/item/" + "9" * 19):
            self.assertEqual(self.get(target, connection)[0].status, 404, target)
        self.assertEqual(self.stats(), {"served": 0, "now": 0, "peak": 0})

    def test_head_has_the_length_and_no_body(self):
        self.origin()
        connection = self.connect()
        answer, body = self.get("/item/3", connection, "HEAD")
        self.assertEqual((answer.getheader("Content-Length"), body), (str(len(item_body(3))), b""))
        self.assertEqual(self.get("/item/3", connection)[1], item_body(3))

    def test_other_methods_are_refused(self):
        self.origin()
        answer, _ = self.get("/item/3", method="DELETE")
        self.assertEqual((answer.status, answer.getheader("Allow")), (405, "GET, HEAD"))

    def test_what_is_not_http_gets_400_and_a_close(self):
        self.origin()
        for bad in (b"hello\r\n\r\n", b"GET /item/1 HTTP/9.9\r\n\r\n",
                    b"POST /item/1 HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
                    b"GET /item/1 HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100_000 + b"\r\n\r\n"):
            answer = self.say(bad)
            self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), (bad[:40], answer[:80]))
            self.assertIn(b"Connection: close\r\n", answer)
        self.assertEqual(self.stats()["served"], 0)

    def test_a_client_that_does_not_keep_alive_is_closed(self):
        self.origin()
        for request in (b"GET /item/1 HTTP/1.0\r\n\r\n",
                        b"GET /item/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"):
            self.assertTrue(self.say(request).endswith(b"\r\n\r\n" + item_body(1)))

    def test_requests_on_one_connection_are_answered_in_order(self):
        self.origin("--min-delay-ms", "0", "--max-delay-ms", "9")
        last = b"GET /item/8 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        asked = b"".join(b"GET /item/%d HTTP/1.1\r\nHost: x\r\n\r\n" % n for n in range(8)) + last
        answer = self.say(asked)
        numbers = [int(n) for n in re.findall(rb"\r\n\r\nitem (\d+)\n", answer)]
        self.assertEqual(numbers, list(range(9)))
        self.assertEqual(self.stats()["peak"], 1)

    def test_it_counts_how_many_it_serves_at_once(self):
        self.origin("--min-delay-ms", "20000", "--max-delay-ms", "20000")
        clients = [self.connect() for _ in range(7)]
        for number, client in enumerate(clients):
            client.request("GET", f"/item/{number}")
        wait_until(lambda: self.stats()["now"] == 7, "seven at once")
        self.assertEqual(self.stats(), {"served": 0, "now": 7, "peak": 7})

    def test_the_delay_is_within_its_limits_and_repeats_with_the_seed(self):
        def times(seed):
            process = self.origin("--min-delay-ms", "30", "--max-delay-ms", "230", "--seed", seed)
            found = []
            for number in range(6):
                started = time.monotonic()
                self.get(f"/item/{number}")
                found.append(time.monotonic() - started)
            process.end()
            (self.dir / "port").unlink()
            return found

        def apart(left, right):
            return sum(abs(a - b) for a, b in zip(left, right))

        for attempt in range(3):   # a busy machine makes answers later
            first, again, other = times("1"), times("1"), times("2")
            self.assertGreaterEqual(min(first + again + other), 0.030)
            repeats = apart(first, again) < apart(first, other)
            differ = max(first) - min(first) > 0.020
            if repeats and differ:
                return
        self.fail(f"seed 1: {first} and {again}, seed 2: {other}")

    def test_sigterm_lets_requests_being_served_end(self):
        process = self.origin("--min-delay-ms", "300", "--max-delay-ms", "300")
        idle, busy = self.connect(), self.connect()
        self.get("/stats", idle)
        busy.request("GET", "/item/5")
        wait_until(lambda: self.stats()["now"] == 1, "the request came")
        process.signal(signal.SIGTERM)
        answer = busy.getresponse()
        self.assertEqual((answer.status, answer.read()), (200, item_body(5)))
        self.assertEqual(answer.getheader("Connection"), "close")
        self.assertEqual(process.wait(), 0)
        self.assertIn(b"served 1 items, at most 1 at once", process.err)

    def test_a_second_signal_does_not_wait(self):
        process = self.origin("--min-delay-ms", "600000", "--max-delay-ms", "600000")
        busy = self.connect()
        busy.request("GET", "/item/5")
        wait_until(lambda: self.stats()["now"] == 1, "the request came")
        process.signal(signal.SIGINT)
        wait_until(self.refuses, "it accepts no more")
        self.assertTrue(process.running)
        process.signal(signal.SIGINT)
        self.assertEqual(process.wait(within=9), 0)   # sooner than its own patience

    def test_it_stops_by_itself_when_a_request_takes_too_long(self):
        process = self.origin("--min-delay-ms", "600000", "--max-delay-ms", "600000")
        busy = self.connect()
        busy.request("GET", "/item/5")
        wait_until(lambda: self.stats()["now"] == 1, "the request came")
        process.signal(signal.SIGTERM)
        self.assertEqual(process.wait(), 0)

    def refuses(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE).close()
            return False
        except ConnectionError:   # refused, or reset in the backlog
            return True

    @unittest.skipIf(SANITIZED, "UBSan needs descriptors itself, and complains without")
    def test_it_waits_when_it_has_no_descriptor_left(self):
        file = self.dir / "port"
        process = self.start("sh", "-c", "ulimit -n 24; exec \"$@\"", "sh", program("weir-origin"),
                             "--port", "0", "--port-file", file, "--max-delay-ms", "5")
        wait_until(lambda: file.exists() or not process.running, "the origin listens")
        self.port = int(file.read_text())
        address = ("127.0.0.1", self.port)
        held = [socket.create_connection(address, timeout=PATIENCE) for _ in range(40)]
        wait_until(lambda: b"trying again" in process.err, "it is short of descriptors")
        before = cpu_seconds(process.pid)
        started = time.monotonic()
        wait_until(lambda: time.monotonic() - started > 0.5, "half a second")
        self.assertLess(cpu_seconds(process.pid) - before, 0.25)   # it does not spin
        self.assertEqual(process.err.count(b"trying again"), 1)
        for each in held:
            each.close()
        self.assertEqual(self.get("/item/1")[1], item_body(1))   # and goes on

    def test_connections_above_the_limit_wait_for_a_place(self):
        self.origin("--max-connections", "2", "--max-delay-ms", "5")
        first, second, third = self.connect(), self.connect(), self.connect()
        self.get("/item/1", first)
        self.get("/item/2", second)
        answered = threading.Event()

        def ask():
            self.get("/item/3", third)
            answered.set()
        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        self.assertFalse(answered.wait(0.2))
        first.close()
        self.assertTrue(answered.wait(PATIENCE))
        asking.join()

    def test_a_client_that_leaves_early_harms_no_other(self):
        process = self.origin("--min-delay-ms", "20", "--max-delay-ms", "40")
        for _ in range(20):
            client = self.connect()
            client.request("GET", "/item/1")
            client.close()
        for cut in (b"", b"G", b"GET /item/1 HTTP/1.1\r\nHost"):
            with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as raw:
                raw.sendall(cut)
        wait_until(lambda: self.stats()["served"] == 20, "all have been served")
        self.assertEqual(self.stats()["now"], 0)
        process.signal(signal.SIGTERM)
        self.assertEqual(process.wait(), 0)

    def test_wrong_usage_is_2_and_a_port_that_is_taken_is_1(self):
        self.origin()
        for args, code in ((["--port", "99999"], 2), (["--address", "nowhere"], 2),
                           (["--nonsense"], 2), (["--min-delay-ms", "9", "--max-delay-ms", "2"], 2),
                           (["--help"], 0), (["--port", self.port], 1)):
            process = self.start(program("weir-origin"), *args)
            self.assertEqual(process.wait(), code, args)
            self.assertTrue(process.out + process.err)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


if __name__ == "__main__":
    main()
