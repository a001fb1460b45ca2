#!/usr/bin/env python3
"""PROXY headers in front of connections: who may send one, what is believed of it, and what is refused."""

import socket
import ssl
import struct
import time

import harness

HELLO = [{"name": "hello", "respond": {"body": "hello\n"}}]
V2 = b"\r\n\r\n\0\r\nQUIT\n"


def v2(source="192.0.2.7", destination="192.0.2.1", ports=(56324, 443), command=1, tlvs=b"", transport=1):
    """A header of version 2; addresses None for none (LOCAL, or AF_UNSPEC)."""
    if source is None:
        family, addresses = 0, b""
    else:
        kind = socket.AF_INET6 if ":" in source else socket.AF_INET
        family = 2 if ":" in source else 1
        addresses = socket.inet_pton(kind, source) + socket.inet_pton(kind, destination) + struct.pack("!HH", *ports)
    rest = addresses + tlvs
    return V2 + bytes([0x20 | command, family << 4 | transport]) + struct.pack("!H", len(rest)) + rest


def tlv(kind, value):
    return struct.pack("!BH", kind, len(value)) + value


V1 = b"PROXY TCP4 192.0.2.7 192.0.2.1 56324 443\r\n"
GOOD = {
    "v1": (V1, "192.0.2.7"),
    "v1 over IPv6": (b"PROXY TCP6 2001:db8::7 2001:db8::1 1 65535\r\n", "2001:db8::7"),
    "v1 unknown": (b"PROXY UNKNOWN\r\n", None),
    "v1 unknown with more": (b"PROXY UNKNOWN ffff:f::1 x 1 2\r\n", None),
    "v2": (v2(), "192.0.2.7"),
    "v2 over IPv6": (v2("2001:db8::7", "2001:db8::1"), "2001:db8::7"),
    "v2 local": (v2(command=0), None),
    "v2 local without addresses": (v2(None, command=0), None),
    "v2 unspecified": (v2(None), None),
    "v2 with TLVs": (v2(tlvs=tlv(1, b"h2") + tlv(2, b"www.example.com") + tlv(4, b"\0" * 1000)), "192.0.2.7"),
}
BAD = {
    "v1 leading zero": b"PROXY TCP4 192.0.2.07 192.0.2.1 56324 443\r\n",
    "v1 port": b"PROXY TCP4 192.0.2.7 192.0.2.1 65536 443\r\n",
    "v1 family": b"PROXY TCP5 192.0.2.7 192.0.2.1 56324 443\r\n",
    "v1 mixed": b"PROXY TCP4 2001:db8::7 192.0.2.1 56324 443\r\n",
    "v1 few": b"PROXY TCP4 192.0.2.7 192.0.2.1 56324\r\n",
    "v1 two spaces": b"PROXY TCP4  192.0.2.7 192.0.2.1 56324 443\r\n",
    "v1 bare LF": b"PROXY TCP4 192.0.2.7 192.0.2.1 56324 443\n" + b"x" * 100,
    "v1 endless": b"PROXY " + b"U" * 200,
    "v2 version": V2 + b"\x11\x11\0\x0c" + b"\0" * 12,
    "v2 command": V2 + b"\x2f\x11\0\x0c" + b"\0" * 12,
    "v2 short addresses": V2 + b"\x21\x11\0\x04" + b"\0" * 4,
    "v2 too long": V2 + b"\x21\x11\xff\xff" + b"\0" * 70000,
    "v2 broken TLV": v2(tlvs=b"\x01\xff\xffx"),
    "v2 checksum": v2(tlvs=tlv(3, b"\1\2\3\4")),
}


