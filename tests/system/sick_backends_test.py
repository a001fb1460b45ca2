#!/usr/bin/env python3
"""Servers that are sick each in its way, all in one pool, under a few hundred requests at once: what a client gets is whole
and right or an honest error, in time; who has a healthy server notices nothing; and the metrics say what was wrong."""

import socket
import threading
import time

import harness

BODY = bytes(range(256)) * 32
# The route's timeout in seconds: whatever else a request may have to wait for, then it is over.
DEADLINE = 4
SLACK = 5
CONNECTIONS = 30
REASONS = {"mute": {"timeout"}, "half_head": {"closed"}, "half_body": {"closed"}, "half_chunk": {"closed"}, "stall": {"timeout"},
           "reset": {"reset"}, "refuse": {"connect_refused"}, "full": {"connect_timeout"}}


def seconds(number):
    """As the configuration writes it. These are long enough for origins that share one interpreter with their clients."""
    return f"{round(1000 * number * harness.PATIENCE)}ms"


def whole(peer, name):
    peer.send(harness.response(200, {"X-Backend": name}, body=BODY))
    return True


def mute(peer, _):
    peer.read_to_end()


def half(octets):
    def behave(peer, _):
        peer.send(octets)

    return behave


def stall(peer, _):
    peer.send(harness.response(200, body=BODY)[:5000])
    peer.read_to_end()


def slow(peer, name):
    time.sleep(0.2)
    return whole(peer, name)


