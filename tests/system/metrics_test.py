#!/usr/bin/env python3
"""Every family at /metrics has the promised labels, and those that belong to what this version does are there."""

import time

import harness

# What dashboards stand on: name and labels.
PROMISED = {
    "shellac_requests_total": {"listener", "route", "method", "status_class", "cache"},
    "shellac_request_duration_seconds": {"route", "cache"},
    "shellac_request_bytes_total": {"route"},
    "shellac_response_bytes_total": {"route", "cache"},
    "shellac_requests_in_flight": set(),
    "shellac_connections": {"listener"},
    "shellac_connections_total": {"listener", "result"},
    "shellac_tls_handshakes_total": {"version", "resumed", "result"},
    "shellac_certificate_expiry_seconds": {"name"},
    "shellac_backend_up": {"pool", "backend", "zone"},
    "shellac_backend_state": {"pool", "backend", "state"},
    "shellac_backend_requests_total": {"pool", "backend", "zone", "status_class"},
    "shellac_backend_response_seconds": {"pool", "backend"},
    "shellac_backend_connections": {"pool", "backend", "state"},
    "shellac_backend_errors_total": {"pool", "backend", "reason"},
    "shellac_retries_total": {"pool", "reason", "result"},
    "shellac_log_dropped_total": set(),
    "shellac_config_reloads_total": {"result"},
    "shellac_config_last_reload_seconds": set(),
    "shellac_build_info": {"version"},
}
# Promised besides, but only there when something went wrong inside.
PROMISED_LATER = {"shellac_internal_errors_total": {"place"}}
# Ours, promised to nobody.
MORE = {"shellac_buffer_bytes": set()}
KINDS = {"_total": "counter", "_seconds": "histogram"}
GAUGES = {"shellac_certificate_expiry_seconds", "shellac_config_last_reload_seconds"}


class Metrics(harness.SystemTest):
    def setUp(self):
        super().setUp()
        self.tls = self.certificates().client_context()
        self.backend = self.origin(lambda peer: peer.answer(body=b"hello"))
        nobody = self.origin(lambda peer: None)
        nobody.stop()
        listeners = [harness.tls_listener(), {"name": "http", "bind": "127.0.0.1:0"}]
        self.listening = self.edge(harness.config(nobody.address, self.backend.address, listeners=listeners, zone="ams1"))
        for _ in range(4):
            self.listening.ask(listener="https", tls=self.tls)
            self.listening.ask("POST", body=b"0123456789")
        self.listening.reload()

    def families(self, metrics):
        """Name of the family -> (kind, set of label sets)."""
        kinds = dict(line.split(" ")[2:4] for line in metrics.text.splitlines() if line.startswith("# TYPE "))
        found = {name: (kind, set()) for name, kind in kinds.items()}
        for name, labels, _ in metrics.series:
            family = name
            if name not in kinds:
                family = name.rsplit("_", 1)[0]
                self.assertEqual(kinds.get(family), "histogram", name)
            found[family][1].add(frozenset(set(labels) - {"le"}))
        return found

    def test_names_labels_and_kinds(self):
        found = self.families(self.listening.metrics())
        ours = {name for name in found if name.startswith("shellac_")}
        self.assertEqual(set(PROMISED) - ours, set())
        self.assertEqual(ours - set(PROMISED) - set(PROMISED_LATER) - set(MORE), set())
        for name in ours:
            kind, labels = found[name]
            self.assertEqual(labels, {frozenset({**PROMISED, **PROMISED_LATER, **MORE}[name])}, name)
            expected = next((kind for end, kind in KINDS.items() if name.endswith(end) and name not in GAUGES), "gauge")
            self.assertEqual(kind, expected, name)

    def test_values(self):
        metrics = self.listening.metrics()
        self.assertEqual(metrics.value("shellac_requests_total"), 8)
        self.assertEqual(metrics.value("shellac_requests_total", listener="http", route="all", method="POST", status_class="2xx"), 4)
        self.assertEqual(metrics.value("shellac_requests_total", listener="https", method="GET", cache="none"), 4)
        self.assertEqual(metrics.value("shellac_request_bytes_total"), 40)
        self.assertEqual(metrics.value("shellac_response_bytes_total"), 40)
        self.assertEqual(metrics.value("shellac_connections_total", listener="https", result="ok"), 4)
        self.assertEqual(metrics.value("shellac_tls_handshakes_total", result="ok", version="TLSv1.3"), 4)
        self.assertEqual(metrics.value("shellac_config_reloads_total", result="ok"), 1)
        self.assertEqual(metrics.value("shellac_backend_requests_total", backend="s2", status_class="2xx"), 8)
        self.assertGreater(metrics.value("shellac_backend_errors_total", backend="s1", reason="connect_refused"), 0)
        self.assertEqual(metrics.value("shellac_retries_total", reason="connect", result="ok"),
                         metrics.value("shellac_backend_errors_total", backend="s1"))
        self.assertGreater(metrics.value("shellac_certificate_expiry_seconds"), time.time())
        self.assertLess(abs(metrics.value("shellac_config_last_reload_seconds") - time.time()), 60 * harness.PATIENCE)
        self.assertGreater(metrics.value("process_resident_memory_bytes"), 1 << 20)

    def test_buckets_add_up(self):
        metrics = self.listening.metrics()
        for family in ("shellac_request_duration_seconds", "shellac_backend_response_seconds"):
            for labels, count in metrics.find(f"{family}_count"):
                buckets = [(float(have["le"]), value) for have, value in metrics.find(f"{family}_bucket", **labels)]
                self.assertEqual(buckets, sorted(buckets))
                self.assertEqual(buckets[-1], (float("inf"), count))
                self.assertEqual([value for _, value in buckets], sorted(value for _, value in buckets))

    def test_broken_connections_and_handshakes_are_told_apart(self):
        with self.listening.connect("https") as client:
            client.send(b"GET / HTTP/1.1\r\n\r\n")
            client.read_to_end()
        self.listening.wait_metric("shellac_tls_handshakes_total", lambda value: value == 5)
        metrics = self.listening.metrics()
        self.assertEqual(metrics.value("shellac_tls_handshakes_total", result="ok"), 4)
        self.assertEqual(metrics.value("shellac_requests_total"), 8)


if __name__ == "__main__":
    harness.main()
