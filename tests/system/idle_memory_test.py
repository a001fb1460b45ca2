#!/usr/bin/env python3
"""What an idle keep-alive connection costs: at most 2 KiB resident, with TLS at most 30 KiB."""

import re
import resource
import unittest

import harness

HELLO = [{"name": "hello", "respond": {"body": "hello\n"}}]
COUNT = 2000


def resident(pid):
    """Octets that the process alone has in memory, in the main the heap."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        return int(re.search(r"^Private_Dirty:\s+(\d+)", file.read(), re.MULTILINE).group(1)) * 1024


@unittest.skipIf(harness.PATIENCE > 1, "a sanitizer's heap says nothing about ours")
class IdleMemory(harness.SystemTest):
    def setUp(self):
        super().setUp()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard != resource.RLIM_INFINITY and hard < COUNT + 200:
            self.skipTest(f"only {hard} open files are allowed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, COUNT + 200), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        self.made = self.certificates()

    def cost(self, listener, context):
        shellac = self.edge(harness.config(
            routes=HELLO, limits={"connections_per_client": COUNT + 100}, log={"access": {"format": "off"}},
            listeners=[harness.tls_listener(timeouts={"idle": "10m"}),
                       {"name": "http", "bind": "127.0.0.1:0", "timeouts": {"idle": "10m"}}]))
        # What the first connections make once and for all is not counted.
        for _ in range(50):
            shellac.ask(listener=listener, tls=context)
        shellac.wait_metric("shellac_connections", 0, listener=listener)
        before = resident(shellac.pid)
        for _ in range(COUNT):
            client = shellac.connect(listener, context)
            self.addCleanup(client.close)
            self.assertEqual(client.ask().status, 200)
        shellac.wait_metric("shellac_connections", COUNT, listener=listener)
        shellac.wait_metric("shellac_buffer_bytes", 0)
        each = (resident(shellac.pid) - before) / COUNT
        print(f"{each:.0f} octets for each idle connection of {listener} ", end="", flush=True)
        return each

    def test_plain(self):
        self.assertLess(self.cost("http", None), 2 * 1024)

    def test_tls_1_3(self):
        self.assertLess(self.cost("https", self.made.client_context()), 30 * 1024)


if __name__ == "__main__":
    harness.main()
