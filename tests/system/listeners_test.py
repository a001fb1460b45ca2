#!/usr/bin/env python3
"""Where the edge listens: addresses, sockets of the service manager, other owners of a port, reloads."""

import os
import socket
import stat
import threading

import harness

HELLO = [{"name": "hello", "respond": {"body": "hello\n"}}]


def plain(name, bind, **more):
    return {"name": name, "bind": bind, **more}


def listening_sockets(pid, port):
    """How many sockets of the process listen on that port."""
    mine = set()
    for descriptor in os.listdir(f"/proc/{pid}/fd"):
        try:
            mine.add(os.readlink(f"/proc/{pid}/fd/{descriptor}"))
        except OSError:
            pass
    found = 0
    for file in ("tcp", "tcp6"):
        with open(f"/proc/{pid}/net/{file}", encoding="ascii") as lines:
            for line in list(lines)[1:]:
                words = line.split()
                if int(words[1].rsplit(":", 1)[1], 16) == port and words[3] == "0A" and f"socket:[{words[9]}]" in mine:
                    found += 1
    return found


def takes(port, host="127.0.0.1"):
    try:
        socket.create_connection((host, port), 5).close()
        return True
    except ConnectionRefusedError:
        return False


class Addresses(harness.SystemTest):
    def test_every_kind(self):
        edge = self.edge(harness.config(routes=HELLO, listeners=[
            plain("http", ["127.0.0.1:0", "[::1]:0", "unix:edge.sock", "unix:@shellac-test-" + self.folder.name]),
            plain("second", "127.0.0.1:0")]))
        self.assertEqual(len(edge.addresses()), 4)
        self.assertRegex(edge.addresses()[0], r"^127\.0\.0\.1:\d+$")
        self.assertRegex(edge.addresses()[1], r"^\[::1\]:\d+$")
        self.assertEqual(edge.addresses()[2], f"unix:{edge.folder}/edge.sock")
        self.assertEqual(edge.addresses()[3], "unix:@shellac-test-" + self.folder.name)
        for index in range(3):
            with edge.connect(index=index) as client:
                self.assertEqual(client.ask().status, 200)
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect("\0shellac-test-" + self.folder.name)
            self.assertEqual(harness.Connection(sock).ask().status, 200)
        self.assertEqual(edge.ask(listener="second").status, 200)
        clients = [line["client"] for line in edge.wait_access(5)]
        self.assertEqual(clients.count("127.0.0.1"), 2)
        self.assertEqual(clients.count("::1"), 1)
        mode = os.stat(edge.folder / "edge.sock").st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o660)
        self.assertEqual(edge.stop(), 0)
        self.assertFalse((edge.folder / "edge.sock").exists(), "the path goes with the daemon")

    def test_ipv6_takes_no_ipv4(self):
        edge = self.edge(harness.config(routes=HELLO, listeners=[plain("http", "[::]:0")]))
        self.assertTrue(takes(edge.port(), "::1"))
        self.assertFalse(takes(edge.port()))
        # So both may have one port.
        both = harness.config(routes=HELLO, listeners=[plain("http", "[::]:0"), plain("four", f"0.0.0.0:{edge.port()}")])
        edge.reload(both)
        self.assertTrue(takes(edge.port()))

    def test_a_wildcard_tells_the_address_that_was_reached(self):
        edge = self.edge(harness.config(routes=[{"name": "any", "redirect": {"to": "https://x/"}}], listeners=[plain("http", "0.0.0.0:0")]))
        with socket.create_connection(("127.0.0.2", edge.port()), 5, source_address=("127.0.0.3", 0)) as sock:
            self.assertEqual(harness.Connection(sock).ask().status, 308)
        self.assertEqual(edge.wait_access()[0]["client"], "127.0.0.3")

    def test_each_worker_has_a_socket_and_gets_its_share(self):
        edge = self.edge(harness.config(routes=HELLO))
        self.assertEqual(listening_sockets(edge.pid, edge.port()), 2)
        clients = [edge.connect() for _ in range(60)]
        for client in clients:
            self.assertEqual(client.ask().status, 200)
            client.close()
        # The first 16 digits of a request's id tell the worker; chance puts fewer than ten on one 1 time in 10^8.
        workers = [line["id"][:16] for line in edge.wait_access(60)]
        self.assertEqual(len(set(workers)), 2)
        self.assertGreater(min(workers.count(worker) for worker in set(workers)), 5)

    def test_all_workers_serve_one_unix_socket(self):
        edge = self.edge(harness.config(routes=HELLO, listeners=[plain("http", "unix:edge.sock")], workers=2))
        failures = []

        def client():
            try:
                for _ in range(30):
                    with edge.connect() as connection:
                        if connection.ask().status != 200:
                            raise AssertionError("not 200")
            except Exception as error:  # pylint: disable=broad-except
                failures.append(error)

        threads = [threading.Thread(target=client) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        self.assertEqual(failures, [])
        self.assertEqual(len(edge.wait_access(120)), 120)


class Owners(harness.SystemTest):
    """A port or path that somebody else has."""

    def refusal(self, bind, name="edge0"):
        edge = self.edge(harness.config(routes=HELLO, listeners=[plain("http", bind)]), name=name, wait=False)
        self.assertEqual(edge.wait(), 1)
        return edge.log()

    def test_a_foreign_port(self):
        for reuse in (False, True):
            for listens in (True, False):
                with socket.socket() as other:
                    # SO_REUSEPORT would let us in beside it, and half of the connections would be its own.
                    other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, reuse)
                    other.bind(("127.0.0.1", 0))
                    if listens:
                        other.listen()
                    address = f"127.0.0.1:{other.getsockname()[1]}"
                    self.assertIn(f"cannot listen on {address}: in use by another program",
                                  self.refusal(address, f"{reuse}-{listens}"))

    def test_two_edges(self):
        first = self.edge(harness.config(routes=HELLO, listeners=[plain("http", ["127.0.0.1:0", "unix:edge.sock"])]))
        self.assertIn("in use by another program", self.refusal(first.address(), "edge1"))
        self.assertIn("in use by another program", self.refusal(f"unix:{first.folder}/edge.sock", "edge2"))
        for index in range(2):
            with first.connect(index=index) as client:
                self.assertEqual(client.ask().status, 200)

    def test_a_path_that_is_left_over(self):
        path = self.folder / "left.sock"
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(path))
        edge = self.edge(harness.config(routes=HELLO, listeners=[plain("http", f"unix:{path}")]))
        self.assertEqual(edge.ask().status, 200)
        edge.kill()
        again = self.edge(harness.config(routes=HELLO, listeners=[plain("http", f"unix:{path}")]))
        self.assertEqual(again.ask().status, 200)

    def test_a_path_that_is_no_socket(self):
        path = self.folder / "precious"
        path.write_text("data")
        self.assertIn("in use by another program", self.refusal(f"unix:{path}"))
        self.assertEqual(path.read_text(), "data")

    def test_an_address_that_is_not_ours(self):
        self.assertRegex(self.refusal("192.0.2.1:0"), "cannot listen on 192.0.2.1:0: Cannot assign requested address")


