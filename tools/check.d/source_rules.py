#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rules of CONTRIBUTING.md that a machine can judge: licence line, header comment, include guards,
telling file names, no unfinished work. A file above 400 lines is named, but fails nothing."""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from include_rules import source_files  # noqa: E402

EMPTY_NAMES = {"utils", "util", "common", "types", "helpers", "helper", "manager", "detail", "misc"}
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b(?!.*#\d+)")


def check(path, text):
    lines = text.splitlines()
    if not lines or lines[0] != "// SPDX-License-Identifier: Apache-2.0":
        yield 1, "the first line is `// SPDX-License-Identifier: Apache-2.0`"
    elif path.endswith(".hpp") and (len(lines) < 2 or not lines[1].startswith("//")):
        yield 2, "a comment says what the file is for"
    if path.endswith(".hpp") and "#pragma once" not in lines[:25]:
        yield 1, "headers have #pragma once"
    if os.path.basename(path).rsplit(".", 1)[0] in EMPTY_NAMES:
        yield 1, "the file's name says nothing about its content"
    for number, line in enumerate(lines, 1):
        if UNFINISHED.search(line):
            yield number, "unfinished work needs an issue number (#n)"
        if line.rstrip() != line:
            yield number, "trailing white space"


def main():
    violations = 0
    for path in source_files():
        with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as source:
            text = source.read()
        for line, why in check(path, text):
            violations += 1
            print(f"{path}:{line}: {why}")
        if text.count("\n") > 400:
            print(f"{path}: {text.count(chr(10))} lines; split it by idea (not an error)")
    print(f"{violations} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
