#!/usr/bin/env python3
"""Delivery while the cache is full: whatever there is no room for still arrives whole and right."""

import random
import threading

import harness
from cache_origin import Crowd, Gate, body_of, sized


def config(*backends, memory="2MiB", policy=None, **more):
    return harness.config(
        *backends, log={"level": "info", "access": {"format": "off"}},
        cache={"memory": memory, "policies": {"p": policy or {}}},
        routes=[{"name": "all", "pool": "web", "cache": "p"}], **more)


class Full(harness.SystemTest):
    def assert_within(self, edge, bound):
        self.assertLessEqual(edge.metrics().value("shellac_cache_bytes"), bound)

    def read_all(self, edge, wanted, threads=8, check=None):
        """Asks for all of `wanted`, (size, name) pairs, on `threads` connections. Gives what was wrong."""
        wrong, lock, queue = [], threading.Lock(), list(wanted)

        def work():
            with edge.connect() as client:
                while True:
                    with lock:
                        if not queue:
                            return
                        size, name = queue.pop()
                    try:
                        answer = client.ask(target=f"/{size}/{name}")
                        problem = None if (answer.status, answer.body) == (200, body_of(name, size)) else f"{answer.status}, {len(answer.body)}"
                    except (OSError, harness.Cut) as error:
                        problem = repr(error)
                    if problem:
                        with lock:
                            wrong.append(f"{size}/{name}: {problem}")
                        return

        workers = [threading.Thread(target=work) for _ in range(threads)]
        for one in workers:
            one.start()
        for one in workers:
            one.join(120)
        self.assertFalse(any(one.is_alive() for one in workers), "a client hangs")
        return wrong + [f"never asked: {one}" for one in queue]

    def test_churn(self):
        """Fifty times what fits, of all sizes up to what may be stored and beyond, in every framing."""
        for chunks in (False, True):
            with self.subTest(chunks=chunks):
                origin = self.origin(lambda peer: sized(peer, chunks=chunks))
                edge = self.edge(config(origin.address))
                dice = random.Random(1)
                names = [f"n{number}" for number in range(400)]
                sizes = {name: int(dice.choice((0, 1, 700, 5000, 65_536, 65_537, 200_000, 262_144, 262_145, 900_000)))
                         for name in names}
                self.assertEqual(self.read_all(edge, [(sizes[name], name) for name in dice.choices(names, k=900)]), [])
                self.assert_within(edge, 2 << 20)
                self.assertGreater(edge.metrics().value("shellac_cache_evictions_total"), 0)
                self.assertGreater(edge.metrics().value("shellac_cache_lookups_total", result="hit"), 0)

    def test_everything_pinned(self):
        """Readers hold more than there is: new answers are relayed, and the held ones end whole."""
        origin = self.origin(sized)
        edge = self.edge(config(origin.address, memory="1MiB"))
        holding = []
        for number in range(24):
            client = edge.connect(receive_buffer=4096)
            client.send(harness.request(target=f"/130000/held{number}"))
            holding.append((f"held{number}", client))
        for _, client in holding:
            self.assertEqual(client.response(body=False).status, 200)
        self.assertEqual(self.read_all(edge, [(100_000, f"new{number}") for number in range(60)]), [])
        self.assert_within(edge, 1 << 20)
        for name, client in holding:
            self.assertEqual(client.read(130_000), body_of(name, 130_000))
            client.close()
        # There is room again.
        edge.ask(target="/1000/after")
        self.assertIn("hit", edge.ask(target="/1000/after").get("Cache-Status"))

    def test_everything_growing(self):
        """Transfers that have all begun and cannot all be kept."""
        gate = Gate()

        def handler(peer):
            while (asked := peer.request()) is not None:
                _, size, name = asked.target.split("/")
                octets = body_of(name, int(size))
                peer.send(harness.response(fields={"Cache-Control": "max-age=600", "Content-Length": size}), octets[:len(octets) // 2])
                gate.wait()
                peer.send(octets[len(octets) // 2:])

        origin = self.origin(handler)
        edge = self.edge(config(origin.address, memory="1MiB"))
        clients = []
        for number in range(40):
            client = edge.connect()
            client.send(harness.request(target=f"/120000/g{number}"))
            clients.append((f"g{number}", client))
        for name, client in clients:
            self.assertEqual(client.response(body=False).status, 200)
            self.assertEqual(client.read(60_000), body_of(name, 120_000)[:60_000])
        self.assert_within(edge, 1 << 20)
        gate.open()
        for name, client in clients:
            self.assertEqual(client.read(60_000), body_of(name, 120_000)[60_000:])
            client.close()

    def test_followers_of_what_cannot_be_kept(self):
        """An object of unknown length that crosses max_object goes on as a window: who reads it gets it whole."""
        body = body_of("window", 3_000_000)

        def handler(peer):
            while peer.request() is not None:
                parts = [body[start:start + 30_000] for start in range(0, len(body), 30_000)]
                peer.send(harness.response(fields={"Cache-Control": "max-age=600", "Transfer-Encoding": "chunked"}))
                for part in parts:
                    peer.send(f"{len(part):x}\r\n".encode() + part + b"\r\n")
                peer.send(b"0\r\n\r\n")

        origin = self.origin(handler)
        edge = self.edge(config(origin.address, memory="4MiB"))
        with Crowd(edge, 12) as crowd:
            answers, lock = [], threading.Lock()

            def read(client):
                answer = client.response()
                with lock:
                    answers.append(answer.body == body)

            readers = [threading.Thread(target=read, args=(client,)) for client in crowd.clients]
            for one in readers:
                one.start()
            for one in readers:
                one.join(60)
        self.assertEqual(answers, [True] * 12)
        self.assert_within(edge, 4 << 20)
        self.assertEqual(edge.metrics().value("shellac_cache_objects"), 0)

    def test_a_reader_of_a_window_that_stops(self):
        """It holds the others up for timeouts.send and no longer; then it is cut, and they get everything."""
        body = body_of("stopped", 40_000_000)
        gate = Gate()

        def handler(peer):
            peer.request()
            peer.send(harness.response(fields={"Cache-Control": "max-age=600", "Transfer-Encoding": "chunked"}))
            for start in range(0, len(body), 50_000):
                peer.send(b"c350\r\n" + body[start:start + 50_000] + b"\r\n")
                if start == 0:
                    gate.wait()
            peer.send(b"0\r\n\r\n")

        origin = self.origin(handler)
        listeners = [{"name": "http", "bind": "127.0.0.1:0", "timeouts": {"send": "1s"}}]
        edge = self.edge(config(origin.address, memory="8MiB", listeners=listeners))
        with edge.connect() as good, edge.connect(receive_buffer=4096) as stopped:
            for client in (good, stopped):
                client.send(harness.request())
                self.assertEqual(client.response(body=False).status, 200)
            gate.open()
            good.buffer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + good.buffer
            self.assertTrue(good.response().body == body)
            with self.assertRaises(harness.Cut):
                stopped.buffer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + stopped.buffer
                stopped.response()
        edge.wait_metric("shellac_requests_in_flight", 0)

    def test_a_slow_reader_of_a_window(self):
        """As long as it reads it gets everything, and the origin is held back for it."""
        body = body_of("slow", 40_000_000)
        sent = []

        def handler(peer):
            peer.request()
            peer.send(harness.response(fields={"Cache-Control": "max-age=600", "Transfer-Encoding": "chunked"}))
            for start in range(0, len(body), 50_000):
                peer.send(b"c350\r\n" + body[start:start + 50_000] + b"\r\n")
                sent.append(start)
            peer.send(b"0\r\n\r\n")

        origin = self.origin(handler)
        edge = self.edge(config(origin.address, memory="4MiB"))
        with edge.connect(receive_buffer=4096) as client:
            client.send(harness.request())
            self.assertEqual(client.response(body=False).status, 200)
            # What the edge, the window and the sockets' own buffers hold; far less than the whole.
            harness.eventually(lambda: sent, 5, "the origin begins")
            self.settles(sent)
            self.assertLess(len(sent) * 50_000, 30_000_000, "the origin was not held back")
            self.assert_within(edge, 4 << 20)
            client.buffer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + client.buffer
            self.assertTrue(client.response().body == body)

    def settles(self, sent):
        """Until nothing more is sent for a while."""
        last = []

        def still():
            before = last[:]
            last[:] = [len(sent)]
            threading.Event().wait(0.3)
            return before == last

        harness.eventually(still, 20, "the transfer stands still")

    def test_memory_is_lowered_by_a_reload(self):
        origin = self.origin(sized)
        configuration = config(origin.address, memory="16MiB")
        edge = self.edge(configuration)
        self.assertEqual(self.read_all(edge, [(200_000, f"r{number}") for number in range(60)]), [])
        self.assertGreater(edge.metrics().value("shellac_cache_bytes"), 10 << 20)
        configuration["cache"]["memory"] = "4MiB"
        edge.reload(configuration)
        edge.wait_metric("shellac_cache_bytes", lambda value: 0 < value <= 4 << 20, timeout=10)
        self.assertEqual(self.read_all(edge, [(200_000, f"r{number}") for number in range(60)]), [])
        self.assert_within(edge, 4 << 20)


if __name__ == "__main__":
    harness.main()
