#!/usr/bin/env python3
"""The public suite for HTTP caches (npm: http-cache-tests) against the daemon with strict_rfc, compared with expected.txt:
any difference, better or worse, is a failure.

SHELLAC_CONFORMANCE_ONLY=ID,ID…    only these tests, with their traffic; what they are expected to be is not asked
SHELLAC_CONFORMANCE_UPDATE=1       writes what came out to expected.txt, for a person to fill in the reasons"""

import collections
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

import harness

HERE = pathlib.Path(__file__).resolve().parent
EXPECTED = HERE / "expected.txt"
PACKAGE = HERE / "node_modules/http-cache-tests"
# The suite's own optional part about an older field; it is run and compared, and not counted with the others.
APART = "surrogate-control"
# A test that only reports says yes or no, the others pass or fail. `setup`: what it needs did not work; `depends`: a test
# that it builds upon did not pass.
GOOD = {"pass", "yes"}
LINE = re.compile(r"(?P<verdict>pass|fail|setup|depends|yes|no) +(?P<test>\S+)(?: +# (?P<reason>\S.*))?")


def verdicts(told):
    """{id: verdict} of what the runner told. A dependency that does not pass takes those with it that need it."""
    tests = {one["id"]: one for one in told}
    found = {}

    def of(name):
        if name not in found:
            one = tests[name]
            check = one["kind"] == "check"
            if not all(of(other) in GOOD for other in one["depends_on"] if other in tests):
                found[name] = "depends"
            elif one["result"] is True:
                found[name] = "yes" if check else "pass"
            elif one["result"][0] == "Setup":
                found[name] = "setup"
            else:
                found[name] = "no" if check else "fail"
        return found[name]

    for name in tests:
        of(name)
    return found


