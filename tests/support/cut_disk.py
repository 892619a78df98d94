# SPDX-License-Identifier: Apache-2.0
# The disk as a power cut may leave it, made from what disk_recorder.cpp wrote down.
#
# What was synced is there. Of what was written to a file since its last sync (from the sync's
# begin) there is, by the dice, nothing, all, a beginning torn at a sector, any sectors, or the size
# alone and zeros; an overwrite or a change of size is such a write, too. What happened to names in
# a folder since the folder's last sync happened, by the dice, up to some moment: file systems keep
# that order, as their journals do, but each folder here has an order of its own, and syncing a file
# does not keep its name.
import collections
import pathlib
import struct

HEAD = struct.Struct("<IiQQII")
SECTOR = 512
(OPENED, CLOSED, WRITTEN, SIZED, ALLOCATED, SYNC_BEGUN, SYNC_DONE, RENAMED, UNLINKED, FOLDER_MADE,
 FOLDER_REMOVED, CONNECTED, HEARD, SAYING, SAID, UNKNOWN, STARTED, SHARED, HIDDEN) = range(1, 20)
MADE, EMPTIED = 1, 2

Event = collections.namedtuple("Event", "what fd time_ns offset name data")


def read_record(path):
    events = []
    data = memoryview(pathlib.Path(path).read_bytes())
    at = 0
    while at + HEAD.size <= len(data):
        what, fd, time_ns, offset, names, size = HEAD.unpack_from(data, at)
        at += HEAD.size
        if at + names + size > len(data):
            break  # the program was killed while it wrote this
        name = bytes(data[at:at + names]).decode()
        events.append(Event(what, fd, time_ns, offset, name, data[at + names:at + names + size]))
        at += names + size
    return events


def apply(content, change):
    """One change of a file's bytes: (at, bytes), or (size, None) for another size."""
    at, data = change
    if data is None:
        if at < len(content):
            del content[at:]
        else:
            content.extend(bytes(at - len(content)))
        return
    if len(content) < at:
        content.extend(bytes(at - len(content)))
    content[at:at + len(data)] = data


