#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Writes a folder of tests/data/formats with the binary of a release: what is in corpus.py goes
# through a broker into a node, the node stops, and its folder is kept with what it said.
#
#   POLLUX_BIN=build/release/pollux tests/integration/make_corpus.py 2
import json
import pathlib
import shutil
import sys
import tempfile
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import corpus  # noqa: E402
import node as support  # noqa: E402

LEFT_OUT = ("LOG", "LOG.old", "LOCK", "ballast", "owner.pid")
LARGEST_BYTES = 400_000


def keep(data, target):
    for part in ("log", "store", "history"):
        if not (data / part).is_dir():
            continue
        (target / part).mkdir(parents=True)
        for file in sorted((data / part).iterdir()):
            if file.name not in LEFT_OUT:
                shutil.copyfile(file, target / part / file.name)


def change_properties(node, twin, properties):
    request = urllib.request.Request(
        "http://127.0.0.1:%d/api/v1/twins/%s" % (node.http_port, twin), method="PATCH",
        data=json.dumps({"properties": properties}).encode(),
        headers={"Content-Type": "application/merge-patch+json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()


def run(name, folder):
    target = corpus.FORMATS / name
    if target.exists():
        raise SystemExit("%s is there already: a released format is never written again" % target)
    broker = support.Broker(folder).start()
    node = support.Node(folder / "node", broker.port, corpus.MODELS, corpus.INGRESS,
                        settings=corpus.SETTINGS)
    try:
        node.start()
        with broker.client("writer", version=5) as client:
            corpus.fill(node, client, folder)
        change_properties(node, "c:kinds", {"floor": 3, "place": "hall \u00fc", "old": True})
        change_properties(node, "c:kinds", {"old": None, "room": {"x": [1, 2.5]}})
        node.kill()  # a restart in the journal, and snapshots behind the log
        node.start()
        expected = corpus.describe(node)
        node.verify("--online")
        code, _ = node.stop()
        if code != 0:
            raise SystemExit("the node ended with %d:\n%s" % (code, node.log()[-2000:]))
    finally:
        node.end()
        broker.stop()
    keep(node.data, target)
    shutil.copytree(node.models, target / "models")
    (target / "expected.json").write_text(json.dumps(expected, indent=0, sort_keys=True) + "\n")
    size = sum(f.stat().st_size for f in target.rglob("*") if f.is_file())
    print("%s: %d bytes, %d twins" % (target, size, len(expected["twins"])))
    if size > LARGEST_BYTES:
        raise SystemExit("larger than %d bytes: make the content smaller" % LARGEST_BYTES)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].isdigit():
        raise SystemExit("usage: make_corpus.py NUMBER   (the binary: POLLUX_BIN)")
    with tempfile.TemporaryDirectory(prefix="pollux-corpus-", ignore_cleanup_errors=True) as at:
        run(sys.argv[1], pathlib.Path(at))
