"""A client that counts: keeps asking over its connections, and takes note of every request that did not get its whole
answer. A server may close only between answers that say so (Connection: close); everything else is a failure."""

import threading
import time

from wire import Cut, dial, request


class Counting:
    """`threads` connections that ask `targets` in turn until finish(). `expected` maps a target to its body. Each thread
    asks `per_connection` requests on a connection and then dials again; 0 = one connection for ever. `fields` go with each
    request; an answer that takes longer than `timeout` is a failure.

    `outcomes` counts by what came of a request: the status (200 only when the body was whole and right), `wrong`, or the
    name of the exception: Cut is a transfer that ended early, for the client to see. `longest` is in seconds."""

    def __init__(self, address, expected, threads=4, per_connection=0, tls=None, pause=0.0, fields=None, timeout=10.0):
        self.address, self.expected, self.tls = address, expected, tls
        self.per_connection, self.pause = per_connection, pause
        self.fields, self.timeout = fields or {}, timeout
        self.lock = threading.Lock()
        self.done = 0
        self.failures = []
        self.connections = 0
        self.backends = {}
        self.outcomes = {}
        self.longest = 0.0
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._ask_on, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def _ask_on(self):
        asked = [0]  # by this thread
        while not self._stopping.is_set():
            try:
                with dial(self.address, tls=self.tls, timeout=self.timeout) as client:
                    self.connections += 1
                    self._use(client, asked)
            except (OSError, Cut, AssertionError, ValueError) as error:
                self.failures.append(f"{type(error).__name__}: {error}")
                time.sleep(0.05)

    def _use(self, client, asked):
        targets = list(self.expected)
        on_this = 0
        while not self._stopping.is_set():
            target = targets[asked[0] % len(targets)]
            asked[0] += 1
            on_this += 1
            last = on_this == self.per_connection
            answer = self._ask(client, request("GET", target, {**self.fields, **({"Connection": "close"} if last else {})}), target)
            if last:
                return
            if "close" in (answer.get("Connection") or "").lower():
                self.failures.append(f"{target}: the answer closes the connection")
                return
            if self.pause:
                time.sleep(self.pause)

    def _ask(self, client, octets, target):
        began = time.monotonic()
        outcome = "Unfinished"
        try:
            client.send(octets)
            answer = client.response()
            outcome = answer.status
            if answer.status != 200 or answer.body != self.expected[target]:
                self.failures.append(f"{target}: {answer.status}, {len(answer.body)} of {len(self.expected[target])} octets")
                outcome = "wrong" if answer.status == 200 else answer.status
            with self.lock:
                name = answer.get("X-Backend")
                self.backends[name] = self.backends.get(name, 0) + 1
            return answer
        except BaseException as error:
            outcome = type(error).__name__
            raise
        finally:
            with self.lock:
                self.done += 1
                self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
                self.longest = max(self.longest, time.monotonic() - began)

    def finish(self):
        self._stopping.set()
        for thread in self._threads:
            thread.join(30)
        return self.done
