#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""read_cold.py FILE TWIN: the readings of a twin in a cold file, as CSV (docs/journal_format.md)."""
import csv, itertools, json, struct, sys, zlib
def column(count, width, factor, firsts, raw):
    planes = [raw[i:i + count - len(firsts)] for i in range(0, len(raw), (count - len(firsts)) or 1)]
    numbers = [int.from_bytes(b, "little", signed=True) * factor for b in zip(*planes)] or [0] * (count - len(firsts))
    for first in reversed(firsts):
        numbers = [(v + 2**63) % 2**64 - 2**63 for v in itertools.accumulate([first] + numbers)]
    return numbers
def readings(frame):
    assert zlib.crc32(frame[:-4]) == int.from_bytes(frame[-4:], "little"), "damaged"
    line, packed = frame[:-4].split(b"\n", 1)
    head, raw, parts = json.loads(line), zlib.decompress(packed), []
    for what, n, *rest in head["columns"]:
        size = (n - len(rest[2])) * rest[0] if rest else n
        values, raw = column(n, *rest[:3], raw[:size]) if rest else raw[:size], raw[size:]
        if what == "decimals": values = [v / 10**rest[3] for v in values]
        if what == "doubles": values = [struct.unpack("<d", struct.pack("<q", v))[0] for v in values]
        if what == "bytes": values = [values[end - n:end] for n, end in zip(parts[-1], itertools.accumulate(parts.pop()))]
        parts.append(values)
    slots = dict.fromkeys(tuple(slot) for shape in head["shapes"] for slot in shape if slot[1] != "none")
    values = dict(zip(slots, map(iter, parts[10:])))
    for time, sequence, shape in zip(*parts[4:7]):
        for slot in map(tuple, head["shapes"][shape]):
            yield time, sequence, head["names"][slot[0]], slot[1], next(values[slot]) if slot in values else ""
content, out = open(sys.argv[1], "rb").read(), csv.writer(sys.stdout)
begin, size = map(int, content[-68:].split()[2:4])
for twin, row, position, index, offset, length, *times in json.loads(content[begin:begin + size])["frames"]:
    if twin == sys.argv[2]: out.writerows(readings(content[offset:offset + length]))
