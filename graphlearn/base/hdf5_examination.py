"""Looking at HDF5 files in another process, which may hang or die: is each safe to read here?"""

from __future__ import annotations

import json
import math
import os
import resource
import select
import signal
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import h5py

from graphlearn.base.errors import InputError, first_line
from graphlearn.base.unpacking import check_size, unpacked_limit

_low: Any = h5py  # its stubs do not know the low-level interface
h5a, h5d, h5g, h5l, h5o, h5pl, h5t, h5z = (
    _low.h5a, _low.h5d, _low.h5g, _low.h5l, _low.h5o, _low.h5pl, _low.h5t, _low.h5z,
)  # fmt: skip

SECONDS = 3.0
SECONDS_PER_BYTE = 1 / 20e6
LARGEST_COUNT = 10_000
FILTERS = {
    h5z.FILTER_DEFLATE, h5z.FILTER_SHUFFLE, h5z.FILTER_FLETCHER32, h5z.FILTER_SZIP, h5z.FILTER_NBIT,
    h5z.FILTER_SCALEOFFSET, h5z.FILTER_LZF,
}  # fmt: skip
_PLAIN = {h5t.INTEGER, h5t.FLOAT, h5t.ENUM, h5t.STRING, getattr(h5t, "COMPLEX", h5t.FLOAT)}
_REFUSED = {
    h5t.REFERENCE: "references", h5t.VLEN: "arrays of variable length", h5t.OPAQUE: "opaque objects",
    h5t.BITFIELD: "bit fields",
}  # fmt: skip


def refusals(paths: Sequence[Path]) -> Iterator[str]:
    """What speaks against reading each file, in their order; an empty text where nothing does.

    One process looks at all of them; where it hangs, dies or takes too much memory, the next one goes on.

    Args:
        paths: HDF5 files.

    Yields:
        One text per file.
    """
    done = 0
    while done < len(paths):
        for reason in _of_one_process(paths[done:]):
            done += 1
            yield reason


def _of_one_process(paths: Sequence[Path]) -> Iterator[str]:
    """Answers of one process, up to the file that it did not survive, at least one."""
    reading, writing = os.pipe()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # h5py takes care of its lock, nothing else is used
            child = os.fork()
    except OSError:  # no memory for another process: look at them here
        os.close(reading)
        os.close(writing)
        yield from map(_refusal, paths)
        return
    if child == 0:
        _answer(paths, writing)
    os.close(writing)
    ended = False
    try:
        lines = _lines(reading, paths)
        for _ in paths:
            line = next(lines, None)
            if line is None:
                reason = _death(child)
                ended = True
                yield f"damaged ({reason}); fetch or generate it again"
                return
            yield json.loads(line)
    finally:
        os.close(reading)
        if not ended:
            _death(child)


def _lines(reading: int, paths: Sequence[Path]) -> Iterator[bytes]:
    """Lines that arrive in time."""
    poll, text = select.poll(), b""
    poll.register(reading, select.POLLIN)
    for path in paths:
        seconds = SECONDS + _size_on_disk(path) * SECONDS_PER_BYTE
        while b"\n" not in text:
            piece = os.read(reading, 65536) if poll.poll(1000 * seconds) else b""
            if not piece:
                return
            text += piece
        line, _, text = text.partition(b"\n")
        yield line


def _death(child: int) -> str:
    """End a process, and say how it ended."""
    with suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    try:
        _, status = os.waitpid(child, 0)
    except ChildProcessError:  # somebody else has waited for it
        return "HDF5 did not survive reading it"
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if number in (0, signal.SIGKILL):
        return "HDF5 takes too long to read it, or too much memory"
    return f"HDF5 died of {signal.Signals(number).name} when it read it"


def _answer(paths: Sequence[Path], writing: int) -> NoReturn:
    """Life of the process that looks: one line of JSON per file. Signals are the business of the other one."""
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        while h5pl.size():
            h5pl.remove(0)
        for path in paths:
            on_disk = _size_on_disk(path)
            signal.setitimer(signal.ITIMER_REAL, 2 * (SECONDS + on_disk * SECONDS_PER_BYTE))
            limit = taken + 2 * max(unpacked_limit(), on_disk)
            resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
            os.write(writing, json.dumps(_refusal(path)).encode() + b"\n")
    finally:
        os._exit(0)


def _size_on_disk(path: Path) -> int:
    """Bytes that a file takes; those of its holes are not counted."""
    try:
        found = path.stat()
    except OSError:
        return 0
    return min(found.st_size, found.st_blocks * 512)


