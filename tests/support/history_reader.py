#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""history_reader.py DATA [TWIN]: the readings of a stopped node's data folder, as JSON lines.

The rows of both databases, the index, blocks, cold files and the log, as docs/journal_format.md
describes them and nothing else (see history_columns.py). LevelDB is reached by ctypes. It opens a
copy of the folder, since LevelDB writes when it opens. Every checksum, count and hash chain is
checked; what does not hold raises Damaged.
"""
import collections
import ctypes
import json
import pathlib
import shutil
import struct
import sys
import tempfile

from history_block import READINGS, Input, Reading, chain, fields, lone_segment, read_block
from history_cold import read_directory, read_frame
from history_columns import (BOOLEAN, F32S, F64, I16S, I64, NONE, TEXT, TYPES, Damaged, check, crc32c,
                             hash64)

WIDE = 0xFFFFFFFF  # the row of inputs that reach a whole shard
TIERS = ("hot", "warm", "cold")
Index = collections.namedtuple(
    "Index", "version shard row first last inputs readings values event ingest bytes hash64 before "
             "after tier file offset size")
Twin = collections.namedtuple("Twin", "key shard row deleted blocks")  # blocks: (Index, Block)
Tail = collections.namedtuple("Tail", "shard twin input")


# --- LevelDB

def _leveldb():
    library = ctypes.CDLL("libleveldb.so.1d")
    for name in ("options_create", "readoptions_create", "open", "create_iterator", "iter_key",
                 "iter_value"):
        getattr(library, "leveldb_" + name).restype = ctypes.c_void_p
    return library


def rows(folder):
    """Every row of a LevelDB folder, in order, as [(key, value)]."""
    library, error, out = _leveldb(), ctypes.c_char_p(), []
    pointer = ctypes.c_void_p
    with tempfile.TemporaryDirectory() as copy:
        shutil.copytree(folder, copy, dirs_exist_ok=True, ignore=shutil.ignore_patterns("LOCK"))
        options = pointer(library.leveldb_options_create())
        base = pointer(library.leveldb_open(options, copy.encode(), ctypes.byref(error)))
        check(not error.value, folder, error.value)
        reading = pointer(library.leveldb_readoptions_create())
        library.leveldb_readoptions_set_verify_checksums(reading, ctypes.c_uint8(1))
        at, size = pointer(library.leveldb_create_iterator(base, reading)), ctypes.c_size_t()
        library.leveldb_iter_seek_to_first(at)
        while library.leveldb_iter_valid(at) & 0xFF:
            out.append(tuple(ctypes.string_at(part(at, ctypes.byref(size)), size.value)
                             for part in (library.leveldb_iter_key, library.leveldb_iter_value)))
            library.leveldb_iter_next(at)
        library.leveldb_iter_get_error(at, ctypes.byref(error))
        check(not error.value, folder, error.value)
        library.leveldb_iter_destroy(at)
        library.leveldb_close(base)
        library.leveldb_readoptions_destroy(reading)
        library.leveldb_options_destroy(options)
    return out


def payload(value, version=1):
    """What is in the envelope of a row of the store."""
    check(len(value) >= 5 and value[0] == version, "the version of a row:", value[:1])
    check(crc32c(value[5:]) == int.from_bytes(value[1:5], "little"), "CRC of a row")
    return value[5:]


# --- the store

def read_index(key, value):
    shard, row, *first = struct.unpack(">HIQI", key[1:])
    if value[:1] == b"\x01":
        position, index, inputs, least, most, digest = struct.unpack("<QIIqqQ", payload(value))
        return Index(1, shard, row, tuple(first), (position, index), inputs, None, None, (least, most),
                     None, None, digest, None, None, 0, 0, 0, 0)
    (position, index, inputs, readings, values, least, most, early, late, size, digest, before, after,
     tier, file, offset, length) = struct.unpack("<QIIIIqqqqQQ32s32sBQQQ", payload(value, 2))
    check(tier < 3, "a tier of", tier)
    return Index(2, shard, row, tuple(first), (position, index), inputs, readings, values,
                 (least, most), (early, late), size, digest, before, after, tier, file, offset, length)


class History:
    """All history of a stopped node's folder. `twins`: rows by (shard, row), `wide`: blocks of
    shard-wide inputs by shard, `tail`: inputs of the log that are in no block."""

    def __init__(self, data):
        self.data = pathlib.Path(data)
        self.store = rows(self.data / "store")
        by_key, self._directories = dict(self.store), {}
        check(payload(by_key[b"X\0format"]) == struct.pack("<I", 1), "the store's format")
        self.indexes = [read_index(k, v) for k, v in self.store if k[:1] == b"I"]
        stored = {k[1:]: v for k, v in self.store if k[:1] == b"B"}
        self.twins = {(t.shard, t.row): t for t in map(self._registered, self.store) if t}
        self.wide = collections.defaultdict(list)
        for index in self.indexes:
            home = self.wide[index.shard] if index.row == WIDE else (
                self.twins[index.shard, index.row].blocks)
            home.append((index, self._block(index, stored)))
        in_tier_cold = sum(i.tier == 2 for i in self.indexes)
        check(len(stored) == len(self.indexes) - in_tier_cold, "a block without an index")
        for home in [t.blocks for t in self.twins.values()] + list(self.wide.values()):
            _check_chain(home)
        self.tail = self._tail()

    @staticmethod
    def _registered(pair):
        key, value = pair
        if key[:1] != b"R":
            return None
        shard, row = struct.unpack(">HI", key[1:])
        found = dict(fields(payload(value)))
        life = found.get(2, 0)
        return Twin(found[1].decode() + ("#%d" % life if life > 1 else ""), shard, row,
                    bool(found.get(6, 0)), [])

    def _block(self, index, stored):
        if index.tier < 2:
            raw = stored[struct.pack(">HIQI", index.shard, index.row, *index.first)]
            block = read_block(raw)
        else:
            raw, block = self._frame(index)
        check(hash64(raw) == index.hash64, "hash64 of a block")
        check((block.first, block.last, block.event, len(block.inputs)) ==
              (index.first, index.last, index.event, index.inputs), "a block that is not its index's")
        if index.version == 2:
            check((len(raw), block.readings, block.values) ==
                  (index.bytes, index.readings, index.values), "bytes or counts of a block")
            if block.before is not None:
                check((block.ingest, block.before, block.after) ==
                      (index.ingest, index.before, index.after), "times or chain of a block")
        return block

    def _frame(self, index):
        if index.file not in self._directories:
            content = (self.data / "history" / ("%016x.history" % index.file)).read_bytes()
            shard, entries = read_directory(content)
            self._directories[index.file] = content, shard, {(o, s): e for *e, o, s, _, _ in entries}
        content, shard, entries = self._directories[index.file]
        check(entries[index.offset, index.size] ==
              [self.twins[index.shard, index.row].key, index.row, *index.first], "the directory")
        raw = content[index.offset:index.offset + index.size]
        twin, block = read_frame(raw)
        check((shard, twin) == (index.shard, self.twins[index.shard, index.row].key), "the frame's twin")
        return raw, block

    # --- the log

    def _tail(self):
        log, out = rows(self.data / "log"), []
        by_key = dict(log)
        check(by_key[b"Xformat"] == struct.pack("<Q", 1), "the log's format")
        sealed = {(i.shard, i.position, i.index) for i in self._sealed()}
        for shard in range(struct.unpack("<Q", by_key[b"Xshards"])[0]):
            number = struct.pack(">H", shard)
            start, before = struct.unpack("<QQ", by_key.get(b"Xtrim" + number, bytes(16)))
            for key, value in log:
                position = int.from_bytes(key[3:], "big")
                if key[:3] != b"L" + number or position < start:
                    continue
                previous, segment, count = log_row(value)
                check(previous == before, "a hole in the log before", position)
                before, found = position, list(_inputs(position, segment))
                check(sum(len(i.readings) for _, i in found) == count, "readings of a log row")
                out += [Tail(shard, twin, i) for twin, i in found
                        if (shard, i.position, i.index) not in sealed]
        return out

    def _sealed(self):
        place = collections.namedtuple("place", "shard position index")
        for index, block in ([b for t in self.twins.values() for b in t.blocks] +
                             [b for blocks in self.wide.values() for b in blocks]):
            for entry in block.inputs:
                yield place(index.shard, entry.position, entry.index)

    # --- what twins measured

    def readings(self, twin, blocks=True, tail=True):
        """[(input, reading)] of one life of a twin ("id", or "id#2"), in the journal's order."""
        found = []
        if blocks:
            found = [i for t in self.twins.values() if t.key == twin for _, b in t.blocks
                     for i in b.inputs]
        if tail:
            found += [t.input for t in self.tail if t.twin == twin]
        return [(i, r) for i in found for r in i.readings]

    def heads(self):
        """Where the hash chain of each twin (by key) and shard (by number) stands: last input id and
        value. All inputs are hashed anew, those of the log behind those of the blocks."""
        homes = {t.key: t.blocks for t in self.twins.values()}
        homes.update(self.wide)
        tails = collections.defaultdict(list)
        for shard, twin, entry in self.tail:
            tails[shard if twin is None else twin].append(entry)
        out = {}
        for home in homes.keys() | tails.keys():
            last, value = None, bytes(32)
            for index, block in homes.get(home, []):
                last = block.last
                value = (struct.pack("<Q", index.hash64) + bytes(24) if block.before is None else
                         chain(block.before, block.inputs))
            for entry in tails[home]:
                last = entry.position, entry.index
            if last is not None:
                out[home] = last, chain(value, tails[home])
        return out