BEHAVIOUR = {
    "good": whole,
    "fine": whole,
    "slow": slow,
    "mute": mute,
    "half_head": half(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "half_body": half(harness.response(200, body=BODY)[:5000]),
    "half_chunk": half(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + harness.chunked(BODY)[:-7]),
    "stall": stall,
    "reset": lambda peer, _: peer.reset(),
}


class Pool(harness.SystemTest):
    def start(self, **pool):
        """`good` and `fine` are well, the others are named for what ails them. All answer probes as they answer."""
        self.posts, self.lock = {}, threading.Lock()
        self.origins = {name: self.origin(self.server(name, behave)) for name, behave in BEHAVIOUR.items()}
        refuse = self.origin(b"")
        refuse.stop()
        addresses = {name: origin.address for name, origin in self.origins.items()} | {"refuse": refuse.address, "full": self.full()}
        backends = [{"name": name, "address": address} for name, address in addresses.items()]
        return self.edge(harness.config(
            *backends, routes=[{"name": "all", "pool": "web", "timeout": seconds(DEADLINE)}],
            pool={"balance": "round_robin",
                  "timeouts": {"connect": seconds(0.3), "first_byte": seconds(1), "between_bytes": seconds(0.5), "idle": "2s"},
                  "sticky": {"cookie": "SRV", "mode": "plain", "max_idle": "0s", "max_life": "0s"},
                  "connections": {"max": CONNECTIONS}, "queue": {"limit": 10, "timeout": seconds(0.5)}, **pool}))

    def server(self, name, behave):
        def handle(peer):
            while (asked := peer.request()) is not None:
                if asked.method == "POST":
                    with self.lock:
                        self.posts.setdefault(asked.target, []).append(name)
                if not behave(peer, name):
                    return

        return handle

    def full(self):
        """A listening socket whose queue nobody empties: further connections hang until they time out."""
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        for _ in range(4):
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(listener.getsockname())
        for one in (listener, *waiting):
            self.addCleanup(one.close)
        return "127.0.0.1:%d" % listener.getsockname()[1]

    def crowd(self, edge, threads, visitors_of=None):
        cookie = {"Cookie": f"SRV={visitors_of}"} if visitors_of else None
        return harness.Counting(edge.address(), {"/": BODY}, threads=threads, fields=cookie, timeout=DEADLINE * SLACK)

    def last(self, duration, *crowds):
        time.sleep(duration)
        for crowd in crowds:
            crowd.finish()

    def check_times(self, *crowds):
        for crowd in crowds:
            self.assertLess(crowd.longest, DEADLINE * SLACK * harness.PATIENCE, crowd.outcomes)


class Storm(Pool):
    def test_everything_at_once_is_whole_or_an_honest_error(self):
        edge = self.start()
        everybody, lucky, unlucky = self.crowd(edge, 150), self.crowd(edge, 10, "good"), self.crowd(edge, 60, "mute")
        self.last(6, everybody, lucky, unlucky)
        for crowd in (everybody, unlucky):
            self.assertLessEqual(set(crowd.outcomes), {200, 502, 503, 504, "Cut"}, crowd.failures[:5])
            self.assertGreater(crowd.outcomes[200], 0)
        # The healthy server's visitors.
        self.assertEqual(set(lucky.outcomes), {200}, lucky.failures[:5])
        self.assertEqual(set(lucky.backends), {"good"})
        self.check_times(everybody, lucky, unlucky)
        self.check_metrics(edge, everybody, lucky, unlucky)

    def check_metrics(self, edge, *crowds):
        total = {key: sum(crowd.outcomes.get(key, 0) for crowd in crowds) for key in (200, 502, 503, 504, "Cut")}
        metrics = edge.metrics()
        for name, reasons in REASONS.items():
            found = {labels["reason"] for labels, _ in metrics.find("shellac_backend_errors_total", backend=name)}
            self.assertTrue(found & reasons, f"{name}: {found}")
        for name in ("good", "fine", "slow"):
            self.assertEqual(metrics.value("shellac_backend_errors_total", backend=name), 0)
        # A transfer that broke began with 200.
        self.assertEqual(metrics.value("shellac_requests_total", status_class="2xx"), total[200] + total["Cut"])
        self.assertEqual(metrics.value("shellac_requests_total", status_class="5xx"), total[502] + total[503] + total[504])
        broken = sum(metrics.value("shellac_backend_requests_total", backend=name) for name in ("half_body", "half_chunk", "stall"))
        self.assertEqual(broken, total["Cut"])
        rejected = metrics.value("shellac_backend_queue_rejected_total")
        self.assertEqual(rejected, total[503])
        self.assertGreater(metrics.value("shellac_backend_queue_rejected_total", reason="queue_full"), 0)
        # Everything was given back.
        self.assertEqual(metrics.value("shellac_backend_queue"), 0)
        edge.wait_metric("shellac_backend_connections", 0, state="busy")

    def test_probes_and_traffic_find_the_sick_and_then_nobody_notices_them(self):
        edge = self.start(connections={"max": 0}, health={
            "probe": {"interval": "200ms", "fast_interval": "100ms", "timeout": seconds(1)},
            "outlier": {"errors": 2, "ejection": "60s", "max_ejected": "100%"}})
        first = self.crowd(edge, 100)
        for name in REASONS:
            edge.wait_metric("shellac_backend_up", 0, timeout=15, backend=name)
        first.finish()
        then = self.crowd(edge, 100)
        self.last(2, then)
        self.assertEqual(set(then.outcomes), {200}, then.failures[:5])
        self.assertEqual(set(then.backends), {"good", "fine", "slow"})
        self.check_times(first, then)

    def test_posts_are_never_sent_twice(self):
        edge = self.start(retries={"attempts": 5, "on": ["connect", "reset", "timeout", "502", "503", "504"], "budget": "100%"})
        statuses, numbers = {}, iter(range(2000))

        def post():
            for number in numbers:
                target = f"/order/{number}"
                try:
                    with edge.connect(timeout=DEADLINE * SLACK) as client:
                        status = client.ask("POST", target, body=b"one").status
                except harness.Cut:
                    status = "Cut"
                with self.lock:
                    statuses[target] = status

        threads = [threading.Thread(target=post) for _ in range(60)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60 * harness.PATIENCE)
        self.assertEqual(len(statuses), 2000)
        self.assertLessEqual(set(statuses.values()), {200, 502, 503, 504, "Cut"})
        self.assertEqual({target: names for target, names in self.posts.items() if len(names) > 1}, {})
        for target, status in statuses.items():
            if status == 200:
                self.assertIn(self.posts[target][0], ("good", "fine", "slow"))
            elif status == 503:  # nobody took it
                self.assertNotIn(target, self.posts)


class Drain(Pool):
    def test_new_visitors_stop_at_once_and_old_ones_stay(self):
        edge = self.start(connections={"max": 0})
        everybody, old = self.crowd(edge, 60), self.crowd(edge, 10, "good")
        harness.eventually(lambda: everybody.backends.get("good", 0) > 50, 20, "new visitors come")
        edge.ctl("drain", "web/good")
        before, fine, asked = everybody.backends["good"], everybody.backends.get("fine", 0), old.done
        harness.eventually(lambda: everybody.backends.get("fine", 0) > fine + 60 and old.done > asked + 100, 30, "the load goes on")
        self.last(0, everybody, old)
        # What was on its way when the state changed may still have gone there.
        self.assertLessEqual(everybody.backends["good"] - before, 5)
        self.assertEqual((set(old.outcomes), set(old.backends)), ({200}, {"good"}), old.failures[:5])


if __name__ == "__main__":
    harness.main()
