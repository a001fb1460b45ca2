"""The six Apache httpd servers of packaging/apaches.sh."""

import dataclasses
import os
import pathlib
import signal

from running import ROOT, children_of, run


@dataclasses.dataclass
class Apache:
    name: str
    zone: str
    address: str
    pid: int

    def workers(self):
        return children_of(self.pid)

    def kill_workers(self):
        """kill -9 for the processes that hold the connections; the server starts new ones."""
        for pid in self.workers():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


class Apaches:
    """The six servers of packaging/apaches.sh, on free ports. `site` is the folder that they serve."""

    SCRIPT = ROOT / "packaging/apaches.sh"

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.site = self.folder / "site"
        drawn = os.environ.get("SHELLAC_TEST_SITE")
        self.folder.mkdir(parents=True, exist_ok=True)
        # Drawn once for all tests; copied, because www-data need not reach the place where it was drawn.
        if drawn:
            run("cp", "-R", "--sparse=always", drawn, self.site)
        lines = run(self.SCRIPT, "start", "--dir", self.folder, "--ports", "auto", timeout=120).stdout
        self.servers = [self._parse(line) for line in lines.splitlines()]

    @staticmethod
    def _parse(line):
        name, zone, address, pid = line.split()
        return Apache(name, zone, address, int(pid))

    def __getitem__(self, name):
        return next(server for server in self.servers if server.name == name)

    def backends(self):
        return [{"name": server.name, "address": server.address, "zone": server.zone} for server in self.servers]

    def refresh(self):
        """Asks again who runs, with which process ids."""
        self.servers = [self._parse(line) for line in run(self.SCRIPT, "list", "--dir", self.folder).stdout.splitlines()]
        return self.servers

    def stop_one(self, name):
        run(self.SCRIPT, "stop", "--dir", self.folder, "--only", name)

    def start_one(self, name):
        """Starts it again on the port it had."""
        run(self.SCRIPT, "start", "--dir", self.folder, "--only", name)
        self.refresh()

    def stop(self):
        run(self.SCRIPT, "stop", "--dir", self.folder)
