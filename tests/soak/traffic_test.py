#!/usr/bin/env python3
"""Keep-alive and short connections, TLS and plain, through the edge to six Apache servers, with reloads in between: nothing
fails. Then the same with clients and servers that break off in every way. Afterwards memory, descriptors, buffers and
gauges are where they were."""

import contextlib
import random
import re
import signal
import subprocess
import threading
import time

import harness


class Wrk:
    """wrk in the background. finish() gives its count of requests, and fails on any error that it counted."""

    def __init__(self, url, seconds, connections, *fields):
        headers = [word for field in fields for word in ("-H", field)]
        self.url = url
        self.process = subprocess.Popen(["wrk", "-t1", f"-c{connections}", f"-d{int(seconds)}s", "--timeout", "20s", *headers, url],
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def finish(self):
        report, _ = self.process.communicate(timeout=4000)
        if self.process.returncode != 0 or "Socket errors" in report or "Non-2xx" in report:
            raise AssertionError(f"{self.url}:\n{report}")
        return int(re.search(r"(\d+) requests in", report).group(1))


class Traffic(harness.SystemTest):
    def load(self, seconds):
        """Three kinds of clients at once; gives how many requests they made."""
        edge = self.shellac
        clients = [
            Wrk(edge.url("/i/alley-400.jpg", "https"), seconds, 24),
            Wrk(edge.url("/whoami", "http", host="127.0.0.1"), seconds, 8, "Connection: close"),
            Wrk(edge.url("/i/paddock-1600.jpg", "http", host="127.0.0.1"), seconds, 8),
        ]
        return sum([client.finish() for client in clients])

    def settled(self):
        """Waits until no client is connected any more, and gives (memory, descriptors)."""
        # The scrape itself is no client of a listener.
        self.shellac.wait_metric("shellac_connections", 0, timeout=20)
        self.shellac.wait_metric("shellac_requests_in_flight", 0, timeout=20)
        self.shellac.wait_metric("shellac_buffer_bytes", 0, timeout=20)
        self.shellac.wait_metric("shellac_backend_connections", 0, timeout=20, state="busy")
        return self.shellac.resident_bytes(), self.shellac.descriptors()

    def reload_often(self, until):
        while time.monotonic() < until:
            self.shellac.signal(signal.SIGHUP)
            time.sleep(2)

    def test_everything_returns(self):
        self.certificates()
        servers = self.apaches()
        listeners = [harness.tls_listener(), {"name": "http", "bind": "127.0.0.1:0"}]
        self.shellac = self.edge(harness.config(
            *servers.backends(), listeners=listeners, log={"level": "info", "access": {"format": "off"}},
            pool={"connections": {"max_idle": 16}}))
        seconds = harness.soak_seconds() / 2

        # The first part fills pools, arenas and session caches; what comes after must find room in them.
        self.load(max(seconds / 4, 3))
        memory, descriptors = self.settled()

        reloads = threading.Thread(target=self.reload_often, args=(time.monotonic() + seconds * 3 / 4,))
        reloads.start()
        try:
            count = self.load(seconds * 3 / 4)
        finally:
            reloads.join()
        memory_now, descriptors_now = self.settled()

        self.assertGreater(count, 100)
        metrics = self.shellac.metrics()
        self.assertEqual(metrics.value("shellac_requests_total", status_class="5xx"), 0)
        self.assertEqual(metrics.value("shellac_config_reloads_total", result="failed"), 0)
        self.assertGreater(metrics.value("shellac_config_reloads_total", result="ok"), 0)
        self.assertEqual(metrics.value("shellac_internal_errors_total"), 0)
        self.assertLess(memory_now, memory * 1.25 + (8 << 20), "resident memory grew")
        # Idle connections to the six servers, 16 a server and worker at most, come and go.
        self.assertLess(descriptors_now, descriptors + 6 * 2 * 16, "descriptors grew")



class Rogue:
    """Clients of every bad kind, one after the other, on one thread."""

    def __init__(self, edge, tls, seed):
        self.edge, self.tls = edge, tls
        self.random = random.Random(seed)
        self.count = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        kinds = [self.leaves_in_mid_body, self.half_closes, self.talks_nonsense, self.leaves_in_mid_head, self.leaves_in_mid_upload,
                 self.breaks_the_handshake, self.reads_no_answer, self.asks_the_odd_one, self.tunnels, self.uploads, self.waits]
        while not self._stopping.is_set():
            # Whatever the edge does to such a client is right, as long as it gets over it.
            with contextlib.suppress(OSError, harness.Cut, ValueError, IndexError):
                self.random.choice(kinds)()
            self.count += 1

    def finish(self):
        self._stopping.set()
        self._thread.join(60)

    def connect(self):
        listener = self.random.choice(("http", "https"))
        return self.edge.connect(listener, self.tls if listener == "https" else None, receive_buffer=8192)

    def leave(self, client):
        self.random.choice((client.reset, client.close))()

    def leaves_in_mid_body(self):
        client = self.connect()
        client.send(harness.request(target="/big.bin"))
        client.response(body=False)
        client.read(self.random.randrange(1, 300_000))
        self.leave(client)

    def half_closes(self):
        with self.edge.connect() as client:
            client.send(harness.request(target="/i/alley-400.jpg"))
            client.half_close()
            client.response()

    def talks_nonsense(self):
        octets = self.random.choice((b"\x00" * 100, b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"GET  /\r\n\r\n",
                                     b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
                                     b"GET / HTTP/1.1\r\n" + b"a: " + b"b" * 40_000, self.random.randbytes(500)))
        with self.connect() as client:
            client.send(octets)
            client.half_close()
            client.read_to_end()

    def leaves_in_mid_head(self):
        client = self.connect()
        client.send(harness.request()[:self.random.randrange(1, 20)])
        self.leave(client)

    def leaves_in_mid_upload(self):
        client = self.connect()
        client.send(harness.request("POST", self.random.choice(("/odd/upload", "/whoami")), {"Content-Length": 1 << 20}))
        client.send(b"x" * self.random.randrange(1, 300_000))
        self.leave(client)

    def uploads(self):
        with self.connect() as client:
            client.send(harness.request("POST", "/odd/upload", {"Transfer-Encoding": "chunked"}), harness.chunked(b"x" * 70_000, b"y"))
            client.response()

    def breaks_the_handshake(self):
        client = self.edge.connect("https")
        client.send(self.random.choice((b"", b"\x16\x03\x01\x02\x00\x01", b"GET / HTTP/1.1\r\n\r\n")))
        self.leave(client)

    def reads_no_answer(self):
        client = self.connect()
        client.send(harness.request(target="/i/alley-400.jpg") * 30)
        self.leave(client)

    def asks_the_odd_one(self):
        with self.connect() as client:
            for _ in range(3):
                client.ask(target=f"/odd/{self.random.randrange(8)}")

    def tunnels(self):
        client = self.edge.connect()
        client.send(harness.request("GET", "/odd/tunnel", {"Connection": "Upgrade", "Upgrade": "echo"}))
        client.response()
        client.send(b"x" * 1000)
        client.read(1000)
        self.leave(client)

    def waits(self):
        with self.connect() as client:
            client.ask(target="/index.html")
            time.sleep(0.2)


def odd(peer):
    """A server with a fault for each path."""
    while (asked := peer.request()) is not None:
        kind = asked.target.rpartition("/")[2]
        if kind == "tunnel":
            peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
            while octets := peer.read_some():
                peer.send(octets)
            return
        if kind == "0":
            return
        if kind == "1":
            return peer.reset()
        if kind == "2":
            peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x" * 50_000)
            return
        if kind == "3":
            peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nnonsense\r\n")
            return
        if kind == "4":
            peer.send(b"\x00" * 1000)
            return
        if kind == "5":
            peer.send("HTTP/1.1 100 Continue\r\n\r\n" * 40)
            return
        if kind == "6":
            peer.send("HTTP/1.1 200 OK\r\n\r\n", b"x" * 70_000)
            return
        peer.send(harness.response(body=b"x" * 70_000))


class Trouble(Traffic):
    test_everything_returns = None

    def change(self, number):
        """Pools, limits and routes move; every fourth file is bad."""
        pool = {"connections": {"max_idle": 8 + number % 8}}
        backends = self.servers.backends()
        out = harness.config(*backends[:6 - number % 3], pool=pool, listeners=self.listeners, log={"level": "info", "access": {"format": "off"}},
                             limits={"connections": 4000 + number % 5})
        out["pools"]["odd"] = {"backends": [{"name": "odd", "address": self.odd.address}]}
        out["routes"] = [{"name": "odd", "match": {"path": "/odd/*"}, "pool": "odd"}, {"name": f"all{number % 3}", "pool": "web"}]
        if number % 4 == 3:
            out["routes"][1]["pool"] = "nowhere"
        return out

    def trouble(self, seconds):
        until = time.monotonic() + seconds
        rogues = [Rogue(self.shellac, self.tls, seed) for seed in range(4)]
        good = harness.Counting(self.shellac.address("http"), {"/i/alley-400.jpg": (self.servers.site / "i/alley-400.jpg").read_bytes()},
                                threads=2, per_connection=100)
        number = 0
        while time.monotonic() < until:
            number += 1
            self.shellac.write_config(self.change(number))
            self.shellac.signal(signal.SIGHUP)
            time.sleep(0.5)
            if number % 2:
                self.servers.servers[number // 2 % 6].kill_workers()
            time.sleep(0.5)
        for rogue in rogues:
            rogue.finish()
        asked = good.finish()
        # Apache's workers die with answers in their hands, but none may come as whole that is not.
        self.assertEqual([failure for failure in good.failures if ": 200, " in failure], [])
        self.assertGreater(asked, 20)
        return sum(rogue.count for rogue in rogues)

    def test_trouble_leaves_nothing_behind(self):
        self.tls = self.certificates().client_context()
        self.servers = self.apaches()
        self.odd = self.origin(odd)
        self.listeners = [harness.tls_listener(timeouts={"idle": "5s"}), {"name": "http", "bind": "127.0.0.1:0", "timeouts": {"idle": "5s"}}]
        self.shellac = self.edge(self.change(0))
        seconds = harness.soak_seconds() / 2
        self.trouble(max(seconds / 3, 3))
        memory, descriptors = self.settled()
        count = self.trouble(seconds * 2 / 3)
        memory_now, descriptors_now = self.settled()
        metrics = self.shellac.metrics()
        print(f"{count} rogues; resident {memory >> 20} -> {memory_now >> 20} MiB, descriptors {descriptors} -> {descriptors_now}", flush=True)
        self.assertGreater(count, 50)
        self.assertEqual(metrics.value("shellac_internal_errors_total"), 0)
        self.assertGreater(metrics.value("shellac_config_reloads_total", result="failed"), 0)
        self.assertGreater(metrics.value("shellac_config_reloads_total", result="ok"), 0)
        self.assertLess(memory_now, memory * 1.25 + (8 << 20), "resident memory grew")
        self.assertLess(descriptors_now, descriptors + 7 * 2 * 16, "descriptors grew")


if __name__ == "__main__":
    harness.main()
