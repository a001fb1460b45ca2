#!/usr/bin/env python3
"""Connections to backends where addresses matter: PROXY headers, a network that does not answer, and metrics about it."""

import socket
import struct
import threading
import time

import harness

V2 = b"\r\n\r\n\0\r\nQUIT\n"


def proxied(version):
    """Reads a PROXY header, then answers; the header goes back as a field."""

    def handler(peer):
        if version == 1:
            header = peer.read_until(b"\r\n", "the PROXY header")
        else:
            header = peer.read(16)
            header += peer.read(struct.unpack(">H", header[14:16])[0])
        while peer.request() is not None:
            peer.send(harness.response(fields={"X-Header": header.hex(), "X-Number": str(peer.number)}))

    return handler


class SendProxy(harness.SystemTest):
    def ask(self, version, client):
        return bytes.fromhex(client.ask("GET", "/").get("X-Header"))

    def listening(self, version, **more):
        self.backend = self.origin(proxied(version))
        return self.edge(harness.config(self.backend.address, pool={"send_proxy": f"v{version}"}, workers=1, **more))

    def test_v1(self):
        edge = self.listening(1)
        with edge.connect() as client:
            host, port = client.socket.getsockname()
            self.assertEqual(self.ask(1, client), f"PROXY TCP4 {host} 127.0.0.1 {port} {edge.port()}\r\n".encode())

    def test_v2(self):
        edge = self.listening(2)
        with edge.connect() as client:
            host, port = client.socket.getsockname()
            expected = socket.inet_aton(host) + socket.inet_aton("127.0.0.1") + struct.pack(">HH", port, edge.port())
            header = self.ask(2, client)
            self.assertEqual(header[:16], V2 + b"\x21\x11\0\x0c")
            self.assertEqual(header[16:28], expected)

    def test_v6(self):
        for version in (1, 2):
            edge = self.listening(version, listeners=[{"name": "http", "bind": "[::1]:0"}])
            with edge.connect() as client:
                port = client.socket.getsockname()[1]
                header = self.ask(version, client)
                if version == 1:
                    self.assertEqual(header, f"PROXY TCP6 ::1 ::1 {port} {edge.port()}\r\n".encode())
                else:
                    address = socket.inet_pton(socket.AF_INET6, "::1")
                    self.assertEqual(header, V2 + b"\x21\x21\0\x24" + address + address + struct.pack(">HH", port, edge.port()))

    def test_a_unix_client_is_unknown(self):
        edge = self.listening(1, listeners=[{"name": "http", "bind": "unix:http.sock"}])
        with edge.connect() as client:
            self.assertTrue(self.ask(1, client).startswith(b"PROXY UNKNOWN"))

    def test_a_header_speaks_for_one_client(self):
        edge = self.listening(2)
        seen = set()
        for _ in range(3):
            with edge.connect() as client:
                port = client.socket.getsockname()[1]
                header = self.ask(2, client)
                self.assertEqual(struct.unpack(">H", header[24:26])[0], port)
                seen.add(header)
        self.assertEqual(len(seen), 3)


class Silence(harness.SystemTest):
    def full_listener(self):
        """A listener whose queue is full, so that the kernel answers no further SYN."""
        listener = socket.socket()
        self.addCleanup(listener.close)
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            filler = socket.socket()
            self.addCleanup(filler.close)
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        time.sleep(0.2)
        return f"127.0.0.1:{listener.getsockname()[1]}"

    def test_connect_timeout_takes_another_server(self):
        backend = self.origin(lambda peer: peer.answer(body=b"ok"))
        edge = self.edge(harness.config(self.full_listener(), backend.address, workers=1, pool={"timeouts": {"connect": "300ms"}}))
        for _ in range(4):
            answer = edge.ask("POST", body=b"x")
            self.assertEqual((answer.status, answer.body), (200, b"ok"))
        lines = edge.wait_access(4)
        self.assertEqual({line["backend"] for line in lines}, {"s2"})
        self.assertIn(2, {line["attempts"] for line in lines})
        self.assertGreater(edge.metrics().value("shellac_backend_errors_total", backend="s1", reason="connect_timeout"), 0)

    def test_connect_timeout_of_all(self):
        edge = self.edge(harness.config(self.full_listener(), pool={"timeouts": {"connect": "300ms"}}))
        before = time.monotonic()
        answer = edge.ask()
        self.assertLess(time.monotonic() - before, 0.3 * 5 * harness.PATIENCE)
        self.assertEqual((answer.status, answer.get("Proxy-Status")), (504, "shellac; error=connection_timeout"))
        line = edge.wait_access()[0]
        self.assertEqual((line["status"], line["ended"], line["attempts"]), (504, "backend_timeout", 1))

    def test_a_unix_socket_whose_queue_is_full_refuses(self):
        path = self.edge_folder() / "full.sock"
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(str(path))
        listener.listen(0)
        for _ in range(4):
            filler = socket.socket(socket.AF_UNIX)
            self.addCleanup(filler.close)
            filler.setblocking(False)
            filler.connect_ex(str(path))
        edge = self.edge(harness.config("unix:full.sock"))
        answer = edge.ask()
        self.assertEqual((answer.status, answer.get("Proxy-Status")), (502, "shellac; error=connection_refused"))

    def test_an_address_that_nobody_knows(self):
        edge = self.edge(harness.config("does-not-exist.invalid:80"))
        answer = edge.ask()
        self.assertEqual((answer.status, answer.get("Proxy-Status")), (502, "shellac; error=dns_error"))

    def test_a_client_that_leaves_frees_the_backend(self):
        closed = []

        def handler(peer):
            peer.request()
            closed.append(peer.is_closed(timeout=5))

        edge = self.edge(harness.config(self.origin(handler).address))
        with edge.connect() as client:
            client.send(harness.request())
            edge.wait_metric("shellac_backend_connections", 1, state="busy")
            # A client that has only finished sending still gets its answer; this one is gone.
            client.reset()
        harness.eventually(lambda: closed == [True], what="the backend's connection is closed")
        self.assertEqual(edge.wait_access()[0]["ended"], "client_reset")
        edge.wait_metric("shellac_backend_connections", 0, state="busy")


