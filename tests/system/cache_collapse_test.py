#!/usr/bin/env python3
"""Clients that want the same thing at the same time, over all workers: one fetch, whatever becomes of it."""

import threading
import time

import harness
from cache_origin import Crowd, Gate, body_of


def config(*backends, policy=None, workers=4, **more):
    return harness.config(
        *backends, workers=workers, log={"level": "info", "access": {"format": "off"}},
        limits={"connections": 5000, "connections_per_client": 5000},
        cache={"memory": "64MiB", "policies": {"p": policy or {}}},
        routes=[{"name": "all", "pool": "web", "cache": "p"}], **more)


class Collapse(harness.SystemTest):
    def waiting(self, edge, count):
        """Waits until the edge holds this many requests."""
        edge.wait_metric("shellac_requests_in_flight", count, timeout=20)

    def test_a_thousand_clients_and_one_request(self):
        gate = Gate(40)
        body = body_of("thousand", 20_000)

        def handler(peer):
            while peer.request() is not None:
                gate.wait()
                peer.send(harness.response(fields={"Cache-Control": "max-age=600"}, body=body))

        origin = self.origin(handler)
        edge = self.edge(config(origin.address))
        with Crowd(edge, 1000) as crowd:
            self.waiting(edge, 1000)
            gate.open()
            answers = crowd.answers()
        self.assertEqual({(one.status, one.body == body) for one in answers}, {(200, True)})
        self.assertEqual(len(origin.requests), 1)
        self.assertEqual(sum("collapsed" in one.get("Cache-Status") for one in answers), 999)
        self.assertEqual(edge.metrics().value("shellac_cache_lookups_total", result="join"), 999)
        self.assertIn("hit", edge.ask().get("Cache-Status"))

    def test_followers_read_while_it_grows(self):
        """The first half reaches every follower on every worker before the origin has sent the second."""
        gate = Gate()
        body = body_of("growing", 600_000)

        def handler(peer):
            peer.request()
            octets = harness.response(fields={"Cache-Control": "max-age=600"}, body=body)
            peer.send(octets[:-300_000])
            gate.wait()
            peer.send(octets[-300_000:])

        origin = self.origin(handler)
        edge = self.edge(config(origin.address))
        with Crowd(edge, 60) as crowd:
            for client in crowd.clients:
                self.assertEqual(client.response(body=False).status, 200)
                self.assertEqual(client.read(300_000), body[:300_000])
            gate.open()
            for client in crowd.clients:
                self.assertEqual(client.read(300_000), body[300_000:])
        self.assertEqual(len(origin.requests), 1)

    def test_a_dribbling_origin(self):
        parts = [body_of(f"part {number}", 100 + number * 37) for number in range(60)]

        def handler(peer):
            peer.request()
            peer.send(harness.response(fields={"Cache-Control": "max-age=600", "Transfer-Encoding": "chunked"}))
            for part in parts:
                peer.send(f"{len(part):x}\r\n".encode() + part + b"\r\n")
                time.sleep(0.01)
            peer.send(b"0\r\n\r\n")

        origin = self.origin(handler)
        edge = self.edge(config(origin.address))
        with Crowd(edge, 50) as crowd:
            self.assertEqual({one.body for one in crowd.answers()}, {b"".join(parts)})
        self.assertEqual(edge.ask().body, b"".join(parts))
        self.assertEqual(len(origin.requests), 1)

    def test_a_failing_origin_is_asked_once(self):
        gate = Gate()

        def handler(peer):
            peer.request()
            gate.wait()

        origin = self.origin(handler)
        edge = self.edge(config(origin.address))
        with Crowd(edge, 200) as crowd:
            self.waiting(edge, 200)
            gate.open()
            answers = crowd.answers()
        self.assertEqual({one.status for one in answers}, {502})
        self.assertTrue(all("error=" in one.get("Proxy-Status") for one in answers))
        self.assertEqual(len(origin.requests), 1)

    def test_a_transfer_that_breaks(self):
        """Nobody gets a short answer that looks whole, and nothing of it is stored."""
        gate, whole = Gate(), body_of("whole", 100_000)

        def handler(peer):
            while peer.request() is not None:
                octets = harness.response(fields={"Cache-Control": "max-age=600"}, body=whole)
                if peer.number > 0:
                    peer.send(octets)
                    continue
                peer.send(octets[:-50_000])
                gate.wait()
                return

        origin = self.origin(handler)
        edge = self.edge(config(origin.address))
        with Crowd(edge, 80) as crowd:
            for client in crowd.clients:
                self.assertEqual(client.response(body=False).get("Content-Length"), "100000")
                self.assertEqual(client.read(50_000), whole[:50_000])
            gate.open()
            for client in crowd.clients:
                self.assertEqual(client.read_to_end(), b"")
        answer = edge.ask()
        self.assertEqual((answer.status, answer.body == whole), (200, True))
        self.assertIn("uri-miss", answer.get("Cache-Status"))
        self.assertEqual(len(origin.requests), 2)

    def test_chunks_that_break(self):
        def handler(peer):
            peer.request()
            peer.send("HTTP/1.1 200 OK\r\nCache-Control: max-age=600\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
            time.sleep(0.3)

        origin = self.origin(handler)
        edge = self.edge(config(origin.address))
        with Crowd(edge, 20) as crowd:
            for client in crowd.clients:
                with self.assertRaises(harness.Cut):
                    client.response()

    def test_an_uncacheable_answer_opens_the_gate_for_all(self):
        """All but the first are at the origin at the same time: they were not let go one by one."""
        count = 150
        first, others = Gate(), threading.Barrier(count - 1, timeout=30)

        def handler(peer):
            number = peer.number
            while peer.request() is not None:
                if number == 0:
                    first.wait()
                else:
                    others.wait()
                peer.send(harness.response(fields={"Cache-Control": "private"}, body=f"for {number}".encode()))

        origin = self.origin(handler, backlog=1024)
        edge = self.edge(config(origin.address))
        with Crowd(edge, count) as crowd:
            self.waiting(edge, count)
            self.assertEqual(len(origin.requests), 1)
            first.open()
            answers = crowd.answers()
        self.assertEqual({one.status for one in answers}, {200})
        self.assertEqual(len({one.body for one in answers}), count, "two clients got the same private answer")
        self.assertEqual(len(origin.requests), count)

    def test_an_uncacheable_answer_is_remembered(self):
        both = threading.Barrier(2, timeout=20)
        counted = []

        def handler(peer):
            while (asked := peer.request()) is not None:
                counted.append(asked)
                if len(counted) > 1:
                    both.wait()
                peer.send(harness.response(fields={"Cache-Control": "no-store"}, body=b"x"))

        origin = self.origin(handler)
        edge = self.edge(config(origin.address))
        self.assertEqual(edge.ask().status, 200)
        for _ in range(3):
            # Both are at the origin together, or the barrier breaks and an answer is missing.
            with Crowd(edge, 2) as crowd:
                self.assertEqual([one.status for one in crowd.answers()], [200, 200])

    def test_a_leader_that_leaves_before_the_head(self):
        gate = Gate()

        def handler(peer):
            while peer.request() is not None:
                gate.wait()
                peer.send(harness.response(fields={"Cache-Control": "max-age=600"}, body=b"x" * 50_000))

        origin = self.origin(handler)
        edge = self.edge(config(origin.address))
        leader = edge.connect()
        leader.send(harness.request())
        harness.eventually(lambda: len(origin.requests) == 1, 10, "the leader's fetch")
        with Crowd(edge, 30) as crowd:
            self.waiting(edge, 31)
            leader.reset()
            self.waiting(edge, 30)
            gate.open()
            self.assertEqual({(one.status, len(one.body)) for one in crowd.answers()}, {(200, 50_000)})
        self.assertEqual(len(origin.requests), 1)

    def test_followers_that_leave(self):
        gate = Gate()

        def handler(peer):
            while peer.request() is not None:
                octets = harness.response(fields={"Cache-Control": "max-age=600"}, body=b"x" * 500_000)
                peer.send(octets[:-250_000])
                gate.wait()
                peer.send(octets[-250_000:])

        origin = self.origin(handler)
        edge = self.edge(config(origin.address))
        with Crowd(edge, 60) as crowd:
            for client in crowd.clients:
                client.response(body=False)
            for client in crowd.clients[::2]:
                client.reset()
            self.waiting(edge, 30)
            gate.open()
            for client in crowd.clients[1::2]:
                self.assertEqual(len(client.read(500_000)), 500_000)
        self.assertEqual(len(origin.requests), 1)

    def test_one_refresh_of_a_stale_answer(self):
        """In grace everybody is served at once, and the origin sees one refresh, however many ask on however many workers."""
        gate = Gate()
        counted = []

        def handler(peer):
            while (asked := peer.request()) is not None:
                counted.append(asked)
                if len(counted) > 1:
                    gate.wait()
                age = "1, stale-while-revalidate=60" if len(counted) == 1 else "600"
                peer.send(harness.response(fields={"Cache-Control": f"max-age={age}"}, body=f"{len(counted)}".encode()))

        origin = self.origin(handler)
        edge = self.edge(config(origin.address))
        self.assertEqual(edge.ask().body, b"1")
        time.sleep(2.2)
        with Crowd(edge, 200) as crowd:
            self.assertEqual({one.body for one in crowd.answers()}, {b"1"})
        self.assertEqual(len(origin.requests), 2)
        gate.open()
        harness.eventually(lambda: edge.ask().body == b"2", 5, "the refreshed answer")
        self.assertEqual(len(origin.requests), 2)


if __name__ == "__main__":
    harness.main()