class Activation(harness.SystemTest):
    """Sockets that a service manager passes: LISTEN_FDS from descriptor 3."""

    def start(self, sockets, listeners, pid=None, names=None, **more):
        # The daemon's own process id is known only after the fork, and its environment only before: a shell sets it.
        folder = self.edge_folder(more.get("name", "edge0"))
        script = folder / "activate.sh"
        moves = " ".join(f"{3 + index}<&{40 + index}" for index in range(len(sockets)))
        wanted = "$$" if pid is None else str(pid)
        named = f"export LISTEN_FDNAMES={names}; " if names else ""
        script.write_text(f"#!/bin/bash\n{named}export LISTEN_FDS={len(sockets)} LISTEN_PID={wanted}\nexec \"$@\" {moves}\n")
        script.chmod(0o755)
        configuration = harness.config(routes=HELLO, listeners=listeners)
        edge = _Activated(folder, configuration, sockets, script, **more)
        self._edges.append(edge)
        self.addCleanup(self._end_edge, edge)
        return edge

    def listener(self, family=socket.AF_INET, address=("127.0.0.1", 0)):
        sock = socket.socket(family)
        sock.bind(address)
        sock.listen()
        self.addCleanup(sock.close)
        return sock

    def test_tcp_and_unix(self):
        path = str(self.folder / "passed.sock")
        tcp, unix = self.listener(), self.listener(socket.AF_UNIX, path)
        address = f"127.0.0.1:{tcp.getsockname()[1]}"
        waiting = socket.create_connection(tcp.getsockname(), 5)
        edge = self.start([tcp, unix], [plain("http", [address, f"unix:{path}"])], names="http:http")
        self.assertEqual(edge.addresses(), [address, f"unix:{path}"])
        self.assertEqual(harness.Connection(waiting).ask().status, 200, "who came before the daemon is served")
        waiting.close()
        for index in range(2):
            for _ in range(10):
                with edge.connect(index=index) as client:
                    self.assertEqual(client.ask().status, 200)
        # Gone and back by reloads; the manager's socket stays open all the time, and so does its file.
        edge.reload(harness.config(routes=HELLO, listeners=[plain("other", "127.0.0.1:0")]))
        with socket.create_connection(tcp.getsockname(), 5) as early:
            edge.reload(harness.config(routes=HELLO, listeners=[plain("http", [address, f"unix:{path}"])]))
            self.assertEqual(harness.Connection(early).ask().status, 200)
        self.assertEqual(edge.stop(), 0)
        self.assertTrue(os.path.exists(path), "it is the manager's path")
        self.assertTrue(takes(tcp.getsockname()[1]), "it is the manager's socket")

    def test_meant_for_another_process(self):
        tcp = self.listener()
        address = f"127.0.0.1:{tcp.getsockname()[1]}"
        edge = self.start([tcp], [plain("http", address)], pid=1, wait=False)
        self.assertEqual(edge.wait(), 1)
        self.assertIn("in use by another program", edge.log())

    def test_a_socket_that_no_listener_has(self):
        tcp, other = self.listener(), self.listener()
        edge = self.start([tcp, other], [plain("http", f"127.0.0.1:{tcp.getsockname()[1]}")])
        edge.wait_log(f"warn 127.0.0.1:{other.getsockname()[1]} was passed by the service manager and belongs to no listener")
        self.assertEqual(edge.ask().status, 200)

    def test_numbers_that_are_none(self):
        folder = self.edge_folder()
        for number in ("x", "-1", "99999999999999999999", "3"):
            edge = self.edge(harness.config(routes=HELLO), name=f"n{number}",
                             environment={"LISTEN_PID": "self", "LISTEN_FDS": number})
            self.assertEqual(edge.ask().status, 200)
        self.assertTrue(folder.exists())


