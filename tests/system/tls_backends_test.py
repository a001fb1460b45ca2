#!/usr/bin/env python3
"""TLS towards backends: whom the edge believes, which name it asks for, and how such connections end."""

import socket
import ssl
import time

import harness


class Backends(harness.SystemTest):
    def setUp(self):
        super().setUp()
        self.made = self.certificates()
        self.made.make("backend", names=("backend.test", "localhost"))
        self.names = []

    def server(self, name="backend", maximum=None):
        context = self.made.server_context(name)
        context.sni_callback = lambda sock, sni, ctx: self.names.append(sni)
        if maximum:
            context.maximum_version = maximum
        return context

    def answering(self, name="backend", body=b"ok", **more):
        return self.origin(lambda peer: peer.answer(body=body), tls=self.server(name, **more))

    def edge_to(self, address, tls, **more):
        tls = {"ca": "tls/ca.crt", **tls}
        if tls["ca"] != "system":
            tls["ca"] = str(self.made.folder.parent / tls["ca"])
        return self.edge(harness.config(address, pool={"tls": tls, **more}))

    def refused(self, edge, error, **ask):
        answer = edge.ask(**ask)
        self.assertEqual(answer.status, 502)
        self.assertIn(f"error={error}", answer.get("Proxy-Status"))
        self.assertEqual(edge.wait_access(status=502)[-1]["ended"], "backend_error")

    # --- verification

    def test_an_authority_of_our_own(self):
        edge = self.edge_to(self.answering().address, {})
        for host in ("localhost", "backend.test", "BACKEND.test:8080", "127.0.0.1", "[::1]:80"):
            self.assertEqual(edge.ask(host=host).status, 200, host)
        # An address is verified and not sent as SNI (RFC 6066 §3).
        self.assertEqual(set(self.names), {"localhost", "backend.test", "BACKEND.test", None})

    def test_a_wrong_name(self):
        origin = self.answering()
        edge = self.edge_to(origin.address, {})
        for host in ("other.test", "sub.backend.test", "192.0.2.1"):
            self.refused(edge, "tls_certificate_error", host=host)
        self.assertEqual(origin.requests, [], "nothing is sent to whom is not believed")
        edge.wait_metric("shellac_backend_errors_total", lambda count: count > 0, reason="tls_certificate")

    def test_an_authority_that_nobody_trusts(self):
        self.made.authority("strangers")
        self.made.make("stranger", signed_by="strangers")
        for tls in ({}, {"ca": "system"}):
            edge = self.edge_to(self.answering("stranger").address, tls)
            self.refused(edge, "tls_certificate_error")
        edge = self.edge_to(self.answering("stranger").address, {"ca": "tls/strangers.crt"})
        self.assertEqual(edge.ask().status, 200)

    def test_an_expired_certificate(self):
        self.made.make("late", days=-1)
        origin = self.answering("late")
        self.refused(self.edge_to(origin.address, {}), "tls_certificate_error")
        self.assertEqual(self.edge_to(origin.address, {"verify": False}).ask().status, 200)

    def test_its_own_certificate_as_the_authority(self):
        harness.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                    "-subj", "/CN=x", "-addext", "subjectAltName=DNS:localhost", "-keyout", self.made.path("self.key"),
                    "-out", self.made.path("self.crt"))
        edge = self.edge_to(self.answering("self").address, {"ca": "tls/self.crt"})
        self.assertEqual(edge.ask().status, 200)
        self.refused(edge, "tls_certificate_error", host="other.test")

    def test_verification_off(self):
        edge = self.edge_to(self.answering().address, {"verify": False})
        for host in ("localhost", "other.test"):
            self.assertEqual(edge.ask(host=host).status, 200)
        self.assertEqual(set(self.names), {"localhost", "other.test"})

    def test_a_name_of_our_own(self):
        origin = self.answering()
        edge = self.edge_to(origin.address, {"sni": "backend.test"})
        for host in ("localhost", "other.test"):
            self.assertEqual(edge.ask(host=host).status, 200)
            self.assertEqual(origin.requests[-1].get("Host"), host)
        self.assertEqual(set(self.names), {"backend.test"})
        self.refused(self.edge_to(origin.address, {"sni": "wrong.test"}), "tls_certificate_error")

    # --- connections

    def test_connections_are_kept_by_name(self):
        origin = self.answering()
        edge = self.edge_to(origin.address, {}, connections={"max_idle": 64})
        with edge.connect() as client:
            for _ in range(5):
                self.assertEqual(client.ask(host="localhost").status, 200)
            self.assertEqual(origin.connections, 1)
            # A connection whose certificate was looked at for one name does not serve another.
            self.assertEqual(client.ask(host="backend.test").status, 200)
            self.assertEqual(origin.connections, 2)
            self.assertEqual(client.ask(host="other.test").status, 502)

    def test_what_was_not_verified_is_not_reused_after_a_reload_that_verifies(self):
        self.made.authority("strangers")
        self.made.make("stranger", signed_by="strangers")
        origin = self.answering("stranger")
        edge = self.edge_to(origin.address, {"verify": False})
        self.assertEqual(edge.ask().status, 200)
        edge.reload(harness.config(origin.address, pool={"tls": {"ca": "tls/ca.crt"}}))
        self.refused(edge, "tls_certificate_error")
        # Another authority in the same file counts, too.
        edge.reload(harness.config(origin.address, pool={"tls": {"ca": "tls/strangers.crt"}}))
        self.assertEqual(edge.ask().status, 200)
        self.made.path("strangers.crt").write_text(self.made.path("ca.crt").read_text())
        edge.reload()
        self.refused(edge, "tls_certificate_error")

    def test_a_reload_that_changes_nothing_keeps_them(self):
        origin = self.answering()
        edge = self.edge_to(origin.address, {})
        with edge.connect() as client:
            self.assertEqual(client.ask().status, 200)
            edge.reload()
            self.assertEqual(client.ask().status, 200)
        self.assertEqual(origin.connections, 1)

    def test_versions(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            edge = self.edge_to(self.answering(maximum=version).address, {})
            for _ in range(3):
                self.assertEqual(edge.ask(method="POST", body=b"b" * 100_000).status, 200)

    def test_a_large_body_both_ways(self):
        def handler(peer):
            asked = peer.request()
            peer.send(harness.response(200, {}, asked.body))

        edge = self.edge_to(self.origin(handler, tls=self.server()).address, {})
        body = bytes(range(256)) * (20 << 12)
        self.assertEqual(edge.ask(method="PUT", body=body).body, body)

    def test_more_than_the_answer_in_one_record(self):
        """What a backend sends behind its answer must never become the answer to another request."""
        smuggled = harness.response(200, {"X-Smuggled": "yes"}, b"evil")

        def handler(peer):
            if peer.request() is not None:
                peer.send(harness.response(200, {}, b"a" * peer.origin.size) + smuggled * 8)
                peer.read_to_end()

        origin = self.origin(handler, tls=self.server())
        edge = self.edge_to(origin.address, {})
        with edge.connect() as client:
            for size in (2, 12_000, 16_000, 20_000, 65_400, 70_000, 200_000):
                origin.size = size
                answer = client.ask()
                self.assertEqual((answer.status, answer.get("X-Smuggled"), answer.body), (200, None, b"a" * size))

    # --- things that go wrong

    def test_a_plain_server(self):
        edge = self.edge_to(self.origin(lambda peer: peer.send(harness.response(400))).address, {})
        self.refused(edge, "tls_protocol_error")

    def test_a_server_that_says_nothing(self):
        silent = self.origin(lambda peer: peer.read_to_end())
        edge = self.edge_to(silent.address, {}, timeouts={"connect": "500ms"})
        started = time.monotonic()
        answer = edge.ask()
        self.assertEqual(answer.status, 504)
        self.assertLess(time.monotonic() - started, 10 * harness.PATIENCE)

    def test_old_versions_only(self):
        context = self.made.server_context("backend")
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        edge = self.edge_to(self.origin(lambda peer: peer.answer(), tls=context).address, {})
        self.refused(edge, "tls_protocol_error")

    def cut_answers(self, head, body, close_notify):
        """An origin that answers once and then ends the connection, with or without close_notify."""

        def handler(peer):
            if peer.request() is None:
                return
            peer.send(head + body)
            if close_notify:
                try:
                    peer.socket.unwrap()
                except (OSError, ssl.SSLError):
                    pass
            else:
                peer.socket.shutdown(socket.SHUT_RDWR)

        return self.edge_to(self.origin(handler, tls=self.server()).address, {})

    def test_a_body_that_lasts_until_the_end_needs_close_notify(self):
        head, body = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", b"x" * 1000
        answer = self.cut_answers(head, body, close_notify=True).ask()
        self.assertEqual((answer.status, answer.body), (200, body))
        # RFC 9112 §9.8: without it anybody could have cut the body short.
        with self.assertRaises(harness.Cut):
            answer = self.cut_answers(head, body, close_notify=False).ask()

    def test_a_body_with_a_length_needs_none(self):
        for close_notify in (True, False):
            answer = self.cut_answers(harness.response(200, {}, b"x" * 1000), b"", close_notify).ask()
            self.assertEqual((answer.status, len(answer.body)), (200, 1000))

    def test_a_body_that_is_cut(self):
        for close_notify in (True, False):
            edge = self.cut_answers(harness.response(200, {"Content-Length": "2000"}), b"x" * 1000, close_notify)
            with self.assertRaises(harness.Cut):
                edge.ask()

    def test_the_six_things_around_it(self):
        """TLS on both sides at once, with a PROXY header before the backend's handshake."""
        seen = []

        def handler(peer):
            header = b""
            while not header.endswith(b"\r\n"):
                header += peer.socket.recv(1)
            seen.append(header.decode().split())
            peer.socket = self.server().wrap_socket(peer.socket, server_side=True)
            peer.answer(body=b"both")

        origin = self.origin(handler)
        pool = {"tls": {"ca": "tls/ca.crt"}, "send_proxy": "v1"}
        edge = self.edge(harness.config(origin.address, listeners=[harness.tls_listener()], pool=pool))
        for _ in range(2):
            self.assertEqual(edge.ask(listener="https", tls=self.made.client_context()).body, b"both")
        self.assertEqual([words[:3] for words in seen], [["PROXY", "TCP4", "127.0.0.1"]] * 2)


if __name__ == "__main__":
    harness.main()
