#!/usr/bin/env python3
"""The manual tells the truth: its configurations pass `shellac check`, its list of keys is the code's, its links resolve.

    SHELLAC_BIN=…/shellac SHELLAC_LIST_KEYS=…/list_keys docs_test.py

Every ```yaml block in README.md and docs/*.md is a whole configuration, unless it says ```yaml fragment. Files that a block
mentions are made before it is checked. docs/configuration.md gives each key its place as the first cell of a table row
or as a heading, in backticks, with its full name: `listeners[].tls.min_version`, `pools.*.balance`."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/system"))

from certificates import Certificates  # noqa: E402
from running import BINARY, run  # noqa: E402

LIST_KEYS = os.environ.get("SHELLAC_LIST_KEYS", "")
PROGRAMS = {"objects.yaml": "shellac-objects", "spot.yaml": "shellac-spot"}  # any other: shellac

BLOCK = re.compile(r"^```([^\n]*)\n(.*?)^```\s*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)|!\[[^\]\n]*\]\(([^)\s]+)\)")
KEY = re.compile(r"`([a-z0-9_]+(?:\[\]|\.\*|\.[a-z0-9_]+)*)`")
ABSOLUTE = re.compile(r"(?<![\w:/.])/(?:etc|var|srv|usr/local)/[\w./-]+")
MENTION = re.compile(r"\b(chain|key|ocsp|file|ca|keys|token_file|key_file|dir|[45]\d\d):\s*\"?([\w./*-]+)")


def manuals():
    return [path for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))] if path.exists()]


def blocks(path):
    """(line, text) of each ```yaml block that is not a fragment."""
    text = path.read_text()
    for found in BLOCK.finditer(text):
        words = found.group(1).split()
        if words[:1] == ["yaml"] and "fragment" not in words:
            yield text.count("\n", 0, found.start()) + 2, found.group(2)


def documented_keys(text):
    keys = []
    for line in re.sub(BLOCK, "", text).split("\n"):
        if line.startswith("|"):
            keys += KEY.findall(line.split("|")[1])
        elif line.startswith("#"):
            keys += KEY.findall(line)
    return keys


def anchors(path):
    """The names that a Markdown renderer gives to the headings."""
    found = set()
    for line in re.sub(BLOCK, "", path.read_text()).split("\n"):
        if line.startswith("#"):
            name = re.sub(r"[^\w\- ]", "", line.lstrip("# ").strip().lower()).replace(" ", "-")
            count = sum(1 for one in found if one == name or re.fullmatch(re.escape(name) + r"-\d+", one))
            found.add(name if not count else f"{name}-{count}")
    return found


class Configurations(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = pathlib.Path(tempfile.mkdtemp(prefix="shellac-docs-"))
        cls.certificates = Certificates(cls.scratch / "made")
        cls.certificates.make("www", names=("www.example.com", "*.example.com", "localhost"))
        cls.certificates.ocsp("www")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.scratch, ignore_errors=True)

    def make_file(self, key, path):
        """Something that `check` takes as the file that stands behind this key."""
        made = self.certificates.folder
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and key != "dir":
            return
        if key == "dir":
            path.mkdir(exist_ok=True)
            shutil.copy(made / "www.crt", path)
            shutil.copy(made / "www.key", path)
            (path / "index.html").write_text("<!doctype html><title>-</title>\n")
        elif key in ("chain", "key", "ocsp"):
            shutil.copy(made / {"chain": "www.crt", "key": "www.key", "ocsp": "www.ocsp"}[key], path)
        elif path.suffix in (".pem", ".crt"):
            shutil.copy(made / "ca.crt", path)
        elif path.suffix != ".log":
            path.write_text("5c9f1d3a" * 8 + "\n")
            path.chmod(0o600)

    def check(self, text, name, folder, program="shellac"):
        folder.mkdir(parents=True, exist_ok=True)
        text = ABSOLUTE.sub(lambda found: f"{folder}{found.group()}", text)
        # Comments mention files too; those need not be there.
        for key, value in MENTION.findall(re.sub(r"(^|\s)#.*", "", text)):
            if "*" not in value and ("/" in value or "." in value):
                self.make_file(key, folder / value)
        (folder / name).write_text(text)
        done = run(BINARY.parent / program, "check", "--config", folder / name, check=False)
        self.assertEqual(done.returncode, 0, f"{done.stdout}{done.stderr}")

    def test_blocks_of_the_manual(self):
        number = 0
        for path in manuals():
            for line, text in blocks(path):
                number += 1
                with self.subTest(f"{path.relative_to(ROOT)}:{line}"):
                    self.check(text, "shellac.yaml", self.scratch / f"block{number}")
        self.assertGreater(number, 0, "no ```yaml block was found at all")

    def test_delivered_configurations(self):
        self.assertTrue((ROOT / "conf/shellac.yaml").exists(), "conf/shellac.yaml")
        for path in sorted((ROOT / "conf").glob("*.yaml")):
            with self.subTest(path.name):
                folder = self.scratch / f"conf-{path.stem}"
                shutil.copytree(ROOT / "conf", folder)
                self.check(path.read_text(), path.name, folder, PROGRAMS.get(path.name, "shellac"))


class Keys(unittest.TestCase):
    def test_every_key_has_one_place(self):
        self.assertTrue(LIST_KEYS, "SHELLAC_LIST_KEYS names the program list_keys")
        code = subprocess.run([LIST_KEYS], capture_output=True, text=True, check=True).stdout.split()
        self.assertGreater(len(code), 100)
        manual = documented_keys((ROOT / "docs/configuration.md").read_text())
        self.assertEqual(sorted(set(code) - set(manual)), [], "in the code, not in docs/configuration.md")
        self.assertEqual(sorted(set(manual) - set(code)), [], "in docs/configuration.md, not in the code")
        self.assertEqual(sorted({key for key in manual if manual.count(key) > 1}), [], "more than one place")

    def test_reading_the_manual_can_fail(self):
        text = "## `routes[].match.path`\n| `pools.*.balance` | x | `a.b` |\n```yaml\n| `not.this`\n```\ntext `nor.this`\n"
        self.assertEqual(documented_keys(text), ["routes[].match.path", "pools.*.balance"])


class Links(unittest.TestCase):
    def test_relative_links_resolve(self):
        broken = []
        for path in [*manuals(), ROOT / "CHANGELOG.md"]:
            for found in LINK.finditer(re.sub(BLOCK, "", path.read_text())):
                target = found.group(1) or found.group(2)
                if re.match(r"[a-z]+:", target):
                    continue
                name, _, anchor = target.partition("#")
                there = (path.parent / name).resolve() if name else path
                if not there.exists():
                    broken.append(f"{path.relative_to(ROOT)}: {target}")
                elif anchor and there.suffix == ".md" and anchor not in anchors(there):
                    broken.append(f"{path.relative_to(ROOT)}: {target}: no such heading")
        self.assertEqual(broken, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
