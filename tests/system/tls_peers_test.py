#!/usr/bin/env python3
"""Clients that are not ours, over TLS: curl, openssl s_client, Node's https, and Node's ws through an upgrade."""

import hashlib
import os
import socket
import subprocess

import harness

ECHO = """
const { WebSocketServer } = require('ws');
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, maxPayload: 64 << 20 });
server.on('listening', () => console.log(server.address().port));
server.on('connection', (socket, request) => {
  socket.on('message', (data, binary) => socket.send(binary ? data : `${request.headers['x-forwarded-proto']} ${data}`, { binary }));
});
"""

CLIENT = """
const WebSocket = require('ws');
const [, , url, ca] = process.argv;
const socket = new WebSocket(url, { ca: require('fs').readFileSync(ca), servername: 'localhost', maxPayload: 64 << 20 });
const sizes = [0, 1, 125, 126, 65535, 65536, 1 << 20, 8 << 20];
let next = 0, ponged = false;
socket.on('open', () => socket.send('hello'));
socket.on('pong', () => { ponged = true; socket.close(4001, 'done'); });
socket.on('message', (data, binary) => {
  if (!binary) {
    if (data.toString() !== 'https hello') throw new Error(data.toString());
  } else {
    if (data.length !== sizes[next] || data.some((octet) => octet !== next)) throw new Error(`size ${data.length}`);
    ++next;
  }
  if (next < sizes.length) socket.send(Buffer.alloc(sizes[next], next));
  else socket.ping();
});
socket.on('close', (code, reason) => console.log(code, reason.toString(), next, ponged));
"""

HTTPS = """
const https = require('https'), crypto = require('crypto');
const [, , port, ca] = process.argv;
const agent = new https.Agent({ keepAlive: true, maxSockets: 2, ca: require('fs').readFileSync(ca) });
const body = Buffer.alloc(3 << 20, 7);
let left = 20;
function ask(number) {
  const request = https.request({ agent, port, host: 'localhost', path: `/${number}`, method: 'POST', family: 4 }, (answer) => {
    const digest = crypto.createHash('sha256');
    answer.on('data', (part) => digest.update(part));
    answer.on('end', () => {
      console.log(answer.statusCode, digest.digest('hex'));
      if (--left === 0) agent.destroy();
    });
  });
  if (number % 2) request.setHeader('Content-Length', body.length);
  request.end(body);
}
for (let number = 0; number < 20; ++number) ask(number);
"""


