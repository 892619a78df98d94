# SPDX-License-Identifier: Apache-2.0
# Columns of history as docs/journal_format.md describes them: numbers, times, values, checksums.
# Part of a second reader that was written from that page alone and shares no code with
# persistence/, so that what both read alike is what the page says. Plain and slow. zstd and xxh3
# come from their libraries by ctypes.
import collections
import ctypes
import struct

NONE, F64, I64, BOOLEAN, TEXT, F32S, I16S = range(7)
TYPES = ("none", "f64", "i64", "boolean", "text", "samples_f32", "samples_i16")
GROUP = 128

# how often each form was met, so that a test can say what it has looked at
met = collections.Counter()


class Damaged(Exception):
    """The bytes are not what the page says."""


def check(condition, *what):
    if not condition:
        raise Damaged(" ".join(map(str, what)))


# --- libraries and checksums

_zstd = ctypes.CDLL("libzstd.so.1")
_zstd.ZSTD_decompress.restype = _zstd.ZSTD_getFrameContentSize.restype = ctypes.c_size_t
_zstd.ZSTD_decompress.argtypes = [ctypes.c_char_p, ctypes.c_size_t] * 2
_zstd.ZSTD_getFrameContentSize.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
_xxhash = ctypes.CDLL("libxxhash.so.0")
_xxhash.XXH3_64bits.restype = ctypes.c_uint64
_xxhash.XXH3_64bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]


def unzstd(data, size):
    check(_zstd.ZSTD_getFrameContentSize(data, len(data)) == size, "another size in the zstd frame")
    out = ctypes.create_string_buffer(max(size, 1))
    check(_zstd.ZSTD_decompress(out, size, data, len(data)) == size, "zstd")
    return out.raw[:size]


def hash64(data):
    return _xxhash.XXH3_64bits(data, len(data))


def _crc_table():
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


_CRC = _crc_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


# --- numbers

def signed(number):
    """Modulo 2^64, as i64."""
    number &= 2**64 - 1
    return number - 2**64 if number >> 63 else number


def varint(number):
    out = bytearray()
    while True:
        low, number = number & 0x7F, number >> 7
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)


