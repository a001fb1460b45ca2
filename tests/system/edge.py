"""The daemon as a process."""

import json
import os
import pathlib
import re
import signal
import subprocess
import time

from metrics import Metrics
from running import BINARY, PATIENCE, eventually, shellac
from wire import dial


def config(*backends, routes=None, listeners=None, pool=None, **top):
    """A whole configuration as a dict (JSON is YAML), for most tests: plain listener `http` on a free port, one pool
    `web` with round robin over `backends` (addresses or dicts), one route `all` to it. Keyword arguments replace or add
    top-level keys; `pool` adds keys to the pool."""
    servers = [one if isinstance(one, dict) else {"name": f"s{index + 1}", "address": one} for index, one in enumerate(backends)]
    out = {
        "workers": 2,
        "user": "root",
        "shutdown_grace": "5s",
        "log": {"level": "debug", "access": {"file": "access.log", "format": "json"}},
        "admin": {"listen": "127.0.0.1:0", "token_file": "admin.token"},
        "listeners": listeners or [{"name": "http", "bind": "127.0.0.1:0"}],
    }
    if servers:
        out["pools"] = {"web": {"backends": servers, **(pool or {})}}
    out["routes"] = routes or [{"name": "all", "pool": "web"}]
    out.update(top)
    return out


def tls_listener(certificates="www", name="https", bind="127.0.0.1:0", tls=None, **more):
    """A listener with TLS; `certificates` are names within the folder tls/ of the configuration."""
    names = [certificates] if isinstance(certificates, str) else certificates
    return {"name": name, "bind": bind,
            "tls": {"certificates": [{"chain": f"tls/{one}.crt", "key": f"tls/{one}.key"} for one in names], **(tls or {})}, **more}


