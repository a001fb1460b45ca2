#!/usr/bin/env python3
"""Keep-alive and short connections, TLS and plain, through the edge to six Apache servers, with reloads in between: nothing
fails, and afterwards memory, descriptors and gauges are where they were."""

import re
import signal
import subprocess
import threading
import time
import unittest

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
        seconds = harness.soak_seconds()

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


if __name__ == "__main__":
    unittest.main(verbosity=2)
