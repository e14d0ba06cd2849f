#!/usr/bin/python3 -B
# SPDX-License-Identifier: LGPL-2.1-or-later
"""usage: tests/sh/rings.py BUILD

Finds object files of one program or library of BUILD that call each other in a ring: A uses a symbol of B, and B uses a
symbol of A, directly or through other files. Prints each ring as a line; exit status 1 if there is a ring. A ring has
no first file to read."""
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

# The object files of each program with more than a few object files. The files of the network hook are part of the qemu
# hook's.
PROGRAMS = {"lib": ["lib/**/*.o"], "qemu-asked": ["hooks/handler.o", "hooks/qemu-*.o"],
            "vfalias": ["helpers/vfalias/vfalias-*.o", "helpers/shared/vfalias_vfalias-*.o"],
            "vfaliasd": ["helpers/vfaliasd/vfaliasd-*.o", "helpers/shared/vfaliasd_vfaliasd-*.o"]}


def symbols(path):
    defined, used = set(), set()
    for line in subprocess.run(["nm", str(path)], check=True, capture_output=True, text=True).stdout.splitlines():
        kind, name = line.split()[-2:]
        (used if kind == "U" else defined if kind in "TDBRVW" else set()).add(name)
    return defined, used


def rings(arrows):
    """The strongly connected components of more than one file (Tarjan)."""
    number, low, stack, found = {}, {}, [], []

    def visit(name):
        number[name] = low[name] = len(number)
        stack.append(name)
        for other in arrows[name]:
            if other not in number:
                visit(other)
            if other in stack:
                low[name] = min(low[name], low[other])
        if low[name] == number[name]:
            ring = stack[stack.index(name):]
            del stack[stack.index(name):]
            if len(ring) > 1:
                found.append(sorted(ring))

    for name in sorted(arrows):
        if name not in number:
            visit(name)
    return found


def main():
    build, bad = Path(sys.argv[1]), 0
    for program, patterns in PROGRAMS.items():
        files = {path: symbols(path) for pattern in patterns for path in build.glob(pattern)}
        if not files:
            sys.exit("rings.py: no object files of %s below %s" % (program, build))
        by_symbol = {name: path for path, (defined, _) in files.items() for name in defined}
        arrows = defaultdict(set)
        for path, (_, used) in files.items():
            arrows[str(path.relative_to(build))] = {str(by_symbol[name].relative_to(build)) for name in used
                                                    if name in by_symbol and by_symbol[name] != path}
        for ring in rings(arrows):
            print(program + ": " + " ".join(ring))
            bad += 1
    sys.exit(1 if bad else 0)


main()
