#!/usr/bin/env python3
"""Large bodies pass in constant memory, both ways, in every framing; who does not read holds back who sends.
SHELLAC_LONG=1 makes it 10 GiB instead of 2."""

import os
import threading
import time

import harness
from background import Background

MIB = 1 << 20
# Random, so that an octet that is missing, doubled or out of place is seen.
BLOCK = os.urandom(MIB)
SIZE = (10 if os.environ.get("SHELLAC_LONG") else 2) << 30
ROOM = 32 * MIB


class Memory(Background):
    """The most that the daemon has resident while this is open, beyond what it had before."""

    def __init__(self, edge):
        super().__init__()
        self.edge = edge
        self.before = edge.resident_bytes()
        self.most = self.before

    def work(self):
        while not self.done.wait(0.02):
            self.most = max(self.most, self.edge.resident_bytes())

    @property
    def grown(self):
        return self.most - self.before


def send_blocks(connection, size, chunked=False):
    left = size
    while left > 0:
        part = memoryview(BLOCK)[:min(left, MIB)]
        if chunked:
            connection.socket.sendall(b"%x\r\n" % len(part))
        connection.socket.sendall(part)
        if chunked:
            connection.socket.sendall(b"\r\n")
        left -= len(part)
    if chunked:
        connection.socket.sendall(b"0\r\n\r\n")


class Taken:
    """Takes blocks and compares them."""

    def __init__(self):
        self.size = 0
        self._buffer = bytearray(MIB)
        self._view = memoryview(self._buffer)

    def take(self, octets):
        """From memory."""
        octets = memoryview(octets)
        while octets:
            at = self.size % MIB
            part = octets[:MIB - at]
            self._view[at:at + len(part)] = part
            self._count(len(part))
            octets = octets[len(part):]

    def receive(self, sock, size):
        """From the socket, until `size` in all."""
        while self.size < size:
            at = self.size % MIB
            count = sock.recv_into(self._view[at:min(MIB, at + size - self.size)])
            if count == 0:
                raise AssertionError(f"it ended after {self.size} of {size} octets")
            self._count(count)

    def _count(self, count):
        self.size += count
        if self.size % MIB == 0 and self._buffer != BLOCK:
            raise AssertionError(f"the last MiB of {self.size} octets is not what was sent")


def receive_chunks(connection):
    taken = Taken()
    while True:
        size = int(connection.read_until(b"\r\n"), 16)
        if size == 0:
            connection.read_until(b"\r\n")
            return taken.size
        left = size
        early = connection.buffer[:left]
        connection.buffer = connection.buffer[len(early):]
        taken.take(early)
        left -= len(early)
        taken.receive(connection.socket, taken.size + left)
        connection.read(2)


def receive_body(connection, message):
    """Takes a body, compares it, and gives its size."""
    if "chunked" in message.get("Transfer-Encoding", ""):
        return receive_chunks(connection)
    size = int(message.get("Content-Length"))
    taken = Taken()
    taken.take(connection.buffer)
    connection.buffer = b""
    taken.receive(connection.socket, size)
    return taken.size


def serve(peer):
    """GET /SIZE or /SIZE/chunked: so much. PUT: takes it, and tells how much it was."""
    peer.socket.settimeout(60 * harness.PATIENCE)
    while True:
        asked = peer.request(body=False)
        if asked is None:
            return
        if asked.method == "PUT":
            peer.send(harness.response(body=str(receive_body(peer, asked)).encode()))
            continue
        size, _, framing = asked.target[1:].partition("/")
        chunked = framing == "chunked"
        peer.send(harness.response(fields={"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": size}))
        send_blocks(peer, int(size), chunked)


