# SPDX-License-Identifier: Apache-2.0
# What format_test sends: readings with values of every type, such that each form of a column on
# disk is worth taking somewhere, and how a reading is written down to be compared.
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from history_columns import BOOLEAN, F32S, F64, I16S, I64, TEXT, varint  # noqa: E402

NUMBERS = ("x", "y", "z", "noise", "n", "wide", "few", "steady", "motor.temp")
SAMPLES = ("wave", "rough", "short")
NOTES = ("plain", "with \"quotes\", commas", "two\nlines", "5", "true", "", "\u00fc\u6f22")


def typed(value):
    """(type, stored value) of a value of a JSON document."""
    if isinstance(value, bool):
        return BOOLEAN, value
    if isinstance(value, int):
        return I64, value
    if isinstance(value, float):
        return F64, struct.pack("<d", value)
    if isinstance(value, str):
        return TEXT, value.encode()
    return F32S, struct.pack("<%df" % len(value), *value)


def flat(document, prefix=""):
    for name, value in document.items():
        if isinstance(value, dict):
            yield from flat(value, prefix + name + ".")
        else:
            yield prefix + name, value


def sent_of(document):
    """(event time, sequence, values) of a reading as JSON."""
    values = [(n.encode(), *typed(v)) for n, v in flat(document) if n not in ("ts", "seq")]
    return document["ts"] * 1_000_000, document.get("seq", 0), sorted(values)


def found_of(reading):
    values = [(n, k, struct.pack("<d", v) if k == F64 else v) for n, k, v in reading.values]
    return reading.event_time, reading.sequence, sorted(values)


def protobuf(readings):
    """A telemetry Batch of [(event time, sequence, [(name, type, stored value)])]."""
    def blob(number, data):
        return varint(number << 3 | 2) + varint(len(data)) + data

    def value(name, kind, content):
        out = blob(1, name)
        if kind == F64:
            return out + b"\x11" + content
        if kind in (I64, BOOLEAN):
            number = content if kind == BOOLEAN else content << 1 ^ content >> 63
            return out + varint(kind + 1 << 3) + varint(number & 2**64 - 1)
        return out + blob({TEXT: 5, F32S: 6, I16S: 7}[kind], content)

    def reading(at, sequence, values):
        return (b"\x09" + struct.pack("<q", at) + b"\x10" + varint(sequence) +
                b"".join(blob(3, value(*v)) for v in values))
    return b"".join(blob(1, reading(*r)) for r in readings)


def json_rows(start, count, random_):
    """Readings of every type that JSON has; each column favours another form."""
    out = []
    far = [random_.randrange(-2**40, 2**40) for _ in range(9)]
    for i in range(count):
        row = {"ts": start + i * 1000 + (i % 50 == 3) * 7, "x": round(20 + random_.gauss(0, 3), 2),
               "z": i * 13 % 700 / 10 if i % 97 else random_.random(), "n": i // 3, "steady": 7,
               "few": random_.choice(far), "on": i % 3 == 0, "note": NOTES[i % len(NOTES)]}
        if i % 2:
            row.update(y=1000 + 2.0**-20 * random_.randrange(2**12),
                       wide=random_.randrange(-2**63, 2**63))
        if i % 5 == 0:
            row["noise"] = struct.unpack("<d", random_.randbytes(6) + b"\xe0" + random_.choice(
                b"\x3f\x40\xbf\xc0").to_bytes(1, "little"))[0]
            row["motor"] = {"temp": 40 + i % 7}
        if i % 40 == 9:
            row["wave"] = [round(random_.uniform(-2, 2), 2) for _ in range(32 + i % 3)]
            row["rough"] = [struct.unpack("<f", struct.pack("<f", random_.gauss(0, 1)))[0]
                            for _ in range(48)]
        out.append(row)
    return out


def protobuf_rows(start, count, random_):
    """What JSON cannot say: numbers of a sequence with it, 16-bit samples, doubles as bits."""
    bits = (0, 1 << 63, 1, 0x7FEFFFFFFFFFFFFF, 0x3FF0000000000001, 0x000FFFFFFFFFFFFF)
    out = []
    for i in range(count):
        values = [(b"x", F64, struct.pack("<Q", bits[i % len(bits)])),
                  (b"n", I64, (-2**63, 2**63 - 1, 0, -1, i)[i % 5]), (b"on", BOOLEAN, i % 4 == 0),
                  (b"note", TEXT, NOTES[i % 3].encode())]
        if i % 10 == 0:
            wave = [int(900 * random_.gauss(0, 1)) for _ in range(100)]
            values.append((b"short", I16S, struct.pack("<100h", *wave)))
        if i % 20 == 0:
            values.append((b"rough", F32S, struct.pack("<9f", *(random_.gauss(0, 1) for _ in range(9)))))
        out.append(((start + i * 250) * 1_000_000 + i, i + 1, sorted(values)))
    return out
