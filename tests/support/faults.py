# SPDX-License-Identifier: Apache-2.0
# Faults a node is asked for (supervision/fault_injection.hpp), and waiting for what they do.
import os

import node as support


def allow(node):
    """Before its start."""
    node.settings["testing"] = {"allow_fault_injection": True}
    node.write_config()


def inject(node, what):
    """"kill 2 seal: trim" ends the node when it reaches that step for the second time. Whole or not
    at all, as the node may look at any moment."""
    order = node.data / "inject_fault"
    draft = node.data / "inject_fault.draft"
    draft.write_text(what)
    os.rename(draft, order)


def taken(node):
    support.eventually(lambda: not (node.data / "inject_fault").exists(), 20, "the fault is armed")


def at_step(node):
    """The last step that changes the disk that it began; "" since its start none."""
    return (node.data / "at_step").read_text().strip()


def ended(node, seconds=60):
    """The exit code of a node that ends by itself."""
    support.eventually(lambda: not node.running(), seconds, "the node's end")
    return node.process.returncode