class Bytes:
    """A place in some bytes; reading past the end is damage."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        check(0 <= size <= len(self.data) - self.at, "ends too early at", self.at)
        self.at += size
        return self.data[self.at - size:self.at]

    def unpack(self, form):
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))

    def u8(self):
        return self.take(1)[0]

    def varint(self):
        out = shift = 0
        while True:
            byte = self.u8()
            out |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                check(out < 2**64, "a varint of more than 64 bits")
                return out
            check(shift < 70, "a varint without an end")

    def zigzag(self):
        number = self.varint()
        return number >> 1 ^ -(number & 1)

    def count(self):
        """A number of things of which each takes a byte at least."""
        number = self.varint()
        check(number <= len(self.data) - self.at, "more things than bytes")
        return number

    def blob(self):
        return self.take(self.varint())

    def packed(self, n):
        out = []
        while n > 0:
            some = min(n, GROUP)
            least, width = self.zigzag(), self.u8()
            check(width <= 64, "a width of", width)
            bits = int.from_bytes(self.take((some * width + 7) // 8), "little")
            mask = (1 << width) - 1
            out += [signed(least + (bits >> i * width & mask)) for i in range(some)]
            n -= some
        return out

    def ints(self, n, forms=5):
        """An int column."""
        if n == 0:
            return []
        form = self.u8()
        check(form < forms, "an int column of form", form)
        met["int", form] += 1
        if form == 0:
            return self.packed(n)
        if form == 4:
            distinct = [self.varint()]
            check(1 <= distinct[0] <= 256, "distinct numbers:", distinct[0])
            for _ in range(distinct.pop()):
                distinct.append(signed(distinct[-1] + self.varint()) if distinct else self.zigzag())
            which = self.take(n)
            check(max(which) < len(distinct), "a number that is not there")
            return [distinct[i] for i in which]
        out = [self.zigzag()]
        if form == 1:
            steps = self.packed(n - 1)
        else:
            step = self.zigzag()
            steps = [step] * (n - 1)
            if form == 2:
                check(n > 1, "differences of differences of one number")
                for i, change in enumerate(self.packed(n - 2)):
                    steps[i + 1] = steps[i] + change
        for step in steps:
            out.append(signed(out[-1] + step))
        return out

    def times(self, n, forms):
        if n == 0:
            return []
        unit = self.u8()
        check(unit < 4, "a unit of time of", unit)
        met["time", unit] += 1
        return [signed(t * 1000**unit) for t in self.ints(n, forms)]

    def done(self):
        check(self.at == len(self.data), len(self.data) - self.at, "bytes too many")


# --- value columns

def double(bits):
    return struct.unpack("<d", struct.pack("<Q", bits & 2**64 - 1))[0]


def _decimals(data, n, forms, most):
    power = data.u8()
    check(power <= most, "a power of", power)
    return [float(m) / float(10**power) for m in data.ints(n, forms)]


def _with_exceptions(data, values, of_bits):
    places = data.ints(data.count())
    for place, bits in zip(places, data.ints(len(places))):
        check(0 <= place < len(values), "an exception at", place)
        values[place] = of_bits(bits)
    return values


def _doubles(data, n, version):
    form = data.u8()
    check(form < (3 if version == 1 else 5), "doubles of form", form)
    met["f64", form] += 1
    if form == 0:
        return list(data.unpack("%dd" % n))
    if form == 1:
        out, bits = [], 0
        for _ in range(n):
            low, kept = divmod(data.u8(), 16)
            check(low + kept <= 8, "more than eight bytes")
            bits ^= int.from_bytes(data.take(kept), "little") << 8 * low
            out.append(double(bits))
        return out
    if form == 4:
        return [double(b) for b in data.ints(n)]
    values = _decimals(data, n, 3 + 2 * (version > 1), 12)
    return _with_exceptions(data, values, double) if form == 3 else values


def _booleans(data, n):
    bits = int.from_bytes(data.take((n + 7) // 8), "little")
    return [bool(bits >> i & 1) for i in range(n)]


def _texts(data, n, forms):
    distinct = [data.blob() for _ in range(data.count())]
    which = data.ints(n, forms)
    check(all(0 <= i < len(distinct) for i in which), "a text that is not there")
    return [distinct[i] for i in which]


def _sample_bytes(data, total, kind, version):
    form = data.u8() if version > 1 else 0
    check(form in ((0, 2, 3) if kind == F32S else (0, 1)), "samples of form", form)
    met[TYPES[kind], form] += 1
    if form == 0:
        return data.take(total)
    if form == 1:
        samples = data.ints(total // 2)
        check(all(-2**15 <= s < 2**15 for s in samples), "more than 16 bits")
        return struct.pack("<%dh" % len(samples), *samples)
    if form == 2:
        values = _decimals(data, total // 4, 5, 7)
        packed = [struct.pack("<f", v) for v in values]
        return b"".join(_with_exceptions(data, packed, lambda b: struct.pack("<I", b & 2**32 - 1)))
    planes = data.take(total)
    return b"".join(bytes(planes[i::total // 4]) for i in range(total // 4))


def _samples(data, n, kind, version):
    sizes = data.ints(n, 4 + (version > 1))
    check(all(s >= 0 for s in sizes), "a size below 0")
    joined = Bytes(_sample_bytes(data, sum(sizes), kind, version))
    return [joined.take(size) for size in sizes]


def values(data, n, kind, version):
    if kind == NONE:
        return [None] * n
    if kind == F64:
        return _doubles(data, n, version) if n else []
    if kind == I64:
        return data.ints(n, 4 + (version > 1))
    if kind == BOOLEAN:
        return _booleans(data, n)
    if kind == TEXT:
        return _texts(data, n, 4 + (version > 1))
    return _samples(data, n, kind, version)
