#!/usr/bin/env python3
"""Six Apache servers in three zones that die and come back, under a client that counts."""

import os
import signal
import threading
import unittest

import harness

REQUESTS = 20_000


class Failover(harness.SystemTest):
    PROBE = {"path": "/whoami", "interval": "500ms", "fast_interval": "200ms", "timeout": "1s"}

    def start(self, **pool):
        self.servers = self.apaches()
        return self.edge(harness.config(*self.servers.backends(), pool=pool, zone="ams1"))

    def kill(self, name):
        """kill -9 for the whole server, the parent first, so that nobody starts workers anew."""
        server = self.servers[name]
        workers = server.workers()
        for pid in [server.pid, *workers]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def page(self):
        """A file of the site that one write holds, and its octets."""
        for path in sorted(self.servers.site.rglob("*")):
            if path.is_file() and 200 < path.stat().st_size < 8192 and path.suffix in (".html", ".css", ".svg", ".txt"):
                return "/" + str(path.relative_to(self.servers.site)), path.read_bytes()
        raise AssertionError("the site has no small file")

    def counting(self, edge, threads=4):
        target, body = self.page()
        return harness.Counting(edge.address(), {target: body}, threads=threads)

    def through(self, counting, share):
        """Waits until this share of all requests has been asked."""
        harness.eventually(lambda: counting.done >= REQUESTS * share, 120, f"{share:.0%} of {REQUESTS} requests")

    def names(self, zone):
        return [server.name for server in self.servers.servers if server.zone == zone]

    def test_a_server_and_then_a_zone_die_and_nobody_notices(self):
        edge = self.start(health={"probe": self.PROBE, "outlier": {"errors": 3, "ejection": "1s"}})
        zones = sorted({server.zone for server in self.servers.servers})
        one, zone = self.names(zones[0])[0], self.names(zones[1])
        counting = self.counting(edge)
        self.through(counting, 0.1)
        self.kill(one)
        edge.wait_metric("shellac_backend_up", 0, timeout=10, backend=one)
        self.through(counting, 0.35)
        for name in zone:
            self.kill(name)
        for name in zone:
            edge.wait_metric("shellac_backend_up", 0, timeout=10, backend=name)
        self.through(counting, 0.6)
        for name in [one, *zone]:
            self.servers.start_one(name)
        for name in [one, *zone]:
            edge.wait_metric("shellac_backend_up", 1, timeout=10, backend=name)
        before = dict(counting.backends)
        # However many have been asked by now: as many again as tell whether those are used.
        self.through(counting, max(1, counting.done / REQUESTS + 0.2))
        done = counting.finish()
        self.assertEqual(counting.failures, [], f"of {done}")
        self.assertGreaterEqual(done, REQUESTS)
        for name in [one, *zone]:  # those that came back are used again
            self.assertGreater(counting.backends.get(name, 0), before.get(name, 0), name)

    def test_without_retries_and_probes_the_same_hurts(self):
        edge = self.start(retries={"attempts": 0}, balance="round_robin")
        counting = self.counting(edge)
        self.through(counting, 0.05)
        self.kill(self.servers.servers[0].name)
        self.through(counting, 0.15)
        counting.finish()
        self.assertGreater(len(counting.failures), 0)

    def test_drain_under_load(self):
        edge = self.start(sticky={}, balance="round_robin")
        target, _ = self.page()
        visitor = edge.ask(target=target)
        home, cookie = visitor.get("X-Backend"), visitor.get("Set-Cookie").split(";")[0]
        counting = self.counting(edge)
        self.through(counting, 0.02)
        edge.ctl("drain", f"web/{home}")
        before = counting.backends.get(home, 0)
        self.through(counting, 0.1)
        stayed = [edge.ask(target=target, fields={"Cookie": cookie}).get("X-Backend") for _ in range(50)]
        counting.finish()
        # What was on its way when the state changed may still have gone there.
        self.assertLessEqual(counting.backends.get(home, 0) - before, 8)
        self.assertEqual(set(stayed), {home})
        self.assertEqual(counting.failures, [])


class Posts(harness.SystemTest):
    def test_a_post_is_never_sent_twice(self):
        """Three servers that close the connection under every third request, before a byte of the answer."""
        seen, lock = {}, threading.Lock()

        def handle(peer):
            while True:
                asked = peer.request()
                if asked is None:
                    return
                with lock:
                    number = sum(seen.values())
                    seen[asked.target] = seen.get(asked.target, 0) + 1
                if number % 3 == 0:
                    return
                peer.send(harness.response(200, body=b"taken"))

        edge = self.edge(harness.config(*[self.origin(handle).address for _ in range(3)]))
        statuses = [edge.ask("POST", f"/{number}", body=b"order").status for number in range(300)]
        self.assertEqual(set(statuses), {200, 502})
        self.assertEqual(set(seen.values()), {1})
        self.assertEqual(len(seen), 300)
        self.assertEqual(edge.metrics().value("shellac_retries_total"), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
