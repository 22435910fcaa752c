"""What the jail's child does to itself before it runs anything: every step takes something away, and none comes back.

This file is run in the child alone, as code that its parent has compiled: it imports nothing of ours. Numbers are those
of the Linux kernel's own headers (``landlock.h``, ``seccomp.h``, ``filter.h``, ``prctl.h``, ``unistd.h``).
"""

import ctypes
import os
import resource
import struct
import sys

_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _PR_SET_DUMPABLE = 1, 22, 38, 4
_SIGKILL = 9
_CLONE_NEWUSER, _CLONE_NEWNET, _CLONE_NEWIPC = 0x10000000, 0x40000000, 0x08000000
_LANDLOCK_CREATE_RULESET, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT_SELF = 444, 445, 446
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # how many rights each version of Landlock knows
_ALLOW, _KILL, _ERRNO_EPERM = 0x7FFF0000, 0x80000000, 0x00050001
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Computing, reading what is open or may be opened, and answering; by name, in the order x86-64, AArch64.
_SYSCALLS = {
    "read": (0, 63), "write": (1, 64), "close": (3, 57), "fstat": (5, 80), "lseek": (8, 62), "mmap": (9, 222),
    "mprotect": (10, 226), "munmap": (11, 215), "brk": (12, 214), "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "pread64": (17, 67), "access": (21, 0),
    "sched_yield": (24, 124), "mremap": (25, 216), "madvise": (28, 233), "dup": (32, 23), "getpid": (39, 172),
    "exit": (60, 93), "uname": (63, 160), "fcntl": (72, 25), "getcwd": (79, 17), "readlink": (89, 0),
    "gettimeofday": (96, 169), "getrusage": (98, 165), "times": (100, 153), "getuid": (102, 174),
    "getgid": (104, 176), "geteuid": (107, 175), "getegid": (108, 177), "sigaltstack": (131, 132),
    "gettid": (186, 178), "futex": (202, 98), "getdents64": (217, 61), "clock_gettime": (228, 113),
    "clock_getres": (229, 114), "clock_nanosleep": (230, 115), "exit_group": (231, 94), "newfstatat": (262, 79),
    "readlinkat": (267, 78), "faccessat": (269, 48), "getrandom": (318, 278), "statx": (332, 291),
    "rseq": (334, 293), "faccessat2": (439, 439), "restart_syscall": (219, 128),
}  # fmt: skip
_OPENAT = (257, 56)
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}


def confine(*, seconds: int, memory: int, readable: list[str]) -> list[str]:
    """Take everything away, and return the names of the layers that hold, outermost first."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall.restype = ctypes.c_long
    layers = ["process"]
    libc.prctl(_PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    _limit(seconds, memory)
    layers.append("rlimits")
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        layers.append("no_new_privs")
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWIPC) == 0:
        layers.append("namespaces")
    if _landlock(libc, readable):
        layers.append("landlock")
    if _seccomp(libc):
        layers.append("seccomp")
    return layers


def _limit(seconds: int, memory: int) -> None:
    limits = {
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 32,
        resource.RLIMIT_NPROC: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    for kind, value in limits.items():
        hard = resource.getrlimit(kind)[1]
        least = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (least, least))


def _landlock(libc: ctypes.CDLL, readable: list[str]) -> bool:
    """Leave of the file system only the reading of some folders."""
    version = libc.syscall(_LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return False
    rights = (1 << _FILE_RIGHTS.get(version, 16)) - 1
    net = 3 if version >= 4 else 0
    scopes = 3 if version >= 6 else 0
    attributes = struct.pack("QQQ", rights, net, scopes)
    size = 8 if version < 4 else 16 if version < 6 else 24
    rules = libc.syscall(_LANDLOCK_CREATE_RULESET, attributes, ctypes.c_size_t(size), 0)
    if rules < 0:
        return False
    for folder in readable:
        try:
            place = os.open(folder, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        rule = struct.pack("=Qi", _READ_FILE | _READ_DIR, place)
        libc.syscall(_LANDLOCK_ADD_RULE, rules, 1, rule, 0)
        os.close(place)
    held: bool = libc.syscall(_LANDLOCK_RESTRICT_SELF, rules, 0) == 0
    os.close(rules)
    return held


def _seccomp(libc: ctypes.CDLL) -> bool:
    """Leave only those system calls that computing needs; any other one fails with EPERM."""
    machine = _MACHINES.get(os.uname().machine if sys.byteorder == "little" else "")
    if machine is None:
        return False
    index, arch = machine
    numbers = sorted({row[index] for row in _SYSCALLS.values()} - ({0} if index else set()))
    program = [(0x20, 0, 0, 4), (0x15, 1, 0, arch), (0x06, 0, 0, _KILL), (0x20, 0, 0, 0)]
    # openat: only where no flag of its third argument writes
    program += [(0x15, 0, 3, _OPENAT[index]), (0x20, 0, 0, 32), (0x45, 1, 0, _WRITING), (0x06, 0, 0, _ALLOW)]
    rest = [(0x20, 0, 0, 0)]
    rest += [(0x15, len(numbers) - position, 0, number) for position, number in enumerate(numbers)]
    rest += [(0x06, 0, 0, _ERRNO_EPERM), (0x06, 0, 0, _ALLOW)]
    code = b"".join(struct.pack("HBBI", *line) for line in program + rest)
    buffer = ctypes.create_string_buffer(code)
    header = struct.pack("HxxxxxxP", len(program + rest), ctypes.addressof(buffer))
    held: bool = libc.prctl(_PR_SET_SECCOMP, 2, header, 0, 0) == 0
    return held
