#!/usr/bin/env python3
"""Balancing with real sockets: sticky visitors, probes, ejection, limits and queues, retries."""

import select
import threading

import harness


def named(name):
    """A server that says who it is, and what it was asked with."""

    def handle(peer):
        while True:
            asked = peer.request()
            if asked is None:
                return
            peer.send(harness.response(200, {"X-Server": name, "X-Cookie-Seen": asked.get("Cookie", "-")}, body=name.encode()))

    return handle


def cookie_of(answer):
    for line in answer.all("Set-Cookie"):
        if line.startswith("SHELLAC="):
            return line.split(";")[0]
    return None


class Switch:
    """A server whose health and behaviour the test turns."""

    def __init__(self, name):
        self.name, self.healthy, self.status, self.missing = name, True, 200, False

    def __call__(self, peer):
        while True:
            asked = peer.request()
            if asked is None:
                return
            if asked.target == "/healthz":
                status = 404 if self.missing else 200 if self.healthy else 500
            else:
                status = self.status
            peer.send(harness.response(status, {"X-Server": self.name}, body=self.name.encode()))


class Sticky(harness.SystemTest):
    def start(self, **pool):
        names = ["web1", "web2", "web3"]
        self.origins = [self.origin(named(name)) for name in names]
        backends = [{"name": name, "address": origin.address} for name, origin in zip(names, self.origins)]
        (self.edge_folder() / "sticky.key").write_text("0123456789abcdef0123456789abcdef\n")
        return self.edge(harness.config(*backends, pool={"sticky": {"key_file": "sticky.key"}, **pool}))

    def test_a_visitor_stays(self):
        edge = self.start()
        for _ in range(6):
            first = edge.ask()
            cookie = cookie_of(first)
            self.assertRegex(cookie, r"^SHELLAC=[A-Za-z0-9_-]{43}$")
            for _ in range(5):
                again = edge.ask(fields={"Cookie": f"theme=dark; {cookie}"})
                self.assertEqual(again.get("X-Server"), first.get("X-Server"))
                self.assertEqual(again.get("X-Cookie-Seen"), "theme=dark")
                self.assertIsNone(cookie_of(again))
        self.assertGreater(edge.metrics().value("shellac_sticky_total", pool="web", result="valid"), 29)
        self.assertEqual(edge.wait_access(36)[-1]["sticky"], "valid")

    def test_a_forged_cookie_counts_as_none(self):
        edge = self.start()
        answer = edge.ask(fields={"Cookie": "SHELLAC=" + "A" * 43})
        self.assertIsNotNone(cookie_of(answer))
        self.assertEqual(answer.get("X-Cookie-Seen"), "-")
        self.assertEqual(edge.metrics().value("shellac_sticky_total", result="invalid"), 1)

    def test_an_applications_own_cookie_of_that_name_wins(self):
        origin = self.origin(harness.response(200, {"Set-Cookie": "SHELLAC=mine; Path=/"}, body=b"x"))
        edge = self.edge(harness.config(origin.address, pool={"sticky": {}}))
        self.assertEqual(edge.ask().all("Set-Cookie"), ["SHELLAC=mine; Path=/"])

    def test_drained_servers_keep_their_visitors_and_get_no_new_ones(self):
        edge = self.start()
        visitor = edge.ask()
        home, cookie = visitor.get("X-Server"), cookie_of(visitor)
        edge.ctl("drain", f"web/{home}")
        for _ in range(12):
            self.assertNotEqual(edge.ask().get("X-Server"), home)
            self.assertEqual(edge.ask(fields={"Cookie": cookie}).get("X-Server"), home)
        edge.ctl("down", f"web/{home}")
        moved = edge.ask(fields={"Cookie": cookie})
        self.assertNotEqual(moved.get("X-Server"), home)
        new = cookie_of(moved)
        self.assertIsNotNone(new)
        edge.ctl("ready", f"web/{home}")
        for _ in range(6):  # and stays there
            self.assertEqual(edge.ask(fields={"Cookie": new}).get("X-Server"), moved.get("X-Server"))

    def test_edges_with_the_same_key_agree(self):
        edge = self.start()
        backends = [{"name": f"web{i + 1}", "address": origin.address} for i, origin in enumerate(self.origins)]
        (self.edge_folder("other") / "sticky.key").write_text("0123456789abcdef0123456789abcdef\n")
        other = self.edge(harness.config(*backends, pool={"sticky": {"key_file": "sticky.key"}}), name="other")
        for _ in range(4):
            visitor = edge.ask()
            self.assertEqual(other.ask(fields={"Cookie": cookie_of(visitor)}).get("X-Server"), visitor.get("X-Server"))

    def test_without_a_key_file_a_key_is_made_and_told(self):
        origin = self.origin(named("web1"))
        edge = self.edge(harness.config(origin.address, pool={"sticky": {}}))
        edge.wait_log("sticky: no key_file")
        cookie = cookie_of(edge.ask())
        edge.reload()
        self.assertIsNone(cookie_of(edge.ask(fields={"Cookie": cookie})))  # the key outlives a reload

    def test_plain_labels_of_haproxy(self):
        origins = [self.origin(named(name)) for name in ("web1", "web2")]
        backends = [{"name": f"web{i + 1}", "address": one.address, "label": f"s{i + 1}"} for i, one in enumerate(origins)]
        edge = self.edge(harness.config(*backends, pool={"sticky": {"mode": "plain", "cookie": "SRV", "max_idle": "0s", "max_life": "0s"}}))
        for _ in range(4):
            answer = edge.ask(fields={"Cookie": "SRV=s2"})
            self.assertEqual(answer.get("X-Server"), "web2")
            self.assertNotIn("Set-Cookie", answer)
        self.assertRegex(edge.ask().get("Set-Cookie"), r"^SRV=s[12]; Path=/; HttpOnly; SameSite=Lax$")


