#!/usr/bin/env python3
"""Session tickets: where they are good, and where they must not be."""

import ssl

import harness

HELLO = [{"name": "hello", "respond": {"body": "hello\n"}}]
VERSIONS = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}


class TicketTest(harness.SystemTest):
    def setUp(self):
        super().setUp()
        self.made = self.certificates()

    def context(self, version="TLSv1.3", **more):
        return self.made.client_context(maximum=VERSIONS[version], minimum=VERSIONS[version], **more)

    def visit(self, edge, context, session=None, listener="https", name="localhost", host=None):
        """One request on a connection of its own. Whether the session was resumed, and the newest ticket."""
        with harness.dial(edge.address(listener)) as raw:
            sock = context.wrap_socket(raw.socket, server_hostname=name, session=session)
            with harness.Connection(sock) as client:
                self.status = client.ask(host=host or name).status
                return sock.session_reused, sock.session


class Resumption(TicketTest):
    def start(self, **more):
        return self.edge(harness.config(routes=HELLO, listeners=[harness.tls_listener(**more)]))

    def test_on_every_worker(self):
        edge = self.start()
        for version in VERSIONS:
            context = self.context(version)
            _, session = self.visit(edge, context)
            # 24 connections: the kernel spreads them over both workers.
            for _ in range(24):
                resumed, newest = self.visit(edge, context, session)
                self.assertTrue(resumed)
                session = newest if version == "TLSv1.3" else session
            edge.wait_metric("shellac_tls_handshakes_total", 24, version=version, resumed="true", result="ok")
            edge.wait_metric("shellac_tls_handshakes_total", 1, version=version, resumed="false", result="ok")

    def test_two_tickets_come_with_a_full_handshake_and_one_with_a_resumed_one(self):
        edge = self.start()
        session = self.folder / "session"
        full = harness.s_client(edge.address("https"), "-tls1_3", "-sess_out", session)
        self.assertEqual(full.text.count("Post-Handshake New Session Ticket arrived"), 2)
        resumed = harness.s_client(edge.address("https"), "-tls1_3", "-sess_in", session)
        self.assertTrue(harness.negotiated(resumed)["Reused"])
        self.assertEqual(resumed.text.count("Post-Handshake New Session Ticket arrived"), 1)
        self.assertIn("TLS session ticket lifetime hint: 43200", full.text)

    def test_over_a_reload(self):
        edge = self.start()
        context = self.context()
        _, session = self.visit(edge, context)
        edge.reload()
        self.made.make("www")
        edge.reload()
        self.assertTrue(self.visit(edge, context, session)[0])

    def test_a_ticket_of_another_edge_means_a_full_handshake(self):
        edge, other = self.start(), self.edge_beside("edge1", self.listener())
        for version in VERSIONS:
            context = self.context(version)
            _, session = self.visit(other, context)
            self.assertFalse(self.visit(edge, context, session)[0])
            self.assertEqual(self.status, 200)

    def test_a_damaged_ticket_means_a_full_handshake(self):
        edge = self.start()
        for option in ("-tls1_2", "-tls1_3"):
            session, damaged = self.folder / "session", self.folder / "damaged"
            harness.s_client(edge.address("https"), option, "-sess_out", session)
            der = harness.run("openssl", "sess_id", "-in", session, "-outform", "DER", binary=True).stdout
            for at in range(len(der) - 120, len(der) - 30, 10):
                octets = bytearray(der)
                octets[at] ^= 0x40
                damaged.write_bytes(bytes(octets))
                made = harness.run("openssl", "sess_id", "-in", damaged, "-inform", "DER", "-out", self.folder / "pem", check=False)
                if made.returncode == 0:
                    done = harness.s_client(edge.address("https"), option, "-sess_in", self.folder / "pem", trust=self.made.path("ca.crt"))
                    self.assertIn("hello", done.text)

    # --- keys in a file

    def listener(self, **tickets):
        return harness.tls_listener(tls={"tickets": tickets} if tickets else {})

    def edge_beside(self, name, listener):
        """Another edge with the first one's certificates."""
        folder = self.edge_folder(name)
        (folder / "tls").symlink_to(self.made.folder)
        return self.edge(harness.config(routes=HELLO, listeners=[listener]), name=name)

    def test_two_edges_with_one_file(self):
        keys = self.folder / "tickets.keys"
        keys.write_text("a" * 64 + "\n")
        listener = self.listener(keys=str(keys))
        one = self.edge(harness.config(routes=HELLO, listeners=[listener]))
        two = self.edge_beside("edge1", listener)
        for version in VERSIONS:
            context = self.context(version)
            _, session = self.visit(one, context)
            resumed, session = self.visit(two, context, session)
            self.assertTrue(resumed)
            self.assertTrue(self.visit(one, context, session)[0])

    def test_rotation_of_a_file(self):
        keys = self.folder / "tickets.keys"
        keys.write_text("a" * 64 + "\n")
        edge = self.edge(harness.config(routes=HELLO, listeners=[self.listener(keys=str(keys))]))
        # A session of Python knows the context that it began in, so each step keeps its own context.
        contexts = {version: self.context(version) for version in VERSIONS}
        old = {version: self.visit(edge, contexts[version])[1] for version in VERSIONS}
        keys.write_text("# newest first\n" + "b" * 64 + "\n\n" + "a" * 64 + "\n")
        edge.reload()
        new = {}
        for version in VERSIONS:
            resumed, new[version] = self.visit(edge, contexts[version], old[version])
            self.assertTrue(resumed, "the old key still opens")
        keys.write_text("c" * 64 + "\n" + "b" * 64 + "\n")
        edge.reload()
        for version in VERSIONS:
            self.assertTrue(self.visit(edge, contexts[version], new[version])[0], "renewed under the second key")
            self.assertFalse(self.visit(edge, contexts[version], old[version])[0], "the first key is gone")

    def test_a_bad_file_of_keys_keeps_the_old_ones(self):
        keys = self.folder / "tickets.keys"
        keys.write_text("a" * 64 + "\n")
        edge = self.edge(harness.config(routes=HELLO, listeners=[self.listener(keys=str(keys))]))
        context = self.context()
        _, session = self.visit(edge, context)
        for text in ("", "short\n", ("d" * 40 + "\n") * 9):
            keys.write_text(text)
            edge.reload(expect="failed")
        resumed, session = self.visit(edge, context, session)
        self.assertTrue(resumed)
        keys.unlink()
        edge.reload(expect="failed")
        self.assertTrue(self.visit(edge, context, session)[0])

    def test_a_reload_that_fails_later_keeps_the_old_keys_too(self):
        keys = self.folder / "tickets.keys"
        keys.write_text("a" * 64 + "\n")
        configuration = harness.config(routes=HELLO, listeners=[self.listener(keys=str(keys))])
        edge = self.edge(configuration)
        context = self.context()
        _, session = self.visit(edge, context)
        keys.write_text("b" * 64 + "\n")
        edge.reload({**configuration, "workers": 7}, expect="failed")
        self.assertTrue(self.visit(edge, context, session)[0])


