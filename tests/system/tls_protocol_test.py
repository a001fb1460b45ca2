#!/usr/bin/env python3
"""What is spoken on a TLS listener: versions, ciphers, groups, ALPN; what is refused; deadlines; the end of a connection."""

import hashlib
import socket
import ssl
import subprocess
import time
import warnings

import harness

ROUTES = [{"name": "hello", "match": {"path": "/"}, "respond": {"body": "hello\n"}}, {"name": "rest", "pool": "web"}]


def client_hello(context):
    """The first octets of a handshake."""
    out = ssl.MemoryBIO()
    handshake = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
    try:
        handshake.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


class Protocol(harness.SystemTest):
    def setUp(self):
        super().setUp()
        self.made = self.certificates()
        self.trust = self.made.path("ca.crt")
        self.context = self.made.client_context()
        origin = self.origin(lambda peer: peer.answer(body=b"ok"))
        self.shellac = self.edge(harness.config(
            origin.address, routes=ROUTES,
            listeners=[
                harness.tls_listener(timeouts={"handshake": "1s", "idle": "5s"}),
                harness.tls_listener(name="modern", tls={"min_version": "1.3"}),
                harness.tls_listener(name="old", protocols=["http/1.1"]),
                {"name": "http", "bind": "127.0.0.1:0"}]))

    def shake(self, *options, listener="https", **more):
        done = harness.s_client(self.shellac.address(listener), *options, trust=self.trust, **more)
        return harness.negotiated(done), done.text

    def handshakes(self, **labels):
        return self.shellac.metrics().value("shellac_tls_handshakes_total", **labels)

    # --- versions and ciphers

    def test_versions(self):
        for option, version in (("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")):
            with self.subTest(version):
                found, text = self.shake(option)
                self.assertEqual(found["Version"], version)
                self.assertIn("Verify return code: 0", text)
                self.assertIn("hello", text)
                self.shellac.wait_metric("shellac_tls_handshakes_total", 1, version=version, result="ok")
        for option in ("-tls1", "-tls1_1"):
            with self.subTest(option):
                _, text = self.shake(option, "-cipher", "ALL:@SECLEVEL=0")
                self.assertIn("alert protocol version", text)
        self.shellac.wait_metric("shellac_tls_handshakes_total", 2, result="unsupported protocol")

    def test_min_version(self):
        found, _ = self.shake(listener="modern")
        self.assertEqual(found["Version"], "TLSv1.3")
        _, text = self.shake("-tls1_2", listener="modern")
        self.assertIn("alert protocol version", text)

    def test_only_authenticated_encryption_with_forward_secrecy(self):
        for cipher in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"):
            with self.subTest(cipher):
                self.assertEqual(self.shake("-tls1_2", "-cipher", cipher)[0]["Cipher"], cipher)
        for cipher in ("ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-CCM8", "AES128-GCM-SHA256",
                       "DHE-RSA-AES128-GCM-SHA256", "AES128-SHA", "aNULL", "eNULL", "PSK"):
            with self.subTest(cipher):
                _, text = self.shake("-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0")
                self.assertRegex(text, "alert handshake failure|no ciphers available")
        for cipher in ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"):
            with self.subTest(cipher):
                self.assertEqual(self.shake("-tls1_3", "-ciphersuites", cipher)[0]["Cipher"], cipher)
        _, text = self.shake("-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256")
        self.assertIn("alert handshake failure", text)

    def test_the_edge_prefers_x25519_and_aes_128(self):
        for option in ("-tls1_2", "-tls1_3"):
            # The client would rather have P-384 and AES-256.
            found, _ = self.shake(option, "-groups", "P-384:P-256:X25519", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384:ALL",
                                  "-ciphersuites", "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256")
            self.assertIn("128", found["Cipher"])
            # In TLS 1.3 a client's key share that will do saves a round trip; in 1.2 the server's order counts.
            if option == "-tls1_2":
                self.assertTrue(found["Server Temp Key"].startswith("X25519"), found["Server Temp Key"])
        for group, name in (("X25519", "X25519"), ("P-256", "prime256v1"), ("P-384", "secp384r1")):
            found, _ = self.shake("-groups", group)
            self.assertIn(name, found["Server Temp Key"])
        self.assertIn("alert handshake failure", self.shake("-groups", "P-521")[1])
        # ChaCha20 first is what a client without AES instructions asks for.
        found, _ = self.shake("-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256")
        self.assertEqual(found["Cipher"], "TLS_CHACHA20_POLY1305_SHA256")

    # --- what was agreed is told

    def test_alpn(self):
        for offered, chosen in ((["h2", "http/1.1"], "http/1.1"), (["http/1.1"], "http/1.1"), (None, None)):
            for listener in ("https", "old"):
                with self.shellac.connect(listener, self.made.client_context(alpn=offered)) as client:
                    self.assertEqual(client.socket.selected_alpn_protocol(), chosen)
                    self.assertEqual(client.ask().body, b"hello\n")
        for nonsense in (["h2"], ["spdy/1"]):
            with self.assertRaisesRegex(ssl.SSLError, "no application protocol"):
                self.shellac.connect("https", self.made.client_context(alpn=nonsense))

    def test_the_access_log_tells_version_and_cipher(self):
        self.shellac.ask(listener="https", tls=self.context)
        line = self.shellac.wait_access(listener="https")[0]
        self.assertIn("TLSv1.3", line["tls"])
        self.assertEqual(line["scheme"], "https")

    # --- what must not work

    def test_renegotiation_is_refused(self):
        # s_client renegotiates on a line that begins with R. OpenSSL's answer to the server's refusal is an error.
        with subprocess.Popen(["openssl", "s_client", "-connect", self.shellac.address("https"), "-tls1_2"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
            self.addCleanup(client.kill)
            self.shellac.wait_metric("shellac_tls_handshakes_total", 1, result="ok")
            client.stdin.write(b"R\n")
            client.stdin.flush()
            text = client.stdout.read().decode()
        self.assertIn("RENEGOTIATING", text)
        self.assertRegex(text, "no renegotiation")
        self.assertEqual(self.handshakes(), 1)

    def test_early_data_is_not_taken(self):
        session, early = self.folder / "session", self.folder / "early"
        early.write_text("GET /early HTTP/1.1\r\nHost: localhost\r\n\r\n")
        found, text = self.shake("-tls1_3", "-sess_out", session)
        self.assertIn("Max Early Data: 0", text)
        found, text = self.shake("-tls1_3", "-sess_in", session, "-early_data", early)
        self.assertTrue(found["Reused"])
        self.assertNotIn("Early data was accepted", text)
        self.assertFalse([line for line in self.shellac.access() if line["path"] == "/early"])

    def test_plain_http_on_the_tls_port(self):
        for first in (harness.request(), b"\n", b"GET", b"SSH-2.0-x\r\n", b"\x16\x02\x00\x00", b"\0" * 100):
            with self.subTest(first=first[:10]):
                with self.shellac.connect("https") as client:
                    client.send(first)
                    started = time.monotonic()
                    client.read_to_end()
                    self.assertLess(time.monotonic() - started, 5 * harness.PATIENCE)
        self.shellac.wait_metric("shellac_tls_handshakes_total", lambda count: count >= 4, result="not tls")
        self.assertEqual(self.shellac.ask(listener="https", tls=self.context).status, 200)

    def test_tls_on_the_plain_port(self):
        with self.shellac.connect("http") as client:
            client.send(client_hello(self.context))
            self.assertEqual(client.response().status, 400)
            self.assertTrue(client.is_closed())

    def test_garbage_inside_a_handshake(self):
        hello = client_hello(self.context)
        for octets in (hello[:5] + b"\xff" * (len(hello) - 5), hello + b"GET / HTTP/1.1\r\n\r\n", hello * 3,
                       b"\x16\x03\x01\xff\xff" + b"\0" * 70000, b"\x16\x03\x01\x00\x00" * 200):
            with self.shellac.connect("https") as client:
                try:
                    client.send(octets)
                    client.read_to_end()
                except OSError:
                    pass
        self.assertEqual(self.shellac.ask(listener="https", tls=self.context).status, 200)
        self.shellac.wait_metric("shellac_connections", 0, listener="https")

    # --- deadlines

    def test_a_silent_client_is_closed(self):
        with self.shellac.connect("https") as silent:
            started = time.monotonic()
            self.assertTrue(silent.is_closed(5))
            self.assertGreater(time.monotonic() - started, 0.5)
        self.shellac.wait_metric("shellac_tls_handshakes_total", 1, result="timeout")
        self.shellac.wait_metric("shellac_connections_total", 1, listener="https", result="tls")

    def test_a_dribbling_client_is_closed(self):
        hello = client_hello(self.context)
        for octets in (hello, b"\x16\x03\x01\x40\x00" + b"\x01\x00\x3f\xfc" + b"\x03" * 16000):
            with self.shellac.connect("https") as client:
                started = time.monotonic()
                with self.assertRaises(OSError):
                    for at in range(0, 200):
                        client.send(octets[at:at + 1])
                        time.sleep(0.05)
                self.assertLess(time.monotonic() - started, 5 * harness.PATIENCE)
        self.shellac.wait_metric("shellac_tls_handshakes_total", 2, result="timeout")

    def test_a_client_that_stops_before_its_last_message(self):
        with self.shellac.connect("https") as client:
            client.send(client_hello(self.context))
            self.assertTrue(client.read_some())
            started = time.monotonic()
            client.read_to_end()
            self.assertLess(time.monotonic() - started, 5 * harness.PATIENCE)
        self.shellac.wait_metric("shellac_tls_handshakes_total", 1, result="timeout")

    def test_a_client_that_leaves_in_its_handshake(self):
        for leave in ("close", "reset"):
            client = self.shellac.connect("https")
            client.send(client_hello(self.context)[:50])
            getattr(client, leave)()
        self.shellac.wait_metric("shellac_connections_total", 2, listener="https", result="tls")
        self.shellac.wait_metric("shellac_connections", 0, listener="https")


class Octets(harness.SystemTest):
    """Bodies and ends of connections."""

    def setUp(self):
        super().setUp()
        self.made = self.certificates()
        self.context = self.made.client_context()

    def start(self, handler):
        self.behind = self.origin(handler)
        self.shellac = self.edge(harness.config(
            self.behind.address, listeners=[harness.tls_listener(timeouts={"body": "5s", "send": "5s"})],
            routes=[{"name": "all", "pool": "web", "max_body": "1GiB"}]))

    def strict_context(self):
        """A client that notices a connection which ends without close_notify."""
        context = self.made.client_context()
        context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
        return context

    def strict_connect(self):
        sock = socket.create_connection(("127.0.0.1", self.shellac.port("https")), 10)
        return harness.Connection(self.strict_context().wrap_socket(sock, server_hostname="localhost",
                                                                     suppress_ragged_eofs=False))

    def test_200_megabytes_up_and_down(self):
        size, piece = 200 << 20, bytes(range(256)) * 1024
        seen = {}

        def handler(peer):
            asked = peer.request(body=False)
            digest, left = hashlib.sha256(), int(asked.get("Content-Length", "0"))
            while left:
                octets = peer.read(min(left, len(piece)))
                digest.update(octets)
                left -= len(octets)
            seen[asked.method] = digest.hexdigest()
            peer.send(harness.response(200, {"Content-Length": str(size if asked.method == "GET" else 0)}))
            if asked.method == "GET":
                for _ in range(size // len(piece)):
                    peer.send(piece)

        self.start(handler)
        expected = hashlib.sha256()
        for _ in range(size // len(piece)):
            expected.update(piece)
        with self.shellac.connect("https", self.context, timeout=60) as client:
            client.send(harness.request("PUT", "/up", {"Content-Length": str(size)}))
            for _ in range(size // len(piece)):
                client.send(piece)
            self.assertEqual(client.response().status, 200)
        self.assertEqual(seen["PUT"], expected.hexdigest())
        resident = self.shellac.resident_bytes()
        with self.shellac.connect("https", self.context, timeout=60) as client:
            client.send(harness.request("GET", "/down"))
            self.assertEqual(client.response(body=False).status, 200)
            digest, left = hashlib.sha256(), size
            while left:
                octets = client.read_some()
                digest.update(octets)
                left -= len(octets)
            self.assertTrue(client.is_open())
        self.assertEqual(digest.hexdigest(), expected.hexdigest())
        if harness.PATIENCE == 1:  # a sanitizer keeps what was freed for a while
            self.assertLess(self.shellac.resident_bytes(), resident + (30 << 20))

    def test_many_small_writes(self):
        def handler(peer):
            asked = peer.request()
            peer.send(harness.response(200, {"Content-Length": str(len(asked.body))}))
            for at in range(0, len(asked.body), 100):
                peer.send(asked.body[at:at + 100])

        self.start(handler)
        body = bytes(index % 251 for index in range(40_000))
        with self.shellac.connect("https", self.context) as client:
            # A record for each octet of the head, then small ones.
            for octet in harness.request("POST", "/", {"Content-Length": str(len(body))}):
                client.send(bytes([octet]))
            for at in range(0, len(body), 37):
                client.send(body[at:at + 37])
            self.assertEqual(client.response().body, body)

    def test_the_edge_says_that_it_closes(self):
        self.start(lambda peer: peer.answer(body=b"x" * 100_000))
        with self.strict_connect() as client:
            client.send(harness.request(fields={"Connection": "close"}))
            self.assertEqual(len(client.response().body), 100_000)
            # SSLEOFError (here or inside the harness) would mean that there was no close_notify.
            self.assertEqual(client.socket.recv(1), b"")

    def test_a_broken_answer_ends_without_close_notify(self):
        def handler(peer):
            peer.request()
            peer.send(harness.response(200, {"Content-Length": "100"}) + b"half")

        self.start(handler)
        with self.strict_connect() as client:
            client.send(harness.request())
            self.assertEqual(client.response(body=False).status, 200)
            with self.assertRaises(OSError):
                while client.socket.recv(100):
                    pass

    def test_a_client_that_closes_without_close_notify(self):
        self.start(lambda peer: peer.answer())
        for fields, body in (({"Content-Length": "200000"}, b"x" * 150_000), ({"Content-Length": "20"}, b"x" * 10),
                             ({"Transfer-Encoding": "chunked"}, b"249f0\r\n" + b"x" * 150_000 + b"\r\n")):
            client = self.shellac.connect("https", self.context)
            client.send(harness.request("PUT", "/", fields) + body)
            client.close()  # Python sends no close_notify
        self.shellac.wait_access(3, ended="client_reset")
        self.assertEqual(self.behind.requests, [])

    def test_a_client_that_says_close_notify_and_waits_gets_its_answer(self):
        self.start(lambda peer: peer.answer(body=b"ok"))
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = self.context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        with self.shellac.connect("https") as raw:

            def drive(step):
                while True:
                    try:
                        return step()
                    except ssl.SSLWantReadError:
                        if outgoing.pending:
                            raw.send(outgoing.read())
                        incoming.write(raw.read_some())

            drive(client.do_handshake)
            client.write(harness.request())
            try:
                client.unwrap()
            except ssl.SSLWantReadError:
                pass
            raw.send(outgoing.read())
            raw.half_close()
            answer = b""
            while not answer.endswith(b"ok"):
                answer += drive(client.read)
            self.assertTrue(answer.startswith(b"HTTP/1.1 200"))

    def test_records_of_every_size(self):
        self.start(lambda peer: peer.answer(body=b"ok"))
        with self.shellac.connect("https", self.context) as client:
            for size in (1, 2, 1000, 16383, 16384, 16385, 40000, 65536, 300_000):
                client.send(harness.request("POST", "/", body=b"b" * size))
                self.assertEqual(client.response().body, b"ok")
        self.assertEqual([len(asked.body) for asked in self.behind.requests][:3], [1, 2, 1000])
        self.assertEqual(len(self.behind.requests[-1].body), 300_000)


if __name__ == "__main__":
    warnings.simplefilter("ignore", DeprecationWarning)
    harness.main()
