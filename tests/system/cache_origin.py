"""An origin for the cache's tests: bodies that can be known by their name, versions that can be told apart, and counts of what
was asked. Standard library only, as everything beside harness.py."""

import hashlib
import random
import threading

from wire import chunked, request, response

# One pool of octets; a body is a piece of it that its name chooses, so that no two are alike and none is kept twice.
_POOL = random.Random(9111).randbytes(4 << 20)


def body_of(name, size):
    """The octets that belong to `name`, `size` of them."""
    seed = hashlib.sha256(name.encode()).digest()
    start = int.from_bytes(seed[:4], "big") % (len(_POOL) // 2)
    out = seed[:size]
    while len(out) < size:
        out += _POOL[start:start + size - len(out)]
        start = (start * 7 + 13) % (len(_POOL) // 2)
    return out


class Gate:
    """The origin's answers wait here until the test lets them go."""

    def __init__(self, timeout=20.0):
        self._open = threading.Event()
        self._timeout = timeout

    def wait(self):
        if not self._open.wait(self._timeout):
            raise AssertionError("the test never opened the gate")

    def open(self):
        self._open.set()


def sized(peer, cacheable="max-age=600", chunks=False):
    """Answers /SIZE/NAME with body_of(NAME, SIZE), as often as it is asked."""
    while (asked := peer.request()) is not None:
        _, size, name = asked.target.split("/", 2)
        octets = body_of(name, int(size))
        fields = {"Cache-Control": cacheable}
        if chunks:
            parts = [octets[start:start + 40_000] for start in range(0, len(octets), 40_000)]
            peer.send(response(fields={**fields, "Transfer-Encoding": "chunked"}), chunked(*parts))
        else:
            peer.send(response(fields=fields, body=octets))


class Crowd:
    """Many clients that have sent the same request, and not read yet."""

    def __init__(self, edge, count, target="/", fields=None, listener="http"):
        self.clients = []
        try:
            for _ in range(count):
                self.clients.append(edge.connect(listener))
            for client in self.clients:
                client.send(request("GET", target, fields))
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def answers(self):
        return [client.response() for client in self.clients]

    def close(self):
        for client in self.clients:
            client.close()


class Tagged:
    """Answers /SIZE/NUMBER[?chunks] with octets that belong to the number, tagged t0 to t15. Sends without copying."""

    def __init__(self):
        self._pool = memoryview(random.Random(5861).randbytes(12 << 20))
        self._lock = threading.Lock()
        self.count = 0

    def body(self, number, size):
        start = number * 4099 % (len(self._pool) - size)
        return self._pool[start:start + size]

    def is_right(self, octets, number, size):
        return octets == bytes(self.body(number, size))

    def handle(self, peer):
        peer.socket.settimeout(None)  # the edge's idle connections may be idle for long
        while (asked := peer.request()) is not None:
            with self._lock:
                self.count += 1
            path, _, how = asked.target.partition("?")
            _, size, number = path.split("/")
            octets = self.body(int(number), int(size))
            fields = {"Cache-Control": "max-age=3600", "Surrogate-Key": f"t{int(number) % 16}"}
            if not how:
                peer.send(response(fields={**fields, "Content-Length": size}), octets)
                continue
            peer.send(response(fields={**fields, "Transfer-Encoding": "chunked"}))
            for start in range(0, len(octets), 100_000):
                part = octets[start:start + 100_000]
                peer.send(f"{len(part):x}\r\n", part, "\r\n")
            peer.send("0\r\n\r\n")