class Health(harness.SystemTest):
    PROBE = {"path": "/healthz", "interval": "200ms", "fast_interval": "100ms", "timeout": "500ms"}

    def start(self, probe=None, pool=None, count=3):
        self.switches = [Switch(f"web{i + 1}") for i in range(count)]
        self.origins = [self.origin(switch) for switch in self.switches]
        backends = [{"name": s.name, "address": o.address} for s, o in zip(self.switches, self.origins)]
        return self.edge(harness.config(*backends, pool={"health": {"probe": {**self.PROBE, **(probe or {})}}, **(pool or {})}))

    def servers(self, edge, count=12):
        return {edge.ask().get("X-Server") for _ in range(count)}

    def test_a_sick_server_leaves_and_returns(self):
        edge = self.start()
        harness.eventually(lambda: edge.admin("GET", "/readyz").status == 200, 5, "ready")
        self.switches[0].healthy = False
        edge.wait_metric("shellac_backend_up", 0, backend="web1")
        self.assertEqual(self.servers(edge), {"web2", "web3"})
        edge.wait_log(r"backend web/web1: down: 3 probes in a row: status")
        self.switches[0].healthy = True
        edge.wait_metric("shellac_backend_up", 1, backend="web1")
        self.assertEqual(self.servers(edge), {"web1", "web2", "web3"})
        self.assertGreater(edge.metrics().value("shellac_backend_probes_total", backend="web1", result="status"), 2)

    def test_an_expected_text_and_statuses(self):
        edge = self.start(probe={"body": "web2", "expect": "200"})
        edge.wait_metric("shellac_backend_up", 1)
        self.assertEqual(self.servers(edge), {"web2"})

    def test_404_says_farewell(self):
        edge = self.start(probe={"on_404": "drain"}, pool={"sticky": {}})
        visitor = edge.ask()
        home, cookie = visitor.get("X-Server"), cookie_of(visitor)
        [switch for switch in self.switches if switch.name == home][0].missing = True
        harness.eventually(lambda: any(b["name"] == home and b["health"] == "drain" for b in edge.api("/api/v1/backends")), 5, "drain")
        for _ in range(8):
            self.assertNotEqual(edge.ask().get("X-Server"), home)
            self.assertEqual(edge.ask(fields={"Cookie": cookie}).get("X-Server"), home)

    def test_a_dead_server_is_known_at_once_and_health_survives_a_reload(self):
        edge = self.start(count=2)
        self.origins[0].stop()
        edge.wait_metric("shellac_backend_up", 0, backend="web1")
        edge.reload()
        self.assertEqual(edge.metrics().value("shellac_backend_up", backend="web1"), 0)
        self.assertEqual(self.servers(edge), {"web2"})

    def test_probes_keep_no_connection(self):
        """Not even when the answer is whole with its head: a kept one would count in connections.max."""
        asked = []

        def handle(peer):
            message = peer.request()
            asked.append(message.get("Connection"))
            peer.send(harness.response(200))
            self.assertTrue(peer.is_closed())

        edge = self.edge(harness.config(self.origin(handle).address, pool={"health": {"probe": self.PROBE}}))
        edge.wait_metric("shellac_backend_probes_total", lambda count: count > 3, result="ok")
        self.assertEqual(edge.metrics().value("shellac_backend_connections", state="idle"), 0)
        self.assertEqual(set(asked), {"close"})

    def test_probes_over_tcp_alone(self):
        edge = self.start(probe={"tcp": True}, count=1)
        edge.wait_metric("shellac_backend_probes_total", lambda count: count > 1, result="ok")

    def test_traffic_ejects_and_takes_back(self):
        self.switches = [Switch("web1"), Switch("web2")]
        origins = [self.origin(switch) for switch in self.switches]
        backends = [{"name": s.name, "address": o.address} for s, o in zip(self.switches, origins)]
        edge = self.edge(harness.config(*backends, pool={"balance": "round_robin",
                                                         "health": {"outlier": {"errors": 3, "ejection": "1s"}}}))
        self.switches[0].status = 500
        for _ in range(8):
            edge.ask()
        edge.wait_metric("shellac_backend_up", 0, backend="web1")
        edge.wait_log("backend web/web1: ejected: 3 requests in a row failed")
        self.assertEqual(self.servers(edge, 6), {"web2"})
        self.switches[0].status = 200
        edge.wait_metric("shellac_backend_up", 1, backend="web1")
        self.assertEqual(self.servers(edge), {"web1", "web2"})