def _refusal(path: Path) -> str:
    try:
        with h5py.File(str(path), "r") as file:
            _examine(file, _size_on_disk(path))
    except InputError as error:
        return first_line(error)
    except Exception as error:
        return f"damaged or incomplete ({first_line(error)}); fetch or generate it again"
    return ""


def _examine(file: h5py.File, on_disk: int) -> None:
    """Walk along the plain links of a file, and look at everything there is."""
    waiting: list[tuple[str, Any]] = [("/", h5o.open(file.id, b"/"))]
    seen, soft, declared = {h5o.get_info(waiting[0][1]).addr}, [], 0
    while waiting:
        name, node = waiting.pop()
        if not isinstance(node, h5g.GroupID | h5d.DatasetID):
            raise InputError(f"{name} is a named type, which is not read")
        _check_attributes(name, node)
        if isinstance(node, h5d.DatasetID):
            declared += _check_array(name, node)
            if declared > on_disk:
                check_size(declared, name)
            if node.get_create_plist().get_layout() == h5d.CHUNKED:
                h5py.Dataset(node)[()]  # only this tells what it unpacks to, and whether its chunks are found
            continue
        for child in node:
            path = f"{name.rstrip('/')}/{child.decode(errors='replace')}"
            kind = node.links.get_info(child).type
            if kind == h5l.TYPE_SOFT:
                soft.append((path, child, node))
            elif kind == h5l.TYPE_EXTERNAL:
                raise InputError(f"{path} is an external link, to another file, which is not followed")
            elif kind != h5l.TYPE_HARD:
                raise InputError(f"{path} is a link of a user-defined kind, which is not followed")
            else:
                found = h5o.open(node, child)
                address = h5o.get_info(found).addr
                if address not in seen:
                    seen.add(address)
                    waiting.append((path, found))
            if len(seen) + len(soft) > LARGEST_COUNT:
                raise InputError(f"holds more than {LARGEST_COUNT} objects, which is no file of ours")
    for path, child, node in soft:
        try:
            h5o.open(node, child)
        except (KeyError, OSError, RuntimeError, ValueError):
            raise InputError(f"{path} is a soft link that leaves the file, or leads to nothing") from None


def _check_attributes(name: str, node: Any) -> None:
    if h5a.get_num_attrs(node) > LARGEST_COUNT:
        raise InputError(f"{name} has more than {LARGEST_COUNT} attributes, which is no file of ours")
    for index in range(h5a.get_num_attrs(node)):
        found = h5a.open(node, index=index)
        label = f"attribute {found.name.decode(errors='replace')!r} of {name}"
        _check_type(label, found.get_type())
        check_size(found.get_storage_size(), label)
    wrapped = h5py.Dataset(node) if isinstance(node, h5d.DatasetID) else h5py.Group(node)
    for key in wrapped.attrs:
        wrapped.attrs[key]


def _check_array(name: str, node: Any) -> int:
    """Bytes that an array, or one chunk of it, takes in memory."""
    plan = node.get_create_plist()
    if plan.get_layout() == h5d.VIRTUAL:
        raise InputError(f"{name} is a virtual data set, which lies in other files; these are not read")
    if plan.get_external_count():
        raise InputError(f"{name} has external storage, in another file, which is not read")
    for number in range(plan.get_nfilters()):
        code, *_, label = plan.get_filter(number)
        if code not in FILTERS:
            shown = label.decode(errors="replace").strip("\0") or "no name"
            raise InputError(f"{name} is packed by filter {code} ({shown}), which a plug-in would run; it is not run")
    kind = node.get_type()
    _check_type(name, kind)
    if kind.get_class() == h5t.STRING and kind.is_variable_str():
        raise InputError(f"{name} holds texts of variable length, which are not read")
    chunk = plan.get_chunk() if plan.get_layout() == h5d.CHUNKED else ()
    return max(math.prod(node.shape or ()), math.prod(chunk) if chunk else 0) * kind.get_size()


def _check_type(name: str, kind: Any) -> None:
    found = kind.get_class()
    if found == h5t.COMPOUND:
        for member in range(kind.get_nmembers()):
            _check_type(name, kind.get_member_type(member))
    elif found == h5t.ARRAY:
        _check_type(name, kind.get_super())
    elif found not in _PLAIN:
        raise InputError(f"{name} holds {_REFUSED.get(found, 'objects')}, which are not read")