class Transfer(harness.SystemTest):
    def setUp(self):
        super().setUp()
        self.tls = self.certificates().client_context()
        origin = self.origin(serve)
        self.shellac = self.edge(harness.config(
            origin.address, listeners=[harness.tls_listener(), {"name": "http", "bind": "127.0.0.1:0"}],
            routes=[{"name": "all", "pool": "web", "max_body": "100GiB"}]))
        # What the first exchange needs stays.
        for listener in ("http", "https"):
            self.down(8 * MIB, listener)
            self.up(8 * MIB, listener)

    def connect(self, listener):
        return self.shellac.connect(listener, self.tls if listener == "https" else None, timeout=60)

    def down(self, size, listener="http", framing=""):
        with self.connect(listener) as client:
            client.send(harness.request(target=f"/{size}{framing}"))
            answer = client.response(body=False)
            self.assertEqual(answer.status, 200)
            self.assertEqual(receive_body(client, answer), size)

    def up(self, size, listener="http", chunked=False):
        with self.connect(listener) as client:
            client.send(harness.request("PUT", "/", {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": size}))
            send_blocks(client, size, chunked)
            self.assertEqual(client.response().body, str(size).encode())

    def check(self, what, size, *arguments):
        began = time.monotonic()
        with Memory(self.shellac) as memory:
            what(size, *arguments)
        seconds = time.monotonic() - began
        print(f"{size >> 20} MiB in {seconds:.1f} s, +{memory.grown >> 10} KiB resident", flush=True)
        self.assertLess(memory.grown, ROOM)

    def test_down(self):
        self.check(self.down, SIZE)

    def test_up(self):
        self.check(self.up, SIZE)

    def test_down_tls(self):
        self.check(self.down, SIZE // 4, "https")

    def test_up_tls(self):
        self.check(self.up, SIZE // 4, "https")

    def test_chunked(self):
        self.check(self.down, SIZE // 4, "http", "/chunked")
        self.check(self.up, SIZE // 4, "http", True)

    def test_many_at_once(self):
        def all_at_once(size):
            failures = []

            def one(what):
                try:
                    what(size)
                except BaseException as failure:  # pylint: disable=broad-except
                    failures.append(failure)

            threads = [threading.Thread(target=one, args=(what,)) for what in [self.down, self.up] * 8]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(failures, [])

        self.check(all_at_once, 64 * MIB)


class HeldBack(harness.SystemTest):
    def test_a_reader_that_does_not_read(self):
        sent = 0
        stopped = threading.Event()

        def endless(peer):
            nonlocal sent
            if peer.request() is None:
                return
            peer.send(harness.response(fields={"Content-Length": 1 << 40}))
            while not stopped.is_set():
                sent += peer.socket.send(BLOCK)

        origin = self.origin(endless)
        edge = self.edge(harness.config(origin.address))
        with Memory(edge) as memory, edge.connect(receive_buffer=65536) as client:
            client.send(harness.request())
            client.response(body=False)
            before = -1
            while before != sent:
                before = sent
                time.sleep(0.5)
            # Socket buffers of the kernel (at most 6 MiB to receive and 4 to send, by default) and one of ours.
            self.assertLess(sent, 24 * MIB)
            self.assertLess(memory.grown, ROOM)
            stopped.set()
            client.reset()
        edge.wait_access(1, ended="client_reset")

    def test_an_origin_that_does_not_read(self):
        go_on = threading.Event()

        def idle(peer):
            if peer.request(body=False) is not None:
                go_on.wait(20)
                peer.reset()

        origin = self.origin(idle)
        edge = self.edge(harness.config(origin.address, routes=[{"name": "all", "pool": "web", "max_body": "2TiB"}]))
        with Memory(edge) as memory, edge.connect() as client:
            client.send(harness.request("PUT", "/", {"Content-Length": 1 << 40}))
            client.socket.settimeout(1)
            sent = 0
            with self.assertRaises(TimeoutError):
                while sent < 1 << 30:
                    sent += client.socket.send(BLOCK)
            self.assertLess(sent, 24 * MIB)
            self.assertLess(memory.grown, ROOM)
            go_on.set()
            client.socket.settimeout(10)
            self.assertEqual(client.response().status, 502)


if __name__ == "__main__":
    harness.main()
