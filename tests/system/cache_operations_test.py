#!/usr/bin/env python3
"""The cache as an operator sees it: ctl, the admin API, metrics, reload."""

import json

import harness

FIELDS = {"Cache-Control": "max-age=300", "Surrogate-Key": "front page-7"}


class CacheOperations(harness.SystemTest):
    def setUp(self):
        super().setUp()
        self.backend = self.origin(lambda peer: peer.answer(fields=FIELDS, body=b"x" * 1000))
        self.configuration = harness.config(
            self.backend.address, cache={"memory": "64MiB", "policies": {"pages": {"query": {"drop": ["utm_*"]}}}},
            routes=[{"name": "off", "match": {"path": "/off"}, "pool": "web"}, {"name": "all", "pool": "web", "cache": "pages"}])
        self.listening = self.edge(self.configuration)

    def get(self, path):
        answer = self.listening.ask("GET", path, host="www.example.com")
        self.assertEqual(answer.status, 200)
        return answer.get("Cache-Status") or ""

    def ctl(self, *arguments, code=0):
        done = self.listening.ctl(*arguments, check=False)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout

    def stored(self, path):
        return json.loads(self.ctl("cache", "get", "--json", f"http://www.example.com{path}"))

    def test_an_empty_cache(self):
        for arguments, said in ((("purge", "--all"), "purged: 0\n"), (("purge", "http://www.example.com/"), "purged: 0\n"),
                                (("purge-tag", "--soft", "front"), "purged: 0\n"), (("cache", "top"), "nothing is stored\n"),
                                (("cache", "get", "http://www.example.com/"), "nothing is stored\n")):
            self.assertEqual(self.listening.ctl(*arguments).stdout, said, arguments)
        metrics = self.listening.metrics()
        self.assertTrue(metrics.has("shellac_cache_objects"))
        self.assertEqual(metrics.value("shellac_cache_memory_bytes"), 64 << 20)
        self.assertLess(metrics.value("shellac_cache_bytes"), 64 << 20)
        self.assertTrue(metrics.has("shellac_cache_eviction_age_seconds_bucket"))

    def test_purge_by_url(self):
        self.assertIn("stored", self.get("/a?utm_source=x"))
        self.assertIn("hit", self.get("/a"))
        self.assertEqual(self.ctl("purge", "http://www.example.com/b"), "purged: 0\n")
        self.assertIn("hit", self.get("/a"))
        self.assertEqual(self.ctl("purge", "http://WWW.example.com:80/a?utm_medium=y"), "purged: 1\n")
        self.assertIn("uri-miss", self.get("/a"))
        self.assertEqual(len(self.backend.requests), 2)

    def test_soft_purge_by_tag(self):
        self.get("/a")
        self.get("/b")
        self.assertEqual(self.ctl("purge-tag", "--soft", "page-8"), "purged: 0\n")
        self.assertEqual(self.ctl("purge-tag", "--soft", "page-7"), "purged: 2\n")
        self.assertTrue(self.stored("/a")[0]["soft_purged"])
        # Within its grace: served at once, and fetched anew behind the client's back.
        self.assertIn("hit", self.get("/a"))
        harness.eventually(lambda: not self.stored("/a")[0]["soft_purged"], 5, "the object is new")
        self.assertEqual(self.ctl("purge-tag", "front"), "purged: 2\n")
        self.assertIn("uri-miss", self.get("/a"))

    def test_purge_all(self):
        for path in ("/a", "/b", "/c", "/off"):
            self.get(path)
        self.assertEqual(self.ctl("purge", "--all"), "purged: 3\n")
        self.assertIn("nothing is stored", self.ctl("cache", "get", "http://www.example.com/a"))
        self.assertEqual(self.listening.metrics().value("shellac_cache_evictions_total", reason="purged"), 3)

    def test_looking(self):
        self.assertEqual(self.stored("/a"), [])
        self.get("/a")
        for _ in range(3):
            self.get("/b")
        one, = self.stored("/a")
        explained = json.loads(harness.shellac("explain", "--config", self.listening.file, "--json", "http://www.example.com/a?utm_x=1").stdout)
        self.assertEqual(one["key"], explained["cache"]["key"])
        self.assertEqual((one["status"], one["size"]), (200, 1000))
        self.assertTrue(290 < one["ttl"] <= 300, one)
        top = json.loads(self.ctl("cache", "top", "--json", "-n", "1"))
        self.assertEqual([row["key"] for row in top], ["http://www.example.com/b"])
        self.assertIn("http://www.example.com/b", self.ctl("cache", "top"))

    def test_numbers(self):
        metrics = self.listening.metrics()
        self.assertEqual(metrics.value("shellac_cache_objects"), 0)
        self.get("/a")
        self.get("/a")
        metrics = self.listening.metrics()
        self.assertEqual(metrics.value("shellac_cache_objects"), 1)
        self.assertEqual(metrics.value("shellac_cache_memory_bytes"), 64 << 20)
        self.assertGreaterEqual(metrics.value("shellac_cache_bytes", kind="body"), 1000)
        self.assertLess(metrics.value("shellac_cache_bytes"), 64 << 20)
        self.assertTrue(metrics.has("shellac_cache_eviction_age_seconds_bucket"))

    def test_reload(self):
        """The cache stays over a reload, its memory changes, and without the section it is empty."""
        self.get("/a")
        self.configuration["cache"]["memory"] = "32MiB"
        self.listening.reload(self.configuration)
        self.assertIn("hit", self.get("/a"))
        self.assertEqual(self.listening.metrics().value("shellac_cache_memory_bytes"), 32 << 20)
        without = {**self.configuration, "routes": [{"name": "all", "pool": "web"}]}
        del without["cache"]
        self.listening.reload(without)
        self.assertEqual(self.get("/a"), "")
        self.assertFalse(self.listening.metrics().has("shellac_cache_objects"))
        done = self.listening.ctl("purge", "--all", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no section cache", done.stderr)
        self.listening.reload(self.configuration)
        self.assertIn("uri-miss", self.get("/a"))

    def test_what_is_wrong(self):
        for arguments in (("purge", "www.example.com/a"), ("cache", "get", "nonsense"), ("purge", "--prefix", "http://x/")):
            done = self.listening.ctl(*arguments, check=False)
            self.assertEqual(done.returncode, 1, arguments)
            self.assertNotEqual(done.stderr, "")


if __name__ == "__main__":
    harness.main()
