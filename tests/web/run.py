#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The dashboard of a real node in Debian's Chromium (`run.py dashboard`), or: web/dist is what web/src
builds to, and the unit tests of its parts (`run.py build`). npm brings the packages from a lock file
into POLLUX_NPM_FOLDER. What is missing fails the test: nobody else looks at these pages."""
import filecmp
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[1]
sys.path.insert(0, str(SOURCE / "tests" / "support"))
import npm  # noqa: E402

WEB = SOURCE / "web"


def fail(words):
    sys.exit("FAILED: " + words)


def needs_node(major, minor):
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            fail("there is no %s on this machine; tools/setup installs it" % program)
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    have = tuple(int(n) for n in re.findall(r"\d+", version)[:2])
    return have >= (major, minor), version


def packages(folder, source):
    """The packages of `source`'s lock file, in folder/node_modules."""
    try:
        npm.packages(source, folder)
    except npm.Missing as why:
        fail(str(why))


def dashboard(folder, wanted):
    good, version = needs_node(18, 19)
    if not good:
        fail("Node.js %s is too old for the tests: 18.19 is needed" % version)
    chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    if not os.access(chromium, os.X_OK):
        fail("there is no %s; tools/setup installs the package chromium (CHROMIUM names another)" % chromium)
    packages(folder, HERE)
    files = [file.name for file in sorted(HERE.glob("*.mjs"))]
    for file in files:  # a module looks for its packages beside itself
        shutil.copy(HERE / file, folder)
    tests = [file for file in files if file.endswith(".test.mjs") and (not wanted or file.split(".")[0] in wanted)]
    env = dict(os.environ, POLLUX_SOURCE=str(SOURCE), CHROMIUM=chromium)
    command = ["node", "--test", "--test-concurrency=1", *tests]
    return subprocess.run(command, cwd=folder, env=env, timeout=590).returncode


def same(one, other):
    """The files that differ between two folders, by name."""
    def files(folder):
        return {str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file()}
    names = files(one) | files(other)
    return sorted(n for n in names if n not in files(one) or n not in files(other)
                  or not filecmp.cmp(one / n, other / n, shallow=False))


def build(folder):
    good, version = needs_node(20, 19)
    if not good:
        print("skipped: vite needs Node.js 20.19; this is %s" % version)
        return 0
    packages(folder, WEB)
    for name in ("src", "public", "test"):
        shutil.rmtree(folder / name, ignore_errors=True)
        shutil.copytree(WEB / name, folder / name)
    for name in ("index.html", "tsconfig.json", "vite.config.ts"):
        shutil.copy(WEB / name, folder)
    for script in ("build", "test"):
        done = subprocess.run(["npm", "run", script], cwd=folder, capture_output=True, text=True, timeout=280)
        if done.returncode:
            fail("npm run %s:\n%s" % (script, (done.stdout + done.stderr)[-4000:]))
        print("\n".join(line for line in done.stdout.splitlines() if "gzip" in line or line.startswith("# pass")))
    other = same(WEB / "dist", folder / "dist")
    if other:
        fail("web/dist is not what web/src builds to: run `npm run build` in web/ and commit it: " + ", ".join(other))
    return 0


def main():
    what = sys.argv[1] if len(sys.argv) > 1 else "dashboard"
    folder = pathlib.Path(os.environ.get("POLLUX_NPM_FOLDER") or SOURCE / "build" / ("web_" + what)).resolve()
    return build(folder) if what == "build" else dashboard(folder, sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
