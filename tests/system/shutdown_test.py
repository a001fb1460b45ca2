#!/usr/bin/env python3
"""The end of the daemon: SIGTERM drains, a second one does not wait, and the exit code is 0."""

import json
import os
import signal
import subprocess
import threading
import time

import harness

BODY = b"x" * 1000


class Drain(harness.SystemTest):
    def start(self, handler=None, **top):
        origin = self.origin(handler or (lambda peer: peer.answer(body=BODY)))
        return self.edge(harness.config(origin.address, **top))

    def test_readyz_fails_first(self):
        edge = self.start(drain_delay="1500ms")
        self.assertEqual(edge.admin(target="/readyz").status, 200)
        with edge.connect() as client:
            self.assertEqual(client.ask().status, 200)
            edge.signal(signal.SIGTERM)
            harness.eventually(lambda: edge.admin(target="/readyz").status == 503, 1, "not ready")
            self.assertEqual(edge.admin(target="/healthz").status, 200)
            self.assertEqual(edge.api("/api/v1/status")["state"], "stopping")
            # As long as others may believe that it is ready, it serves as before: old and new connections.
            answer = client.ask()
            self.assertEqual((answer.status, answer.get("Connection")), (200, None))
            self.assertEqual(edge.ask().status, 200)
            self.assertEqual(edge.ctl("reload", check=False).returncode, 1)
            self.assertTrue(client.is_closed(1.5 * 5))
        self.assertEqual(edge.wait(), 0)
        self.assertRegex(edge.log(), "stopping: not ready")

    def test_idle_connections_are_closed(self):
        edge = self.start(shutdown_grace="60s")
        clients = [edge.connect() for _ in range(10)]
        for client in clients[:5]:
            self.assertEqual(client.ask().status, 200)
        edge.wait_metric("shellac_connections", 10)
        begin = time.monotonic()
        edge.signal(signal.SIGTERM)
        for client in clients:
            self.assertTrue(client.is_closed(10))
        self.assertEqual(edge.wait(20), 0)
        self.assertLess(time.monotonic() - begin, 20)

    def test_what_is_under_way_is_answered(self):
        go_on, seen = threading.Event(), threading.Semaphore(0)

        def slow(peer):
            while True:
                asked = peer.request()
                if asked is None:
                    return
                seen.release()
                go_on.wait(20)
                peer.send(harness.response(body=BODY))

        edge = self.start(slow, shutdown_grace="60s")
        clients = [edge.connect() for _ in range(3)]
        for client in clients:
            client.send(harness.request())
        for _ in clients:
            self.assertTrue(seen.acquire(timeout=10))  # pylint: disable=consider-using-with
        edge.signal(signal.SIGTERM)
        edge.wait_log("stopping")

        def refused():
            try:
                harness.dial(edge.address()).close()
            except ConnectionRefusedError:
                return True
            return False

        harness.eventually(refused, 5, "it does not listen any more")
        go_on.set()
        for client in clients:
            answer = client.response()
            self.assertEqual((answer.status, answer.get("Connection"), answer.body), (200, "close", BODY))
            self.assertTrue(client.is_closed())
        self.assertEqual(edge.wait(), 0)
        self.assertEqual({line["ended"] for line in edge.access()}, {"completed"})

    def test_a_body_that_has_begun_ends(self):
        go_on = threading.Event()

        def slow(peer):
            if peer.request() is None:
                return
            peer.send(harness.response(fields={"Content-Length": 2000}), BODY)
            go_on.wait(20)
            peer.send(BODY)

        edge = self.start(slow, shutdown_grace="60s")
        with edge.connect() as client:
            client.send(harness.request())
            client.response(body=False)
            client.read(1000)
            edge.signal(signal.SIGTERM)
            edge.wait_log("stopping")
            go_on.set()
            self.assertEqual(client.read(1000), BODY)
            self.assertTrue(client.is_closed())
        self.assertEqual(edge.wait(), 0)

    def stuck(self, **top):
        """An edge with one exchange that never ends, and one tunnel."""

        def never(peer):
            asked = peer.request()
            if asked is None:
                return
            if "Upgrade" in asked:
                peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
            else:
                peer.send(harness.response(fields={"Content-Length": 2000}), BODY)
            peer.read_to_end()

        edge = self.start(never, **top)
        plain, tunnel = edge.connect(timeout=60), edge.connect(timeout=60)
        self.addCleanup(plain.close)
        self.addCleanup(tunnel.close)
        plain.send(harness.request())
        plain.response(body=False)
        plain.read(1000)
        tunnel.send(harness.request("GET", "/", {"Connection": "Upgrade", "Upgrade": "x"}))
        self.assertEqual(tunnel.response().status, 101)
        return edge, plain, tunnel

    def test_grace_ends_what_is_left(self):
        edge, plain, tunnel = self.stuck(shutdown_grace="1s")
        begin = time.monotonic()
        edge.signal(signal.SIGTERM)
        edge.wait_log("stopping")
        with self.assertRaises(harness.Cut):
            plain.read(1000)
        self.assertGreater(time.monotonic() - begin, 0.9)
        self.assertTrue(tunnel.is_closed())
        self.assertEqual(edge.wait(), 0)
        self.assertLess(time.monotonic() - begin, 5 * 1 + 2)
        self.assertEqual({line["ended"] for line in edge.access()}, {"shutdown"})

    def test_a_second_signal_does_not_wait(self):
        for first, second in ((signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM)):
            with self.subTest(first=first, second=second):
                edge, plain, tunnel = self.stuck(shutdown_grace="1h", drain_delay="1h")
                edge.signal(first)
                edge.wait_log("stopping")
                self.assertTrue(plain.is_open(0.3))
                begin = time.monotonic()
                edge.signal(second)
                with self.assertRaises(harness.Cut):
                    plain.read(1000)
                self.assertTrue(tunnel.is_closed())
                self.assertEqual(edge.wait(), 0)
                self.assertLess(time.monotonic() - begin, 10)

    def test_who_waits_in_the_queue_is_served(self):
        """Connections that the kernel has taken are accepted before the sockets close."""
        edge = self.start(limits={"connections": 4}, shutdown_grace="60s")
        holders = [edge.connect() for _ in range(4)]
        edge.wait_metric("shellac_connections", 4)
        waiting = [edge.connect() for _ in range(20)]
        for client in waiting:
            client.send(harness.request())
        self.assertTrue(waiting[0].is_open(0.2))
        edge.signal(signal.SIGTERM)
        answers = [client.response() for client in waiting]
        self.assertEqual({(answer.status, answer.get("Connection"), len(answer.body)) for answer in answers}, {(200, "close", 1000)})
        for client in holders:
            self.assertTrue(client.is_closed())
        self.assertEqual(edge.wait(), 0)

    def test_unix_sockets_are_removed(self):
        folder = self.edge_folder()
        edge = self.edge(harness.config(routes=[{"name": "all", "respond": {"body": "x"}}],
                                        listeners=[{"name": "http", "bind": f"unix:{folder}/front.sock"}],
                                        admin={"listen": f"unix:{folder}/admin.sock"}))
        self.assertEqual(edge.ask().body, b"x")
        self.assertEqual(edge.stop(), 0)
        self.assertEqual(list(folder.glob("*.sock")), [])


