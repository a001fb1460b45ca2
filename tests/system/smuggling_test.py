"""Request smuggling: raw payloads, and an origin that records every octet. What reaches it is well-formed whatever the
client sent; what is ambiguous never reaches it whole, is refused, and ends the connection."""

import random
import re
import threading

import harness
from smuggling_payloads import CHUNKS, EMPTY, LEGAL, REFUSED_HEADS, SMUGGLED, chunks, get, post

TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
REQUEST_LINE = re.compile(rb"(" + TOKEN + rb") (/[!-~]*|\*) HTTP/1\.1\r\n")
FIELD_LINE = re.compile(rb"(" + TOKEN + rb"): ([\t -~\x80-\xff]*)\r\n")
CHUNK_SIZE = re.compile(rb"([0-9a-f]+)\r\n")


class Malformed(Exception):
    pass


class StrictReader:
    """Reads requests in the one form in which the edge may write them. Raises Malformed for anything else."""

    def __init__(self, peer):
        self.peer = peer

    def line(self, pattern):
        line = self.peer.read_until(b"\n", "a line")
        match = pattern.fullmatch(line)
        if not match:
            raise Malformed(line)
        return match

    def fields(self):
        fields = []
        while True:
            line = self.peer.read_until(b"\n", "a field")
            if line == b"\r\n":
                return fields
            match = FIELD_LINE.fullmatch(line)
            if not match:
                raise Malformed(line)
            fields.append((match[1].lower(), match[2]))

    def request(self):
        first = self.line(REQUEST_LINE)
        fields = self.fields()
        names = [name for name, _ in fields]
        values = dict(fields)
        if names.count(b"host") != 1 or names.count(b"content-length") + names.count(b"transfer-encoding") > 1:
            raise Malformed(fields)
        body = b""
        if b"content-length" in values:
            if not re.fullmatch(rb"0|[1-9][0-9]{0,17}", values[b"content-length"]):
                raise Malformed(fields)
            body = self.peer.read(int(values[b"content-length"]))
        elif b"transfer-encoding" in values:
            if values[b"transfer-encoding"] != b"chunked":
                raise Malformed(fields)
            body = self.chunks()
        return first[1].decode(), first[2].decode(), body

    def chunks(self):
        body = b""
        while size := int(self.line(CHUNK_SIZE)[1], 16):
            body += self.peer.read(size)
            if self.peer.read(2) != b"\r\n":
                raise Malformed("chunk end")
        self.fields()
        return body


class Recorder:
    """Answers each request with its target, so that an answer that belongs to another request is seen."""

    def __init__(self):
        self.lock = threading.Lock()
        self.requests = []
        self.malformed = []
        self.begun = 0

    def __call__(self, peer):
        reader = StrictReader(peer)
        while True:
            if not peer.buffer and not peer._more():  # pylint: disable=protected-access
                return
            with self.lock:
                self.begun += 1
            try:
                asked = reader.request()
            except Malformed as error:
                with self.lock:
                    self.malformed.append(error.args[0])
                return
            with self.lock:
                self.requests.append(asked)
            answer = harness.response(200, {"X-Target": asked[1]}, asked[1].encode())
            peer.send(answer[:-len(asked[1])] if asked[0] == "HEAD" else answer)

    def take(self):
        with self.lock:
            taken, self.requests = self.requests, []
            begun, self.begun = self.begun, 0
            return taken, begun