class ProxyTest(harness.SystemTest):
    def setUp(self):
        super().setUp()
        self.made = self.certificates()
        self.context = self.made.client_context()
        self.behind = self.origin(lambda peer: peer.answer(body=b"ok"))
        modes = {"accept": "accept", "require": "require", "off": "off"}
        listeners = [{"name": name, "bind": "127.0.0.1:0", "proxy_protocol": mode, "timeouts": {"handshake": "1s"}}
                     for name, mode in modes.items()]
        listeners.append(harness.tls_listener(proxy_protocol="require", timeouts={"handshake": "1s"}))
        listeners.append({"name": "unix", "bind": "unix:edge.sock", "proxy_protocol": "require"})
        self.shellac = self.edge(harness.config(self.behind.address, listeners=listeners, trusted=["127.0.0.1/32"]))

    def told(self, header, listener, pieces=1, source=None):
        """The client that the backend is told of, after `header` in so many pieces."""
        with self.shellac.connect(listener, source=source) as client:
            octets = header + harness.request(fields={"Connection": "close"})
            step = max(1, len(octets) // pieces)
            for at in range(0, len(octets), step):
                client.send(octets[at:at + step])
            answer = client.response()
            if answer.status != 200:
                return answer.status
            return self.behind.requests[-1].get("X-Forwarded-For")

    def closed(self, octets, listener, source=None):
        """The connection ends without an answer of any kind."""
        with self.shellac.connect(listener, source=source) as client:
            try:
                client.send(octets)
                return client.read_to_end() == b""
            except OSError:
                return True


class Headers(ProxyTest):
    def test_good_ones(self):
        for listener in ("accept", "require"):
            for what, (header, client) in GOOD.items():
                with self.subTest(listener=listener, what=what):
                    self.assertEqual(self.told(header, listener), client or "127.0.0.1")

    def test_the_log_and_the_limits_see_the_client(self):
        self.told(V1, "require")
        line = self.shellac.wait_access()[0]
        self.assertEqual((line["client"], line["listener"]), ("192.0.2.7", "require"))

    def test_bad_ones(self):
        for listener in ("accept", "require"):
            for what, header in BAD.items():
                with self.subTest(listener=listener, what=what):
                    self.assertTrue(self.closed(header + harness.request(), listener))
        self.assertEqual(self.behind.requests, [])
        for listener in ("accept", "require"):
            self.shellac.wait_metric("shellac_connections_total", len(BAD), listener=listener, result="proxy_protocol")

    def test_split_at_every_octet(self):
        for header, client in (GOOD["v1"], GOOD["v2 with TLVs"], GOOD["v1 unknown"], GOOD["v2 local"]):
            octets = header + harness.request(fields={"Connection": "close"})
            for at in range(1, min(len(header) + 2, 60)):
                with self.shellac.connect("require") as connection:
                    connection.send(octets[:at])
                    # Long enough for the edge to see the first part alone, mostly.
                    time.sleep(0.002)
                    connection.send(octets[at:])
                    self.assertEqual(connection.response().status, 200, (header, at))
                self.assertEqual(self.behind.requests[-1].get("X-Forwarded-For"), client or "127.0.0.1")
        self.assertEqual(self.told(GOOD["v2"][0], "require", pieces=1000), "192.0.2.7")

    def test_none_where_one_is_required(self):
        self.assertTrue(self.closed(harness.request(), "require"))
        self.assertEqual(self.told(b"", "accept"), "127.0.0.1")

    def test_where_it_is_off_it_is_a_bad_request(self):
        for header in (V1, v2()):
            with self.shellac.connect("off") as client:
                client.send(header + harness.request())
                self.assertIn(client.response().status, (400, 501))
                self.assertTrue(client.is_closed())

    def test_from_an_untrusted_peer(self):
        for header in (V1, v2()):
            self.assertTrue(self.closed(header + harness.request(), "require", source="127.0.0.2"))
            # Not read as a header, so it is the beginning of a bad request.
            with self.shellac.connect("accept", source="127.0.0.2") as client:
                client.send(header + harness.request())
                self.assertIn(client.response().status, (400, 501))
        self.assertTrue(self.closed(harness.request(), "require", source="127.0.0.2"))
        self.assertEqual(self.told(b"", "accept", source="127.0.0.2"), "127.0.0.2")
        self.assertEqual(len(self.behind.requests), 1)

    def test_a_unix_peer_is_trusted(self):
        with self.shellac.connect("unix") as client:
            client.send(V1 + harness.request())
            self.assertEqual(client.response().status, 200)
        self.assertEqual(self.behind.requests[-1].get("X-Forwarded-For"), "192.0.2.7")

    def test_truncated_ones_and_silence_end_in_time(self):
        for octets in (b"", b"PROXY TCP4 192.0.2.7 ", V2, v2()[:20], v2()[:-1]):
            for half_close in (False, True):
                with self.subTest(octets=octets, half_close=half_close):
                    started = time.monotonic()
                    with self.shellac.connect("require") as client:
                        client.send(octets)
                        if half_close:
                            client.half_close()
                        self.assertEqual(client.read_to_end(), b"")
                    self.assertLess(time.monotonic() - started, 5 * harness.PATIENCE)
        self.shellac.wait_metric("shellac_connections", 0, listener="require")

    def test_a_waiting_header_costs_no_time(self):
        """A part of a header lies in the socket's buffer, readable all the time: waiting for the rest must not spin."""
        before = self.shellac.cpu_seconds()
        clients = [self.shellac.connect("unix") for _ in range(5)]
        for client in clients:
            client.send(V1[:20])
        time.sleep(1)
        self.assertLess(self.shellac.cpu_seconds() - before, 0.5)
        for client in clients:
            client.send(V1[20:] + harness.request())
            self.assertEqual(client.response().status, 200)
            client.close()


class OverTls(ProxyTest):
    def shake(self, header, split=None):
        client = self.shellac.connect("https")
        if split:
            client.send(header[:split])
            time.sleep(0.002)
        client.send(header[split or 0:])
        client.socket = self.context.wrap_socket(client.socket, server_hostname="localhost")
        return client

    def test_in_front_of_the_handshake(self):
        for header, name in (GOOD["v1"], GOOD["v2"], GOOD["v2 over IPv6"], GOOD["v2 local"]):
            for split in (None, 5, len(header) - 1):
                with self.shake(header, split) as client:
                    self.assertEqual(client.ask().status, 200)
                self.assertEqual(self.behind.requests[-1].get("X-Forwarded-For"), name or "127.0.0.1")
                self.assertEqual(self.behind.requests[-1].get("X-Forwarded-Proto"), "https")

    def test_in_one_packet_with_the_client_hello(self):
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self.context.wrap_bio(incoming, outgoing, server_hostname="localhost")
        with self.shellac.connect("https") as raw:
            first = V1
            while True:
                try:
                    tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    raw.send(first + outgoing.read())
                    first = b""
                    incoming.write(raw.read_some())
            tls.write(harness.request())
            raw.send(outgoing.read())
            self.shellac.wait_access(client="192.0.2.7", listener="https", status=200)

    def test_without_one(self):
        for octets in (b"", harness.request()):
            with self.assertRaises(OSError):
                self.shake(octets).close()
        self.shellac.wait_metric("shellac_connections_total", 2, listener="https", result="proxy_protocol")


if __name__ == "__main__":
    harness.main()
