#!/usr/bin/env python3
"""The edge with TLS in front of six Apache servers, as in the demonstration."""

import harness


class Site(harness.SystemTest):
    def setUp(self):
        super().setUp()
        self.tls = self.certificates().client_context()
        self.servers = self.apaches()
        listeners = [harness.tls_listener(), {"name": "http", "bind": "127.0.0.1:0", "redirect": "https"}]
        self.shellac = self.edge(harness.config(*self.servers.backends(), listeners=listeners))

    def get(self, target):
        return self.shellac.ask(target=target, listener="https", tls=self.tls)

    def test_every_server_answers(self):
        names = set()
        for _ in range(60):
            names.add(self.get("/whoami").get("X-Backend"))
        self.assertEqual(names, {server.name for server in self.servers.servers})

    def test_a_photo_arrives_whole(self):
        for path in sorted((self.servers.site / "i").glob("*-800.jpg")):
            answer = self.get(f"/i/{path.name}")
            self.assertEqual((answer.status, answer.get("Content-Type")), (200, "image/jpeg"))
            self.assertEqual(answer.body, path.read_bytes())

    def test_plain_http_redirects(self):
        answer = self.shellac.ask(target="/i/x?y=1", listener="http")
        self.assertEqual(answer.status, 308)
        self.assertRegex(answer.get("Location"), r"^https://localhost(:\d+)?/i/x\?y=1$")

    def test_a_server_that_dies_in_mid_body_is_no_short_success(self):
        with self.shellac.connect("https", self.tls, receive_buffer=65536) as client:
            client.send(harness.request(target="/big.bin"))
            answer = client.response(body=False)
            self.assertEqual(answer.status, 200)
            client.read(1 << 20)
            self.servers[answer.get("X-Backend")].kill_workers()
            with self.assertRaises(harness.Cut):
                client.read(int(answer.get("Content-Length")) - (1 << 20))


if __name__ == "__main__":
    harness.main()
