#!/usr/bin/env python3
"""What a service manager is told: readiness, reloads, the end, and the watchdog's food, which a worker that hangs must
stop; --ready-fd."""

import ctypes
import json
import os
import pathlib
import signal
import socket
import subprocess
import time

import harness

ROUTES = [{"name": "all", "respond": {"body": "x"}}]
LIBC = ctypes.CDLL(None, use_errno=True)
PTRACE_SEIZE, PTRACE_INTERRUPT, PTRACE_DETACH = 0x4206, 0x4207, 17
WAIT_ALL = 0x40000000  # __WALL: threads too


class StoppedThread:
    """A thread of the daemon that does not run as long as this is open; the others go on."""

    def __init__(self, pid, name):
        self.tid = next(int(task.name) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
                        if (task / "comm").read_text().strip() == name)

    def _ptrace(self, request, data=0):
        if LIBC.ptrace(request, ctypes.c_long(self.tid), ctypes.c_void_p(0), ctypes.c_void_p(data)) != 0:
            raise OSError(ctypes.get_errno(), "ptrace")

    def __enter__(self):
        self._ptrace(PTRACE_SEIZE)
        self._ptrace(PTRACE_INTERRUPT)
        os.waitpid(self.tid, WAIT_ALL)
        return self

    def __exit__(self, *_):
        self._ptrace(PTRACE_DETACH)


class Manager:
    """$NOTIFY_SOCKET."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self.told = []

    def take(self, seconds=0.0):
        """What comes within this time."""
        deadline = time.monotonic() + seconds
        while True:
            self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                self.told.append(self.socket.recv(4096).decode())
            except TimeoutError:
                return self.told

    def wait(self, text, timeout=10.0):
        harness.eventually(lambda: any(text in one for one in self.take(0.02)), timeout, f"{text}, of {self.told}")

    def forget(self):
        self.take()
        self.told = []


class Notify(harness.SystemTest):
    def start(self, address=None, **environment):
        address = address or str(self.folder / "notify.sock")
        self.manager = Manager(address)
        self.addCleanup(self.manager.socket.close)
        return self.edge(harness.config(routes=ROUTES), environment={"NOTIFY_SOCKET": address, **environment})

    def test_life(self):
        for name in (None, f"@shellac-test-{os.getpid()}"):
            with self.subTest(name=name):
                edge = self.start(name)
                self.manager.wait("READY=1")
                self.assertEqual(self.manager.told, ["READY=1"])
                self.manager.forget()
                edge.reload()
                self.manager.wait("READY=1")
                self.assertEqual(len(self.manager.told), 2)
                self.assertRegex(self.manager.told[0], r"^RELOADING=1\nMONOTONIC_USEC=\d+$")
                told = int(self.manager.told[0].rsplit("=", 1)[1]) / 1e6
                self.assertLess(abs(time.clock_gettime(time.CLOCK_MONOTONIC) - told), 60)
                self.manager.forget()
                edge.reload("listeners: [", expect="failed")
                self.manager.wait("READY=1")
                self.assertEqual(len(self.manager.told), 2)
                self.manager.forget()
                self.assertEqual(edge.stop(), 0)
                self.assertEqual(self.manager.take(0.1), ["STOPPING=1"])

    def test_without_a_manager(self):
        edge = self.edge(harness.config(routes=ROUTES), environment={"NOTIFY_SOCKET": str(self.folder / "nobody.sock")})
        self.assertEqual(edge.ask().status, 200)

    def test_no_watchdog_no_food(self):
        self.start(WATCHDOG_USEC="400000", WATCHDOG_PID="1")
        self.manager.wait("READY=1")
        self.assertEqual(self.manager.take(2.5), ["READY=1"])

    def fed(self, seconds):
        self.manager.forget()
        return self.manager.take(seconds).count("WATCHDOG=1")

    def test_the_watchdog_is_fed_while_all_workers_move(self):
        edge = self.start(WATCHDOG_USEC="4000000")
        self.manager.wait("WATCHDOG=1")
        # Also when nobody asks for anything: an idle loop moves when it is told to. Every two seconds at least.
        self.assertGreaterEqual(self.fed(6), 2)
        for name in ("worker0", "worker1"):
            with StoppedThread(edge.pid, name):
                self.fed(2.5)  # what was on its way
                self.assertEqual(self.fed(5), 0, f"{name} hangs")
                # The other worker and the control thread still work.
                self.assertEqual(edge.admin().status, 200)
            self.manager.wait("WATCHDOG=1", 10)


class ReadyFd(harness.SystemTest):
    def test_every_address_is_told(self):
        folder = self.edge_folder()
        self.certificates()
        edge = self.edge(harness.config(routes=ROUTES, listeners=[
            {"name": "http", "bind": ["127.0.0.1:0", "[::1]:0", f"unix:{folder}/front.sock"]}, harness.tls_listener()]))
        # The harness has read them; each is there.
        self.assertEqual({name: len(addresses) for name, addresses in edge.bound.items()}, {"http": 3, "https": 1, "admin": 1})
        self.assertRegex(edge.bound["http"][0], r"^127\.0\.0\.1:\d+$")
        self.assertRegex(edge.bound["http"][1], r"^\[::1\]:\d+$")
        for address in edge.bound["http"]:
            with harness.dial(address) as client:
                self.assertEqual(client.ask().status, 200)

    def run_with(self, descriptor, pass_fds=()):
        """Runs until the log tells that it is ready, then ends it; gives the exit code."""
        folder = self.edge_folder("other")
        (folder / "admin.token").write_text(harness.Edge.TOKEN)
        (folder / "shellac.yaml").write_text(json.dumps(harness.config(routes=ROUTES)))
        with open(folder / "log", "wb") as log:
            process = subprocess.Popen(
                [harness.BINARY, "run", "--config", folder / "shellac.yaml", "--ready-fd", str(descriptor)],
                pass_fds=pass_fds, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.addCleanup(process.kill)
        harness.eventually(lambda: " ready: " in (folder / "log").read_text() or process.poll() is not None, 10, "it is ready")
        process.send_signal(signal.SIGTERM)
        return process.wait(10)

    def test_nobody_reads_it(self):
        reader, writer = os.pipe()
        os.close(reader)
        self.assertEqual(self.run_with(writer, (writer,)), 0)
        os.close(writer)
        self.assertEqual(self.run_with(900), 0)

    def test_no_descriptor(self):
        self.assertEqual(self.run_with(-1), 2)


if __name__ == "__main__":
    harness.main()
