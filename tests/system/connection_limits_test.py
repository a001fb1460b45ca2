#!/usr/bin/env python3
"""How many connections there may be: in all, from one client, and with few descriptors. Nothing spins, all recovers."""

import resource
import socket
import time
import unittest

import harness

HELLO = [{"name": "hello", "respond": {"body": "hello\n"}}]

# UBSan opens a pipe to look whether it may read an object, and calls the object broken when it gets none.
USES_UP_DESCRIPTORS = unittest.skipIf(harness.PATIENCE > 1, "a sanitizer needs descriptors itself")


class Limits(harness.SystemTest):
    def start(self, limits, listeners=None, **more):
        self.shellac = self.edge(harness.config(routes=HELLO, limits=limits, listeners=listeners), **more)
        return self.shellac

    def open(self, count, **more):
        clients = []
        for _ in range(count):
            client = self.shellac.connect(**more)
            self.addCleanup(client.close)
            clients.append(client)
        return clients

    def is_quiet_for(self, seconds=1.0, cpu=0.5):
        """The daemon uses next to no time: two spinning workers would use two seconds in one."""
        before = self.shellac.cpu_seconds()
        time.sleep(seconds)
        self.assertLess(self.shellac.cpu_seconds() - before, cpu * seconds)

    def served(self, clients):
        """Which of them get an answer; the others wait."""
        for client in clients:
            client.send(harness.request())
        answered = []
        for client in clients:
            if not client.is_open(0.3):
                answered.append(client)
        for client in answered:
            self.assertEqual(client.response().status, 200)
        return answered

    # --- limits.connections

    def test_accepting_pauses_and_resumes(self):
        self.start({"connections": 5})
        waiting = self.open(12)
        first = self.served(waiting)
        self.assertEqual(len(first), 5)
        self.assertEqual(self.shellac.metrics().value("shellac_connections", listener="http"), 5)
        self.is_quiet_for()
        for client in first:
            client.close()
            waiting.remove(client)
        self.drain(waiting)
        self.shellac.wait_metric("shellac_connections", 0, listener="http")
        self.shellac.wait_metric("shellac_connections_total", 12, listener="http", result="ok")

    def drain(self, waiting):
        """Reads the answers of who waited, and lets each go, until all are through."""
        deadline = time.monotonic() + 10 * harness.PATIENCE
        while waiting:
            self.assertLess(time.monotonic(), deadline, f"{len(waiting)} are not served")
            for client in list(waiting):
                if not client.is_open(0.05):
                    self.assertEqual(client.response().status, 200)
                    client.close()
                    waiting.remove(client)

    def test_the_admin_interface_has_its_own_place(self):
        self.start({"connections": 2})
        self.served(self.open(2))
        self.open(3)
        self.assertEqual(self.shellac.admin("GET", "/healthz").status, 200)
        self.assertEqual(self.shellac.api("/api/v1/status")["connections"], 2)

    def test_a_reload_raises_the_limit_for_who_waits(self):
        self.start({"connections": 2})
        first = self.open(2)
        self.assertEqual(len(self.served(first)), 2)
        waiting = self.open(3)
        self.assertEqual(self.served(waiting), [])
        self.shellac.reload(harness.config(routes=HELLO, limits={"connections": 10}))
        for client in waiting:
            self.assertEqual(client.response().status, 200)
        self.shellac.reload(harness.config(routes=HELLO, limits={"connections": 2}))
        for client in first + waiting:
            self.assertEqual(client.ask().status, 200, "a lower limit closes nobody")

    def test_several_binds_share_the_limit(self):
        self.start({"connections": 3}, [{"name": "http", "bind": ["127.0.0.1:0", "unix:edge.sock"]}, {"name": "b", "bind": "[::1]:0"}])
        clients = [self.shellac.connect(), self.shellac.connect(index=1), self.shellac.connect("b")]
        self.assertEqual(len(self.served(clients)), 3)
        waiting = [self.shellac.connect(), self.shellac.connect(index=1), self.shellac.connect("b")]
        self.assertEqual(self.served(waiting), [])
        self.is_quiet_for()
        for client in clients:
            client.close()
        self.drain(waiting)

    def test_a_stop_while_some_wait(self):
        self.start({"connections": 2})
        self.served(self.open(2))
        waiting = self.open(3)
        for client in waiting:
            client.send(harness.request())
        self.assertEqual(self.shellac.stop(), 0)
        # They were in the queue before the end, so they are answered and not reset.
        for client in waiting:
            self.assertEqual(client.response().status, 200)

    # --- limits.connections_per_client

    def test_per_client(self):
        self.start({"connections_per_client": 3})
        mine = self.open(3)
        self.assertEqual(len(self.served(mine)), 3)
        for _ in range(2):
            try:
                self.assertTrue(self.open(1)[0].is_closed())
            except ConnectionResetError:
                pass  # so soon that connect() itself tells it
        other = self.open(1, source="127.0.0.2")
        self.assertEqual(len(self.served(other)), 1)
        self.shellac.wait_metric("shellac_connections_total", 2, listener="http", result="client_limit")
        mine[0].close()
        self.shellac.wait_metric("shellac_connections", 3, listener="http")
        self.assertEqual(len(self.served(self.open(1))), 1)

    def test_per_client_counts_who_the_proxy_names(self):
        listeners = [{"name": "http", "bind": "127.0.0.1:0", "proxy_protocol": "accept"}]
        self.shellac = self.edge(harness.config(routes=HELLO, limits={"connections_per_client": 2}, listeners=listeners,
                                                trusted=["127.0.0.1"]))
        for name in ("192.0.2.1", "192.0.2.2", "192.0.2.3"):
            clients = self.open(3)
            for number, client in enumerate(clients):
                client.send(f"PROXY TCP4 {name} 192.0.2.9 1 2\r\n".encode())
                if number < 2:
                    self.assertEqual(client.ask().status, 200)
                else:
                    self.assertTrue(client.is_closed())
        # IPv6 clients count by /64.
        clients = self.open(4)
        for client, name in zip(clients, ("2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1", "2001:db8::2")):
            client.send(f"PROXY TCP6 {name} 2001:db8::9 1 2\r\n".encode())
            if name != "2001:db8::2":
                self.assertEqual(client.ask().status, 200)
            else:
                self.assertTrue(client.is_closed())

    # --- descriptors

    @USES_UP_DESCRIPTORS
    def test_few_descriptors(self):
        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (60, 60))

        self.start({"connections": 20000}, preexec=few)
        self.shellac.wait_log("warn open files are limited to 60: limits.connections .* cannot be reached")
        idle = self.shellac.descriptors()
        self.assertLess(idle, 60)
        clients = self.open(100)
        harness.eventually(lambda: self.shellac.descriptors() >= 59, what="the descriptors are used up")
        self.shellac.wait_log("error 127.0.0.1:.*: accepting: Too many open files; paused")
        self.is_quiet_for(2.0, 0.25)
        complaints = self.shellac.log().count("Too many open files")
        time.sleep(1)
        self.assertLess(self.shellac.log().count("Too many open files") - complaints, 10, "told once a second at most")
        for client in clients[:30]:
            client.close()
        # Whoever waited is served now.
        waiting = clients[90:]
        for client in clients[30:60]:
            client.close()
        for client in waiting:
            client.send(harness.request())
        self.drain(waiting)
        for client in clients:
            client.close()
        harness.eventually(lambda: self.shellac.descriptors() <= idle, what="all descriptors return")
        self.assertEqual(self.shellac.ask().status, 200)

    @USES_UP_DESCRIPTORS
    def test_few_descriptors_and_backends(self):
        """A request that gets no descriptor for its backend is answered with an error; later ones succeed."""
        origin = self.origin(lambda peer: peer.answer(body=b"ok"))

        def few():
            resource.setrlimit(resource.RLIMIT_NOFILE, (50, 50))

        self.shellac = self.edge(harness.config(origin.address), preexec=few)
        room = 50 - self.shellac.descriptors()
        clients = self.open(room)
        harness.eventually(lambda: self.shellac.descriptors() >= 50, what="the descriptors are used up")
        self.assertIn(clients[0].ask().status, (502, 503))
        for client in clients[1:]:
            client.close()
        harness.eventually(lambda: self.shellac.descriptors() < 45, what="descriptors return")
        with self.shellac.connect() as client:
            self.assertEqual(client.ask().status, 200)

    def test_a_thousand_that_come_and_go(self):
        self.start({"connections": 50})
        before = self.shellac.descriptors()
        for _ in range(20):
            burst = [socket.socket() for _ in range(50)]
            for sock in burst:
                sock.setblocking(False)
                sock.connect_ex(("127.0.0.1", self.shellac.port()))
            for sock in burst:
                sock.close()
        harness.eventually(lambda: self.shellac.descriptors() <= before, what="all descriptors return")
        self.shellac.wait_metric("shellac_connections", 0, listener="http")
        self.assertEqual(self.shellac.ask().status, 200)


if __name__ == "__main__":
    harness.main()
