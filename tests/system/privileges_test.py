#!/usr/bin/env python3
"""Whom the daemon becomes, and what it can still do then."""

import os
import pathlib
import pwd
import socket
import stat
import subprocess
import unittest

import harness

ROUTES = [{"name": "all", "respond": {"body": "x"}}]
IS_ROOT = os.geteuid() == 0
CAP_NET_BIND_SERVICE = 1 << 10


def status_of(pid):
    """/proc/PID/status of every thread, as dicts."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        found.append(dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line))
    return found


def low_port():
    """A port below 1024 that is free now."""
    for port in range(1000, 600, -1):
        with socket.socket() as sock:
            try:
                sock.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise unittest.SkipTest("no port below 1024 is free")


@unittest.skipUnless(IS_ROOT, "only root can become somebody else")
class FromRoot(harness.SystemTest):
    USER = "www-data"

    def setUp(self):
        super().setUp()
        self.uid, self.gid = pwd.getpwnam(self.USER).pw_uid, pwd.getpwnam(self.USER).pw_gid

    def folder_for_user(self, name="edge0"):
        """Where the user may make files, and read those of the configuration, but not as others may."""
        folder = self.edge_folder(name)
        os.chown(folder, self.uid, self.gid)
        folder.chmod(0o750)
        (folder / "admin.token").write_text(harness.Edge.TOKEN + "\n")
        self.give_group(folder / "admin.token")
        return folder

    def give_group(self, *files):
        """Root's files that the user's group may read."""
        for file in files:
            os.chown(file, 0, self.gid)
            os.chmod(file, 0o640)

    def start(self, **top):
        folder = self.folder_for_user()
        made = self.certificates()
        self.give_group(made.path("www.key"))
        top.setdefault("listeners", [harness.tls_listener(), {"name": "http", "bind": f"127.0.0.1:{low_port()}"}])
        self.configuration = harness.config(routes=ROUTES, user=self.USER, **top)
        self.configuration["admin"] = {"listen": f"unix:{folder}/admin.sock"}
        edge = self.edge(self.configuration)
        return edge

    def reload(self, edge, **changes):
        edge.write_config({**self.configuration, **changes})
        return edge.ctl("reload", check=False)

    def test_it_becomes_the_user_and_keeps_one_capability(self):
        edge = self.start()
        threads = status_of(edge.pid)
        self.assertGreaterEqual(len(threads), 4)
        for status in threads:
            self.assertEqual(status["Uid"].split(), [str(self.uid)] * 4)
            self.assertEqual(status["Gid"].split(), [str(self.gid)] * 4)
            self.assertEqual(status["Groups"].split(), [str(self.gid)])
            self.assertEqual(int(status["CapPrm"], 16), CAP_NET_BIND_SERVICE, status["Name"])
            self.assertEqual(int(status["CapEff"], 16), CAP_NET_BIND_SERVICE)
            self.assertEqual((int(status["CapInh"], 16), int(status["CapAmb"], 16)), (0, 0))
            self.assertEqual(status["NoNewPrivs"], "1")
        self.assertEqual(edge.ask().status, 200)

    def test_a_reload_binds_a_low_port(self):
        edge = self.start()
        port = low_port()
        done = self.reload(edge, listeners=[*self.configuration["listeners"], {"name": "more", "bind": f"127.0.0.1:{port}"}])
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        with harness.dial(f"127.0.0.1:{port}") as client:
            self.assertEqual(client.ask().status, 200)

    def test_files_are_the_user_s(self):
        edge = self.start()
        edge.ask()
        harness.eventually(edge.access, 5, "a line of the access log")
        log, sock = edge.access_file.stat(), (edge.folder / "admin.sock").stat()
        self.assertEqual((log.st_uid, log.st_gid, log.st_mode & 0o777), (self.uid, self.gid, 0o640))
        self.assertTrue(stat.S_ISSOCK(sock.st_mode))
        self.assertEqual((sock.st_uid, sock.st_gid, sock.st_mode & 0o777), (self.uid, self.gid, 0o660))
        # The user's own processes may use it, strangers not.
        self.assertEqual(self.ctl_as(edge, self.USER).returncode, 0)
        edge.folder.chmod(0o755)
        refused = self.ctl_as(edge, "nobody")
        self.assertEqual(refused.returncode, 1)
        self.assertIn("only the daemon's user and group may use its socket", refused.stderr)
        self.assertEqual(edge.stop(), 0)
        self.assertFalse((edge.folder / "admin.sock").exists())

    def ctl_as(self, edge, user):
        return harness.run("setpriv", "--reuid", user, "--regid", str(pwd.getpwnam(user).pw_gid), "--clear-groups", "--", harness.BINARY, "ctl",
                           "--admin", edge.address("admin"), "status", check=False)

    def test_a_unix_listener_outlives_a_reload(self):
        """Bound by root before, removed and bound again by the user afterwards."""
        folder = self.edge_folder()
        front = {"name": "front", "bind": f"unix:{folder}/front.sock"}
        edge = self.start(listeners=[front, {"name": "http", "bind": "127.0.0.1:0"}])
        others = [{"name": "http", "bind": "127.0.0.1:0"}]
        self.assertEqual(edge.ask(listener="front").status, 200)
        self.assertEqual(self.owner(folder / "front.sock"), (self.uid, self.gid))
        self.assertEqual(self.reload(edge, listeners=others).returncode, 0)
        self.assertFalse((folder / "front.sock").exists())
        self.assertEqual(self.reload(edge, listeners=[front, *others]).returncode, 0)
        self.assertEqual(edge.ask(listener="front").status, 200)

    @staticmethod
    def owner(path):
        return (path.stat().st_uid, path.stat().st_gid)

    def test_a_key_that_only_root_can_read(self):
        edge = self.start()
        made = harness.Certificates(edge.folder / "second")
        made.make("www", kind="rsa")
        tls = harness.tls_listener(tls={"certificates": [{"chain": "second/www.crt", "key": "second/www.key"}]})
        listeners = [tls, *self.configuration["listeners"][1:]]
        done = self.reload(edge, listeners=listeners)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"shellac\.yaml:\d+:\d+: .*second/www\.key.*Permission denied")
        self.give_group(made.path("www.key"))
        self.assertEqual(self.reload(edge, listeners=listeners).returncode, 0)

    def test_a_user_that_does_not_exist(self):
        folder = self.folder_for_user()
        self.configuration = harness.config(routes=ROUTES, user="no-such-user-here")
        edge = self.edge(self.configuration, wait=False)
        self.assertEqual(edge.wait(), 1)
        edge.wait_log('not started: user: there is no user "no-such-user-here"')
        # On another machine it may exist.
        self.assertEqual(harness.shellac("check", "--config", folder / "shellac.yaml", check=False).returncode, 0)

    def test_root_stays_root_when_told(self):
        edge = self.edge(harness.config(routes=ROUTES, user="root"))
        self.assertEqual(status_of(edge.pid)[0]["Uid"].split(), ["0"] * 4)

    def test_started_as_somebody_else(self):
        """`user` is for root; everybody else stays who he is, also with a capability that systemd gave."""
        self.folder_for_user()
        self.folder_for_user("edge1")
        port = low_port()
        configuration = harness.config(routes=ROUTES, user="no-such-user-here", listeners=[{"name": "http", "bind": "127.0.0.1:0"}])
        edge = self.edge(configuration, preexec=self.become())
        status = status_of(edge.pid)[0]
        self.assertEqual(status["Uid"].split(), [str(self.uid)] * 4)
        self.assertEqual(edge.ask().status, 200)
        self.assertEqual(edge.stop(), 0)

        configuration["listeners"][0]["bind"] = f"127.0.0.1:{port}"
        refused = self.edge(configuration, preexec=self.become(), name="edge1", wait=False)
        self.assertEqual(refused.wait(), 1)
        refused.wait_log(rf"not started: listeners\.http\.bind: cannot listen on 127\.0\.0\.1:{port}: Permission denied")

    def test_ambient_capability(self):
        folder = self.folder_for_user()
        port = low_port()
        (folder / "shellac.yaml").write_text("user: no-such-user-here\nadmin: { listen: \"unix:admin.sock\" }\n"
                                             f"listeners: [ {{ name: http, bind: \"127.0.0.1:{port}\" }} ]\n"
                                             "routes: [ { name: all, respond: { body: x } } ]\n")
        reader, writer = os.pipe()
        process = subprocess.Popen(
            ["setpriv", "--reuid", self.USER, "--regid", self.USER, "--clear-groups", "--inh-caps", "-all,+net_bind_service",
             "--ambient-caps", "-all,+net_bind_service", "--bounding-set", "-all,+net_bind_service", "--no-new-privs", "--",
             harness.BINARY, "run", "--config", folder / "shellac.yaml", "--ready-fd", str(writer)],
            pass_fds=(writer,), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(process.kill)
        os.close(writer)
        with open(reader, encoding="ascii") as told:
            self.assertEqual(told.read().splitlines()[-1], "ready")
        with harness.dial(f"127.0.0.1:{port}") as client:
            self.assertEqual(client.ask().status, 200)
        process.terminate()
        self.assertEqual(process.wait(10), 0)

    def become(self):
        uid, gid = self.uid, self.gid

        def change():
            os.setgroups([gid])
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)

        return change


if __name__ == "__main__":
    harness.main()