class Limits(harness.SystemTest):
    def gate(self):
        """An origin whose answers wait until the test lets them go. `most` is how many connections the edge had open at
        once: one that it has closed does not count, even if its thread here has yet to hear of it."""
        self.peers, self.most, self.go, self.lock = set(), 0, threading.Semaphore(0), threading.Lock()

        def is_open(peer):
            poll = select.poll()
            poll.register(peer.socket, select.POLLRDHUP)
            return not poll.poll(0)

        def handle(peer):
            with self.lock:
                self.peers.add(peer)
                self.most = max(self.most, sum(map(is_open, self.peers)))
            try:
                while peer.request() is not None:
                    self.go.acquire(timeout=10)
                    peer.send(harness.response(200, body=b"ok"))
            finally:
                with self.lock:
                    self.peers.discard(peer)

        return self.origin(handle)

    def ask_many(self, edge, count):
        statuses = []
        threads = [threading.Thread(target=lambda: statuses.append(edge.ask().status)) for _ in range(count)]
        for thread in threads:
            thread.start()
        return threads, statuses

    def test_requests_wait_for_a_connection(self):
        edge = self.edge(harness.config(self.gate().address, pool={"connections": {"max": 2}}))
        threads, statuses = self.ask_many(edge, 8)
        edge.wait_metric("shellac_backend_queue", 6)
        self.assertEqual(edge.metrics().value("shellac_backend_connections", state="busy"), 2)
        most = 0
        for _ in range(8):
            self.go.release()
            sockets = edge.metrics()
            most = max(most, sockets.value("shellac_backend_connections", state="busy") + sockets.value("shellac_backend_connections", state="idle"))
        for thread in threads:
            thread.join(10)
        self.assertEqual(statuses, [200] * 8)
        self.assertLessEqual(most, 2)
        self.assertLessEqual(self.most, 2)
        self.assertGreater(max(line["t_queue"] or 0 for line in edge.wait_access(8)), 0)

    def test_a_full_queue_and_a_long_wait_are_503(self):
        edge = self.edge(harness.config(self.gate().address, pool={"connections": {"max": 1}, "queue": {"limit": 1, "timeout": "300ms"}}))
        threads, statuses = self.ask_many(edge, 2)
        edge.wait_metric("shellac_backend_queue", 1)
        answer = edge.ask()
        self.assertEqual(answer.status, 503)
        self.assertIn("Retry-After", answer)
        edge.wait_metric("shellac_backend_queue_rejected_total", 1, reason="queue_full")
        edge.wait_metric("shellac_backend_queue_rejected_total", 1, reason="queue_timeout")
        self.go.release()
        for thread in threads:
            thread.join(10)
        self.assertEqual(sorted(statuses), [200, 503])

    def test_who_leaves_leaves_the_queue(self):
        edge = self.edge(harness.config(self.gate().address, pool={"connections": {"max": 1}}))
        threads, _ = self.ask_many(edge, 1)
        edge.wait_metric("shellac_backend_connections", 1, state="busy")
        client = edge.connect()
        client.send(harness.request())
        edge.wait_metric("shellac_backend_queue", 1)
        client.reset()
        edge.wait_metric("shellac_backend_queue", 0)
        self.go.release()
        threads[0].join(10)

    def test_an_idle_connection_of_another_worker_is_given_up(self):
        edge = self.edge(harness.config(self.gate().address, pool={"connections": {"max": 1}}))
        for _ in range(12):  # over both workers
            self.go.release()
            self.assertEqual(edge.ask().status, 200)
        self.assertEqual(self.most, 1)


