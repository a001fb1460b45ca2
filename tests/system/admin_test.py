#!/usr/bin/env python3
"""The admin API over TCP: whose Host, whose token, and what a web page cannot do."""

import json

import harness


class OverTcp(harness.SystemTest):
    def setUp(self):
        super().setUp()
        self.backend = self.origin(lambda peer: peer.answer(body=b"ok"))
        self.listening = self.edge(harness.config(self.backend.address))
        self.port = self.listening.address("admin").rsplit(":", 1)[1]

    def ask(self, method="GET", target="/api/v1/status", host=None, token=None, body=None, **fields):
        pairs = {name.replace("_", "-"): value for name, value in fields.items()}
        if token:
            pairs["Authorization"] = token
        octets = json.dumps(body).encode() if body is not None else b""
        if octets:
            pairs.setdefault("Content-Type", "application/json")
        with harness.dial(self.listening.address("admin")) as client:
            return client.ask(method, target, pairs, octets, host=host or f"127.0.0.1:{self.port}")

    def drain(self, **more):
        return self.ask("POST", "/api/v1/backends/web/s1", body={"state": "drain"}, **more)

    def state(self):
        return self.listening.api("/api/v1/backends")[0]["state"]

    def test_host(self):
        for host in (f"127.0.0.1:{self.port}", f"localhost:{self.port}", f"LOCALHOST:{self.port}"):
            self.assertEqual(self.ask(host=host).status, 200, host)
        for host in ("evil.example", f"evil.example:{self.port}", "127.0.0.1:1", f"127.0.0.2:{self.port}", f"[::1]:{self.port}",
                     f"localhost.evil.example:{self.port}", "localhost"):
            for target in ("/api/v1/status", "/metrics", "/healthz"):
                answer = self.ask(target=target, host=host)
                self.assertEqual(answer.status, 421, host)
                self.assertEqual(answer.get("Content-Type"), "application/problem+json")
        self.assertEqual(self.drain(host="evil.example", token=f"Bearer {harness.Edge.TOKEN}").status, 421)
        self.assertEqual(self.state(), "ready")

    def test_reads_need_no_token(self):
        for target in ("/healthz", "/readyz", "/metrics", "/api/v1/status", "/api/v1/backends", "/api/v1/config"):
            self.assertEqual(self.ask(target=target).status, 200, target)
        self.assertNotIn(harness.Edge.TOKEN, self.ask(target="/api/v1/config").body.decode())

    def test_writes_need_the_token(self):
        token = harness.Edge.TOKEN
        for wrong in (None, "Bearer", "Bearer ", f"Bearer {token}x", f"Bearer {token[:-1]}", f"Basic {token}", token, f"Bearer{token}"):
            answer = self.drain(token=wrong)
            self.assertEqual(answer.status, 401, wrong)
            self.assertIn("Bearer", answer.get("WWW-Authenticate"))
            self.assertEqual(json.loads(answer.body)["status"], 401)
        for method, target in (("POST", "/api/v1/reload"), ("PUT", "/api/v1/log-level"), ("POST", "/api/v1/purge"),
                               ("DELETE", "/api/v1/status"), ("POST", "/nowhere")):
            self.assertEqual(self.ask(method, target).status, 401, target)
        self.assertEqual(self.state(), "ready")
        self.assertEqual(self.drain(token=f"bearer  {token}").status, 200)
        self.assertEqual(self.state(), "drain")

    def test_web_pages_write_nothing(self):
        token = f"Bearer {harness.Edge.TOKEN}"
        self.assertEqual(self.drain(token=token, Origin="http://evil.example").status, 403)
        self.assertEqual(self.drain(token=token, Content_Type="text/plain").status, 415)
        self.assertEqual(self.state(), "ready")

    def test_ctl(self):
        self.assertIn("drain", self.listening.ctl("drain", "web/s1").stdout)
        self.assertEqual(self.state(), "drain")
        where = f"http://{self.listening.address('admin')}"
        without = harness.shellac("ctl", "--admin", where, "ready", "web/s1", check=False)
        self.assertEqual(without.returncode, 1)
        self.assertIn("401", without.stderr)
        with_token = harness.shellac("ctl", "--admin", where, "ready", "web/s1", env={"SHELLAC_TOKEN": harness.Edge.TOKEN})
        self.assertEqual(with_token.returncode, 0)
        self.assertEqual(self.state(), "ready")
        # The token is taken to localhost, too.
        harness.shellac("ctl", "--admin", f"localhost:{self.port}", "--token-file", self.listening.folder / "admin.token", "down",
                        "web/s1")
        self.assertEqual(self.listening.ask().status, 503)

    def test_without_a_token_file_nobody_writes(self):
        other = self.edge(harness.config(self.backend.address, admin={"listen": "127.0.0.1:0"}))
        answer = other.admin("POST", "/api/v1/backends/web/s1", {"state": "drain"})
        self.assertEqual(answer.status, 403)
        self.assertEqual(other.api("/api/v1/backends")[0]["state"], "ready")


if __name__ == "__main__":
    harness.main()
