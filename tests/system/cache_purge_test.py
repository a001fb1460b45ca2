#!/usr/bin/env python3
"""Purges by URL, by tag and of everything, through ctl and the admin API: what is asked after a purge's answer is never the
purged object."""

import json
import threading

import harness
from cache_origin import Crowd, Gate

TAGGED = {"/a": {"Surrogate-Key": "red all"}, "/b": {"xkey": "red, blue"}, "/c": {"Cache-Groups": '"green"'}, "/d": {}}


class Versions:
    """Answers every path with a number that grows with each request; TAGGED paths carry their tags."""

    def __init__(self, more=None):
        self.lock = threading.Lock()
        self.count = 0
        self.more = more or {}

    def __call__(self, peer):
        while (asked := peer.request()) is not None:
            with self.lock:
                self.count += 1
                number = self.count
            path = asked.target.split("?")[0]
            fields = {"Cache-Control": "max-age=600", "ETag": f'"{number}"', **TAGGED.get(path, {}), **self.more}
            peer.send(harness.response(fields=fields, body=f"{number}".encode()))


class Purges(harness.SystemTest):
    def start(self, policy=None, more=None, **top):
        self.versions = Versions(more)
        self.origin_ = self.origin(self.versions)
        return self.edge(harness.config(
            self.origin_.address, cache={"memory": "16MiB", "policies": {"p": policy or {}}},
            routes=[{"name": "all", "pool": "web", "cache": "p"}], **top))

    def get(self, edge, path, **more):
        answer = edge.ask(target=path, **more)
        self.assertEqual(answer.status, 200)
        return answer

    def fill(self, edge):
        for path in TAGGED:
            self.get(edge, path)
            self.assertIn("hit", self.get(edge, path).get("Cache-Status"))

    def stored(self, edge):
        """Which of TAGGED are answered from the store."""
        return [path for path in TAGGED
                if edge.ask(target=path, fields={"Cache-Control": "only-if-cached"}).status == 200]

    def url(self, edge, path):
        # What a client of edge.ask() asks for: its Host is localhost, without a port.
        return f"http://localhost{path}"

    def test_ctl_purges_a_url(self):
        edge = self.start()
        self.fill(edge)
        edge.ctl("purge", self.url(edge, "/a"))
        self.assertEqual(self.stored(edge), ["/b", "/c", "/d"])
        # One that is not there is no error.
        edge.ctl("purge", self.url(edge, "/none"))
        self.assertEqual(edge.ctl("purge", "nonsense", check=False).returncode, 1)

    def test_ctl_purges_by_tag(self):
        for tag, left in (("red", ["/c", "/d"]), ("blue", ["/a", "/c", "/d"]), ("all", ["/b", "/c", "/d"]),
                          ("Red", ["/a", "/b", "/c", "/d"]), ("nothing", ["/a", "/b", "/c", "/d"])):
            with self.subTest(tag=tag):
                edge = self.start()
                self.fill(edge)
                edge.ctl("purge-tag", tag)
                self.assertEqual(self.stored(edge), left)

    def test_ctl_purges_everything(self):
        edge = self.start()
        self.fill(edge)
        edge.ctl("purge", "--all")
        self.assertEqual(self.stored(edge), [])
        edge.wait_metric("shellac_cache_objects", 0)

    def test_admin_purges(self):
        edge = self.start()
        for body, left in (({"url": "http://localhost/d"}, ["/a", "/b", "/c"]), ({"tag": "red"}, ["/c", "/d"]), ({"all": True}, [])):
            with self.subTest(body=body):
                self.fill(edge)
                answer = edge.admin("POST", "/api/v1/purge", body)
                self.assertEqual(answer.status, 200, answer.body)
                json.loads(answer.body)
                self.assertEqual(self.stored(edge), left)

    def test_admin_refuses(self):
        edge = self.start()
        self.fill(edge)
        for body in ({}, {"url": "http://localhost/a", "tag": "red"}, {"url": 1}, {"all": False}, {"url": "nonsense"},
                     {"tag": "red", "soft": 1}, {"colour": "red"}, b"{", b"[]"):
            with self.subTest(body=body):
                answer = edge.admin("POST", "/api/v1/purge", body if body != {} else b"{}")
                self.assertGreaterEqual(answer.status, 400)
                self.assertLess(answer.status, 500)
                self.assertEqual(answer.get("Content-Type"), "application/problem+json")
        self.assertIn(edge.admin("POST", "/api/v1/purge", {"all": True}, token=None).status, (401, 403))
        self.assertIn(edge.admin("POST", "/api/v1/purge", {"all": True}, token="wrong").status, (401, 403))
        self.assertEqual(self.stored(edge), ["/a", "/b", "/c", "/d"])

    def test_soft(self):
        """A softly purged object serves once more while it is refreshed, where grace allows that."""
        for arguments in (("purge", "--soft", "http://localhost/a"), ("purge-tag", "--soft", "red")):
            with self.subTest(arguments=arguments):
                edge = self.start({"grace": "60s"})
                self.fill(edge)
                before = self.get(edge, "/a").body
                edge.ctl(*arguments)
                answer = self.get(edge, "/a")
                self.assertEqual(answer.body, before)
                self.assertRegex(answer.get("Cache-Status"), "hit; ttl=(-|0)")
                harness.eventually(lambda: self.get(edge, "/a").body != before, 5, "the refreshed answer")

    def test_soft_without_grace_asks_first(self):
        edge = self.start({"grace": "0s"})
        self.fill(edge)
        before = self.get(edge, "/a").body
        edge.ctl("purge", "--soft", "http://localhost/a")
        answer = self.get(edge, "/a")
        self.assertNotEqual(answer.body, before)
        self.assertEqual(self.origin_.requests[-1].get("If-None-Match"), f'"{before.decode()}"')

    def test_all_variants_and_keys(self):
        edge = self.start({"key": {"headers": ["X-Device"]}, "query": {"drop": ["utm_*"]}}, more={"Vary": "X-A"})

        def ask_all():
            return [self.get(edge, "/v?q=1", fields={"X-Device": device, "X-A": kind}).body for device in ("", "1", "2") for kind in ("a", "b")]

        first = ask_all()
        self.assertEqual(len(set(first)), 6)
        self.assertEqual(ask_all(), first)
        edge.ctl("purge", "http://LOCALHOST:80/v?q=1&utm_source=x#fragment")
        self.assertFalse(set(ask_all()) & set(first))

    def test_never_after_the_answer(self):
        """Clients keep the key hot on all workers; each purge is followed by a request that must be answered anew."""
        edge = self.start(workers=4)
        stop = threading.Event()
        failures = []

        def hammer():
            with edge.connect() as client:
                last = 0
                while not stop.is_set():
                    number = int(client.ask(target="/a").body)
                    if number < last:
                        failures.append(f"{number} after {last}")
                    last = number

        hammers = [threading.Thread(target=hammer) for _ in range(6)]
        for one in hammers:
            one.start()
        try:
            with edge.connect() as client:
                for turn in range(120):
                    with self.versions.lock:
                        begun = self.versions.count
                    body = ({"url": "http://localhost/a"}, {"tag": "red"}, {"all": True})[turn % 3]
                    self.assertEqual(edge.admin("POST", "/api/v1/purge", body).status, 200)
                    got = int(client.ask(target="/a").body)
                    # Everything that the origin had been asked for before the purge began is gone after it.
                    self.assertGreater(got, begun, f"turn {turn}, {body}")
        finally:
            stop.set()
            for one in hammers:
                one.join(20)
        self.assertEqual(failures, [])

    def test_while_others_wait(self):
        """A fetch in flight when the purge comes, before its head: those who waited get its answer, those who come later do not."""
        gate, counted = Gate(), []

        def handler(peer):
            while (asked := peer.request()) is not None:
                counted.append(asked)
                number = len(counted)
                if number == 1:
                    gate.wait()
                peer.send(harness.response(fields={"Cache-Control": "max-age=600"}, body=f"{number}".encode()))

        for arguments in (("purge", "http://localhost/w"), ("purge", "--all")):
            with self.subTest(arguments=arguments):
                gate, counted = Gate(), []
                origin = self.origin(handler)
                edge = self.edge(harness.config(
                    origin.address, workers=4, cache={"memory": "16MiB", "policies": {"p": {}}},
                    routes=[{"name": "all", "pool": "web", "cache": "p"}]))
                with Crowd(edge, 12, "/w") as crowd:
                    edge.wait_metric("shellac_requests_in_flight", 12)
                    edge.ctl(*arguments)
                    self.assertEqual(self.get(edge, "/w").body, b"2")
                    gate.open()
                    self.assertLessEqual({one.body for one in crowd.answers()}, {b"1", b"2"})
                # The old answer, which came last, has not taken the new one's place.
                self.assertEqual(self.get(edge, "/w").body, b"2")
                self.assertEqual(len(counted), 2)

    def test_cache_get_and_top(self):
        edge = self.start()
        self.fill(edge)
        for _ in range(5):
            self.get(edge, "/b")
        told = json.loads(edge.ctl("--json", "cache", "get", "http://localhost/b").stdout)
        self.assertIn("/b", json.dumps(told))
        self.assertIn("/b", edge.ctl("cache", "top").stdout)
        self.assertEqual(edge.ctl("cache", "get", "http://localhost/none").returncode, 0)
        answer = edge.admin("GET", "/api/v1/cache?url=http%3A%2F%2Flocalhost%2Fb")
        self.assertEqual(answer.status, 200)

    def test_a_reload_keeps_what_is_stored(self):
        edge = self.start()
        self.fill(edge)
        edge.reload()
        self.assertEqual(self.stored(edge), ["/a", "/b", "/c", "/d"])


if __name__ == "__main__":
    harness.main()