class Broken(harness.SystemTest):
    def test_an_answer_without_length_that_breaks_is_a_reset(self):
        def handler(peer):
            peer.request()
            peer.send(b"HTTP/1.1 200 OK\r\n\r\nhello")
            self.assertTrue(sent.wait(10))
            peer.reset()

        edge = self.edge(harness.config(self.origin(handler).address))
        # HTTP/1.0 knows no chunks: only a reset tells that the body is not whole.
        for version in ("HTTP/1.0", "HTTP/1.1"):
            sent = threading.Event()
            with edge.connect() as client:
                client.send(harness.request(version=version))
                octets = b""
                while b"hello" not in octets:
                    octets += client.socket.recv(65536)
                sent.set()
                with self.assertRaises(ConnectionResetError):
                    while client.socket.recv(65536):
                        pass
        self.assertEqual({line["ended"] for line in edge.wait_access(2)}, {"backend_error"})

    def test_a_backend_that_stops_reading(self):
        def handler(peer):
            peer.head()
            self.assertTrue(answered.wait(10 * harness.PATIENCE))

        answered = threading.Event()
        timeouts = {"between_bytes": "300ms", "first_byte": "300ms"}
        edge = self.edge(harness.config(self.origin(handler).address, pool={"timeouts": timeouts, "buffer_request": "0B"}))
        with edge.connect() as client:
            client.send(harness.request("PUT", "/", {"Content-Length": str(60 << 20)}))

            def upload():
                try:
                    client.socket.sendall(b"x" * (60 << 20))
                except OSError:  # the edge has answered and closed
                    pass

            sender = threading.Thread(target=upload)
            sender.start()
            answer = client.response("PUT")
            answered.set()
            sender.join()
            self.assertEqual((answer.status, answer.get("Proxy-Status")), (504, "shellac; error=connection_read_timeout"))
        self.assertEqual(edge.wait_access()[0]["ended"], "backend_timeout")

    def test_an_early_answer_arrives_whole_although_the_backend_leaves(self):
        def handler(peer):
            peer.head()
            peer.send(harness.response(413, body=b"too much"))

        edge = self.edge(harness.config(self.origin(handler).address, pool={"buffer_request": "0B"}))
        for _ in range(10):
            with edge.connect() as client:
                client.send(harness.request("PUT", "/", {"Content-Length": "10000000"}) + b"x" * 100000)
                answer = client.response("PUT")
                self.assertEqual((answer.status, answer.body), (413, b"too much"))


class Pools(harness.SystemTest):
    def test_max_idle(self):
        edge_gate = []

        def handler(peer):
            while peer.request() is not None:
                edge_gate.append(peer)
                harness.eventually(lambda: len(edge_gate) >= 6, what="six requests at once")
                peer.send(harness.response(body=b"ok"))

        edge = self.edge(harness.config(self.origin(handler).address, pool={"connections": {"max_idle": 2}}))
        clients = [edge.connect() for _ in range(6)]
        for client in clients:
            client.send(harness.request())
        for client in clients:
            self.assertEqual(client.response().status, 200)
            client.close()
        edge.wait_metric("shellac_backend_connections", 2, state="idle")
        edge.wait_metric("shellac_backend_connections", 0, state="busy")


if __name__ == "__main__":
    harness.main()