def log_row(value):
    check(value[0] == 1 and crc32c(value[5:]) == int.from_bytes(value[1:5], "little"), "a log row")
    previous, count = struct.unpack("<QI", value[5:17])
    return previous, value[17:], count


def _check_chain(blocks):
    """One after another. Where the oldest blocks have expired the first begins with any value."""
    end, before, kept = None, None, None
    for index, block in blocks:
        check(end is None or index.first > end, "blocks out of order")
        beginning = struct.pack("<Q", before.hash64) + bytes(24) if before else bytes(32)
        if block.version == 1 and block.before is None:
            check(not before or block.previous == before.hash64, "the chain of version 1")
        elif before is not None and kept.before is None:
            check(block.before == beginning, "the chain behind a block of version 1")
        elif before is not None and block.before != kept.after:
            check(block.before[8:] == bytes(24), "the chain between two blocks")
        end, before, kept = index.last, index, block


def _value(number, raw):
    if number == 2:
        return F64, struct.unpack("<d", raw)[0]
    if number == 3:
        return I64, raw >> 1 ^ -(raw & 1)
    return {4: (BOOLEAN, bool(raw)), 5: (TEXT, raw), 6: (F32S, raw), 7: (I16S, raw)}[number]


def _reading(message, names):
    found, values = {}, []
    for number, value in fields(message):
        if number != 3:
            found[number] = value
            continue
        name, kind, content = 0, NONE, None
        for inner, raw in fields(value):
            if inner == 1:
                name = raw
            else:
                kind, content = _value(inner, raw)
        values.append((names[name], kind, content))
    return Reading(int.from_bytes(found.get(1, b""), "little", signed=True), found.get(2, 0),
                   tuple(values))


