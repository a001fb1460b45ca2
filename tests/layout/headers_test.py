#!/usr/bin/env python3
"""Each header compiles alone: whoever includes it need not know what to include before it.

    headers_test.py BUILD_DIR

Flags come from BUILD_DIR/compile_commands.json. What has passed is remembered there, by the text of the header and of
all project headers below it, so that only what changed is compiled again."""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

import tree

DROPPED_WITH_VALUE = {"-o", "-MF", "-MT", "-MQ", "-include"}
DROPPED = {"-c", "-MD", "-Winvalid-pch", "-Werror"}


def flags_by_area(build):
    """Compiler and flags per area, without outputs and precompiled headers; the widest set stands for areas with none."""
    areas, widest = {}, None
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"])
        if path.suffix != ".cpp" or not path.is_relative_to(tree.ROOT / "src"):
            continue
        words = shlex.split(entry["command"])
        # A compiler launcher (env NAME=VALUE ccache) stands before the compiler.
        start = next(index for index, word in enumerate(words) if "++" in os.path.basename(word))
        flags, skip = [], False
        for word in words[start:]:
            if skip:
                skip = False
            elif word in DROPPED_WITH_VALUE:
                skip = True
            elif word not in DROPPED and word != entry["file"]:
                flags.append(word)
        area = tree.area_of(path.relative_to(tree.ROOT))
        areas.setdefault(area, flags)
        if widest is None or len(flags) > len(widest):
            widest = flags
    return areas, widest


def closure(path, seen):
    """`path` and all project headers that it reaches."""
    if path in seen or not (tree.ROOT / path).is_file():
        return seen
    seen.add(path)
    for quoted, name in tree.includes((tree.ROOT / path).read_text()):
        if quoted:
            closure(pathlib.Path("include") / name if name.startswith("shellac/") else path.parent / name, seen)
    return seen


def fingerprint(path, flags):
    digest = hashlib.sha256("\0".join(flags).encode())
    for one in sorted(closure(path, set())):
        digest.update(str(one).encode() + b"\0" + (tree.ROOT / one).read_bytes())
    return digest.hexdigest()


def compile_alone(path, flags, scratch):
    source = scratch / (str(path).replace("/", "_") + ".cpp")
    # Twice: a missing #pragma once shows as well.
    source.write_text(f'#include "{tree.ROOT / path}"\n#include "{tree.ROOT / path}"\n')
    done = subprocess.run([*flags, "-O0", "-U_FORTIFY_SOURCE", "-fsyntax-only", f"-I{tree.ROOT / 'include'}", str(source)],
                          capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else None


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    areas, widest = flags_by_area(build)
    if widest is None:
        sys.exit(f"{build}/compile_commands.json names no file of src/")
    remembered_file = build / "headers_that_compile_alone.json"
    try:
        remembered = json.loads(remembered_file.read_text())
    except (OSError, ValueError):
        remembered = {}
    headers = [path for path in tree.files() if path.suffix == ".hpp" and tree.area_of(path)]
    now, work, failed = {}, [], []
    for path in headers:
        flags = areas.get(tree.area_of(path), widest)
        now[str(path)] = fingerprint(path, flags)
        if remembered.get(str(path)) != now[str(path)]:
            work.append((path, flags))
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        results = pool.map(lambda one: compile_alone(*one, pathlib.Path(folder)), work)
        for (path, _), error in zip(work, results):
            if error:
                failed.append(path)
                del now[str(path)]
                print(f"{path} does not compile alone:\n{error}", file=sys.stderr)
    remembered_file.write_text(json.dumps(now))
    print(f"{len(headers)} headers, {len(work)} compiled now, {len(failed)} do not stand alone")
    sys.exit(1 if failed or not headers else 0)


if __name__ == "__main__":
    main()
