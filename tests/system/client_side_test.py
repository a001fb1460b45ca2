"""Clients that are slow, rude or gone, and what becomes of their backend's connection."""

import hashlib
import threading
import time

import harness

UPGRADE = harness.request("GET", "/chat", {"Connection": "Upgrade", "Upgrade": "test"})
SWITCH = harness.response(101, {"Connection": "Upgrade", "Upgrade": "test"}, reason="Switching Protocols")
MIB = 1024 * 1024


def listener(**timeouts):
    return [{"name": "http", "bind": "127.0.0.1:0", "timeouts": timeouts}]


class Bodies(harness.SystemTest):
    def test_large_bodies_arrive_unchanged_both_ways(self):
        block = hashlib.sha512(b"block").digest() * 1024  # 64 KiB
        count = 48 * MIB // len(block)

        def echo(peer):
            while (asked := peer.request(body=False)) is not None:
                digest = hashlib.sha256()
                if "Content-Length" in asked:
                    left = int(asked.get("Content-Length"))
                    while left:
                        part = peer.read(min(left, MIB))
                        digest.update(part)
                        left -= len(part)
                else:
                    body, _ = peer._chunks()  # pylint: disable=protected-access
                    digest.update(body)
                chunked = asked.target == "/chunked"
                framing = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(count * len(block))}
                peer.send(harness.response(200, {"X-Digest": digest.hexdigest(), **framing}))
                for _ in range(count):
                    peer.send(b"%x\r\n%s\r\n" % (len(block), block) if chunked else block)
                if chunked:
                    peer.send(b"0\r\n\r\n")

        edge = self.edge(harness.config(self.origin(echo).address))
        expected = hashlib.sha256(block * count).hexdigest()
        for target in ("/length", "/chunked"):
            with edge.connect(timeout=60) as client:
                framing = {"Transfer-Encoding": "chunked"} if target == "/chunked" else {"Content-Length": str(count * len(block))}
                client.send(harness.request("POST", target, framing))
                for _ in range(count):
                    client.send(b"%x\r\n%s\r\n" % (len(block), block) if target == "/chunked" else block)
                if target == "/chunked":
                    client.send(b"0\r\n\r\n")
                answer = client.response()
                self.assertEqual(answer.get("X-Digest"), expected, target)
                self.assertEqual(hashlib.sha256(answer.body).hexdigest(), expected, target)
        self.assertLess(edge.resident_bytes(), 200 * MIB)

    def test_a_client_that_does_not_read_is_cut_after_timeouts_send(self):
        broken = threading.Event()

        def endless(peer):
            peer.request()
            peer.send(harness.response(200, {"Content-Length": str(1 << 40)}))
            try:
                while True:
                    peer.send(b"x" * MIB)
            finally:
                broken.set()

        edge = self.edge(harness.config(self.origin(endless).address, listeners=listener(send="1s")))
        with edge.connect(receive_buffer=4096) as client:
            client.send(harness.request())
            line = edge.wait_access(ended="client_timeout", timeout=10)[0]
            self.assertEqual(line["status"], 200)
            self.assertGreaterEqual(line["t_total"], 1.0)
            self.assertTrue(broken.wait(5 * harness.PATIENCE), "the backend's connection outlived its client")
            with self.assertRaises(harness.Cut):
                client.response()

    def test_a_slow_reader_that_goes_on_reading_gets_everything(self):
        body = bytes(range(256)) * 8192  # 2 MiB
        edge = self.edge(harness.config(self.origin(lambda peer: peer.answer(body=body)).address, listeners=listener(send="1s")))
        with edge.connect(receive_buffer=4096) as client:
            client.send(harness.request())
            head = client.head()
            self.assertEqual(head.status, 200)
            got = b""
            for _ in range(8):  # longer than timeouts.send, never that long without reading
                time.sleep(0.2)
                got += client.read(65536)
            self.assertEqual(got + client.read(len(body) - len(got)), body)

    def test_a_client_that_resets_in_its_body_ends_the_backend_connection(self):
        ended = threading.Event()

        def reader(peer):
            peer.request(body=False)
            while peer.read_some():
                pass
            ended.set()

        origin = self.origin(reader)
        edge = self.edge(harness.config(origin.address))
        for close in ("reset", "close"):
            ended.clear()
            client = edge.connect()
            client.send(harness.request("POST", "/", {"Content-Length": str(10 * MIB)}), b"x" * MIB)
            harness.eventually(lambda: edge.metrics().value("shellac_backend_connections", state="busy") == 1, what="the backend is busy")
            getattr(client, close)()
            self.assertTrue(ended.wait(5 * harness.PATIENCE), close)
        self.assertEqual(len(edge.wait_access(2, ended="client_reset")), 2)

    def test_a_client_that_resets_while_it_waits_ends_the_backend_connection(self):
        asked, ended = threading.Event(), threading.Event()

        def silent(peer):
            peer.request()
            asked.set()
            while peer.read_some():
                pass
            ended.set()

        edge = self.edge(harness.config(self.origin(silent).address))
        client = edge.connect()
        client.send(harness.request())
        self.assertTrue(asked.wait(5 * harness.PATIENCE))
        client.reset()
        self.assertTrue(ended.wait(5 * harness.PATIENCE))
        edge.wait_access(ended="client_reset")

    def test_an_early_answer_reaches_a_client_that_is_still_sending(self):
        def refuse(peer):
            peer.request(body=False)
            peer.send(harness.response(403, body=b"no"))
            peer.read_some()

        edge = self.edge(harness.config(self.origin(refuse).address, pool={"buffer_request": "0B"}))
        with edge.connect() as client:
            client.send(harness.request("POST", "/", {"Content-Length": str(64 * MIB)}), b"x" * 1000)
            answer = client.response()
            self.assertEqual((answer.status, answer.body, answer.get("Connection")), (403, b"no", "close"))
            self.assertTrue(client.is_closed())

    def test_lingering_lets_the_client_read_a_refusal(self):
        """RFC 9112 §9.6: what the client had sent already must not reset the connection under the answer."""
        edge = self.edge(harness.config(self.origin(b"").address, routes=[{"name": "all", "pool": "web", "max_body": "1KiB"}]))
        for _ in range(20):
            with edge.connect() as client:
                client.send(harness.request("POST", "/", {"Content-Length": str(512 * 1024)}), b"x" * (512 * 1024))
                answer = client.response()
                self.assertEqual((answer.status, answer.get("Connection")), (413, "close"))
                self.assertTrue(client.is_closed())

    def test_lingering_ends(self):
        edge = self.edge(harness.config(routes=[{"name": "all", "respond": {"body": "hello"}}]))
        with edge.connect() as client:
            client.send(harness.request("GET", "/", {"Connection": "close"}))
            self.assertEqual(client.response().body, b"hello")
            edge.wait_metric("shellac_connections", 0, timeout=10, listener="http")  # though the client never closes


