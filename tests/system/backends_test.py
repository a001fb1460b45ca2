#!/usr/bin/env python3
"""Six Apache servers that are killed, stopped and started again: no transfer that breaks looks whole, and no client
notices a server that is gone before it has answered."""

import ssl
import threading
import time

import harness


class Apaches(harness.SystemTest):
    def setUp(self):
        super().setUp()
        self.tls = self.certificates().client_context()
        self.servers = self.apaches()
        self.listeners = [harness.tls_listener(), {"name": "http", "bind": "127.0.0.1:0"}]

    def start(self, *backends, **more):
        self.shellac = self.edge(harness.config(*(backends or self.servers.backends()), listeners=self.listeners, **more))

    def connect(self, listener, **more):
        return self.shellac.connect(listener, self.tls if listener == "https" else None, receive_buffer=65536, **more)

    def test_kill_9_in_mid_body(self):
        """The processes that hold the edge's connections die, over and over, with both protocols."""
        self.start()
        for turn in range(12):
            listener = ("https", "http")[turn % 2]
            with self.subTest(turn=turn, listener=listener), self.connect(listener) as client:
                client.send(harness.request(target="/big.bin"))
                answer = client.response(body=False)
                self.assertEqual(answer.status, 200)
                length = int(answer.get("Content-Length"))
                client.read(1 << 18)
                name = answer.get("X-Backend")
                self.servers[name].kill_workers()
                with self.assertRaises(harness.Cut) as cut:
                    client.read(length - (1 << 18))
                self.assertLess(len(cut.exception.received), length - (1 << 18))
        self.shellac.wait_access(12, ended="backend_error", status=200)
        # Apache has made new workers; every server is used again.
        names = {self.shellac.ask(target="/whoami").get("X-Backend") for _ in range(60)}
        self.assertEqual(len(names), 6)

    def test_kill_9_under_load(self):
        """Whatever happens to the servers, an answer that a client takes for whole is whole."""
        self.start()
        photo = (self.servers.site / "i/alley-1600.jpg").read_bytes()
        counting = [harness.Counting(self.shellac.address("http"), {"/i/alley-1600.jpg": photo}, threads=4),
                    harness.Counting(self.shellac.address("https"), {"/i/alley-1600.jpg": photo}, threads=2, tls=self.tls)]
        for turn in range(20):
            self.servers.servers[turn % 6].kill_workers()
            time.sleep(0.15)
        time.sleep(0.5)
        asked = sum([client.finish() for client in counting])
        failures = [failure for client in counting for failure in client.failures]
        print(f"{asked} answers, {len(failures)} failures", flush=True)
        self.assertGreater(asked, 100)
        # A broken transfer or a 502 may be; a 200 with anything but the whole photo may not.
        for failure in failures:
            self.assertNotRegex(failure, r": 200, ")
            self.assertNotRegex(failure, r": 50[034], ")
        self.assertLess(len(failures), asked / 5)

    def test_a_server_that_is_down_costs_nobody_a_get(self):
        """One after the other is stopped for a while, as for an upgrade; `stop` lets nobody finish."""
        self.start()
        page = (self.servers.site / "index.html").read_bytes()
        counting = harness.Counting(self.shellac.address("http"), {"/index.html": page}, threads=4, per_connection=50)

        def ask_more(count=300):
            harness.eventually(lambda least=counting.done + count: counting.done > least, 20, "requests")

        for name in ("web1", "web4", "web6"):
            ask_more()
            self.servers.stop_one(name)
            before = counting.backends.get(name, 0)
            ask_more()
            self.assertLessEqual(counting.backends.get(name, 0), before + 4)
            self.servers.start_one(name)
            harness.eventually(lambda name=name, before=before: counting.backends[name] > before + 30, 20, f"{name} is used again")
        # Two at once.
        self.servers.stop_one("web2")
        self.servers.stop_one("web3")
        ask_more()
        counting.finish()
        self.assertEqual(counting.failures, [])
        metrics = self.shellac.metrics()
        self.assertGreater(metrics.value("shellac_retries_total", reason="connect", result="ok"), 0)
        for name in ("web1", "web4", "web6", "web2", "web3"):
            self.assertGreater(metrics.value("shellac_backend_errors_total", backend=name, reason="connect_refused"), 0)

    def test_a_post_is_not_sent_twice(self):
        """Apache dies with the request in its hands: whoever asked must decide."""
        died = threading.Semaphore(0)

        def die(peer):
            if peer.request() is not None:
                died.release()
                peer.reset()

        dying, good = self.origin(die), self.origin(lambda peer: peer.answer(body=b"good"))
        self.start(dying.address, good.address)
        answers = [self.shellac.ask("POST", body=b"x") for _ in range(10)]
        self.assertEqual({answer.status for answer in answers}, {200, 502})
        broken = sum(answer.status == 502 for answer in answers)
        self.assertEqual(len(dying.requests), broken)
        self.assertEqual(len(good.requests), 10 - broken)
        # A GET may be asked of the other one.
        self.assertEqual({self.shellac.ask().status for _ in range(10)}, {200})
        self.assertGreater(self.shellac.metrics().value("shellac_retries_total", reason="reset", result="ok"), 0)

    def test_all_are_down(self):
        self.start()
        self.servers.stop()
        answer = self.shellac.ask(target="/index.html")
        self.assertEqual(answer.status, 502)
        self.assertEqual(answer.get("Proxy-Status"), "shellac; error=connection_refused")
        with self.shellac.connect() as client:
            self.assertEqual([client.ask().status for _ in range(3)], [502] * 3)
        # Three servers are tried for a request; one of six is found before long.
        self.servers.start_one("web2")
        harness.eventually(lambda: self.shellac.ask(target="/whoami").get("X-Backend") == "web2", 10, "web2 answers")

    def test_a_download_that_is_throttled_by_its_reader(self):
        """A reader that takes its time gets the whole file."""
        self.start()
        whole = (self.servers.site / "big.bin").stat().st_size
        with self.connect("https") as client:
            client.send(harness.request(target="/big.bin"))
            client.response(body=False)
            taken = 0
            while taken < whole:
                taken += len(client.read(min(1 << 20, whole - taken)))
                time.sleep(0.005)
            self.assertTrue(client.is_open())