def read_expected():
    """{id: (verdict, reason)}, in the file's order."""
    out = {}
    for number, line in enumerate(EXPECTED.read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        found = LINE.fullmatch(line)
        if not found or found["test"] in out:
            raise AssertionError(f"{EXPECTED.name}:{number}: not `VERDICT TEST # REASON`, or told twice: {line}")
        out[found["test"]] = (found["verdict"], found["reason"])
    return out


def lines(told, now, reasons):
    """The text of expected.txt."""
    out = []
    suites = collections.Counter(one["suite"] for one in told)
    for suite in suites:
        out += ["", f"# --- {suite}"]
        for one in sorted((one for one in told if one["suite"] == suite), key=lambda one: one["id"]):
            verdict = now[one["id"]]
            text = f"{verdict:7} {one['id']}"
            if verdict not in GOOD:
                text += f"  # {reasons.get(one['id']) or '?'}"
            out.append(text)
    return out


class Caching(harness.SystemTest):
    def suite_server(self):
        """The suite's own origin on a port that it picks. Gives its address."""
        log = open(self.folder / "suite-server.log", "wb")
        self.addCleanup(log.close)
        environment = {**os.environ, "npm_config_port": "0", "npm_config_protocol": "http",
                       "npm_config_pidfile": str(self.folder / "suite-server.pid")}
        server = subprocess.Popen(["node", "--no-warnings", "server/server.mjs"], cwd=PACKAGE, env=environment,
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        self.addCleanup(server.wait, 10)
        self.addCleanup(server.kill)
        told = harness.eventually(lambda: re.search(r"Listening on http://.*:(\d+)/", (self.folder / "suite-server.log").read_text()),
                                  15, "the suite's server listens")
        return f"127.0.0.1:{told.group(1)}"

    def run_suite(self, only):
        if not shutil.which("node") or not (PACKAGE / "package.json").exists():
            # Not skipped: a suite that nobody runs proves nothing.
            self.fail("the suite is not installed: `packaging/install.sh test` gets it from npm, which needs a registry once")
        origin = self.suite_server()
        configuration = harness.config(
            origin, log={"level": "info", "access": {"format": "off"}},
            cache={"memory": "64MiB", "policies": {"strict": {"strict_rfc": True}}},
            routes=[{"name": "all", "pool": "web", "cache": "strict"}])
        edge = self.edge(configuration)
        done = subprocess.run(["node", "--no-warnings", HERE / "cache_suite.mjs", f"http://{edge.address()}", *only],
                              cwd=HERE, stdout=subprocess.PIPE, stderr=None if only else subprocess.PIPE, check=False,
                              timeout=170 * harness.PATIENCE)
        self.assertEqual(done.returncode, 0, (done.stderr or b"").decode()[-4000:])
        self.assertTrue(edge.is_running(), edge.log_tail())
        return json.loads(done.stdout)

    def test_caching(self):
        only = [name for name in os.environ.get("SHELLAC_CONFORMANCE_ONLY", "").split(",") if name]
        told = self.run_suite(only)
        if only:
            for one in told:
                print(f"{one['id']} ({one['kind']}): {one['name']}\n    {one['result']}", file=sys.stderr)
            return
        now = verdicts(told)
        self.report(told, now)
        expected = read_expected()
        if os.environ.get("SHELLAC_CONFORMANCE_UPDATE"):
            head = [line for line in EXPECTED.read_text().split("\n\n")[0].splitlines() if line.startswith("#")]
            EXPECTED.write_text("\n".join(head + lines(told, now, {name: reason for name, (_, reason) in expected.items()})) + "\n")
            expected = read_expected()
        self.compare(told, now, expected)

    def report(self, told, now):
        counts = collections.Counter((one["kind"], now[one["id"]] in GOOD) for one in told if one["suite"] != APART)
        print("\n".join(f"{kind}: {counts[kind, True]} of {counts[kind, True] + counts[kind, False]}"
                        for kind in ("required", "optimal", "check")), file=sys.stderr)

    def compare(self, told, now, expected):
        problems = []
        for one in told:
            verdict, reason = expected.get(one["id"], ("nothing", None))
            if now[one["id"]] != verdict:
                why = "" if one["result"] is True else f"\n      {one['result'][0]}: {one['result'][1]}"
                better = "better" if now[one["id"]] in GOOD else "worse" if verdict in GOOD else "other"
                problems.append(f"{better}: {one['id']} ({one['kind']}) is {now[one['id']]}, expected was {verdict}\n      {one['name']}{why}")
            elif verdict not in GOOD and (not reason or reason == "?"):
                problems.append(f"{one['id']}: {verdict}, and no reason is given")
        problems += [f"{name}: expected, but the suite has no such test" for name in expected if name not in now]
        if problems:
            self.fail(f"{len(problems)} differences from {EXPECTED.name}:\n  " + "\n  ".join(problems))


class Verdicts(unittest.TestCase):
    """The comparison itself, on a suite of four made-up tests."""

    def told(self, **results):
        kinds = {"a": "required", "b": "optimal", "c": "check", "d": "required"}
        return [{"id": name, "suite": "s", "kind": kind, "name": name, "depends_on": ["a"] if name == "d" else [],
                 "result": results.get(name, True)} for name, kind in kinds.items()]

    def test_kinds(self):
        self.assertEqual(verdicts(self.told()), {"a": "pass", "b": "pass", "c": "yes", "d": "pass"})
        bad = ["Assertion", "no"]
        self.assertEqual(verdicts(self.told(a=bad, b=["Setup", "x"], c=bad)), {"a": "fail", "b": "setup", "c": "no", "d": "depends"})

    def test_differences(self):
        told = self.told(b=["Assertion", "no"])
        right = {"a": ("pass", None), "b": ("fail", "on purpose"), "c": ("yes", None), "d": ("pass", None)}
        def compare(**other):
            Caching.compare(Caching("test_caching"), told, verdicts(told), {**right, **other})

        compare()
        for other in ({"a": ("fail", "why")}, {"b": ("pass", None)}, {"b": ("fail", None)}, {"b": ("fail", "?")},
                      {"c": ("no", "why")}, {"e": ("pass", None)}):
            with self.assertRaises(AssertionError, msg=other):
                compare(**other)


if __name__ == "__main__":
    harness.main()
