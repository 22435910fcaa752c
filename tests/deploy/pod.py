"""Runs a command as a restricted pod does, with nothing but the kernel's own calls: ``pod.py FOLDER… -- COMMAND``.

Its user has a number that no file of users knows and no capabilities, it may write into the named folders alone, and
what the usual seccomp profile of a container runtime keeps from it, more namespaces above all, is refused here too.
It is no container: the root is the machine's, and so are its processes.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from pathlib import Path

USER = 10001
_NEW_USER, _NEW_NAMESPACES = 0x10000000, 0x7E020000
_NO_NEW_PRIVS, _SECCOMP = 38, 22
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
# write, remove, make and move: all that changes something below a folder, as the second version of Landlock has it
_CHANGES = (1 << 1) | sum(1 << bit for bit in range(4, 14))
_SYSCALLS = {"x86_64": (0xC000003E, 272, 56, 435), "aarch64": (0xC00000B7, 97, 220, 435)}  # unshare, clone, clone3
_ALLOW, _EPERM, _ENOSYS = 0x7FFF0000, 0x00050001, 0x00050026


class NoPodError(Exception):
    """This system cannot keep a process as a pod is kept."""


def confine(folders: list[str]) -> None:
    """Take from this process what a restricted pod has not.

    Raises:
        NoPodError: The system does not let it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    user, group = os.geteuid(), os.getegid()
    if libc.unshare(_NEW_USER):
        raise NoPodError("there are no user namespaces here")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{USER} {user} 1"), ("gid_map", f"{USER} {group} 1")):
        Path("/proc/self", name).write_text(text, encoding="ascii")
    if libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise NoPodError("privileges cannot be given up here")
    _let_write_into(libc, folders)
    _keep_from_namespaces(libc)


def _let_write_into(libc: ctypes.CDLL, folders: list[str]) -> None:
    rules = libc.syscall(_CREATE_RULESET, struct.pack("Q", _CHANGES), ctypes.c_size_t(8), 0)
    if rules < 0:
        raise NoPodError("there is no Landlock of the second version here")
    for folder in (*folders, "/dev", f"/proc/{os.getpid()}"):
        place = os.open(folder, os.O_PATH | os.O_CLOEXEC)
        libc.syscall(_ADD_RULE, rules, 1, struct.pack("=Qi", _CHANGES, place), 0)
        os.close(place)
    if libc.syscall(_RESTRICT_SELF, rules, 0):
        raise NoPodError("Landlock does not hold here")
    os.close(rules)


def _keep_from_namespaces(libc: ctypes.CDLL) -> None:
    """Refuse unshare, and clone with a new namespace; of clone3 say that there is none, as the runtimes do."""
    known = _SYSCALLS.get(os.uname().machine)
    if known is None:
        raise NoPodError("the numbers of this machine's system calls are not known here")
    architecture, unshare, clone, clone3 = known
    program = [
        (0x20, 0, 0, 4),
        (0x15, 0, 7, architecture),
        (0x20, 0, 0, 0),
        (0x15, 5, 0, unshare),
        (0x15, 5, 0, clone3),
        (0x15, 0, 2, clone),
        (0x20, 0, 0, 16),
        (0x45, 1, 0, _NEW_NAMESPACES),
        (0x06, 0, 0, _ALLOW),
        (0x06, 0, 0, _EPERM),
        (0x06, 0, 0, _ENOSYS),
    ]
    code = b"".join(struct.pack("HBBI", *line) for line in program)
    buffer = ctypes.create_string_buffer(code)
    header = struct.pack("HxxxxxxP", len(program), ctypes.addressof(buffer))
    if libc.prctl(_SECCOMP, 2, header, 0, 0):
        raise NoPodError("there is no seccomp here")


def main(arguments: list[str]) -> None:
    """Confine this process, and let it go on as the command."""
    end = arguments.index("--")
    command = arguments[end + 1 :]
    confine(arguments[:end])
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