class _Activated(harness.Edge):
    """An edge that is started by a script, with sockets as descriptors 40, 41 …"""

    def __init__(self, folder, configuration, sockets, script, wait=True, name=None):
        del name
        self.sockets, self.script = sockets, script
        for index, sock in enumerate(sockets):
            os.dup2(sock.fileno(), 40 + index)
        try:
            super().__init__(folder, configuration, wait=wait, pass_fds=[40 + index for index in range(len(sockets))],
                             launcher=[str(script)])
        finally:
            for index in range(len(sockets)):
                os.close(40 + index)


class Reload(harness.SystemTest):
    def test_binds_come_and_go(self):
        edge = self.edge(harness.config(routes=HELLO, listeners=[plain("http", "127.0.0.1:0")]))
        with edge.connect() as kept:
            self.assertEqual(kept.ask().status, 200)
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            more = harness.config(routes=HELLO, listeners=[plain("http", ["127.0.0.1:0", f"127.0.0.1:{port}"])])
            edge.reload(more)
            self.assertTrue(takes(port))
            self.assertEqual(listening_sockets(edge.pid, port), 2)
            edge.reload(harness.config(routes=HELLO, listeners=[plain("http", ["127.0.0.1:0"])]))
            harness.eventually(lambda: not takes(port), what="the removed bind is closed")
            self.assertTrue(takes(edge.port()))
            self.assertEqual(kept.ask().status, 200)
        told = edge.api("/api/v1/status")["listeners"][0]["addresses"]
        self.assertEqual(told, edge.addresses())

    def test_nobody_who_waits_is_reset_when_a_bind_goes(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        both = harness.config(routes=HELLO, listeners=[plain("http", ["127.0.0.1:0", f"127.0.0.1:{port}"])])
        one = harness.config(routes=HELLO, listeners=[plain("http", ["127.0.0.1:0"])])
        edge = self.edge(both)
        for _ in range(5):
            stop, lost, asked = threading.Event(), [], []

            def knock(stop=stop, lost=lost, asked=asked):
                while not stop.is_set():
                    try:
                        sock = socket.create_connection(("127.0.0.1", port), 5)
                    except (ConnectionRefusedError, ConnectionResetError):
                        return  # the bind is gone; who got in before that must be served
                    try:
                        with sock:
                            asked.append(harness.Connection(sock).ask(fields={"Connection": "close"}).status)
                    except (OSError, harness.Cut) as error:
                        lost.append(error)
                        return

            threads = [threading.Thread(target=knock) for _ in range(4)]
            for thread in threads:
                thread.start()
            harness.eventually(lambda asked=asked: len(asked) > 20)
            edge.reload(one)
            stop.set()
            for thread in threads:
                thread.join(20)
            # A SYN that the kernel had half answered may be reset by it: not one in a hundred.
            self.assertLessEqual(len(lost), 1 + len(asked) // 100, lost)
            edge.reload(both)

    def test_an_unchanged_bind_is_never_closed(self):
        edge = self.edge(harness.config(routes=HELLO))
        with open(f"/proc/{edge.pid}/net/tcp", encoding="ascii") as lines:
            before = sorted(line.split()[9] for line in lines if f":{edge.port():04X} 00000000:0000 0A" in line)
        self.assertEqual(len(before), 2)
        # Another listener's name, other options, more listeners: the sockets stay.
        for listeners in ([plain("http", "127.0.0.1:0", timeouts={"idle": "1s"})],
                          [plain("more", "127.0.0.1:0"), plain("http", "127.0.0.1:0")]):
            edge.reload(harness.config(routes=HELLO, listeners=listeners))
            with open(f"/proc/{edge.pid}/net/tcp", encoding="ascii") as lines:
                after = sorted(line.split()[9] for line in lines if f":{edge.port():04X} 00000000:0000 0A" in line)
            self.assertEqual(before, after)

    def test_an_address_in_use_keeps_the_old_configuration(self):
        edge = self.edge(harness.config(routes=HELLO))
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                unused = free.getsockname()[1]
            listeners = [plain("http", ["127.0.0.1:0", f"127.0.0.1:{unused}", f"127.0.0.1:{port}"])]
            changed = harness.config(routes=[{"name": "new", "respond": {"body": "new\n"}}], listeners=listeners)
            edge.reload(changed, expect="failed")
            edge.wait_log(f"old configuration stays: listeners.http.bind: cannot listen on 127.0.0.1:{port}: in use")
            self.assertEqual(edge.ask().body, b"hello\n")
            self.assertFalse(takes(unused), "what was opened on the way is closed again")
            done = edge.ctl("reload", check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn("in use", done.stdout + done.stderr)
        edge.reload()
        self.assertEqual(edge.ask().body, b"new\n")
        self.assertTrue(takes(unused))

    def test_a_unix_path_comes_and_goes(self):
        edge = self.edge(harness.config(routes=HELLO))
        path = edge.folder / "more.sock"
        edge.reload(harness.config(routes=HELLO, listeners=[plain("http", ["127.0.0.1:0", "unix:more.sock"])]))
        self.assertEqual(harness.dial(f"unix:{path}").ask().status, 200)
        edge.reload(harness.config(routes=HELLO))
        harness.eventually(lambda: not path.exists(), what="the removed path is gone")

    def test_reloads_leak_no_descriptors(self):
        edge = self.edge(harness.config(routes=HELLO))
        two = harness.config(routes=HELLO, listeners=[plain("http", ["127.0.0.1:0", "unix:x.sock"]), plain("b", "[::1]:0")])
        edge.reload(two)
        edge.reload(harness.config(routes=HELLO))
        before = edge.descriptors()
        for _ in range(5):
            edge.reload(two)
            edge.reload(harness.config(routes=HELLO))
        harness.eventually(lambda: edge.descriptors() <= before, what=f"descriptors are {before} again")


if __name__ == "__main__":
    harness.main()
