#!/usr/bin/env python3
"""Tunnels: WebSocket by Node's `ws` on both sides, half-close each way, and timeouts.tunnel."""

import json
import subprocess
import threading
import time

import harness

SERVER = """
const { WebSocketServer } = require('ws');
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', maxPayload: 1 << 28 }, () => console.log(server.address().port));
server.on('connection', (socket, request) => {
  socket.send(JSON.stringify({ url: request.url, headers: request.headers }));
  socket.on('message', (data, binary) => {
    if (!binary && data.toString() === 'close') socket.close(4001, 'as asked');
    else if (!binary && data.toString() === 'die') socket.terminate();
    else socket.send(data, { binary });
  });
});
"""

CLIENT = """
const WebSocket = require('ws');
const crypto = require('crypto');
const [url, ca, how] = JSON.parse(process.argv[1]);
const socket = new WebSocket(url, { ca: ca ? require('fs').readFileSync(ca) : undefined, maxPayload: 1 << 28, headers: { Origin: 'http://x' } });
const messages = ['', 'hello', 'x'.repeat(125), 'x'.repeat(126), 'x'.repeat(65536), crypto.randomBytes(1 << 20), crypto.randomBytes(5 << 20)];
const told = { echoed: 0, pongs: 0 };
let next = -1;
function go() {
  if (next === messages.length) return socket.send(how);
  socket.send(messages[next]);
}
socket.on('message', (data, binary) => {
  if (next < 0) {
    told.hello = JSON.parse(data);
  } else {
    if (Buffer.compare(Buffer.from(messages[next]), data) !== 0) { console.log('not what was sent'); process.exit(1); }
    if (binary !== Buffer.isBuffer(messages[next])) { console.log('binary or not'); process.exit(1); }
    told.echoed += 1;
  }
  next += 1;
  socket.ping('are you there', true, go);
});
socket.on('pong', () => { told.pongs += 1; });
socket.on('error', (error) => { told.error = error.message; });
socket.on('unexpected-response', (request, response) => { told.status = response.statusCode; });
socket.on('close', (code, reason) => { told.code = code; told.reason = reason.toString(); console.log(JSON.stringify(told)); });
"""


