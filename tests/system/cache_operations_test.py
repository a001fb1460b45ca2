#!/usr/bin/env python3
"""The cache as an operator sees it: ctl, the admin API, metrics, reload."""

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

    def test_reload(self):
        """The memory changes, and without the section there is nothing to ask."""
        self.configuration["cache"]["memory"] = "32MiB"
        self.listening.reload(self.configuration)
        self.assertEqual(self.listening.metrics().value("shellac_cache_memory_bytes"), 32 << 20)
        without = {**self.configuration, "routes": [{"name": "all", "pool": "web"}]}
        del without["cache"]
        self.listening.reload(without)
        self.assertFalse(self.listening.metrics().has("shellac_cache_objects"))
        done = self.listening.ctl("purge", "--all", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no section cache", done.stderr)

    def test_what_is_wrong(self):
        for arguments in (("purge", "www.example.com/a"), ("cache", "get", "nonsense"), ("purge", "--prefix", "http://x/")):
            done = self.listening.ctl(*arguments, check=False)
            self.assertEqual(done.returncode, 1, arguments)
            self.assertNotEqual(done.stderr, "")


if __name__ == "__main__":
    harness.main()