class HalfClose(harness.SystemTest):
    def test_a_client_that_has_finished_sending_gets_its_answers(self):
        def slow(peer):
            while peer.request() is not None:
                time.sleep(0.2)
                peer.send(harness.response(body=b"answer"))

        edge = self.edge(harness.config(self.origin(slow).address))
        with edge.connect() as client:
            client.send(harness.request("GET", "/1") + harness.request("POST", "/2", body=b"body"))
            client.half_close()
            self.assertEqual([client.response().body, client.response().body], [b"answer", b"answer"])
            self.assertTrue(client.is_closed())

    def test_a_body_that_ends_too_soon_is_no_request(self):
        for buffered in ("64KiB", "0B"):
            origin = self.origin(lambda peer: peer.answer())
            edge = self.edge(harness.config(origin.address, pool={"buffer_request": buffered}))
            for framing, body in (({"Content-Length": "10"}, b"12345"), ({"Transfer-Encoding": "chunked"}, b"5\r\nhello\r\n")):
                with edge.connect() as client:
                    client.send(harness.request("POST", "/", framing), body)
                    client.half_close()
                    self.assertEqual(client.response().status, 400)
                    self.assertTrue(client.is_closed())
            self.assertEqual(origin.requests, [])

    def test_a_tunnel_passes_on_the_end_of_the_client(self):
        def count(peer):
            peer.request()
            peer.send(SWITCH)
            octets = peer.read_to_end()
            peer.send(b"%d" % len(octets))

        edge = self.edge(harness.config(self.origin(count).address))
        with edge.connect() as client:
            client.send(UPGRADE)
            self.assertEqual(client.response().status, 101)
            client.send(b"x" * 300000)
            client.half_close()
            self.assertEqual(client.read_to_end(), b"300000")
        line = edge.wait_access(status=101)[0]
        self.assertEqual((line["ended"], line["bytes_in"], line["bytes_out"]), ("completed", 300000, 6))


