# SPDX-License-Identifier: Apache-2.0
# Frames of cold files, read as docs/journal_format.md says (see history_columns.py).
import collections
import json
import re
import zlib

from history_block import Block, assemble, checked, slots
from history_columns import BOOLEAN, NONE, TEXT, TYPES, Bytes, check, double, signed


def _plane_column(raw, count, width, factor, firsts):
    rest = count - len(firsts)
    numbers = [signed(int.from_bytes(raw[i::rest], "little", signed=True) * factor)
               for i in range(rest)] if width else [0] * rest
    for first in reversed(firsts):
        out = [first]
        for number in numbers:
            out.append(signed(out[-1] + number))
        numbers = out
    return numbers


def read_directory(content):
    """(shard, frames) of a cold file: twin, row, position, index, offset, size, from, to of each."""
    check(content.startswith(b"pollux history 1\n"), "the first line of a cold file")
    last = re.fullmatch(rb"pollux directory (\d{20}) (\d{20}) ([0-9a-f]{8})\n", content[-68:])
    check(last, "the last line of a cold file")
    offset, size, crc = int(last[1]), int(last[2]), int(last[3], 16)
    line = content[offset:offset + size]
    check(zlib.crc32(line) == crc and offset + size == len(content) - 68, "CRC of a directory")
    found = json.loads(line)
    return found["shard"], found["frames"]


def read_frame(stored):
    """A cold frame as (twin, block)."""
    check(zlib.crc32(stored[:-4]) == int.from_bytes(stored[-4:], "little"), "CRC of a frame")
    line, _, packed = stored[:-4].partition(b"\n")
    head, raw = json.loads(line), Bytes(zlib.decompress(packed))
    check(head["version"] == 1 and len(raw.data) == head["bytes"], "version or size of a frame")
    columns = []
    for what, size, *rest in head["columns"]:
        if not rest:
            columns.append(raw.take(size))
            continue
        width, factor, firsts = rest[:3]
        numbers = _plane_column(raw.take((size - len(firsts)) * width), size, width, factor, firsts)
        if what == "decimals":
            numbers = [v / 10**rest[3] for v in numbers]
        elif what == "doubles":
            numbers = [double(v) for v in numbers]
        columns.append(numbers)
    raw.done()
    names = [n.encode() if isinstance(n, str) else bytes(n) for n in head["names"]]
    shapes = [[(n, TYPES.index(t)) for n, t in shape] for shape in head["shapes"]]
    positions, indexes, ingest, counts, times, sequences, which, ordinals, sizes, joined = columns[:10]
    rest, found = iter(columns[10:]), {}
    of_each = [shapes[w] for w in which]
    occurs = collections.Counter(slot for shape in of_each for slot in shape)
    for slot in slots(shapes):
        column = [None] * occurs[slot] if slot[1] == NONE else next(rest)
        if slot[1] >= TEXT:
            blobs = Bytes(next(rest))
            column = [blobs.take(size) for size in column]
        found[slot] = [bool(v) for v in column] if slot[1] == BOOLEAN else column
    check(next(rest, None) is None, "columns too many")
    blobs = Bytes(joined)
    others = {o: blobs.take(size) for o, size in zip(ordinals, sizes)}
    inputs = assemble(list(zip(positions, indexes)), others, ingest, counts, times, sequences, of_each,
                       names, found)
    block = Block(1, tuple(head["first"]), tuple(head["last"]), head["readings"], head["values"],
                  tuple(head["event_time"]), tuple(head["ingest_time"]),
                  bytes.fromhex(head["chain_before"]), bytes.fromhex(head["chain"]), inputs, None, None)
    return head["twin"], checked(block, head["inputs"])