class DuringStart(harness.SystemTest):
    CONFIGURATION = harness.config(routes=[{"name": "all", "respond": {"body": "x"}}])

    def test_sigterm(self):
        """Whenever it comes, the daemon ends soon; once it handles signals, with exit code 0."""
        ended = []
        for step in range(30):
            edge = self.edge(self.CONFIGURATION, name=f"start{step}", wait=False)
            time.sleep(step * 0.002)
            edge.signal(signal.SIGTERM)
            # Before main() has begun the signal's default is in force.
            ended.append(edge.wait(20))
        self.assertLessEqual(set(ended), {0, -signal.SIGTERM})
        self.assertEqual(ended[-1], 0)

    def test_reload_and_reopen(self):
        """They do not kill a daemon that is about to start."""
        ended = []
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
            for step in range(8):
                edge = self.edge(self.CONFIGURATION, name=f"start{number}-{step}", wait=False)
                # Handled from the begin of main() on; what comes before it is the dynamic linker's.
                harness.eventually(lambda: self.catches(edge.pid, number) or not edge.is_running(), 10, "the signal is handled")
                edge.signal(number)
                edge.wait_ready()
                self.assertEqual(edge.ask().body, b"x")
                ended.append(edge.stop())
        self.assertEqual(set(ended), {0})

    @staticmethod
    def catches(pid, number):
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("SigCgt:"):
                    return bool(int(line.split()[1], 16) >> (number - 1) & 1)
        return False

    def test_while_the_configuration_is_being_read(self):
        """A pipe as the configuration holds the daemon where it reads."""
        folder = self.edge_folder()
        os.mkfifo(folder / "pipe.yaml")
        (folder / "admin.token").write_text(harness.Edge.TOKEN)
        process = subprocess.Popen([str(harness.BINARY), "run", "--config", str(folder / "pipe.yaml")],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(process.kill)
        with open(folder / "pipe.yaml", "w", encoding="utf-8") as pipe:
            harness.eventually(lambda: self.catches(process.pid, signal.SIGUSR2), 10, "signals are handled")
            for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
                process.send_signal(number)
            time.sleep(0.2)
            self.assertIsNone(process.poll())
            # Nothing is there yet that would have to be put in order.
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(10), -signal.SIGTERM)
        process.stderr.close()

    def test_what_it_cannot_bind(self):
        origin = self.origin(b"")
        for number, (where, told) in enumerate({
            "listeners": {"listeners": [{"name": "http", "bind": origin.address}]},
            "admin": {"admin": {"listen": origin.address}},
        }.items()):
            done = self.start_and_fail(number, {**self.CONFIGURATION, **told})
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, rf"not started: {where}.*in use by another program")

    def start_and_fail(self, number, configuration):
        folder = self.edge_folder(f"fail{number}")
        (folder / "admin.token").write_text(harness.Edge.TOKEN)
        (folder / "shellac.yaml").write_text(json.dumps(configuration))
        return harness.shellac("run", "--config", folder / "shellac.yaml", check=False, timeout=20)


if __name__ == "__main__":
    harness.main()
