#!/usr/bin/env python3
"""The command line: what is told, and the exit codes 0 (done), 1 (refused or failed), 2 (wrong usage)."""

import contextlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess

import harness

ROUTES = [{"name": "all", "respond": {"body": "x"}}]


class Commands(harness.SystemTest):
    def call(self, *arguments, code=0, **more):
        done = harness.shellac(*arguments, check=False, **more)
        self.assertEqual(done.returncode, code, f"{arguments}\n{done.stdout}\n{done.stderr}")
        return done

    def test_version(self):
        done = self.call("version")
        self.assertRegex(done.stdout, r"^shellac \d+\.\d+(\.\d+)?\S*\n$")
        self.assertEqual(done.stderr, "")

    def test_help(self):
        done = self.call("--help")
        for command in ("run", "check", "explain", "ctl", "version", "top"):
            self.assertIn(command, done.stdout)
            self.assertIn("--help", self.call(command, "--help").stdout)
        for command in ("status", "backends", "drain", "ready", "down", "reload", "log-level", "purge", "purge-tag", "ban", "cache"):
            self.assertIn(command, self.call("ctl", "--help").stdout)

    def test_wrong_usage(self):
        for arguments in ((), ("nonsense",), ("run",), ("check",), ("check", "--config"), ("check", "--config", "a", "b"),
                          ("check", "--konfig", "a"), ("run", "--config", "a", "--ready-fd", "x"), ("version", "x"), ("explain", "--config", "a"),
                          ("ctl",), ("ctl", "nonsense"), ("ctl", "drain"), ("ctl", "status", "x"), ("ctl", "log-level"),
                          ("ctl", "drain", "no-slash"), ("ctl", "purge"), ("ctl", "purge", "--all", "http://x/"), ("ctl", "purge-tag"), ("ctl", "cache"),
                          ("ctl", "cache", "get"), ("ctl", "cache", "top", "-n", "0"), ("ctl", "--admin", "ftp://x", "status"), ("--version-x",)):
            with self.subTest(arguments=arguments):
                done = self.call(*arguments, code=2)
                self.assertEqual(done.stdout, "")
                self.assertNotEqual(done.stderr, "")

    def test_a_file_that_is_not_there(self):
        for command in ("check", "run"):
            done = self.call(command, "--config", self.folder / "none.yaml", code=1)
            self.assertRegex(done.stderr, re.escape(str(self.folder / "none.yaml")) + ".*No such file or directory")
        self.call("check", "--config", self.folder, code=1)
        self.call("explain", "--config", self.folder / "none.yaml", "http://x/", code=1)

    def test_check_and_run_say_the_same(self):
        file = self.folder / "bad.yaml"
        file.write_text("listeners: [ { name: http, bind: nonsense } ]\nworkers: 010\nroute: []\nroutes: [ { name: a, pool: b } ]\n")
        told = self.call("check", "--config", file, code=1).stderr.splitlines()
        self.assertGreaterEqual(len(told), 4)
        for line in told:
            self.assertRegex(line, "^" + re.escape(str(file)) + r":\d+:\d+: ")
        ran = self.call("run", "--config", file, code=1).stderr.splitlines()
        # The log escapes nothing here but puts time and level before it.
        self.assertEqual([re.sub(r"^\S+ error ", "", line) for line in ran], told)

    def test_check(self):
        file = harness.ROOT / "conf/shellac.yaml"
        self.assertEqual(self.call("check", "--config", file).stdout, f"{file}: good\n")

    def test_not_in_this_version(self):
        for arguments in (("top",), ("ctl", "purge", "--prefix", "http://x/"), ("ctl", "ban", "x")):
            self.assertIn("not in this version yet", self.call(*arguments, code=1).stderr)

    def test_nobody_is_there(self):
        port = self.origin(b"").port
        done = self.call("ctl", "--admin", f"unix:{self.folder}/none.sock", "status", code=1)
        self.assertIn("none.sock", done.stderr)
        self.assertEqual(done.stdout, "")
        # Somebody else is there.
        self.call("ctl", "--admin", f"127.0.0.1:{port}", "status", code=1)

    def test_output_that_nobody_reads(self):
        """A pipe that is closed is a failure, not a crash."""
        edge = self.edge(harness.config(routes=ROUTES))
        for arguments in (["version"], ["check", "--config", str(edge.file)], ["ctl", "--admin", edge.address("admin"), "status"]):
            reader, writer = os.pipe()
            os.close(reader)
            process = subprocess.Popen([str(harness.BINARY), *arguments], stdout=writer, stderr=subprocess.DEVNULL)
            os.close(writer)
            self.assertIn(process.wait(10), (0, 1, -signal.SIGPIPE), arguments)

    def test_ctl(self):
        origin = self.origin(lambda peer: peer.answer(body=b"x"))
        edge = self.edge(harness.config(origin.address))
        self.assertRegex(edge.ctl("status").stdout, r"(?m)^version +\d")
        self.assertRegex(edge.ctl("backends").stdout, r"(?m)^web +s1 ")
        self.assertEqual(edge.ctl("drain", "web/s1").stdout, "web/s1: drain\n")
        self.assertEqual(edge.ask().status, 503)
        self.assertEqual(edge.ctl("ready", "web/s1").stdout, "web/s1: ready\n")
        self.assertEqual(edge.ask().status, 200)
        self.assertEqual(edge.ctl("down", "web/none", check=False).returncode, 1)
        self.assertEqual(edge.ctl("log-level", "trace").stdout, "log level: trace\n")
        self.assertEqual(edge.ctl("log-level", "loud", check=False).returncode, 1)
        self.assertEqual(edge.ctl("reload").returncode, 0)
        # Without the token a write is refused, reading is not.
        where = f"http://{edge.address('admin')}"
        clean = {key: value for key, value in os.environ.items() if key != "SHELLAC_TOKEN"}
        self.call("ctl", "--admin", where, "status", env=clean)
        self.assertIn("401", self.call("ctl", "--admin", where, "reload", code=1, env=clean).stderr)
        self.call("ctl", "--admin", where, "reload", env={**clean, "SHELLAC_TOKEN": edge.TOKEN})
        self.call("ctl", "--admin", where, "reload", code=1, env={**clean, "SHELLAC_TOKEN": "wrong-wrong-wrong-wrong"})