def _inputs(position, segment):
    """(twin or None, input) of a segment of the log."""
    parts = collections.defaultdict(list)
    for number, value in fields(segment):
        parts[number].append(value)
    check(parts[1] == [1], "the format of a segment")
    for index, message in enumerate(parts[4]):
        single, readings = {}, []
        for number, value in fields(message):
            if number == 4:
                readings.append(_reading(value, parts[3]))
            else:
                single[number] = value
        kind, twin = single.get(1, 0), single.get(2, 0)
        check(kind == READINGS or not readings, "readings in an input of kind", kind)
        yield parts[2][twin - 1].decode() if twin else None, Input(
            position, index, kind, int.from_bytes(single.get(3, b""), "little", signed=True),
            tuple(readings), None if kind == READINGS else lone_segment(message, parts[3]))


def plain(kind, value):
    """A value for people: text as such, samples as numbers."""
    if kind == TEXT:
        return value.decode(errors="replace")
    if kind in (F32S, I16S):
        form, size = ("f", 4) if kind == F32S else ("h", 2)
        return list(struct.unpack("<%d%s" % (len(value) // size, form), value))
    return value


def main(words):
    if len(words) not in (1, 2):
        raise SystemExit(__doc__)
    history = History(words[0])
    for twin in sorted({t.key for t in history.twins.values()}):
        if len(words) == 2 and twin != words[1]:
            continue
        for entry, reading in history.readings(twin):
            print(json.dumps({
                "twin": twin, "input": [entry.position, entry.index], "ingest_time": entry.ingest,
                "event_time": reading.event_time, "sequence": reading.sequence,
                "values": [[n.decode(errors="replace"), TYPES[k], plain(k, v)]
                           for n, k, v in reading.values]}))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Damaged as damage:
        raise SystemExit("damaged: %s" % damage)
