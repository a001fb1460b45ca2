"""What the system tests and the soaks stand on: the daemon as a process (edge.py), hostile origins (origin.py), raw
clients (wire.py), clients that count (counting.py), certificates (certificates.py), the six Apache servers (apache.py).
Standard library only. Nothing here uses a fixed port, and each thing ends only what it started. A test imports this
module alone.

A test reads like this:

    class Pipelining(harness.SystemTest):
        def test_two_requests_in_one_write(self):
            origin = self.origin(lambda peer: peer.answer(body=b"ok"))
            edge = self.edge(harness.config(origin.address))
            with edge.connect() as client:
                client.send(harness.request("GET", "/a") + harness.request("GET", "/b"))
                self.assertEqual([client.response().status, client.response().status], [200, 200])

    if __name__ == "__main__":
        harness.main()
"""

import os
import pathlib
import shutil
import sys
import tempfile
import unittest

# Offered to the tests: everything by one name, harness.X.
from apache import Apache, Apaches  # noqa: F401
from certificates import Certificates
from counting import Counting  # noqa: F401
from edge import Edge, config, tls_listener  # noqa: F401
from metrics import Metrics  # noqa: F401
from origin import Origin, Peer  # noqa: F401
from s_client import ASK, negotiated, s_client  # noqa: F401
from running import BINARY, PATIENCE, ROOT, children_of, eventually, run, shellac  # noqa: F401
from wire import Connection, Cut, Message, chunked, dial, request, response  # noqa: F401

# Debian's node modules, for a node that is not Debian's own.
os.environ.setdefault("NODE_PATH", "/usr/share/nodejs:/usr/lib/nodejs")


def main():
    # Connections that a test leaves open end with it.
    unittest.main(verbosity=2, warnings="ignore")


def soak_seconds():
    """How long a soak may load the daemon: short in the everyday suite, long in packaging/test.sh --long."""
    return float(os.environ.get("SHELLAC_SOAK_SECONDS", "60"))


class SystemTest(unittest.TestCase):
    """Makes things that end with the test. An edge that the test did not stop is stopped, and must then end with exit
    code 0; an edge that met a bug of its own (shellac_internal_errors_total, a sanitizer's report) fails the test."""

    maxDiff = None

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="shellac-test-"))
        # Other users (Apache's workers, a daemon that gave up root) must be able to enter.
        self.folder.chmod(0o755)
        self._edges = []
        self.addCleanup(self._remove_folder)

    def _remove_folder(self):
        if os.environ.get("SHELLAC_TEST_KEEP"):
            print(f"kept: {self.folder}", file=sys.stderr)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def edge(self, configuration, name=None, **more):
        name = name or f"edge{len(self._edges)}"
        edge = Edge(self.folder / name, configuration, **more)
        self._edges.append(edge)
        self.addCleanup(self._end_edge, edge)
        return edge

    def edge_folder(self, name="edge0"):
        """The folder of an edge that has yet to be made, for its files."""
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def certificates(self, name="edge0"):
        """The folder tls/ beside an edge's configuration, with an authority and `www` for localhost."""
        made = Certificates(self.edge_folder(name) / "tls")
        made.make("www")
        return made

    def _end_edge(self, edge):
        if edge.exit_code is not None:
            return self._check_report(edge)
        try:
            errors = edge.metrics().value("shellac_internal_errors_total") if "admin" in edge.bound and edge.is_running() else 0
        except (AssertionError, OSError):
            errors = 0
        try:
            code = edge.stop()
        except AssertionError:
            edge.kill()
            raise
        self.assertEqual(code, 0, f"shellac's exit code\n{edge.log_tail()}")
        self.assertEqual(errors, 0, f"shellac_internal_errors_total\n{edge.log_tail()}")
        return self._check_report(edge)

    def _check_report(self, edge):
        log = edge.log()
        for sign in ("ERROR: AddressSanitizer", "WARNING: ThreadSanitizer", "runtime error:", "ERROR: LeakSanitizer"):
            self.assertNotIn(sign, log, log[max(0, log.find(sign) - 200):][:4000])

    def origin(self, handler, **more):
        """`handler(peer)`, or octets that answer each connection's first request."""
        if isinstance(handler, (bytes, bytearray)):
            octets = bytes(handler)

            def canned(peer):
                if peer.request() is not None:
                    peer.send(octets)

            handler = canned
        origin = Origin(handler, **more)
        self.addCleanup(origin.stop)
        return origin

    def apaches(self):
        servers = Apaches(self.folder / "servers")
        self.addCleanup(servers.stop)
        return servers