class Delivered(harness.SystemTest):
    """conf/shellac.yaml runs as it is."""

    def test_it_runs(self):
        folder = self.folder / "conf"
        # As delivered; only who runs the tests at the same time makes other ports necessary, and for those it has variables.
        shutil.copytree(harness.ROOT / "conf", folder)
        folder.chmod(0o755)
        for file in folder.rglob("*"):
            file.chmod(0o755 if file.is_dir() else 0o644)
        reader, writer = os.pipe()
        with open(self.folder / "log", "wb") as log:
            process = subprocess.Popen(
                [str(harness.BINARY), "run", "--config", "shellac.yaml", "--ready-fd", str(writer)], cwd=folder, pass_fds=(writer,),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, "SHELLAC_PORT": "0", "SHELLAC_ADMIN_PORT": "0"})
        self.addCleanup(process.kill)
        os.close(writer)
        with open(reader, encoding="ascii") as told:
            lines = told.read().splitlines()
        self.assertEqual(lines[-1:], ["ready"], (self.folder / "log").read_text())
        bound = dict(line.split(" ") for line in lines[:-1])
        with harness.dial(bound["http"]) as client:
            self.assertEqual(client.ask(target="/hello").body, b"hello from the edge\n")
            self.assertIn(b"Disallow: /admin/", client.ask(target="/robots.txt").body)
            self.assertEqual(client.ask(target="/forum/x?y=1").get("Location"), "/community?y=1")
            # Its servers are an example.
            self.assertEqual(client.ask(target="/").status, 502)
        self.assertRegex(self.call_ctl(bound["admin"]), r"(?m)^state +ready$")
        process.send_signal(signal.SIGHUP)
        harness.eventually(lambda: "configuration reloaded" in (self.folder / "log").read_text(), 10, "it reloads")
        process.terminate()
        self.assertEqual(process.wait(20), 0)

    def call_ctl(self, address):
        return harness.shellac("ctl", "--admin", f"http://{address}", "status").stdout


class Demonstration(harness.SystemTest):
    """packaging/demo.sh, as a newcomer runs it: from another folder, stopped by Ctrl-C, with ports that are taken."""

    SCRIPT = harness.ROOT / "packaging/demo.sh"

    def setUp(self):
        super().setUp()
        drawn = os.environ.get("SHELLAC_TEST_SITE")
        if drawn:
            (self.folder / "run/servers").mkdir(parents=True)
            harness.run("cp", "-R", "--sparse=always", drawn, self.folder / "run/servers/site")

    def ports(self):
        """Nine in a row that are free now, below those that the kernel hands out."""
        while True:
            base = random.randrange(10000, 30000)
            with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
                for port in range(base, base + 9):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
                break
        return ["--base-port", str(base), "--https-port", str(base + 6), "--http-port", str(base + 7), "--admin-port", str(base + 8)]

    def start(self, *more):
        return subprocess.Popen([str(self.SCRIPT), "--no-install", "--no-build", "--dir", str(self.folder / "run"), *self.ports(), *more],
                                cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                env={**os.environ, "SHELLAC_BIN": str(harness.BINARY)}, start_new_session=True)

    def wait_started(self, process):
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C ends everything" in line:
                return "".join(lines)
        raise AssertionError("".join(lines))

    def processes(self):
        done = harness.run("pgrep", "-f", "--", f"{self.folder}/run/", check=False)
        return [int(pid) for pid in done.stdout.split()]

    def test_ctrl_c_ends_everything_twice(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.start()
            try:
                told = self.wait_started(process)
                url = re.search(r"https://localhost:\d+/", told).group()
                got = harness.run("curl", "-sS", "--cacert", self.folder / "run/edge/tls/www.crt", url + "whoami")
                self.assertIn("server web", got.stdout)
                # A second one in the same folder is told that there is one.
                second = self.start()
                self.assertIn("already running", second.communicate(timeout=60)[0])
                self.assertEqual(second.returncode, 1)
            finally:
                # What a terminal does: everybody in the foreground gets it.
                os.killpg(process.pid, number)
                process.communicate(timeout=60)
            self.assertEqual(process.returncode, 128 + number)
            harness.eventually(lambda: not self.processes(), 10, "everything has ended")

    def test_a_port_is_taken(self):
        for option, told in (("--https-port", "in use by another program"), ("--base-port", "is taken by another program")):
            with self.subTest(option=option):
                taken = self.origin(b"")
                process = self.start(option, str(taken.port))
                output = process.communicate(timeout=60)[0]
                self.assertEqual(process.returncode, 1, output)
                self.assertIn(told, output)
                harness.eventually(lambda: not self.processes(), 10, "everything has ended")

    def test_wrong_usage(self):
        for arguments in (["--nonsense"], ["--dir"], ["--https-port", "x"], ["--https-port", "0443"]):
            done = harness.run(self.SCRIPT, *arguments, check=False)
            self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(harness.run(self.SCRIPT, "--help").returncode, 0)


if __name__ == "__main__":
    harness.main()