class WebSocket(harness.SystemTest):
    def setUp(self):
        super().setUp()
        self.made = self.certificates()
        self.server = subprocess.Popen(["node", "-e", SERVER], stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.server.stdout.close)
        self.addCleanup(self.server.wait)
        self.addCleanup(self.server.kill)
        port = int(self.server.stdout.readline())
        self.shellac = self.edge(harness.config(
            f"127.0.0.1:{port}", listeners=[harness.tls_listener(), {"name": "http", "bind": "127.0.0.1:0"}]))

    def talk(self, listener, how):
        url = self.shellac.url("/chat?room=1", listener, scheme="wss" if listener == "https" else "ws")
        url = url.replace("localhost", "127.0.0.1")
        ca = str(self.made.path("ca.crt")) if listener == "https" else None
        done = harness.run("node", "-e", CLIENT, json.dumps([url, ca, how]), timeout=60)
        return json.loads(done.stdout)

    def test_echo(self):
        for listener in ("http", "https"):
            with self.subTest(listener=listener):
                told = self.talk(listener, "close")
                self.assertEqual((told["echoed"], told["code"], told["reason"]), (7, 4001, "as asked"))
                self.assertGreaterEqual(told["pongs"], 7)
                self.assertEqual(told["hello"]["url"], "/chat?room=1")
                headers = told["hello"]["headers"]
                self.assertEqual((headers["upgrade"].lower(), headers["x-forwarded-for"], headers["origin"]),
                                 ("websocket", "127.0.0.1", "http://x"))
        lines = self.shellac.wait_access(2, status=101, ended="completed")
        # About six MiB each way.
        for line in lines:
            self.assertGreater(line["bytes_in"], 6 << 20)
            self.assertGreater(line["bytes_out"], 6 << 20)
        self.shellac.wait_metric("shellac_connections", 0)
        self.shellac.wait_metric("shellac_backend_connections", 0)

    def test_a_server_that_dies(self):
        for listener in ("http", "https"):
            with self.subTest(listener=listener):
                # 1006: the connection ended without a closing handshake.
                self.assertEqual(self.talk(listener, "die")["code"], 1006)

    def test_many(self):
        told = []
        threads = [threading.Thread(target=lambda: told.append(self.talk("https", "close"))) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([one["echoed"] for one in told], [7] * 6)


def upgraded(handler):
    """An origin that accepts the upgrade and goes on with `handler`."""

    def serve(peer):
        asked = peer.request()
        if asked is None:
            return
        peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: test\r\n\r\n")
        handler(peer)

    return serve


class Raw(harness.SystemTest):
    def start(self, handler, tunnel="1h", **more):
        self.tls = self.certificates(f"edge{len(self._edges)}").client_context()
        self.origin_ = self.origin(upgraded(handler))
        self.shellac = self.edge(harness.config(self.origin_.address, listeners=[
            harness.tls_listener(timeouts={"tunnel": tunnel, "idle": "60s"}),
            {"name": "http", "bind": "127.0.0.1:0", "timeouts": {"tunnel": tunnel}}], **more))

    def open(self, listener="http", early=""):
        client = self.shellac.connect(listener, self.tls if listener == "https" else None)
        self.addCleanup(client.close)
        client.send(harness.request("GET", "/", {"Connection": "Upgrade", "Upgrade": "test"}).decode() + early)
        answer = client.response()
        self.assertEqual((answer.status, answer.get("Upgrade"), answer.get("Connection").lower()), (101, "test", "upgrade"))
        return client

    def test_octets_behind_the_head(self):
        """What a client sends before it has the answer belongs to the tunnel, and so does what follows the 101 at once."""

        def talk(peer):
            peer.send("first")
            peer.send(b"got " + peer.read(5))
            peer.read_to_end()

        self.start(talk)
        client = self.open(early="early")
        self.assertEqual(client.read(5 + 9), b"firstgot early")

    def test_the_client_finishes_first(self):
        """It sends all that it has, says that this was it, and still gets the answer."""

        def count(peer):
            size = len(peer.read_to_end())
            time.sleep(0.2)
            peer.send(f"{size}")

        self.start(count)
        client = self.open()
        client.send(b"x" * 3_000_000)
        client.half_close()
        self.assertEqual(client.read_to_end(), b"3000000")
        self.shellac.wait_access(1, status=101, ended="completed")
        self.shellac.wait_metric("shellac_connections", 0)

    def test_the_backend_finishes_first(self):
        got = []

        def finish(peer):
            peer.send(b"y" * 3_000_000)
            peer.half_close()
            got.append(len(peer.read_to_end()))

        self.start(finish)
        client = self.open()
        self.assertEqual(client.read(3_000_000), b"y" * 3_000_000)
        client.send(b"x" * 100_000)
        client.half_close()
        client.read_to_end()
        harness.eventually(lambda: got, 5, "the backend has got everything")
        self.assertEqual(got, [100_000])
        self.shellac.wait_metric("shellac_connections", 0)
        self.shellac.wait_metric("shellac_backend_connections", 0)

    def test_tls_has_no_half(self):
        """A client whose close_notify comes first is answered as well (RFC 8446 §6.1 allows it)."""

        def count(peer):
            peer.send(f"{len(peer.read_to_end())}")

        self.start(count)
        client = self.open("https")
        client.send(b"x" * 100_000)
        try:
            client.socket.unwrap()
        except OSError:
            pass
        self.shellac.wait_metric("shellac_connections", 0)
        self.shellac.wait_metric("shellac_backend_connections", 0)

    def echo(self, peer):
        while octets := peer.read_some():
            peer.send(octets)

    def test_a_quiet_tunnel_ends(self):
        for listener in ("http", "https"):
            with self.subTest(listener=listener):
                self.start(self.echo, tunnel="1s")
                client = self.open(listener)
                # As long as something moves, it lives.
                for _ in range(8):
                    time.sleep(0.25)
                    client.send("x")
                    self.assertEqual(client.read(1), b"x")
                began = time.monotonic()
                self.assertTrue(client.is_closed(5))
                self.assertGreater(time.monotonic() - began, 0.8)
                self.shellac.wait_access(1, status=101, ended="client_timeout")
                self.shellac.wait_metric("shellac_backend_connections", 0)
                self.shellac.wait_metric("shellac_connections", 0)

    def test_one_direction_keeps_it_alive(self):
        def tell(peer):
            for _ in range(10):
                peer.send("x")
                time.sleep(0.25)

        self.start(tell, tunnel="1s")
        client = self.open()
        self.assertEqual(client.read(10), b"x" * 10)

        def listen(peer):
            peer.send(f"{len(peer.read(10))}")
            peer.read_to_end()

        self.start(listen, tunnel="1s")
        client = self.open()
        for _ in range(10):
            client.send("x")
            time.sleep(0.25)
        self.assertEqual(client.read(2), b"10")

    def test_other_timeouts_do_not_matter(self):
        """idle, body and between_bytes are for HTTP."""
        self.tls = None
        origin = self.origin(upgraded(self.echo))
        self.shellac = self.edge(harness.config(
            origin.address, pool={"timeouts": {"first_byte": "500ms", "between_bytes": "500ms", "idle": "500ms"}},
            routes=[{"name": "all", "pool": "web", "timeout": "1s"}],
            listeners=[{"name": "http", "bind": "127.0.0.1:0", "timeouts": {"body": "500ms", "idle": "500ms", "head": "500ms"}}]))
        client = self.open()
        time.sleep(2)
        client.send("still there")
        self.assertEqual(client.read(11), b"still there")

    def test_resets_go_through(self):
        ended = threading.Event()

        def wait(peer):
            try:
                peer.read_to_end()
            finally:
                ended.set()

        self.start(wait)
        client = self.open()
        client.reset()
        self.assertTrue(ended.wait(10))
        self.shellac.wait_access(1, status=101, ended="client_reset")

    def test_a_refused_upgrade(self):
        """The backend may answer anything else; the connection then goes on with HTTP."""
        origin = self.origin(lambda peer: peer.answer(426, {"Upgrade": "other"}, b"no", "Upgrade Required"))
        edge = self.edge(harness.config(origin.address))
        with edge.connect() as client:
            for _ in range(2):
                client.send(harness.request("GET", "/", {"Connection": "Upgrade", "Upgrade": "test"}))
                answer = client.response()
                self.assertEqual((answer.status, answer.body), (426, b"no"))
            self.assertEqual(client.ask().status, 426)


if __name__ == "__main__":
    harness.main()
