#!/usr/bin/env python3
"""Reloads: nothing fails while the configuration changes, a bad file changes nothing, and what is not configuration
(connections, states, counters) stays."""

import re
import signal
import socket
import subprocess
import threading
import time

import harness


class UnderLoad(harness.SystemTest):
    """Six Apache servers, wrk and counting clients, and reloads that change something each time."""

    PHOTO, PAGE = "/i/alley-400.jpg", "/index.html"

    def setUp(self):
        super().setUp()
        made = self.certificates()
        made.make("other", kind="rsa")
        self.tls = made.client_context()
        self.serials = {name: self.serial_of(made.path(f"{name}.leaf")) for name in ("www", "other")}
        self.servers = self.apaches()
        self.site = self.servers.site
        self.shellac = self.edge(self.configuration(0))
        self.expected = {path: (self.site / path[1:]).read_bytes() for path in (self.PHOTO, self.PAGE)}

    def configuration(self, number):
        """Another certificate, pool, set of routes and limits for each number; X-Config tells which is in force."""
        backends = self.servers.backends()
        some = backends[number % 6:] + backends[:number % 6]
        routes = [{"name": f"extra{each}", "match": {"path": f"/extra/{each}/*"}, "respond": {"body": "extra"}}
                  for each in range(number % 7)]
        routes += [{"name": "photos", "match": {"path": "/i/*"}, "pool": "web" if number % 3 else "photos"}, {"name": "rest", "pool": "web"}]
        for route in routes:
            route["response"] = {"set": {"X-Config": str(number)}}
        out = harness.config(
            *some[:4 + number % 3], routes=routes,
            listeners=[
                harness.tls_listener("other" if number % 2 else "www", limits={"head": f"{16 + number % 8}KiB", "fields": 100 + number}),
                {"name": "http", "bind": "127.0.0.1:0", "timeouts": {"head": f"{10 + number}s", "idle": f"{60 + number}s"}}],
            pool={"connections": {"max_idle": 8 + number % 5}, "timeouts": {"connect": f"{1 + number % 2}s"}},
            limits={"connections": 5000 - number, "connections_per_client": 1000 - number},
            log={"level": "info", "access": {"file": "access.log", "format": "combined" if number % 2 else "json"}})
        out["pools"]["photos"] = {"backends": backends[number % 4:]}
        return out

    @staticmethod
    def serial_of(certificate):
        return harness.run("openssl", "x509", "-in", certificate, "-noout", "-serial").stdout.strip().split("=")[1]

    def served_serial(self):
        with self.shellac.connect("https", self.tls) as client:
            return client.socket.getpeercert()["serialNumber"]

    def start_load(self):
        edge = self.shellac
        self.wrk = subprocess.Popen(["wrk", "-t1", "-c8", "-d120s", "--timeout", "20s", edge.url(self.PAGE, "http", host="127.0.0.1")],
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(self.wrk.kill)
        self.clients = [
            harness.Counting(edge.address("http"), self.expected, threads=3),
            harness.Counting(edge.address("https"), self.expected, threads=2, per_connection=40, tls=self.tls),
            harness.Counting(edge.address("http"), self.expected, threads=2, per_connection=3),
        ]

    def asked(self):
        return sum(client.done for client in self.clients)

    def finish_load(self):
        """Ends it when 20,000 requests are counted; none may have failed."""
        harness.eventually(lambda: self.asked() >= 20000, 120, "20,000 requests")
        total = sum([client.finish() for client in self.clients])
        self.wrk.send_signal(signal.SIGINT)
        report, _ = self.wrk.communicate(timeout=30)
        self.assertEqual([failure for client in self.clients for failure in client.failures][:20], [])
        self.assertNotIn("Socket errors", report)
        self.assertNotIn("Non-2xx", report)
        by_wrk = int(re.search(r"(\d+) requests in", report).group(1))
        print(f"{total} requests counted, {by_wrk} by wrk, {self.clients[0].connections} connections kept", flush=True)
        # A connection that is kept lives through all reloads.
        self.assertEqual(self.clients[0].connections, 3)
        self.assertGreaterEqual(total, 20000)
        metrics = self.shellac.metrics()
        self.assertEqual(metrics.value("shellac_requests_total", status_class="5xx"), 0)
        self.assertEqual(metrics.value("shellac_requests_total", status_class="4xx"), 0)
        # The scrape's own counters went through every reload as well. (wrk's last answers may have gone to nobody.)
        self.assertGreaterEqual(metrics.value("shellac_requests_total"), total + by_wrk)

    def reload_by(self, number, good=True):
        """By SIGHUP and by ctl in turn. Gives ctl's result, or None."""
        if number % 2:
            self.shellac.reload(expect="ok" if good else "failed")
            return None
        return self.shellac.ctl("reload", check=False)

    def in_force(self):
        return self.shellac.ask(target=self.PAGE).get("X-Config")

    def test_fifty_reloads(self):
        self.start_load()
        for number in range(1, 51):
            self.shellac.write_config(self.configuration(number))
            done = self.reload_by(number)
            if done is not None:
                self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "reloaded\n", ""))
            self.assertEqual(self.in_force(), str(number))
            self.assertEqual(int(self.served_serial(), 16), int(self.serials["other" if number % 2 else "www"], 16))
            time.sleep(0.1)
        self.finish_load()
        self.assertEqual(self.shellac.metrics().value("shellac_config_reloads_total", result="ok"), 50)
        self.assertFalse(self.shellac.metrics().has("shellac_config_reloads_total", result="failed"))
        answered = {name for client in self.clients for name in client.backends}
        self.assertEqual(answered, {server.name for server in self.servers.servers})

    def break_file(self, number):
        """Makes the file bad in one of several ways; gives what must be told, as a regular expression."""
        file = self.shellac.file
        configuration = self.configuration(number)
        kind = number // 2 % 4
        if kind == 0:
            configuration["routes"][-1]["pol"] = configuration["routes"][-1].pop("pool")
            self.shellac.write_config(configuration)
            return re.escape(str(file)) + r":\d+:\d+: routes\[\]\.pol: unknown key, did you mean .pool.\?"
        if kind == 1:
            configuration["routes"][-1]["pool"] = "nowhere"
            self.shellac.write_config(configuration)
            return re.escape(str(file)) + r":\d+:\d+: .*nowhere"
        if kind == 2:
            configuration["listeners"][0]["tls"]["certificates"] = [{"chain": "tls/www.crt", "key": "tls/other.key"}]
            self.shellac.write_config(configuration)
            return re.escape(str(file)) + r":\d+:\d+: .*match"
        self.shellac.write_config("listeners: [ {\n")
        return re.escape(str(file)) + r":\d+:\d+: "

    def test_every_other_file_is_bad(self):
        self.start_load()
        for number in range(1, 51):
            if number % 4 in (1, 2):
                self.shellac.write_config(self.configuration(number))
                good = str(number)
                done = self.reload_by(number)
                self.assertEqual(0 if done is None else done.returncode, 0)
            else:
                told = self.break_file(number)
                lines = len(self.shellac.log().splitlines())
                done = self.reload_by(number, good=False)
                if done is not None:
                    self.assertEqual((done.returncode, done.stdout), (1, ""))
                    self.assertRegex(done.stderr, re.compile("^shellac ctl: " + told, re.MULTILINE))
                harness.eventually(lambda: re.search(told, "\n".join(self.shellac.log().splitlines()[lines:])), 5, f"the log tells {told}")
                self.assertRegex("\n".join(self.shellac.log().splitlines()[lines:]), "reload failed, the old configuration stays")
            self.assertEqual(self.in_force(), good)
            time.sleep(0.05)
        self.finish_load()
        metrics = self.shellac.metrics()
        self.assertEqual((metrics.value("shellac_config_reloads_total", result="ok"),
                          metrics.value("shellac_config_reloads_total", result="failed")), (26, 24))


