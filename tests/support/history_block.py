# SPDX-License-Identifier: Apache-2.0
# Blocks of history, versions 1 and 2, and the hash chain of their inputs, read as
# docs/journal_format.md says (see history_columns.py).
import collections
import hashlib
import struct

from history_columns import (BOOLEAN, F64, I64, NONE, TYPES, Bytes, check, crc32c, signed, unzstd,
                             values, varint)

Input = collections.namedtuple("Input", "position index kind ingest readings other")
Reading = collections.namedtuple("Reading", "event_time sequence values")  # (name, type, value)
Block = collections.namedtuple(
    "Block", "version first last readings values event ingest before after inputs previous body")

READINGS = 1  # the kind of input


# --- inputs and their chain

def raw_fields(message):
    """Protobuf: (number, value, its bytes with the tag) in order."""
    data = Bytes(message)
    while data.at < len(message):
        begin = data.at
        number, wire = divmod(data.varint(), 8)
        check(wire in (0, 1, 2, 5), "wire type", wire)
        value = (data.varint() if wire == 0 else data.blob() if wire == 2 else
                 data.take(8 if wire == 1 else 4))
        yield number, value, message[begin:data.at]


def fields(message):
    return ((number, value) for number, value, _ in raw_fields(message))


def lone_segment(message, names):
    """The Segment in which an input that is not readings stands in a block and in the hash chain,
    of its message in a segment of the log with these names."""
    own, parts = [], []
    for number, value, raw in raw_fields(message):
        if number == 5:
            name = names[dict(fields(value)).get(1, 0)]
            own += [name] if name not in own else []
            at = own.index(name)
            field = (b"\x08" + varint(at) if at else b"") + b"".join(
                r for n, _, r in raw_fields(value) if n != 1)
            raw = b"\x2a" + varint(len(field)) + field
        parts += [raw] if number != 2 else []
    one = b"".join(parts)
    return (b"\x08\x01" + b"".join(b"\x1a" + varint(len(n)) + n for n in own) + b"\x22" +
            varint(len(one)) + one)


def kind_and_time(segment):
    """Of a Segment with one input."""
    inputs = [v for number, v in fields(segment) if number == 4]
    check(len(inputs) == 1, len(inputs), "inputs in a segment of one")
    found = dict(fields(inputs[0]))
    return found.get(1, 0), int.from_bytes(found.get(3, b""), "little", signed=True)


def canonical(entry):
    """The bytes of one input that are hashed."""
    out = [varint(entry.position), varint(entry.index), bytes([entry.kind])]
    if entry.other is not None:
        return b"".join(out + [varint(len(entry.other)), entry.other])
    out += [struct.pack("<q", entry.ingest), varint(len(entry.readings))]
    for reading in entry.readings:
        out += [struct.pack("<q", reading.event_time), varint(reading.sequence),
                varint(len(reading.values))]
        for name, kind, value in reading.values:
            out += [varint(len(name)), name, bytes([kind])]
            if kind in (F64, I64, BOOLEAN):
                out.append(struct.pack({F64: "<d", I64: "<q", BOOLEAN: "<B"}[kind], value))
            elif kind != NONE:
                out += [varint(len(value)), value]
    return b"".join(out)


def chain(before, inputs):
    for entry in inputs:
        before = hashlib.sha256(before + canonical(entry)).digest()
    return before


def assemble(ids, others, ingest, counts, times, sequences, shapes, names, columns):
    """Puts the columns together again. `shapes`: of each reading its slots (name, type)."""
    cells = {slot: iter(column) for slot, column in columns.items()}
    readings = iter([Reading(t, s & 2**64 - 1, tuple((names[n], k, next(cells[n, k])) for n, k in shape))
                     for t, s, shape in zip(times, sequences, shapes)])
    out, ingest, counts = [], iter(ingest), iter(counts)
    for ordinal, (position, index) in enumerate(ids):
        position &= 2**64 - 1
        if ordinal in others:
            kind, time = kind_and_time(others[ordinal])
            out.append(Input(position, index, kind, time, (), others[ordinal]))
        else:
            own = tuple(next(readings) for _ in range(next(counts)))
            out.append(Input(position, index, READINGS, next(ingest), own, None))
    return out


