#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Who may include whom (ARCHITECTURE.md), checked on the text of every source file.

    tools -> supervision -> {actors -> persistence, bridge, config} -> messages -> domain

One library has one home. The domain knows the standard library only, and of that nothing that
asks the machine (clocks, files, threads, randomness) or whose result differs between C libraries.

With --self-test it checks that each rule can fail."""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

ROOMS = {  # room: rooms it may include
    "domain": {"domain"},
    "messages": {"messages", "domain"},
    "persistence": {"persistence", "messages", "domain"},
    "config": {"config", "messages", "domain"},
    "bridge": {"bridge", "messages", "domain"},
    "actors": {"actors", "persistence", "messages", "domain"},
    "supervision": {"supervision", "actors", "persistence", "bridge", "config", "messages", "domain"},
}
ROOMS["tools"] = ROOMS["supervision"] | {"tools"}
ROOMS["tests"] = ROOMS["tools"] | {"tests"}

LIBRARIES = [  # (what the include starts with, the only places for it, tests aside)
    ("mqtt/", ("bridge/mqtt/", "tools/")),
    ("MQTT", ("bridge/mqtt/", "tools/")),
    ("boost/beast", ("bridge/http/",)),
    ("boost/asio", ("bridge/http/", "bridge/mqtt/receiver/")),
    ("leveldb/", ("persistence/",)),
    ("zstd", ("persistence/",)),
    ("google/protobuf", ("messages/", "persistence/")),
    ("proto/", ("messages/", "persistence/")),
    ("simdjson", ("messages/", "bridge/mqtt/")),
    ("xxhash", ("messages/",)),
    ("toml++", ("config/",)),
    ("CLI/", ("tools/",)),
]
NEVER = [  # (what the include starts with, rooms that must not have it)
    ("caf/", ("domain", "persistence")),
    ("doctest", tuple(room for room in ROOMS if room != "tests")),
]

DOMAIN_HEADERS = set(
    """algorithm array bit bitset cassert cctype cfloat charconv chrono climits cmath compare concepts
    cstddef cstdint cstdio cstdlib cstring deque exception functional initializer_list iterator limits list
    map memory new numbers numeric optional ranges set span stdexcept string string_view tuple
    type_traits typeinfo unordered_map unordered_set utility variant vector version""".split())
# + - * / and these give the same bits everywhere; anything else of <cmath> does not
CMATH_ALLOWED = {"sqrt", "fabs", "abs", "isfinite", "isnan", "isinf", "signbit", "copysign", "floor",
                 "ceil", "trunc", "round", "lround", "llround", "nextafter", "fmin", "fmax"}
CMATH_ALL = """sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh exp exp2 expm1 log
    log10 log2 log1p pow cbrt hypot erf erfc tgamma lgamma fmod remainder remquo fma ldexp frexp modf
    scalbn ilogb logb nearbyint rint lrint llrint""".split()
FORBIDDEN_CALLS = re.compile(
    r"(?<![\w.>:])(?:std::|::)?(" + "|".join(f for f in CMATH_ALL if f not in CMATH_ALLOWED) + r")\s*\(")
# where our own stand; they may be declared and defined there, but not call the C library's
OWN_MATH = ("domain/base/math.hpp", "domain/base/math.cpp")
OWN_DECLARATION = re.compile(r"\bdouble \w+\((?=double \w+[,)])")
FORBIDDEN_NAMES = re.compile(r"\b(system_clock::now|steady_clock|high_resolution_clock|random_device|mt19937(?:_64)?|std::rand|srand|"
                             r"std::time|clock_gettime|gettimeofday|getenv|fopen|std::FILE|printf)\b")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def without_comments(text):
    """The text with comments and the insides of strings blanked, line for line."""
    pattern = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)

    def blank(match):
        token = match.group(0)
        return re.sub(r"[^\n]", " ", token) if token[0] == "/" else token[0] + token[-1]

    return pattern.sub(blank, text)


def check(path, text):
    """The violations of one file, as (line, sentence)."""
    room = path.split("/", 1)[0]
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            found += [(number, why) for why in check_include(path, room, *match.groups())]
    if room == "domain":
        found += check_domain(path, text)
    return found


def check_include(path, room, quote, target):
    first = target.split("/", 1)[0]
    if first in ROOMS and "/" in target and first not in ROOMS[room]:
        yield f"{room}/ must not include {target}: the arrows point the other way"
    if room != "tests":
        for prefix, homes in LIBRARIES:
            if target.startswith(prefix) and not path.startswith(homes):
                yield f"{target} belongs to {' or '.join(homes)} only"
    for prefix, rooms in NEVER:
        if target.startswith(prefix) and room in rooms:
            yield f"{room}/ must not know {target}"
    if room == "domain" and first != "domain" and target not in DOMAIN_HEADERS:
        yield f"domain/ must not include {target}: plain, deterministic standard library only"
    if quote == '"' and "/" not in target and room != "tests":
        yield f'include paths start at the project\'s root: "{target}"'


def check_domain(path, text):
    for number, line in enumerate(without_comments(text).splitlines(), 1):
        if path in OWN_MATH:
            line = OWN_DECLARATION.sub("double (", line)
        call = FORBIDDEN_CALLS.search(line)
        if call:
            yield number, f"{call.group(1)}() differs between C libraries: domain/base/math, or + - * / sqrt"
        name = FORBIDDEN_NAMES.search(line)
        if name:
            yield number, f"{name.group(1)} asks the machine; time and chance enter the domain as data"


def source_files():
    for room in ROOMS:
        for folder, folders, files in os.walk(os.path.join(ROOT, room)):
            folders.sort()
            for name in sorted(files):
                if name.endswith((".hpp", ".cpp")):
                    yield os.path.relpath(os.path.join(folder, name), ROOT)


def self_test():
    bad = [("domain/a.cpp", '#include "messages/hash.hpp"'), ("domain/a.cpp", "#include <random>"),
           ("domain/a.cpp", "double f(double x) { return std::exp(x); }"),
           ("domain/a.cpp", "double f(double x) { return x + pow (x, 2); }"),
           ("domain/a.cpp", "double exp(double x) noexcept { return x; }"),
           ("domain/base/math.cpp", "double exp(double x) noexcept { return std::exp(x); }"),
           ("domain/base/math.cpp", "  return exp(x) + 1;"),
           ("domain/a.cpp", "auto t = std::chrono::steady_clock::now();"),
           ("bridge/mqtt/a.cpp", '#include "actors/twin.hpp"'),
           ("actors/a.cpp", '#include "bridge/mqtt/source.hpp"'),
           ("persistence/a.cpp", '#include "config/config.hpp"'), ("persistence/a.cpp", "#include <caf/all.hpp>"),
           ("config/a.cpp", '#include "persistence/log.hpp"'), ("actors/a.cpp", "#include <mqtt/async_client.h>"),
           ("actors/a.cpp", "#include <leveldb/db.h>"), ("bridge/mqtt/a.cpp", "#include <boost/beast.hpp>"),
           ("supervision/a.cpp", '#include "tools/pollux/sim.hpp"'), ("messages/a.cpp", '#include "x.hpp"')]
    good = [("domain/a.cpp", '#include "domain/base/time.hpp"\n#include <cmath>\ndouble f(double x) { return std::sqrt(x); }'),
            ("domain/base/math.cpp", "double exp(double x) noexcept { return x; }"),
            ("domain/base/math.hpp", "[[nodiscard]] double atan2(double y, double x) noexcept;"),
            ("domain/a.cpp", "double f(double x) { return math::exp(x); }"),
            ("domain/a.cpp", "// exp(x) in a comment\nconst char* s = \"log(\";"),
            ("domain/a.cpp", "double g(const window& w) { return w.log(3); }"),
            ("actors/a.cpp", '#include "persistence/log.hpp"\n#include <caf/all.hpp>'),
            ("tools/pollux/a.cpp", '#include "supervision/system.hpp"\n#include <mqtt/async_client.h>'),
            ("tests/unit/a.cpp", "#include <doctest/doctest.h>\n#include <leveldb/db.h>")]
    wrong = [f"not found: {p}: {t}" for p, t in bad if not check(p, t)]
    wrong += [f"found without cause: {p}: {t}: {check(p, t)}" for p, t in good if check(p, t)]
    print("\n".join(wrong) or f"{len(bad)} violations found, {len(good)} clean texts passed")
    return 1 if wrong else 0


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    violations = files = 0
    for path in source_files():
        files += 1
        with open(os.path.join(ROOT, path), encoding="utf-8", errors="replace") as source:
            for line, why in check(path, source.read()):
                violations += 1
                print(f"{path}:{line}: {why}")
    print(f"{files} files, {violations} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