class Retries(harness.SystemTest):
    def dead(self):
        origin = self.origin(b"")
        origin.stop()
        return origin.address

    def test_a_refused_connection_goes_elsewhere(self):
        good = self.origin(named("good"))
        edge = self.edge(harness.config(self.dead(), self.dead(), good.address))
        for _ in range(6):
            self.assertEqual(edge.ask("POST", body=b"x").status, 200)
        self.assertGreater(edge.metrics().value("shellac_retries_total", reason="connect", result="ok"), 0)
        self.assertLessEqual(max(line["attempts"] for line in edge.wait_access(6)), 3)

    def test_a_cut_answer_is_asked_again_for_get_and_never_for_post(self):
        bad = self.origin(lambda peer: peer.request())
        good = self.origin(named("good"))
        edge = self.edge(harness.config(bad.address, good.address, pool={"balance": "round_robin"}))
        self.assertEqual({edge.ask().status for _ in range(6)}, {200})
        statuses = [edge.ask("POST", body=b"x").status for _ in range(6)]
        self.assertEqual(sorted(set(statuses)), [200, 502])
        posts = [asked for asked in bad.requests + good.requests if asked.method == "POST"]
        self.assertEqual(len(posts), 6)

    def test_statuses_when_asked_for(self):
        sick = self.origin(lambda peer: peer.answer(503))
        good = self.origin(named("good"))
        edge = self.edge(harness.config(sick.address, good.address, pool={"balance": "round_robin", "retries": {"on": ["503"]}}))
        self.assertEqual({edge.ask().status for _ in range(6)}, {200})
        alone = self.edge(harness.config(sick.address, pool={"retries": {"on": ["503"]}}))
        self.assertEqual(alone.ask().status, 503)  # nobody else: its own answer is passed on

    def test_zero_attempts_are_none(self):
        good = self.origin(named("good"))
        edge = self.edge(harness.config(self.dead(), good.address, pool={"balance": "round_robin", "retries": {"attempts": 0}}))
        self.assertEqual({edge.ask().status for _ in range(6)}, {200, 502})

    def test_all_out_is_503_with_the_reason(self):
        edge = self.edge(harness.config(self.dead()))
        edge.ctl("down", "web/s1")
        answer = edge.ask()
        self.assertEqual(answer.status, 503)
        self.assertIn("Retry-After", answer)
        self.assertEqual(edge.metrics().value("shellac_backend_queue_rejected_total", reason="all_down"), 1)
        edge.wait_log("pool web: no server takes a request: all_down")


if __name__ == "__main__":
    harness.main()