def slots(shapes):
    """Name and type in the order in which the shapes first name them."""
    return list(dict.fromkeys(slot for shape in shapes for slot in shape))


def _body(data, version, n, all_readings):
    forms = 4 + (version > 1)
    names = [data.blob() for _ in range(data.count())]
    shapes = [[divmod(data.varint(), 8) for _ in range(data.count())] for _ in range(data.count())]
    for name, kind in (slot for shape in shapes for slot in shape):
        check(name < len(names) and kind < len(TYPES), "a slot that is not there")
    ids = list(zip(data.ints(n, forms), data.ints(n, forms)))
    others = {}
    for _ in range(data.count()):
        ordinal = data.varint()
        check(ordinal < n and ordinal not in others, "another input at", ordinal)
        others[ordinal] = data.blob()
    own = n - len(others)
    ingest = data.times(own, forms) if version == 1 else None
    counts = data.ints(own, forms)
    check(all(c >= 0 for c in counts) and sum(counts) == all_readings, "the sum of readings")
    times = data.times(all_readings, forms)
    if version > 1:
        ingest = _ingest_times(data, own, counts, times)
    sequences, which = data.ints(all_readings, forms), data.ints(all_readings, forms)
    check(all(0 <= w < len(shapes) for w in which), "a shape that is not there")
    of_each = [shapes[w] for w in which]
    occurs = collections.Counter(slot for shape in of_each for slot in shape)
    columns = {slot: values(data, occurs[slot], slot[1], version) for slot in slots(shapes)}
    data.done()
    return assemble(ids, others, ingest, counts, times, sequences, of_each, names, columns)


def _ingest_times(data, own, counts, times):
    if own == 0:
        return []
    form = data.u8()
    check(form < 2, "ingest times of form", form)
    column = data.times(own, 5)
    if form == 0:
        return column
    out, at = [], 0
    for count, more in zip(counts, column):
        out.append(signed((times[at] if count else 0) + more))
        at += count
    return out


def checked(block, inputs_said):
    """What the head says of its inputs must be true."""
    inputs = block.inputs
    ids = [(i.position, i.index) for i in inputs]
    readings = [r for i in inputs for r in i.readings]
    check(len(inputs) == inputs_said and ids == sorted(set(ids)), "inputs out of order")
    check((ids[0], ids[-1]) == (block.first, block.last), "other ids than the head says")
    check(len(readings) == block.readings, "another number of readings")
    check(sum(len(r.values) for r in readings) == block.values, "another number of values")
    for said, found in ((block.event, [r.event_time for r in readings]),
                        (block.ingest, [i.ingest for i in inputs])):
        if said is not None:
            check(said == (min(found), max(found)) if found else said[0] > said[1], "times:", said)
    if block.after is not None:
        check(chain(block.before, inputs) == block.after, "the chain does not hold")
    return block


def read_block(stored):
    """A block of version 1 or 2; Damaged is raised for anything that is not as the page says."""
    data = Bytes(stored)
    version, crc = data.u8(), data.unpack("I")[0]
    check(version in (1, 2), "a block of version", version)
    check(crc32c(stored[data.at:]) == crc, "CRC of a block")
    previous, before, after = None, None, None
    if version == 1:
        previous, = data.unpack("Q")
    else:
        before, after = data.take(32), data.take(32)
    first, last, (n, readings, count) = data.unpack("QI"), data.unpack("QI"), data.unpack("III")
    event, ingest, body = data.unpack("qq"), None, None
    if version == 1:
        body = stored[data.at:]
    else:
        ingest, (codec, size) = data.unpack("qq"), data.unpack("BI")
        check(codec < 2, "codec", codec)
        rest = stored[data.at:]
        body = unzstd(rest, size) if codec else rest
        check(len(body) == size, "another size of the body")
    inputs = _body(Bytes(body), version, n, readings)
    return checked(Block(version, first, last, readings, count, event, ingest, before, after, inputs,
                          previous, body), n)