class ClientCertificates(TicketTest):
    def setUp(self):
        super().setUp()
        self.made.make("alice", names=("alice",), addresses=(), client=True)
        self.made.authority("strangers")
        self.made.make("mallory", names=("mallory",), addresses=(), client=True, signed_by="strangers")
        self.made.make("late", names=("late",), addresses=(), client=True, days=-1)

        def guarded(name, verify):
            return harness.tls_listener(name=name, tls={"client_ca": {"file": "tls/ca.crt", "verify": verify}})

        self.shellac = self.edge(harness.config(routes=HELLO, listeners=[
            harness.tls_listener(), guarded("guarded", "require"), guarded("asking", "optional")]))

    def refused(self, alert, version, listener="guarded", certificate=None):
        # In TLS 1.3 the client is through before the edge has looked: the alert comes with the first read.
        with self.assertRaisesRegex((ssl.SSLError, harness.Cut), alert):
            self.visit(self.shellac, self.context(version, certificate=certificate), listener=listener)

    def test_require(self):
        for version in VERSIONS:
            self.visit(self.shellac, self.context(version, certificate="alice"), listener="guarded")
            self.assertEqual(self.status, 200)
            nobody = "certificate required" if version == "TLSv1.3" else "handshake failure"
            self.refused(nobody, version)
            self.refused("unknown ca", version, certificate="mallory")
            self.refused("certificate expired", version, certificate="late")
            self.refused("unsupported certificate|bad certificate|unknown ca|handshake failure", version, certificate="www")
        self.shellac.wait_metric("shellac_tls_handshakes_total", 2, result="certificate required")
        self.shellac.wait_metric("shellac_tls_handshakes_total", 2, result="certificate has expired")

    def test_optional(self):
        for version in VERSIONS:
            for certificate in (None, "alice"):
                self.visit(self.shellac, self.context(version, certificate=certificate), listener="asking")
                self.assertEqual(self.status, 200)
            self.refused("unknown ca", version, listener="asking", certificate="mallory")

    def test_nobody_is_asked_elsewhere(self):
        self.assertIn("No client certificate CA names sent", harness.s_client(self.shellac.address("https")).text)
        text = harness.s_client(self.shellac.address("guarded")).text
        self.assertIn("Acceptable client certificate CA names\nCN = Test authority ca", text)

    def test_host_must_agree_with_the_name_that_was_asked_for(self):
        for listener in ("guarded", "asking"):
            context = self.context(certificate="alice")
            for host, status in (("localhost", 200), ("LOCALHOST:8443", 200), ("localhost.", 200), ("x.localhost", 421),
                                 ("other.example", 421), ("127.0.0.1", 421)):
                self.visit(self.shellac, context, listener=listener, host=host)
                self.assertEqual(self.status, status, host)
            # Who sends no name, because all it has is an address, disagrees with nothing.
            for address in ("127.0.0.1", "::1"):
                self.visit(self.shellac, context, listener=listener, name=address, host=f"[{address}]" if ":" in address else address)
                self.assertEqual(self.status, 200)
        self.visit(self.shellac, self.context(), host="other.example")
        self.assertEqual(self.status, 200)
        self.shellac.wait_access(6, status=421)

    def test_a_later_request_must_agree_too(self):
        with harness.dial(self.shellac.address("guarded"), tls=self.context(certificate="alice")) as client:
            self.assertEqual(client.ask().status, 200)
            self.assertEqual(client.ask(host="other.example").status, 421)

    def test_a_session_carries_its_certificate_and_opens_nothing_else(self):
        for version in VERSIONS:
            with_certificate = self.context(version, certificate="alice")
            _, session = self.visit(self.shellac, with_certificate, listener="guarded")
            resumed, _ = self.visit(self.shellac, with_certificate, session, listener="guarded")
            self.assertTrue(resumed)
            self.assertEqual(self.status, 200)
            for listener in ("https", "asking"):
                context = self.context(version)
                _, session = self.visit(self.shellac, context, listener=listener)
                with self.assertRaises((ssl.SSLError, harness.Cut)):
                    self.visit(self.shellac, context, session, listener="guarded")

    def test_a_session_does_not_outlive_its_authority(self):
        for version in VERSIONS:
            context = self.context(version, certificate="alice")
            _, session = self.visit(self.shellac, context, listener="guarded")
            text = self.made.path("ca.crt").read_text()
            self.made.path("clients.crt").write_text(self.made.path("strangers.crt").read_text())
            listeners = [harness.tls_listener(name="guarded", tls={"client_ca": {"file": "tls/clients.crt"}})]
            self.shellac.reload(harness.config(routes=HELLO, listeners=listeners))
            with self.assertRaises((ssl.SSLError, harness.Cut)):
                self.visit(self.shellac, context, session, listener="guarded")
            self.made.path("clients.crt").write_text(text)
            self.shellac.reload()


if __name__ == "__main__":
    harness.main()
