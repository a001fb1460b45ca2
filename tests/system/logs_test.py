#!/usr/bin/env python3
"""The access log and the daemon's own: opened again on SIGUSR1, and never a reason for a worker to wait."""

import fcntl
import json
import os
import signal
import threading

import harness

ROUTES = [{"name": "all", "respond": {"body": "x"}}]


def config(file="access.log", **log):
    return harness.config(routes=ROUTES, log={"level": "info", "access": {"file": str(file), "format": "json"}, **log})


class Reopen(harness.SystemTest):
    def paths(self, file):
        return [json.loads(line)["path"] for line in file.read_text().splitlines()]

    def wait_paths(self, file, expected):
        harness.eventually(lambda: file.exists() and self.paths(file) == expected, 5, f"{file.name} has {expected}")

    def test_sigusr1(self):
        edge = self.edge(config())
        edge.ask(target="/1")
        self.wait_paths(edge.access_file, ["/1"])
        for number in (2, 3, 4):
            moved = edge.access_file.with_suffix(f".{number}")
            edge.access_file.rename(moved)
            # Until it is told, it writes where it wrote.
            edge.ask(target="/old")
            self.wait_paths(moved, [f"/{number - 1}", "/old"])
            edge.signal(signal.SIGUSR1)
            harness.eventually(edge.access_file.exists, 5, "the file is made again")
            edge.ask(target=f"/{number}")
            self.wait_paths(edge.access_file, [f"/{number}"])
            self.assertEqual(edge.access_file.stat().st_mode & 0o777, 0o640)
        edge.wait_log("access log reopened")

    def test_rotation_under_load_loses_nothing(self):
        edge = self.edge(config())
        client = harness.Counting(edge.address(), {"/": b"x"}, threads=3)
        files = []
        for number in range(10):
            harness.eventually(lambda least=client.done + 200: client.done > least, 20, "requests")
            files.append(edge.access_file.with_suffix(f".{number}"))
            edge.access_file.rename(files[-1])
            edge.signal(signal.SIGUSR1)
            harness.eventually(edge.access_file.exists, 5, "the file is made again")
        asked = client.finish()
        self.assertEqual(client.failures, [])
        self.assertEqual(edge.stop(), 0)
        lines = [line for file in (*files, edge.access_file) for line in file.read_text().splitlines()]
        # Every line is whole, and there is one for each request.
        self.assertEqual(len({json.loads(line)["id"] for line in lines}), asked)
        self.assertEqual(len(lines), asked)

    def test_what_cannot_be_opened(self):
        edge = self.edge(config("logs/access.log", level="debug"), wait=False)
        self.assertEqual(edge.wait(), 1)
        edge.wait_log(r"not started: log\.access\.file: .*No such file")

        (edge.folder / "logs").mkdir()
        edge = self.edge(config(edge.folder / "logs/access.log"))
        edge.ask(target="/1")
        file = edge.folder.parent / "edge0/logs/access.log"
        self.wait_paths(file, ["/1"])
        file.parent.rename(file.parent.with_name("gone"))
        edge.signal(signal.SIGUSR1)
        edge.wait_log("reopening the access log: .*No such file")
        edge.ask(target="/2")
        self.wait_paths(edge.folder.parent / "edge0/gone/access.log", ["/1", "/2"])

    def test_a_full_disk(self):
        edge = self.edge(config("/dev/full"))
        for _ in range(20):
            self.assertEqual(edge.ask().status, 200)
        edge.wait_metric("shellac_log_dropped_total", 20)
        edge.wait_log("access log /dev/full: No space left on device; lines are dropped")


class Pipe(harness.SystemTest):
    """A pipe that nobody reads, until somebody does."""

    def ask_a_lot(self, edge, seconds=3):
        """Requests with long targets, so that rings and pipe fill; none may wait."""
        target = "/" + "x" * 4000
        client = harness.Counting(edge.address(), {target: b"x"}, threads=4)
        threading.Event().wait(seconds)
        asked = client.finish()
        self.assertEqual(client.failures, [])
        self.assertGreater(asked, 200)
        return asked

    def test_access_log(self):
        path = self.edge_folder() / "pipe"
        os.mkfifo(path)
        reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
        edge = self.edge(config(path))
        asked = self.ask_a_lot(edge)
        edge.wait_metric("shellac_log_dropped_total", lambda value: value > 50, timeout=10)
        edge.wait_log("lines are dropped")
        # Somebody reads again: whole lines come, and those that are missing are counted.
        os.set_blocking(reader, True)
        text, done = bytearray(), threading.Event()

        def read():
            while octets := os.read(reader, 65536):
                text.extend(octets)
            done.set()

        threading.Thread(target=read, daemon=True).start()

        def last_is_written():
            nonlocal asked
            asked += 1
            edge.ask(target="/last")
            return b"/last" in text

        harness.eventually(last_is_written, 20, "lines come again")
        edge.wait_log("written again; [0-9]+ lines were dropped")
        dropped = int(edge.metrics().value("shellac_log_dropped_total"))
        self.assertEqual(edge.stop(), 0)
        self.assertTrue(done.wait(10))
        whole = torn = 0
        for line in bytes(text).split(b"\n")[:-1]:
            try:
                whole += json.loads(line)["status"] == 200
            except ValueError:
                torn += 1
        self.assertLessEqual(torn, 2)
        self.assertGreater(whole, 0)
        self.assertEqual(whole + dropped, asked)

    def test_stderr(self):
        """The daemon's own log: at level debug each failed handshake is a line of a worker's."""
        self.certificates()
        reader, writer = os.pipe()
        self.addCleanup(os.close, reader)
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 16384)
        edge = self.edge(harness.config(routes=ROUTES, listeners=[harness.tls_listener(), {"name": "http", "bind": "127.0.0.1:0"}]),
                         preexec=lambda: os.dup2(writer, 2))
        os.close(writer)
        for _ in range(200):
            with edge.connect("https") as client:
                client.send("this is no TLS\r\n\r\n")
                client.read_to_end()
        edge.wait_metric("shellac_log_dropped_total", lambda value: value > 50)
        self.assertEqual(edge.ask().status, 200)
        self.assertEqual(edge.ctl("log-level", "info").returncode, 0)
        self.assertEqual(edge.stop(), 0)
        lines = os.read(reader, 65536).split(b"\n")
        self.assertGreater(sum(b" debug listener https: TLS handshake with " in line for line in lines), 3)


if __name__ == "__main__":
    harness.main()