class Broken(harness.SystemTest):
    """An origin's body that ends too early, framed in each of the three ways, is shown as broken."""

    PART = b"x" * 100_000

    def origin_that_dies(self, head, octets, how):
        def die(peer):
            if peer.request() is None:
                return
            peer.send("HTTP/1.1 200 OK\r\n", head, "\r\n", octets)
            # The client reads the part before the origin goes.
            self.go_on.wait(20)
            if how == "reset":
                peer.reset()

        return self.origin(die)

    def check(self, head, octets, how, version="HTTP/1.1"):
        self.go_on = threading.Event()
        tls = self.certificates(f"edge{len(self._edges)}").client_context()
        origin = self.origin_that_dies(head, octets, how)
        edge = self.edge(harness.config(origin.address, listeners=[harness.tls_listener(), {"name": "http", "bind": "127.0.0.1:0"}]))
        for listener in ("http", "https"):
            self.go_on.clear()
            with edge.connect(listener, tls if listener == "https" else None) as client:
                client.send(harness.request(version=version))
                answer = client.response(body=False)
                self.assertEqual(answer.status, 200)
                if "chunked" in answer.get("Transfer-Encoding", ""):
                    self.read_chunks(client)
                else:
                    client.read(len(self.PART))
                self.go_on.set()
                self.assert_broken(client, answer)
        edge.wait_access(2, ended="backend_error")

    def read_chunks(self, client):
        left = len(self.PART)
        while left > 0:
            size = int(client.read_until(b"\r\n"), 16)
            client.read(size + 2)
            left -= size

    def assert_broken(self, client, answer):
        """Neither an orderly end nor the mark of a whole body."""
        raw = client.socket
        if "Content-Length" in answer or "Transfer-Encoding" in answer:
            self.assertEqual(client.read_to_end(), b"")
        else:
            # The end of the connection is the end of the body: it must be no orderly one.
            self.assertEqual(client.buffer, b"")
            if isinstance(raw, ssl.SSLSocket):
                raw.suppress_ragged_eofs = False  # what is cut without close_notify is an error
            with self.assertRaises(OSError):
                if not raw.recv(1):
                    raise AssertionError("an orderly end")

    def test_length(self):
        for how in ("close", "reset"):
            with self.subTest(how=how):
                self.check("Content-Length: 200000\r\n", self.PART, how)

    def test_chunked(self):
        octets = b"%x\r\n%s\r\n" % (len(self.PART), self.PART)
        for how in ("close", "reset"):
            with self.subTest(how=how):
                self.check("Transfer-Encoding: chunked\r\n", octets, how)

    def test_chunked_to_an_old_client(self):
        """HTTP/1.0 has no chunks: the body ends with the connection, and a broken one with a reset."""
        octets = b"%x\r\n%s\r\n" % (len(self.PART), self.PART)
        for how in ("close", "reset"):
            with self.subTest(how=how):
                self.check("Transfer-Encoding: chunked\r\n", octets, how, version="HTTP/1.0")

    def test_until_close(self):
        """Here an orderly end is the end; a reset is not."""
        for version in ("HTTP/1.1", "HTTP/1.0"):
            with self.subTest(version=version):
                self.check("", self.PART, "reset", version=version)


if __name__ == "__main__":
    harness.main()
