"""Runs programs and waits for things."""

import os
import pathlib
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("SHELLAC_BIN", ROOT / "build/release/shellac"))
# A sanitized daemon is several times slower; deadlines of the harness (never those under test) grow with it.
PATIENCE = float(os.environ.get("SHELLAC_TEST_PATIENCE", "1"))


def eventually(condition, timeout=10.0, what="condition"):
    """Calls `condition` until it gives something true, and returns that. AssertionErrors inside count as not yet."""
    deadline = time.monotonic() + timeout * PATIENCE
    last = None
    while True:
        try:
            found = condition()
            if found:
                return found
        except (AssertionError, ConnectionError) as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout:g} s" + (f" ({last})" if last else ""))
        time.sleep(0.02)


def run(*command, check=True, timeout=60, stdin=None, **more):
    """Runs a program to its end. Gives the CompletedProcess with text or, with binary=True, bytes."""
    binary = more.pop("binary", False)
    done = subprocess.run([str(word) for word in command], input=stdin, capture_output=True, text=not binary,
                          timeout=timeout * PATIENCE, check=False, **more)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def shellac(*arguments, **more):
    """The command line of the daemon: shellac("check", "--config", file, check=False).returncode."""
    return run(BINARY, *arguments, **more)


def children_of(pid):
    """The process ids whose parent is `pid`."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            if int(stat.rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(entry.name))
    return found