class File:
    def __init__(self):
        self.synced = bytearray()
        self.waiting = []  # changes since
        self.size = 0
        self.unseen = False  # written by stdio, which the recorder cannot see

    def change(self, at, data):
        self.waiting.append((at, data))
        self.size = at if data is None else max(self.size, at + len(data))

    def whole(self):
        content = bytearray(self.synced)
        for change in self.waiting:
            apply(content, change)
        return content

    def sync(self, count):
        for change in self.waiting[:count]:
            apply(self.synced, change)
        del self.waiting[:count]

    def after_cut(self, dice):
        """What is left of it, and a word for how."""
        if not self.waiting:
            return self.synced, "synced"
        way = dice.choices(("none", "all", "torn", "scattered", "zeros"), (4, 3, 5, 5, 2))[0]
        if way == "all":
            return self.whole(), way
        content = bytearray(self.synced)
        if way == "none":
            return content, way
        if way == "zeros":
            content.extend(bytes(max(0, self.size - len(content))))
            return content, way
        changes = self.waiting
        if way == "torn":
            changes = changes[:dice.randint(1, len(changes))]
            for change in changes[:-1]:
                apply(content, change)
            at, data = changes[-1]
            if data is None:
                apply(content, changes[-1])
            else:
                end = dice.randint(at // SECTOR, (at + len(data)) // SECTOR) * SECTOR
                apply(content, (at, data[:max(0, end - at)]))
            return content, way
        coins = {}  # one for each sector, however many writes fell into it
        for at, data in changes:
            if data is None:
                if dice.random() < 0.5 or at > len(content):
                    apply(content, (at, None))
                continue
            for sector in range(at // SECTOR, (at + len(data) - 1) // SECTOR + 1):
                if sector not in coins:
                    coins[sector] = dice.random() < 0.5
                if coins[sector]:
                    begin, end = max(at, sector * SECTOR), min(at + len(data), (sector + 1) * SECTOR)
                    apply(content, (begin, data[begin - at:end - at]))
        return content, way


class Folder:
    def __init__(self):
        self.now = {}  # name -> File or Folder
        self.synced = {}
        self.waiting = []  # functions of such a dictionary

    def change(self, step):
        step(self.now)
        self.waiting.append(step)

    def sync(self, count):
        for step in self.waiting[:count]:
            step(self.synced)
        del self.waiting[:count]

    def after_cut(self, dice):
        names = dict(self.synced)
        count = dice.choice((0, len(self.waiting), dice.randint(0, len(self.waiting))))
        for step in self.waiting[:count]:
            step(names)
        return names


class Disk:
    """What the program and the disk have, event after event."""

    def __init__(self, root):
        self.root_name = str(root)
        self.root = Folder()
        self.open = {}  # descriptor -> File or Folder
        self.syncs = {}  # number -> (what, how many changes it covers, when it began)
        self.longest_sync_ns = 0
        self.sync_count = 0

    def _find(self, name):
        """The folder a name is in, and its last part."""
        parts = [p for p in name[len(self.root_name):].split("/") if p]
        at = self.root
        for part in parts[:-1]:
            at = at.now[part]
        return at, parts[-1] if parts else None

    def take(self, event):
        handler = self._handlers.get(event.what)
        if handler is not None:
            handler(self, event)

    def _opened(self, e):
        folder, name = self._find(e.name)
        if name is None:
            self.open[e.fd] = folder
            return
        if e.offset & MADE:
            made = File()
            folder.change(lambda names: names.__setitem__(name, made))
        found = folder.now[name]
        if e.offset & EMPTIED and not e.offset & MADE:
            found.change(0, None)
        self.open[e.fd] = found

    def _started(self, _):
        self.open.clear()  # of the process before
        self.syncs.clear()

    def _shared(self, e):
        self.open[e.offset] = self.open[e.fd]

    def _hidden(self, e):
        self.open[e.fd].unseen = True

    def _closed(self, e):
        self.open.pop(e.fd, None)

    def _written(self, e):
        self.open[e.fd].change(e.offset, e.data)

    def _sized(self, e):
        self.open[e.fd].change(e.offset, None)

    def _allocated(self, e):
        found = self.open[e.fd]
        if e.offset > found.size:
            found.change(e.offset, None)

    def _sync_begun(self, e):
        found = self.open[e.fd]
        self.syncs[e.offset] = (found, found.waiting[-1] if found.waiting else None, e.time_ns)

    def _sync_done(self, e):
        found, last, began = self.syncs.pop(e.offset)
        self.sync_count += 1
        self.longest_sync_ns = max(self.longest_sync_ns, e.time_ns - began)
        for count, change in enumerate(found.waiting, 1):
            if change is last:  # else another sync, which began later, was done before
                found.sync(count)
                break

    def _renamed(self, e):
        folder, name = self._find(e.name)
        target, new_name = self._find(bytes(e.data).decode())
        if folder is not target:
            raise AssertionError("a rename from folder to folder is not understood")

        def step(names):
            names[new_name] = names.pop(name)
        folder.change(step)

    def _removed(self, e):
        folder, name = self._find(e.name)
        folder.change(lambda names: names.pop(name))

    def _folder_made(self, e):
        folder, name = self._find(e.name)
        if name is None:
            return
        made = Folder()
        folder.change(lambda names: names.__setitem__(name, made))

    def _unknown(self, e):
        raise AssertionError("the recorder did not understand: " + e.name)

    _handlers = {OPENED: _opened, CLOSED: _closed, WRITTEN: _written, SIZED: _sized,
                 ALLOCATED: _allocated, SYNC_BEGUN: _sync_begun, SYNC_DONE: _sync_done,
                 RENAMED: _renamed, UNLINKED: _removed, FOLDER_MADE: _folder_made,
                 FOLDER_REMOVED: _removed, UNKNOWN: _unknown, STARTED: _started,
                 SHARED: _shared, HIDDEN: _hidden}

    def cut(self, into, dice, ways=None):
        """Writes what is left into the folder `into`; `ways` counts what became of files."""
        def write(folder, path):
            path.mkdir(parents=True, exist_ok=True)
            for name, found in folder.after_cut(dice).items():
                if isinstance(found, Folder):
                    write(found, path / name)
                    continue
                content, way = found.after_cut(dice)
                if ways is not None:
                    ways[way] += 1
                (path / name).write_bytes(content)
                (path / name).chmod(0o600)  # a node insists on it for its keys
        write(self.root, pathlib.Path(into))

    def differences(self, real):
        """Where the record does not say what is really there."""
        out = []

        def compare(folder, path):
            there = {p.name for p in path.iterdir()}
            out.extend(str(path / n) + " is on one side only" for n in there ^ set(folder.now))
            for name in there & set(folder.now):
                found = folder.now[name]
                if isinstance(found, Folder):
                    compare(found, path / name)
                elif not found.unseen and found.whole() != (path / name).read_bytes():
                    out.append(str(path / name) + " differs")
        compare(self.root, pathlib.Path(real))
        return out