class Peers(harness.SystemTest):
    def setUp(self):
        super().setUp()
        self.made = self.certificates()
        self.trust = self.made.path("ca.crt")

    def start(self, backend):
        self.shellac = self.edge(harness.config(
            backend, listeners=[harness.tls_listener(bind=["127.0.0.1:0", "[::1]:0"])],
            routes=[{"name": "all", "pool": "web", "max_body": "1GiB"}]))
        return self.shellac

    def node(self, script, *arguments):
        file = self.folder / "script.js"
        file.write_text(script)
        return harness.run("node", file, *arguments, timeout=60).stdout

    def echo_origin(self):
        """Answers each request with its body."""

        def handler(peer):
            while (asked := peer.request()) is not None:
                peer.send(harness.response(200, {}, asked.body))

        return self.origin(handler)

    # --- curl

    def curl(self, *arguments, port=None, name="localhost", to="127.0.0.1"):
        port = port or self.shellac.port("https")
        return harness.run("curl", "-sS", "--cacert", self.trust, "--resolve", f"{name}:{port}:{to}", *arguments, timeout=120)

    def test_curl(self):
        self.start(self.echo_origin().address)
        port, port6 = self.shellac.port("https"), self.shellac.port("https", 1)
        body = self.folder / "body"
        body.write_bytes(os.urandom(5 << 20))
        # Without -H Expect: curl waits for a 100 that this origin does not send, and the edge leaves that to the origin.
        quick = ["-H", "Expect:"]
        for options in ([*quick, "--tlsv1.3"], [*quick, "--tls-max", "1.2"], [*quick, "--http1.1"], [*quick, "--http2"],
                        [*quick, "--http1.0"], [*quick, "--no-alpn"], ["-H", "Expect: 100-continue"],
                        [*quick, "-H", "Transfer-Encoding: chunked"]):
            with self.subTest(options):
                out = self.folder / "out"
                told = self.curl(*options, "--data-binary", f"@{body}", "-o", out, "-w", "%{http_code} %{ssl_verify_result}",
                                 f"https://localhost:{port}/").stdout
                self.assertEqual(told, "200 0")
                self.assertEqual(out.read_bytes(), body.read_bytes())
        told = self.curl(f"https://localhost:{port6}/", "-d", "v6", port=port6, to="[::1]").stdout
        self.assertEqual(told, "v6")
        # One connection for two requests.
        url = f"https://localhost:{port}/"
        told = self.curl("-d", "x", "-w", " %{num_connects}\n", url, "--next", "-sS", "--cacert", self.trust, "-d", "y", "-w",
                         " %{num_connects}\n", url).stdout
        self.assertEqual(told.split(), ["x", "1", "y", "0"])

    def test_curl_refuses_another_name(self):
        self.start(self.echo_origin().address)
        port = self.shellac.port("https")
        done = harness.run("curl", "-sS", "--cacert", self.trust, "--resolve", f"example.com:{port}:127.0.0.1",
                           f"https://example.com:{port}/", check=False)
        self.assertEqual(done.returncode, 60)

    def test_200_megabytes_with_curl(self):
        big = self.folder / "big"
        with open(big, "wb") as file:
            block = os.urandom(1 << 20)
            for index in range(200):
                file.write(bytes([index]) + block[1:])
        expected = hashlib.sha256(big.read_bytes()).hexdigest()
        digests = []

        def handler(peer):
            asked = peer.request(body=False)
            digest, left = hashlib.sha256(), int(asked.get("Content-Length"))
            while left:
                octets = peer.read_some()
                digest.update(octets)
                left -= len(octets)
            digests.append(digest.hexdigest())
            peer.send(harness.response(200, {"Content-Length": str(200 << 20)}))
            with open(big, "rb") as source:
                while octets := source.read(1 << 20):
                    peer.send(octets)

        self.start(self.origin(handler).address)
        out = self.folder / "out"
        self.curl("-T", big, "-o", out, f"https://localhost:{self.shellac.port('https')}/")
        self.assertEqual(digests, [expected])
        self.assertEqual(hashlib.sha256(out.read_bytes()).hexdigest(), expected)

    # --- openssl

    def test_s_client_with_tiny_fragments(self):
        self.start(self.echo_origin().address)
        for options in (["-max_send_frag", "512"], ["-split_send_frag", "512", "-max_pipelines", "1"], ["-maxfraglen", "512"],
                        ["-tls1_2", "-maxfraglen", "1024"], ["-legacy_server_connect"], ["-no_ticket"], ["-no_etm", "-tls1_2"]):
            with self.subTest(options):
                ask = f"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 20000\r\n\r\n{'z' * 20000}"
                done = harness.s_client(self.shellac.address("https"), *options, trust=self.trust, ask=ask)
                self.assertIn("z" * 20000, done.text)

    # --- node

    def test_node_https(self):
        self.start(self.echo_origin().address)
        lines = self.node(HTTPS, self.shellac.port("https"), self.trust).splitlines()
        self.assertEqual(lines, [f"200 {hashlib.sha256(bytes([7]) * (3 << 20)).hexdigest()}"] * 20)
        self.shellac.wait_metric("shellac_connections_total", 2, listener="https", result="ok")

    def test_ws_over_tls(self):
        file = self.folder / "echo.js"
        file.write_text(ECHO)
        with subprocess.Popen(["node", str(file)], stdout=subprocess.PIPE, text=True) as server:
            self.addCleanup(server.kill)
            port = int(server.stdout.readline())
            self.start(f"127.0.0.1:{port}")
            told = self.node(CLIENT, f"wss://localhost:{self.shellac.port('https')}/chat", self.trust)
            self.assertEqual(told.strip(), "4001 done 8 true")
            server.kill()
        line = self.shellac.wait_access(status=101)[0]
        self.assertGreater(line["bytes_out"], 9 << 20)

    def test_a_tunnel_ends_on_both_sides(self):
        seen = []

        def handler(peer):
            peer.request()
            peer.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: thing\r\n\r\nfirst")
            seen.append(peer.read_to_end())

        self.start(self.origin(handler).address)
        with self.shellac.connect("https", self.made.client_context()) as client:
            client.send(harness.request(fields={"Connection": "upgrade", "Upgrade": "thing"}) + b"early")
            self.assertEqual(client.response().status, 101)
            self.assertEqual(client.read(5), b"first")
            client.send(b"more")
            client.socket.shutdown(socket.SHUT_WR)
            harness.eventually(lambda: seen == [b"earlymore"], what="the origin sees the end of the tunnel")
            # Python has let go of TLS with that: what comes is the record that says close_notify.
            self.assertLess(len(client.read_to_end()), 100)


if __name__ == "__main__":
    harness.main()
