"""A filter of system calls: what a process that only computes needs, and nothing else.

No file is opened, no process and no thread started, no socket made, no signal sent, whatever code in the
process comes to: `fcntl` and `ioctl`, too, can make the kernel send one. The kernel answers EPERM. It holds
for good, and beside whatever else confines the process.

The starter of scripts loads this file by its path before it runs one, so it imports little. The numbers are
the kernel's; on other machines than these two there is no filter.
"""

from __future__ import annotations

import ctypes
import platform
import struct
import sys

_PR_SET_NO_NEW_PRIVS = 38
_PR_SET_SECCOMP = 22
_FILTER = 2
_ALLOW = 0x7FFF0000
_REFUSE = 0x00050000 | 1
"""With the error EPERM."""
_LOAD, _IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_NUMBER_AT, _MACHINE_AT = 0, 4

_NAMES = (
    *("read", "write", "readv", "writev", "pread64", "close", "dup", "lseek", "fstat"),
    *("mmap", "munmap", "mremap", "mprotect", "madvise", "brk", "futex", "set_robust_list", "rseq"),
    *("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "sched_yield", "sched_getaffinity"),
    *("clock_gettime", "clock_getres", "clock_nanosleep", "gettimeofday", "getrandom", "getrusage", "times"),
    *("getpid", "gettid", "getuid", "geteuid", "getgid", "getegid", "uname", "sysinfo"),
    *("ppoll", "pselect6", "exit", "exit_group"),
)
_X86_64 = (
    *(0, 1, 19, 20, 17, 3, 32, 8, 5),
    *(9, 11, 25, 10, 28, 12, 202, 273, 334),
    *(13, 14, 15, 131, 24, 204),
    *(228, 229, 230, 96, 318, 98, 100),
    *(39, 186, 102, 107, 104, 108, 63, 99),
    *(271, 270, 60, 231),
)
_AARCH64 = (
    *(63, 64, 65, 66, 67, 57, 23, 62, 80),
    *(222, 215, 216, 226, 233, 214, 98, 99, 293),
    *(134, 135, 139, 132, 124, 123),
    *(113, 114, 115, 169, 278, 165, 153),
    *(172, 178, 174, 175, 176, 177, 160, 179),
    *(73, 72, 93, 94),
)
_MACHINES = {"x86_64": (0xC000003E, _X86_64), "aarch64": (0xC00000B7, _AARCH64)}


def compute_only() -> bool:
    """Lets this process make no other system calls from now on; says whether the kernel agreed."""
    machine = _MACHINES.get(platform.machine()) if sys.platform == "linux" else None
    if machine is None:
        return False
    code = _program(*machine)
    lines = ctypes.create_string_buffer(code)
    program = ctypes.create_string_buffer(
        struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(lines)), struct.calcsize("HxxxxxxP")
    )
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return False
    return not libc.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0)


def _program(machine: int, numbers: tuple[int, ...]) -> bytes:
    """Returns the filter: a jump to the end for each number that is let, and a refusal before it. The numbers
    of another machine, which the same kernel may take as well, are all refused."""
    count = len(numbers)
    steps = [
        (_LOAD, 0, 0, _MACHINE_AT),
        (_IF_EQUAL, 0, count + 1, machine),
        (_LOAD, 0, 0, _NUMBER_AT),
        *((_IF_EQUAL, count - index, 0, number) for index, number in enumerate(numbers)),
        (_RETURN, 0, 0, _REFUSE),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return b"".join(struct.pack("HBBI", *step) for step in steps)