class Refused(harness.SystemTest):
    """Reloads that fail as a whole."""

    def setUp(self):
        super().setUp()
        self.configuration = harness.config(listeners=[{"name": "http", "bind": "127.0.0.1:0"}],
                                            routes=[{"name": "all", "respond": {"body": "old"}}])
        self.shellac = self.edge(self.configuration)

    def assert_refused(self, told, **changes):
        changed = {**self.configuration, "routes": [{"name": "all", "respond": {"body": "new"}}], **changes}
        self.shellac.write_config(changed)
        done = self.shellac.ctl("reload", check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, told)
        self.assertEqual(self.shellac.ask().body, b"old")
        self.assertEqual(self.shellac.metrics().value("shellac_config_reloads_total", result="failed"), self.count)
        self.count += 1

    count = 1

    def test_what_cannot_change(self):
        self.assert_refused("workers: ", workers=1)
        self.assert_refused("user: ", user="nobody")

    def test_what_cannot_be_had(self):
        origin = self.origin(b"")
        self.assert_refused(rf"listeners\.second\.bind: cannot listen on {re.escape(origin.address)}: in use by another program",
                            listeners=[{"name": "second", "bind": origin.address}])
        self.assert_refused("log.access.file: ", log={"access": {"file": "no/such/folder/access.log"}})
        self.assert_refused("admin.listen: ", admin={"listen": origin.address, "token_file": "admin.token"})
        # And then a good one.
        self.shellac.reload({**self.configuration, "routes": [{"name": "all", "respond": {"body": "new"}}]})
        self.assertEqual(self.shellac.ask().body, b"new")

    def test_all_mistakes_are_told(self):
        self.shellac.write_config({**self.configuration, "worker": 1, "zones": "x"})
        done = self.shellac.ctl("reload", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stderr.splitlines()), 2, done.stderr)
        self.shellac.write_config(self.configuration)

    def test_a_file_that_is_gone(self):
        self.shellac.file.rename(self.shellac.file.with_suffix(".away"))
        done = self.shellac.ctl("reload", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("No such file", done.stderr)
        self.assertEqual(self.shellac.ask().body, b"old")


class Kept(harness.SystemTest):
    """What a reload does not touch."""

    def one_after_another(self, name):
        """An origin whose answer tells its name."""
        return self.origin(lambda peer: peer.answer(body=name.encode()))

    def test_idle_connections(self):
        origin = self.one_after_another("x")
        configuration = harness.config(origin.address)
        edge = self.edge(configuration)
        clients = [edge.connect() for _ in range(20)]
        for client in clients:
            self.assertEqual(client.ask().status, 200)
        for number in range(5):
            edge.reload({**configuration, "limits": {"connections": 100 + number}})
            for client in clients:
                self.assertEqual(client.ask().body, b"x")
        self.assertEqual(edge.metrics().value("shellac_connections", listener="http"), 20)
        for client in clients:
            client.close()
        # The backend's connections are kept as well.
        self.assertLessEqual(origin.connections, 2)
        edge.wait_metric("shellac_connections", 0)

    def test_states_that_the_operator_set(self):
        first, second, third = (self.one_after_another(name) for name in ("first", "second", "third"))
        configuration = harness.config(first.address, second.address)
        edge = self.edge(configuration)
        edge.ctl("drain", "web/s1")
        for number in range(3):
            # Order, weights and neighbours change; s1 keeps its place by pool, name and address.
            changed = harness.config({"name": "s3", "address": third.address}, {"name": "s2", "address": second.address},
                                     {"name": "s1", "address": first.address}, pool={"timeouts": {"connect": f"{number + 1}s"}})
            edge.reload(changed)
            self.assertNotIn(b"first", {edge.ask().body for _ in range(12)})
        self.assertEqual(edge.metrics().value("shellac_backend_state", backend="s1", state="drain"), 1)
        edge.ctl("down", "web/s2")
        edge.reload(configuration)
        states = {server["name"]: server["state"] for server in edge.api("/api/v1/backends")}
        self.assertEqual(states, {"s1": "drain", "s2": "down"})
        # Another address is another server.
        edge.reload(harness.config(third.address, second.address))
        states = {server["name"]: server["state"] for server in edge.api("/api/v1/backends")}
        self.assertEqual(states, {"s1": "ready", "s2": "down"})
        self.assertEqual(edge.ask().body, b"third")

    def test_counters(self):
        origin = self.one_after_another("x")
        configuration = harness.config(origin.address)
        edge = self.edge(configuration)
        for _ in range(30):
            edge.ask()
        before = edge.metrics()
        edge.reload({**configuration, "routes": [{"name": "other", "match": {"path": "/other"}, "pool": "web"}, {"name": "all", "pool": "web"}]})
        after = edge.metrics()
        for name in ("shellac_requests_total", "shellac_request_duration_seconds_count", "shellac_response_bytes_total",
                     "shellac_backend_requests_total", "shellac_connections_total"):
            self.assertGreaterEqual(before.value(name), 30, name)
            self.assertEqual(after.value(name), before.value(name), name)
        self.assertEqual({server["requests"] for server in edge.api("/api/v1/backends")}, {0}, "none is under way")

    def test_the_log_level_is_the_file_s(self):
        edge = self.edge(harness.config(routes=[{"name": "all", "respond": {"body": "x"}}]))
        edge.ctl("log-level", "error")
        self.assertEqual(edge.api("/api/v1/config")["log_level"], "error")
        edge.reload()
        self.assertEqual(edge.api("/api/v1/config")["log_level"], "debug")

    def test_a_slow_download_and_an_upload(self):
        whole = bytes(range(256)) * 4096  # 1 MiB
        go_on = threading.Event()

        def slow(peer):
            asked = peer.request()
            if asked is None:
                return
            if asked.method == "POST":
                peer.send(harness.response(body=str(len(asked.body)).encode()))
                return
            peer.send(harness.response(fields={"Content-Length": len(whole)}))
            peer.send(whole[:1000])
            go_on.wait(20)
            peer.send(whole[1000:])

        origin = self.origin(slow)
        configuration = harness.config(origin.address)
        edge = self.edge(configuration)
        with edge.connect() as download, edge.connect() as upload:
            download.send(harness.request())
            answer = download.response(body=False)
            first = download.read(1000)
            upload.send(harness.request("POST", "/", {"Content-Length": len(whole)}), whole[:5000])
            # Their pool, route and listener are gone; the exchanges end with what they began with.
            other = harness.config(pools={"elsewhere": {"backends": [{"name": "a", "address": "127.0.0.1:1"}]}},
                                   routes=[{"name": "none", "respond": {"status": 404, "body": "gone"}}])
            for _ in range(3):
                edge.reload(other)
            self.assertEqual(edge.ask().status, 404)
            go_on.set()
            self.assertEqual(first + download.read(len(whole) - 1000), whole)
            self.assertEqual(answer.status, 200)
            upload.send(whole[5000:])
            self.assertEqual(upload.response().body, str(len(whole)).encode())
            # The next request on the same connection has the new configuration.
            self.assertEqual(download.ask().status, 404)

    def test_a_tunnel(self):
        def tunnel(peer):
            if peer.request() is None:
                return
            peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
            while True:
                octets = peer.read_some()
                if not octets:
                    return
                peer.send(octets)

        origin = self.origin(tunnel)
        configuration = harness.config(origin.address)
        edge = self.edge(configuration)
        with edge.connect() as client:
            client.send(harness.request("GET", "/", {"Connection": "Upgrade", "Upgrade": "echo"}))
            self.assertEqual(client.response().status, 101)
            for number in range(5):
                edge.reload({**configuration, "routes": [{"name": f"n{number}", "respond": {"body": "x"}}]})
                client.send(f"hello {number}")
                self.assertEqual(client.read(7), f"hello {number}".encode())


class Places(harness.SystemTest):
    """Addresses that come and go."""

    ROUTES = [{"name": "all", "respond": {"body": "x"}}]

    def free_port(self):
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            return sock.getsockname()[1]

    def test_admin_moves(self):
        edge = self.edge(harness.config(routes=self.ROUTES))
        for place in (f"127.0.0.1:{self.free_port()}", f"unix:{edge.folder}/admin.sock", f"127.0.0.1:{self.free_port()}"):
            was = edge.address("admin")
            edge.write_config(harness.config(routes=self.ROUTES, admin={"listen": place, "token_file": "admin.token"}))
            # Who asks for the move gets the answer on the way that is closed behind it.
            self.assertEqual(edge.ctl("reload").stdout, "reloaded\n")
            edge.bound["admin"] = [place]
            self.assertEqual(edge.admin().status, 200)
            with self.assertRaises(OSError):
                harness.dial(was)

    def test_token_is_read_again(self):
        edge = self.edge(harness.config(routes=self.ROUTES))
        (edge.folder / "admin.token").write_text("another-token-of-thirty-two-octets\n")
        self.assertEqual(edge.ctl("reload", check=False).returncode, 1)
        edge.reload()
        self.assertEqual(edge.ctl("reload").stdout, "reloaded\n")
        self.assertEqual(edge.admin("POST", "/api/v1/reload").status, 401)

    def test_a_bind_comes_and_goes(self):
        first, second = self.free_port(), self.free_port()
        one = harness.config(routes=self.ROUTES, listeners=[{"name": "http", "bind": f"127.0.0.1:{first}"}])
        both = harness.config(routes=self.ROUTES, listeners=[{"name": "http", "bind": [f"127.0.0.1:{first}", f"127.0.0.1:{second}"]}])
        edge = self.edge(one)
        expected = {"/": b"x"}
        counting = harness.Counting(f"127.0.0.1:{first}", expected, threads=2, per_connection=1)
        for _ in range(5):
            edge.reload(both)
            with harness.dial(f"127.0.0.1:{second}") as kept:
                self.assertEqual(kept.ask().body, b"x")
                edge.reload(one)
                with self.assertRaises(ConnectionRefusedError):
                    harness.dial(f"127.0.0.1:{second}")
                # The address is gone; who came through it stays.
                self.assertEqual(kept.ask().body, b"x")
        self.assertGreater(counting.finish(), 0)
        self.assertEqual(counting.failures, [])

    def test_a_removed_bind_is_accepted_empty(self):
        """Who stands in its queue when the bind goes is still served."""
        first, second = self.free_port(), self.free_port()
        one = harness.config(routes=self.ROUTES, limits={"connections": 8}, listeners=[{"name": "http", "bind": f"127.0.0.1:{first}"}])
        both = {**one, "listeners": [{"name": "http", "bind": [f"127.0.0.1:{first}", f"127.0.0.1:{second}"]}]}
        edge = self.edge(both)
        # All places are taken, so that what comes now waits in the kernel's queues.
        holders = [harness.dial(f"127.0.0.1:{first}") for _ in range(8)]
        edge.wait_metric("shellac_connections", 8)
        waiting = [harness.dial(f"127.0.0.1:{second}") for _ in range(10)]
        for client in waiting:
            client.send(harness.request())
        self.assertTrue(waiting[0].is_open(0.2))
        edge.reload(one)
        self.assertEqual([client.response().body for client in waiting], [b"x"] * 10)
        with self.assertRaises(ConnectionRefusedError):
            harness.dial(f"127.0.0.1:{second}")
        for client in holders + waiting:
            client.close()

    def test_a_unix_listener_comes_and_goes(self):
        edge = self.edge(harness.config(routes=self.ROUTES))
        path = edge.folder / "front.sock"
        place = f"unix:{path}"
        for _ in range(3):
            edge.reload(harness.config(routes=self.ROUTES, listeners=[{"name": "http", "bind": ["127.0.0.1:0", place]}]))
            with harness.dial(place) as client:
                self.assertEqual(client.ask().body, b"x")
            edge.reload(harness.config(routes=self.ROUTES))
            self.assertFalse(path.exists())

    def test_reloads_that_pile_up_become_one(self):
        edge = self.edge(harness.config(routes=self.ROUTES))
        for _ in range(200):
            edge.signal(signal.SIGHUP)
        edge.write_config(harness.config(routes=[{"name": "all", "respond": {"body": "last"}}]))
        edge.signal(signal.SIGHUP)
        harness.eventually(lambda: edge.ask().body == b"last", 10, "the last configuration is in force")
        self.assertEqual(edge.metrics().value("shellac_config_reloads_total", result="failed"), 0)


if __name__ == "__main__":
    harness.main()