class Tunnels(harness.SystemTest):
    def test_octets_pass_both_ways_at_once(self):
        def echo(peer):
            peer.request()
            peer.send(SWITCH)
            while octets := peer.read_some():
                peer.send(octets)

        edge = self.edge(harness.config(self.origin(echo).address))
        with edge.connect() as client:
            client.send(UPGRADE)
            self.assertEqual(client.response().status, 101)
            sent = bytes(range(256)) * 16384  # 4 MiB
            writer = threading.Thread(target=lambda: (client.send(sent), client.half_close()))
            writer.start()
            self.assertEqual(client.read_to_end(), sent)
            writer.join()

    def test_a_backend_that_pauses_reading_loses_nothing(self):
        def count(peer):
            peer.request()
            peer.send(SWITCH)
            time.sleep(1)
            peer.send(b"%d" % len(peer.read_to_end()))

        edge = self.edge(harness.config(self.origin(count).address, pool={"timeouts": {"between_bytes": "200ms"}}))
        with edge.connect() as client:
            client.send(UPGRADE)
            client.response()
            client.send(b"x" * (16 * MIB))
            client.half_close()
            self.assertEqual(client.read_to_end(), b"%d" % (16 * MIB))

    def test_a_client_that_pauses_reading_loses_nothing(self):
        def flood(peer):
            peer.request()
            peer.send(SWITCH, b"x" * (16 * MIB))

        edge = self.edge(harness.config(self.origin(flood).address, listeners=listener(send="200ms")))
        with edge.connect(receive_buffer=4096) as client:
            client.send(UPGRADE)
            client.response()
            time.sleep(1)
            self.assertEqual(len(client.read_to_end()), 16 * MIB)

    def test_a_reset_on_either_side_ends_the_other(self):
        ended = threading.Event()

        def backend(peer):
            peer.request()
            peer.send(SWITCH)
            if peer.read(1) == b"r":
                peer.reset()
            elif not peer.read_some():
                ended.set()

        edge = self.edge(harness.config(self.origin(backend).address))
        with edge.connect() as client:
            client.send(UPGRADE)
            client.response()
            client.send(b"r")
            self.assertTrue(client.is_closed())
        client = edge.connect()
        client.send(UPGRADE)
        client.response()
        client.send(b"c")
        time.sleep(0.1)
        client.reset()
        self.assertTrue(ended.wait(5 * harness.PATIENCE))

    def test_a_silent_tunnel_ends(self):
        def backend(peer):
            peer.request()
            peer.send(SWITCH)
            peer.read_to_end()

        edge = self.edge(harness.config(self.origin(backend).address, listeners=listener(tunnel="500ms")))
        with edge.connect() as client:
            client.send(UPGRADE)
            client.response()
            self.assertTrue(client.is_closed(5))
        edge.wait_access(status=101, ended="client_timeout")


class Continue(harness.SystemTest):
    def test_the_backends_100_sets_the_body_free_at_once(self):
        def origin(peer):
            for _ in range(3):
                peer.request(body=False)
                peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
                peer.read(4)
                peer.send(harness.response())

        edge = self.edge(harness.config(self.origin(origin).address))
        started = time.monotonic()
        for _ in range(10):
            with edge.connect() as client:
                client.send(harness.request("PUT", "/", {"Expect": "100-continue", "Content-Length": "4"}))
                self.assertEqual(client.head().status, 100)
                client.send(b"body")
                self.assertEqual(client.response().status, 200)
        # Without an answer the edge would hold each body back for a second.
        self.assertLess(time.monotonic() - started, 5 * harness.PATIENCE)


if __name__ == "__main__":
    harness.main()
