#!/usr/bin/env python3
"""The shape of the tree: floors, owners of third-party headers, file sizes, file names, stray paths."""

import re
import sys
import unittest

import tree

LINES_WARN, LINES_FAIL, FUNCTION_WARN = 500, 800, 70
VAGUE = re.compile(r"(^|[_.-])(utils?|helpers?|managers?|commons?|misc)([_.-]|$)")
# Written in pieces, so that this file does not find itself.
STRAY = [re.compile(pattern) for pattern in (
    r"(?<![\w.$}])/wo" r"rk/", r"(?<![\w.$}])/ro" r"ot/", r"(?<![\w.$}])/ho" r"me/\w+/",
    r"registry\.npm" r"js\.org", r"\bpypi\." r"org", r"files\.python" r"hosted\.org", r"\bcrates\." r"io\b",
    r"proxy\.golang" r"\.org", r"\bghcr\." r"io\b")]


def read(path):
    return (tree.ROOT / path).read_text(errors="replace")


def include_problem(path, quoted, name):
    """What is wrong with this include, or None."""
    area = tree.area_of(path)
    if quoted and name.startswith("shellac/"):
        other = name.split("/")[1]
        if other not in tree.FLOORS:
            return f"{name}: '{other}' is no area"
        if other == area:
            return None
        if (area, other) in tree.NEVER:
            return f"{name}: {area} never includes {other}"
        if tree.FLOORS[other] >= tree.FLOORS[area] and (area, other) not in tree.MAY_ALSO:
            return f"{name}: {area} (floor {tree.FLOORS[area]}) may not include {other} (floor {tree.FLOORS[other]})"
        return None
    if quoted:
        beside = (tree.ROOT / path).parent / name
        own = tree.ROOT / "src" / name
        if beside.is_file() and beside.resolve().is_relative_to((tree.ROOT / "src" / area).resolve()):
            return None
        if name.split("/")[0] == area and own.is_file():
            return None
        return f"{name}: a header that stands beside another area's sources, or nowhere; offer it in include/shellac/"
    for prefix, owners in tree.OWNERS:
        if name.startswith(prefix):
            return None if area in owners else f"<{name}> belongs to {', '.join(sorted(owners))}, not to {area}"
    if "/" not in name and "." not in name or tree.SYSTEM.match(name):
        return None
    return f"<{name}> has no owner: DESIGN and tests/layout/tree.py name one for each library"


def long_functions(text):
    """(line, length) of function bodies that are longer than a screen, by clang-format's indentation."""
    lines = text.split("\n")
    found = []
    for number, line in enumerate(lines):
        body = line.rstrip()
        if not body.endswith("{") or body.lstrip().startswith(("namespace", "class ", "struct ", "enum ", "extern ", "//")):
            continue
        indent = len(body) - len(body.lstrip())
        if indent > 2 or "=" in body.split("(")[0]:
            continue
        for end in range(number + 1, len(lines)):
            if re.match(rf"^ {{{indent}}}\}}", lines[end]):
                if end - number > FUNCTION_WARN:
                    found.append((number + 1, end - number))
                break
    return found


class Layout(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.files = tree.files()
        cls.code = [path for path in cls.files if tree.is_cpp(path)]

    def fail_with(self, problems):
        if problems:
            self.fail("\n" + "\n".join(problems))

    def test_areas_are_known(self):
        self.fail_with([f"{path}: '{tree.area_of(path)}' is no area of the table"
                        for path in self.code if (area := tree.area_of(path)) and area not in tree.FLOORS])

    def test_includes_stand_on_lower_floors_and_libraries_with_their_owners(self):
        problems = []
        for path in self.code:
            if tree.area_of(path) in tree.FLOORS:
                for quoted, name in tree.includes(read(path)):
                    problem = include_problem(path, quoted, name)
                    if problem:
                        problems.append(f"{path}: {problem}")
        self.fail_with(problems)

    def test_the_check_of_includes_can_fail(self):
        header = tree.pathlib.Path("src/http/parser.cpp")
        for quoted, name in ((True, "shellac/net/listen.hpp"), (True, "shellac/edge/daemon.hpp"), (False, "boost/asio.hpp"),
                             (False, "openssl/ssl.h"), (False, "fancy/new_library.hpp"), (True, "nowhere.hpp")):
            self.assertIsNotNone(include_problem(header, quoted, name), name)
        for quoted, name in ((True, "shellac/core/text.hpp"), (False, "llhttp.h"), (False, "string"), (False, "sys/uio.h")):
            self.assertIsNone(include_problem(header, quoted, name), name)

    def test_file_sizes(self):
        problems = []
        for path in self.code + [one for one in self.files if one.suffix in (".py", ".sh")]:
            count = read(path).count("\n")
            if count > LINES_FAIL:
                problems.append(f"{path}: {count} lines, at most {LINES_FAIL}")
            elif count > LINES_WARN:
                print(f"warning: {path}: {count} lines: which two ideas does it hold?", file=sys.stderr)
        self.fail_with(problems)

    def test_file_names_say_what_is_inside(self):
        self.fail_with([f"{path}: name the file for the noun that it defines" for path in self.files if VAGUE.search(path.name.lower())])

    def test_function_sizes_are_told(self):
        for path in self.code:
            if path.parts[0] in ("src", "include"):
                for line, length in long_functions(read(path)):
                    print(f"warning: {path}:{line}: a function of {length} lines, at most {FUNCTION_WARN}", file=sys.stderr)

    def test_no_stray_paths(self):
        problems = []
        for path in self.files:
            text = read(path)
            for pattern in STRAY:
                found = pattern.search(text)
                if found:
                    problems.append(f"{path}:{text.count(chr(10), 0, found.start()) + 1}: '{found.group()}' means one machine only")
        self.fail_with(problems)

    def test_scripts_are_executable(self):
        self.fail_with([f"{path}: begins with #! but is not executable" for path in self.files
                        if read(path).startswith("#!") and not (tree.ROOT / path).stat().st_mode & 0o111])


if __name__ == "__main__":
    unittest.main(verbosity=2)
