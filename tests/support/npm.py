# SPDX-License-Identifier: Apache-2.0
# Packages of npm for a test, brought from a lock file into a folder of the build. What is missing
# fails the test: skipped, nobody would look.
import shutil
import subprocess

PATIENCE_S = 200


class Missing(AssertionError):
    """A program or package that is not there, and why."""


def packages(source, folder, extra=()):
    """Installs the packages of `source`'s lock file into `folder`/node_modules, once, copies the
    files `extra` of `source` beside them, and gives the folder."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise Missing("there is no %s on this machine; tools/setup installs it" % program)
    folder.mkdir(parents=True, exist_ok=True)
    lock = (source / "package-lock.json").read_bytes()
    done = folder / "installed.lock"
    for file in ("package.json", "package-lock.json", ".npmrc", *extra):
        shutil.copy(source / file, folder)
    if done.exists() and done.read_bytes() == lock:
        return folder
    done.unlink(missing_ok=True)
    try:
        npm = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-progress"], cwd=folder,
                             capture_output=True, text=True, timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        raise Missing("npm did not bring the packages within %d s (is there a network?)" % PATIENCE_S)
    if npm.returncode:
        raise Missing("npm could not bring the packages (is there a network?): " + npm.stderr[-600:])
    done.write_bytes(lock)
    return folder
