#!/usr/bin/env python3
"""Proves that the suite notices when a safety rule is taken away.

    tests/mutants/run.py [--jobs N] [NAME...]     every tests/mutants/NAME.patch, or those named
    tests/mutants/run.py --check                  only: each patch applies, and the tests that it names are there

A mutant is a patch (`git diff`, small) under two lines of comment:

    # tests: unit/http http/h00001
    # rule: both Content-Length and Transfer-Encoding are refused (RFC 9112 6.3)
    diff --git a/src/http/…

The tree is copied to build/mutants, built there once, and the named tests must be green. Then, one mutant at a time: apply,
build what these tests need, run them, and at least one must be red. A mutant that does not compile, or that a test does
not notice, fails the run. The tree itself is never touched."""

import argparse
import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
WORK = ROOT / "build/mutants"
TREE = WORK / "tree"
BUILD = WORK / "build"

sys.path.insert(0, str(ROOT / "tests/layout"))
import tree  # noqa: E402

# The copy lies inside a repository; git must take it for a plain folder, or it would apply the patch to nothing.
ENVIRONMENT = {**os.environ, "GIT_CEILING_DIRECTORIES": str(WORK), "CCACHE_BASEDIR": str(TREE), "CCACHE_NOHASHDIR": "1"}


@dataclasses.dataclass
class Mutant:
    path: pathlib.Path
    tests: list
    rule: str

    @property
    def name(self):
        return self.path.stem

    @property
    def files(self):
        return re.findall(r"^\+\+\+ b/(\S+)", self.path.read_text(), re.MULTILINE)


class Fault(Exception):
    """What makes the run fail, in words."""


def read(path):
    text = path.read_text()
    tests = re.match(r"# tests: (.+)\n", text)
    rule = re.search(r"^# rule: (.+)$", text, re.MULTILINE)
    if not tests or not rule:
        raise Fault(f"{path.name}: begins with `# tests: NAME...` and `# rule: ...`")
    return Mutant(path, tests.group(1).split(), rule.group(1))


def apply(mutant, folder, *options):
    done = subprocess.run(["git", "apply", "-p1", "--recount", "--whitespace=nowarn", *options, str(mutant.path)], cwd=folder,
                          env={**ENVIRONMENT, "GIT_CEILING_DIRECTORIES": str(pathlib.Path(folder).parent)},
                          capture_output=True, text=True, check=False)
    if done.returncode:
        raise Fault(f"{mutant.name}: does not apply: {done.stderr.strip()}")


def check_test_name(mutant, test):
    """A name that ctest would not know passes silently: look for the file behind it."""
    label, _, name = test.partition("/")
    there = {
        "unit": lambda: list((ROOT / "tests/unit" / name).glob("*.cpp")),
        "http": lambda: (ROOT / f"tests/http/{name}.vtc").exists(),
        "system": lambda: (ROOT / f"tests/system/{name}_test.py").exists(),
        "fuzz": lambda: (ROOT / f"tests/fuzz/{name}_fuzz.cpp").exists(),
    }.get(label)
    if not there or not name or not there():
        raise Fault(f"{mutant.name}: there is no test {test}")


def check(mutant):
    for test in mutant.tests:
        check_test_name(mutant, test)
    if not mutant.files or not all(name.startswith(("src/", "include/")) for name in mutant.files):
        raise Fault(f"{mutant.name}: changes something, and only below src/ or include/")
    apply(mutant, ROOT, "--check")


def targets(tests):
    """The build targets that these tests run."""
    found = set()
    for test in tests:
        label, _, name = test.partition("/")
        found.add({"unit": f"unit_{name}", "fuzz": f"corpus_{name}"}.get(label, "shellac"))
    return sorted(found)


def synchronise():
    """Brings the copy to the tree's state. Files that are the same keep their time, so that the build stays small."""
    wanted = {path for path in tree.files() if path.parts[0] not in ("docs", ".git")}
    for path in wanted:
        source, copy = ROOT / path, TREE / path
        if not copy.exists() or copy.read_bytes() != source.read_bytes():
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, copy)
    for copy in [path for path in TREE.rglob("*") if path.is_file()]:
        if copy.relative_to(TREE) not in wanted:
            copy.unlink()


def restore(mutant):
    for name in mutant.files:
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, TREE / name)
        else:
            (TREE / name).unlink(missing_ok=True)


def run(command, **more):
    return subprocess.run(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)


def build(names, jobs, what):
    done = run(["cmake", "--build", str(BUILD), "-j", str(jobs), "--target", *names])
    if done.returncode:
        raise Fault(f"{what}: does not build:\n{done.stdout[-3000:]}")


def passes(tests):
    """(all green?, ctest's report)"""
    names = "|".join(re.escape(test) for test in tests)
    done = run(["ctest", "--test-dir", str(BUILD), "--no-tests=error", "--output-on-failure", "-R", f"^({names})$"])
    if "No tests were found" in done.stdout:
        raise Fault(f"ctest knows none of {' '.join(tests)}")
    return done.returncode == 0, done.stdout


def prepare(mutants, jobs):
    TREE.mkdir(parents=True, exist_ok=True)
    synchronise()
    done = run(["cmake", "-S", str(TREE), "-B", str(BUILD), "-G", "Ninja", "-DCMAKE_BUILD_TYPE=RelWithDebInfo",
                "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1"])
    if done.returncode:
        raise Fault(f"the copy does not configure:\n{done.stdout[-3000:]}")
    tests = sorted({test for mutant in mutants for test in mutant.tests})
    build(targets(tests), jobs, "the tree without a mutant")
    green, report = passes(tests)
    if not green:
        raise Fault(f"the tests are red without any mutant:\n{report[-3000:]}")


def prove(mutant, jobs):
    apply(mutant, TREE)
    try:
        build(targets(mutant.tests), jobs, mutant.name)
        green, _ = passes(mutant.tests)
    finally:
        restore(mutant)
    if green:
        raise Fault(f"{mutant.name}: SURVIVED. Nobody noticed in {' '.join(mutant.tests)} that this is gone: {mutant.rule}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    faults, mutants = [], []
    for path in sorted(HERE.glob("*.patch")):
        if arguments.names and path.stem not in arguments.names:
            continue
        try:
            mutants.append(read(path))
            check(mutants[-1])
        except Fault as fault:
            faults.append(str(fault))
    missing = set(arguments.names) - {path.stem for path in HERE.glob("*.patch")}
    faults += [f"there is no mutant {name}" for name in sorted(missing)]
    if faults or arguments.check or not mutants:
        print("\n".join(faults) or f"{len(mutants)} mutants apply")
        return 1 if faults else 0
    try:
        prepare(mutants, arguments.jobs)
    except Fault as fault:
        print(fault)
        return 1
    for mutant in mutants:
        begin = time.monotonic()
        try:
            prove(mutant, arguments.jobs)
            print(f"killed    {mutant.name} ({time.monotonic() - begin:.0f} s): {mutant.rule}", flush=True)
        except Fault as fault:
            faults.append(str(fault))
            print(f"FAULT     {fault}", flush=True)
    print(f"{len(mutants) - len(faults)} of {len(mutants)} mutants were noticed")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