class Smuggling(harness.SystemTest):
    def edges(self):
        """One that reads bodies ahead, one that streams them. One worker each: connections to the origin are shared."""
        self.recorder = Recorder()
        origin = self.origin(self.recorder)
        for buffered in ("64KiB", "0B"):
            yield self.edge(harness.config(origin.address, workers=1, pool={"buffer_request": buffered}), name=f"edge-{buffered}"), buffered
            self.assertEqual(self.recorder.malformed, [])

    def probe(self, edge, told):
        """Another client's request on the shared connections gets its own answer."""
        answer = edge.ask("GET", "/probe")
        self.assertEqual((answer.status, answer.body), (200, b"/probe"), told)
        seen, _ = self.recorder.take()
        self.assertEqual(seen, [("GET", "/probe", b"")], told)

    def refuse(self, edge, octets, may_begin):
        told = f"{octets!r}"[:300]
        with edge.connect() as client:
            client.send(octets + SMUGGLED)
            answer = client.response("GET")
            self.assertIn(answer.status, (400, 405, 431, 501, 505), told)
            self.assertEqual(answer.get("Connection"), "close", told)
            self.assertTrue(client.is_closed(), f"open, or answered more: {told}")
        seen, begun = self.recorder.take()
        self.assertEqual(seen, [], told)
        if not may_begin:
            self.assertEqual(begun, 0, told)

    def test_ambiguous_heads_reach_nobody(self):
        count = 0
        for edge, _ in self.edges():
            for theme, payloads in REFUSED_HEADS.items():
                for octets in payloads:
                    with self.subTest(theme=theme, octets=octets[:200]):
                        self.refuse(edge, octets, may_begin=False)
                        count += 1
                self.probe(edge, theme)
        self.assertGreater(count, 2 * 150)

    def test_ambiguous_chunks_never_end_at_the_origin(self):
        for edge, buffered in self.edges():
            for octets in CHUNKS:
                with self.subTest(octets=octets[:200], buffered=buffered):
                    self.refuse(edge, octets, may_begin=buffered == "0B")
                self.probe(edge, octets)

    def test_legal_oddities_work(self):
        for edge, buffered in self.edges():
            for octets, expected in LEGAL:
                with self.subTest(octets=octets[:200], buffered=buffered), edge.connect() as client:
                    client.send(octets)
                    for method, target, _ in expected:
                        answer = client.response(method)
                        self.assertEqual((answer.status, answer.get("X-Target")), (200, target))
                    self.assertEqual(self.recorder.take()[0], expected)
                    if b"HTTP/1.0" not in octets:  # the connection is in step
                        self.assertEqual(client.ask("GET", "/after").body, b"/after")
                        self.recorder.take()

    def test_cut_anywhere(self):
        """How the octets arrive changes nothing: refused ones stay refused, legal ones stay legal."""
        edge, _ = next(self.edges())
        for octets in (post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", EMPTY), chunks("1\r\nx\n" + EMPTY), get("X : y\r\n")):
            for at in range(1, len(octets), 3):
                with edge.connect() as client:
                    client.send(octets[:at])
                    client.send(octets[at:])
                    self.assertEqual(client.response().status, 400, (octets, at))
                    self.assertTrue(client.is_closed(), (octets, at))
        self.assertEqual(self.recorder.take()[0], [])
        octets = chunks("5;a\r\nhello\r\n0\r\nX: y\r\n\r\n") + get()
        for at in range(1, len(octets)):
            with edge.connect() as client:
                client.send(octets[:at])
                client.send(octets[at:])
                self.assertEqual([client.response().status, client.response().status], [200, 200], at)
            self.assertEqual(self.recorder.take()[0], [("POST", "/x", b"hello"), ("GET", "/x", b"")], at)

    def test_mutated_requests_keep_edge_and_origin_in_step(self):
        """Damaged at random (but the same each time): what the origin has seen whole is what the edge says it passed on."""
        dice = random.Random(9112)
        seeds = [post("Content-Length: 5\r\nX: y\r\n", "hello") + get(), chunks("5\r\nhello\r\n" + EMPTY) + get(), get("Connection: keep-alive\r\n") + get(),
                 post("Transfer-Encoding: chunked\r\nTrailer: X\r\n", "3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n") + get()]
        pieces = [b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b";", b",", b"0", b"5", b"x", b"\x0b", b"\xff", b"\r\n\r\n", b"\r\n ", b"chunked", b"Content-Length: 3\r\n",
                  b"Transfer-Encoding: chunked\r\n", b"HTTP/1.0", b"GET /smuggled HTTP/1.1\r\n"]
        for edge, _ in self.edges():
            for number in range(300):
                octets = bytearray(dice.choice(seeds))
                for _ in range(dice.choice((1, 1, 1, 2, 3))):
                    at = dice.randrange(len(octets))
                    octets[at:at + dice.choice((0, 0, 1, 2, 9))] = dice.choice(pieces)
                with edge.connect() as client:
                    client.send(bytes(octets))
                    client.half_close()
                    client.read_to_end()
                self.assertEqual(self.recorder.malformed, [], (number, bytes(octets)))
            seen, _ = self.recorder.take()
            edge.ask("GET", "/last")
            edge.wait_access(path="/last")
            self.recorder.take()
            passed = sorted((line["method"], line["path"]) for line in edge.access() if line["status"] == 200 and line["path"] != "/last")
            self.assertEqual(sorted((method, target) for method, target, _ in seen), passed)
            self.assertGreater(len(passed), 50)


if __name__ == "__main__":
    harness.main()