class Edge:
    """A running `shellac run`. The configuration is a dict or YAML text; files that it names by relative paths belong
    into `folder`, beside shellac.yaml. Made ready by the constructor, unless wait=False."""

    TOKEN = "0123456789abcdef0123456789abcdef"

    def __init__(self, folder, configuration, wait=True, environment=None, arguments=(), preexec=None, pass_fds=(),
                 launcher=()):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.file = self.folder / "shellac.yaml"
        self.stderr_file = self.folder / "shellac.log"
        self.access_file = self.folder / "access.log"
        self.bound = {}  # listener's name -> its addresses, in the order of the configuration
        self.exit_code = None
        token = self.folder / "admin.token"
        if not token.exists():
            token.write_text(self.TOKEN + "\n")
            token.chmod(0o600)
        self.write_config(configuration)
        self._ready_reader, writer = os.pipe()
        # Text that came before the last `\n` of --ready-fd.
        self._ready_text = b""
        with open(self.stderr_file, "ab") as log, open(self.folder / "stdout.log", "ab") as out:
            self.process = subprocess.Popen(
                [*launcher, str(BINARY), "run", "--config", str(self.file), "--ready-fd", str(writer), *arguments],
                stdin=subprocess.DEVNULL, stdout=out, stderr=log, pass_fds=(writer, *pass_fds), cwd=self.folder,
                env={**os.environ, **(environment or {})}, preexec_fn=preexec)
        os.close(writer)
        self.pid = self.process.pid
        if wait:
            try:
                self.wait_ready()
            except BaseException:
                self.kill()
                raise

    # --- configuration

    def write_config(self, configuration):
        text = configuration if isinstance(configuration, str) else json.dumps(configuration, indent=2) + "\n"
        new = self.file.with_suffix(".new")
        new.write_text(text)
        new.rename(self.file)

    def reload(self, configuration=None, expect="ok", timeout=10.0):
        """SIGHUP, and waits until the daemon has counted it. expect: "ok" or "failed"."""
        if configuration is not None:
            self.write_config(configuration)
        before = self.metrics().value("shellac_config_reloads_total")
        good = self.metrics().value("shellac_config_reloads_total", result=expect)
        self.signal(signal.SIGHUP)
        eventually(lambda: self.metrics().value("shellac_config_reloads_total") > before, timeout, "the reload is counted")
        now = self.metrics().value("shellac_config_reloads_total", result=expect)
        if now <= good:
            raise AssertionError(f"the reload did not count as {expect}\n{self.log_tail()}")

    # --- life

    def wait_ready(self, timeout=15.0):
        deadline = time.monotonic() + timeout * PATIENCE
        os.set_blocking(self._ready_reader, False)
        while True:
            try:
                octets = os.read(self._ready_reader, 65536)
                if octets == b"":
                    code = self.process.wait(5)
                    raise AssertionError(f"shellac ended before it was ready, with exit code {code}\n{self.log_tail()}")
                self._ready_text += octets
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise AssertionError(f"shellac was not ready within {timeout:g} s\n{self.log_tail()}") from None
                time.sleep(0.005)
            lines = self._ready_text.decode().splitlines()
            if "ready" in lines and self._ready_text.endswith(b"\n"):
                break
        os.close(self._ready_reader)
        self._ready_reader = -1
        for line in lines:
            name, _, address = line.partition(" ")
            if address:
                self.bound.setdefault(name, []).append(address)

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, timeout=15.0):
        """Waits for the end of the process and gives its exit code; a signal's number is negative."""
        try:
            self.exit_code = self.process.wait(timeout * PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"shellac did not end within {timeout:g} s\n{self.log_tail()}") from None
        if self._ready_reader >= 0:
            os.close(self._ready_reader)
            self._ready_reader = -1
        return self.exit_code

    def stop(self, timeout=15.0):
        """SIGTERM; gives the exit code."""
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        return self.wait(timeout)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        return self.wait()

    def is_running(self):
        return self.process.poll() is None

    # --- addresses

    def addresses(self, listener="http"):
        if listener not in self.bound:
            raise AssertionError(f"--ready-fd told no address of '{listener}', only {self.bound}")
        return self.bound[listener]

    def address(self, listener="http", index=0):
        address = self.addresses(listener)[index]
        return address.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:")

    def port(self, listener="http", index=0):
        return int(self.address(listener, index).rsplit(":", 1)[1])

    def url(self, path="/", listener="http", scheme=None, host="localhost"):
        scheme = scheme or ("https" if listener == "https" else "http")
        return f"{scheme}://{host}:{self.port(listener)}{path}"

    def connect(self, listener="http", tls=None, index=0, **more):
        return dial(self.address(listener, index), tls=tls, **more)

    def ask(self, method="GET", target="/", fields=None, body=b"", host="localhost", listener="http", tls=None):
        """One request on a connection of its own."""
        with self.connect(listener, tls) as client:
            return client.ask(method, target, fields, body, host)

    # --- sight

    def admin(self, method="GET", target="/healthz", body=b"", token=TOKEN, fields=None):
        """One request to the admin API. token=None sends none."""
        address = self.address("admin")
        pairs = dict(fields or {})
        if token and method != "GET":
            pairs.setdefault("Authorization", f"Bearer {token}")
        if body and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            pairs.setdefault("Content-Type", "application/json")
        pairs.setdefault("Connection", "close")
        with dial(address) as client:
            return client.ask(method, target, pairs, body, host="localhost" if address.startswith("unix:") else address)

    def api(self, target):
        answer = self.admin("GET", target)
        if answer.status != 200:
            raise AssertionError(f"GET {target}: {answer.status} {answer.body!r}")
        return json.loads(answer.body)

    def ctl(self, *arguments, check=True, **more):
        """`shellac ctl`, with this edge's address and token."""
        address = self.address("admin")
        where = address if address.startswith("unix:") else f"http://{address}"
        return shellac("ctl", "--admin", where, "--token-file", self.folder / "admin.token", *arguments, check=check, **more)

    def metrics(self):
        answer = self.admin("GET", "/metrics")
        if answer.status != 200:
            raise AssertionError(f"GET /metrics: {answer.status}")
        return Metrics(answer.body.decode())

    def wait_metric(self, name, expected, /, timeout=5.0, **labels):
        """Waits until the sum of the series equals `expected`, a number or a condition on one."""
        test = expected if callable(expected) else lambda value: value == expected
        seen = []

        def matches():
            seen[:] = [self.metrics().value(name, **labels)]
            return test(seen[0])

        try:
            eventually(matches, timeout)
        except AssertionError:
            raise AssertionError(f"{name}{labels} is {seen}, expected {expected}") from None

    def log(self):
        return self.stderr_file.read_text(errors="replace")

    def log_tail(self, lines=40):
        return "--- shellac.log\n" + "\n".join(self.log().splitlines()[-lines:])

    def wait_log(self, pattern, timeout=5.0):
        """Waits for a line of the daemon's log that matches, and gives the match."""
        return eventually(lambda: re.search(pattern, self.log(), re.MULTILINE), timeout, f"a line of the log like {pattern!r}")

    def access(self):
        """The access log's lines as dicts; the last line may still be on its way."""
        if not self.access_file.exists():
            return []
        return [json.loads(line) for line in self.access_file.read_text().split("\n")[:-1]]

    def wait_access(self, count=1, timeout=5.0, **expected):
        """Waits for at least `count` lines that carry these values, and gives them."""

        def found():
            lines = [line for line in self.access() if all(line.get(key) == value for key, value in expected.items())]
            return lines if len(lines) >= count else None

        return eventually(found, timeout, f"{count} access log lines with {expected}, of {self.access()[-5:]}")

    # --- what it uses

    def resident_bytes(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
