"""What a hostile server would try, one function for each attempt. Started in a box as `escape.py NAME [ARGUMENTS]`.

An argument begins with `@`, lest it be taken for a file that the server may see. The last line says `held: HOW`, or `OPEN: WHAT` was reached. Arguments are things of the machine that must not be
reached; the test beside this file makes them, and looks afterwards whether they are as they were.
"""

import ctypes
import errno
import os
import platform
import resource
import signal
import socket
import struct
import subprocess
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == "x86_64"
NUMBERS = {  # x86-64, others
    "add_key": (248, 217),
    "bpf": (321, 280),
    "clone3": (435, 435),
    "finit_module": (313, 273),
    "fsopen": (430, 430),
    "io_uring_setup": (425, 425),
    "keyctl": (250, 219),
    "kexec_load": (246, 104),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pivot_root": (155, 41),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "reboot": (169, 142),
    "setns": (308, 268),
    "sethostname": (170, 161),
    "swapon": (167, 224),
    "settimeofday": (170 - 6, 170),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
    "shmget": (29, 194),
}
ATTEMPTS = {}


class Open(Exception):
    pass


def attempt(function):
    ATTEMPTS[function.__name__.replace("_", "-")] = function
    return function


def call(name, *arguments):
    """A system call by its number; what it fails with."""
    number = NUMBERS[name][0 if X86 else 1]
    given = [a if isinstance(a, (bytes, ctypes._SimpleCData)) or a is None else ctypes.c_long(a) for a in arguments]
    ctypes.set_errno(0)
    result = LIBC.syscall(ctypes.c_long(number), *given)
    return 0 if result >= 0 else ctypes.get_errno()


def refused(what, number):
    if number == 0:
        raise Open(what)
    return f"{what}: {errno.errorcode.get(number, number)}"


def fails(what, function, *arguments, **named):
    """That something cannot be done."""
    try:
        got = function(*arguments, **named)
    except (OSError, subprocess.SubprocessError) as error:
        number = getattr(error, "errno", None)
        return f"{what}: {errno.errorcode.get(number, error)}"
    raise Open(f"{what}: {str(got)[:80]!r}")


def read(path):
    with open(path, "rb") as file:
        return file.read(4096)


def write(path, data=b"x"):
    with open(path, "r+b" if os.path.exists(path) else "wb", buffering=0) as file:
        file.write(data)


def processes():
    try:
        return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
    except OSError:
        return []


# --- files of the machine ---


@attempt
def read_a_file_outside(secret, *_):
    return fails("the secret", read, secret)


@attempt
def read_accounts_and_keys(*_):
    held = [fails(path, read, path) for path in ("/etc/shadow", "/root/.ssh/id_rsa", "/etc/ssl/private/key.pem")]
    return "; ".join(held)


@attempt
def find_a_home(secret, home, *_):
    return fails(home, os.listdir, home)


@attempt
def climb_out_by_dots(secret, *_):
    up = "../" * 40
    return fails("dots", read, "/tmp/" + up + secret.lstrip("/"))


@attempt
def climb_out_by_proc_root(secret, *_):
    held = [fails(f"/proc/{pid}/root", read, f"/proc/{pid}/root{secret}") for pid in (1, "self", os.getppid())]
    return held[0]


@attempt
def climb_out_by_a_descriptor(secret, *_):
    """One that somebody forgot to close."""
    for fd in range(3, 64):
        try:
            os.fstat(fd)
        except OSError:
            continue
        raise Open(f"descriptor {fd} is {os.readlink(f'/proc/self/fd/{fd}')}")
    return "none was left open"


@attempt
def climb_out_by_a_link(secret, home, volume, *_):
    link = os.path.join(volume, "link")
    os.symlink(secret, link)
    held = fails("the link", read, link)
    os.unlink(link)
    return held


@attempt
def climb_out_by_a_hard_link(secret, home, volume, *_):
    return fails("the hard link", os.link, secret, os.path.join(volume, "hard"))


@attempt
def open_by_handle(*_):
    handle = struct.pack("IiI", 8, 1, 2) + bytes(8)
    return refused("open_by_handle_at", call("open_by_handle_at", os.open("/usr", os.O_RDONLY), handle, 0))


@attempt
def write_to_the_system(*_):
    held = [fails(path, write, path) for path in ("/usr/bin/env", "/usr/lib/portolan-was-here", "/etc/ld.so.preload")]
    return "; ".join(held)


@attempt
def write_to_its_own_program(*_):
    return fails("the script", write, os.path.abspath(__file__))


@attempt
def change_a_device(*_):
    return fails("/dev/null", os.chmod, "/dev/null", 0o600)


@attempt
def make_a_disk(*_):
    import stat

    return fails("mknod", os.mknod, os.path.expanduser("~/disk"), stat.S_IFBLK | 0o600, os.makedev(254, 0))


# --- mounts and namespaces ---


@attempt
def remount_writable(*_):
    return refused("remount", call("mount", None, b"/usr", None, 32 | 4096, None))


@attempt
def mount_something(*_):
    held = [
        refused("tmpfs", call("mount", b"none", b"/tmp", b"tmpfs", 0, None)),
        refused("proc", call("mount", b"none", b"/tmp", b"proc", 0, None)),
        refused("fsopen", call("fsopen", b"tmpfs", 0)),
        refused("open_tree", call("open_tree", -100, b"/", 1)),
        refused("move_mount", call("move_mount", 0, b"", 0, b"", 0)),
    ]
    return "; ".join(held)


@attempt
def unmount_a_mask(*_):
    return refused("umount2", call("umount2", b"/proc/keys", 2))


@attempt
def open_a_read_only_mount(*_):
    attributes = struct.pack("QQQQ", 0, 1, 0, 0)
    return refused("mount_setattr", call("mount_setattr", -100, b"/usr", 0, attributes, len(attributes)))


@attempt
def change_the_root(*_):
    return refused("pivot_root", call("pivot_root", b"/tmp", b"/tmp")) + "; " + fails("chroot", os.chroot, "/tmp")


@attempt
def make_a_namespace_of_users(*_):
    held = [
        refused("unshare", call("unshare", 0x10000000)),
        refused("clone3", call("clone3", struct.pack("Q", 0x10000000) + bytes(80), 88)),
    ]
    return "; ".join(held)


@attempt
def enter_another_namespace(*_):
    held = []
    for kind in ("user", "mnt", "net", "pid"):
        try:
            fd = os.open(f"/proc/{os.getppid()}/ns/{kind}", os.O_RDONLY)
        except OSError as error:
            held.append(f"{kind}: {errno.errorcode[error.errno]}")
            continue
        held.append(refused(kind, call("setns", fd, 0)))
    return "; ".join(held)


# --- privileges ---


@attempt
def become_root(*_):
    held = [fails("setuid", os.setuid, 0 if os.getuid() else 1), fails("setgroups", os.setgroups, [0])]
    return "; ".join(held)


@attempt
def become_root_by_a_program(*_):
    """With the bit that gives privileges, on a copy of its own and on those of the system."""
    import shutil

    copy = os.path.join(os.environ["TMPDIR"], "id")
    shutil.copy("/usr/bin/id", copy)
    os.chmod(copy, 0o6755)
    before = os.getuid()
    asked = [[copy, "-u"], ["/usr/bin/su", "-c", "id -u"], ["/usr/bin/sudo", "-n", "id", "-u"]]
    for line in asked:
        try:
            said = subprocess.run(line, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=20)
        except OSError:
            continue
        if said.returncode == 0 and said.stdout.strip() not in ("", str(before)):
            raise Open(f"{line[0]}: {said.stdout!r}")
    return "no_new_privs"


@attempt
def keep_a_capability(*_):
    status = open("/proc/self/status").read()
    sets = [line for line in status.splitlines() if line.startswith("Cap")]
    # The set that bounds others gives nothing by itself; without privileges it cannot be emptied.
    if any(int(line.split()[1], 16) for line in sets if not line.startswith("CapBnd")):
        raise Open(str(sets))
    if "NoNewPrivs:\t1" not in status or "Seccomp:\t2" not in status:
        raise Open("not confined")
    return "none is left"


@attempt
def raise_a_limit(*_):
    held = []
    for name in ("RLIMIT_NOFILE", "RLIMIT_CORE"):
        kind = getattr(resource, name)
        soft, hard = resource.getrlimit(kind)
        try:
            resource.setrlimit(kind, (soft, hard + 1))
        except (ValueError, OSError) as error:
            held.append(f"{name}: {error}")
            continue
        raise Open(name)
    return "; ".join(held)


@attempt
def switch_the_filter_off(*_):
    return refused("prctl", 0 if LIBC.prctl(22, 0, 0, 0, 0) == 0 else ctypes.get_errno() or errno.EINVAL)


@attempt
def use_what_looks_into_the_kernel(*_):
    names = ("bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "finit_module", "kexec_load")
    return "; ".join(refused(name, call(name, 0, 0, 0, 0, 0)) for name in names)


@attempt
def use_the_keys_of_the_user(*_):
    held = [
        refused("keyctl", call("keyctl", 0, -3, 0)),
        refused("add_key", call("add_key", b"user", b"k", b"v", 1, -3)),
    ]
    return "; ".join(held)


@attempt
def change_the_machine(*_):
    held = [
        refused("sethostname", call("sethostname", b"x", 1)),
        refused("settimeofday", call("settimeofday", bytes(16), None)),
        refused("reboot", call("reboot", -18751827, 672274793, 0)),
        refused("swapon", call("swapon", b"/tmp/x", 0)),
        fails("core_pattern", write, "/proc/sys/kernel/core_pattern", b"|/tmp/x"),
    ]
    return "; ".join(held)


@attempt
def press_sysrq(*_):
    """Masked, or closed: what is written must arrive nowhere."""
    try:
        fd = os.open("/proc/sysrq-trigger", os.O_WRONLY)
    except OSError as error:
        return errno.errorcode[error.errno]
    if os.fstat(fd).st_rdev != os.makedev(1, 3):
        raise Open("sysrq")
    return "it is /dev/null"


@attempt
def change_a_control_group(*_):
    return fails("cgroup", write, "/sys/fs/cgroup/memory/tasks", b"0")


@attempt
def type_into_the_terminal(*_):
    import fcntl
    import termios

    def typed():
        fd = os.open("/dev/tty", os.O_RDWR)
        fcntl.ioctl(fd, termios.TIOCSTI, b"x")

    return fails("the terminal", typed)


# --- other processes ---


@attempt
def see_other_processes(*arguments):
    """Those of the machine have other ids, and there are many."""
    own = {1, os.getpid(), os.getppid()}
    others = [pid for pid in processes() if pid not in own]
    if others:
        raise Open(f"processes {others[:5]}")
    return "there is nobody else"


@attempt
def read_another_process(secret, home, volume, pid, *_):
    held = [fails(f"{path} of {pid}", read, f"/proc/{pid}/{path}") for path in ("environ", "cmdline", "mem")]
    return "; ".join(held)


@attempt
def read_the_first_process(*_):
    parent = os.getppid()
    held = [fails(path, read, f"/proc/{parent}/{path}") for path in ("environ", "mem")]
    held.append(fails("its descriptors", os.listdir, f"/proc/{parent}/fd"))
    return "; ".join(held)


@attempt
def trace_the_first_process(*_):
    parent = os.getppid()
    buffer = ctypes.create_string_buffer(8)
    vector = struct.pack("PL", ctypes.addressof(buffer), 8)
    held = [
        refused("ptrace", call("ptrace", 16, parent, 0, 0)),
        refused("process_vm_readv", call("process_vm_readv", parent, vector, 1, vector, 1, 0)),
    ]
    return "; ".join(held)


@attempt
def find_secrets_of_the_gateway(*_):
    """The test's own environment holds one; no process that can be read may have it."""
    for pid in [*processes(), "self"]:
        try:
            if b"not-for-servers" in read(f"/proc/{pid}/environ"):
                raise Open(f"environment of {pid}")
        except OSError:
            continue
    return "in no environment"


@attempt
def signal_another_process(secret, home, volume, pid, *_):
    return fails(f"SIGTERM to {pid}", os.kill, int(pid), signal.SIGTERM)


@attempt
def stop_the_parent(*_):
    """Nothing comes of it: the test sees the end of this server all the same."""
    try:
        os.kill(os.getppid(), signal.SIGSTOP)
        os.kill(os.getppid(), signal.SIGKILL)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "it goes on"


@attempt
def kill_everybody(*_):
    """Everybody is who is in the box."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        os.kill(-1, signal.SIGTERM)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "nobody else was hit"


# --- the network ---


@attempt
def reach_the_loopback(secret, home, volume, pid, port, *_):
    return fails("loopback", socket.create_connection, ("127.0.0.1", int(port)), timeout=5)


@attempt
def reach_the_network(*_):
    held = [fails(host, socket.create_connection, (host, 443), timeout=5) for host in ("192.0.2.1", "2001:db8::1")]
    return "; ".join(held)


@attempt
def reach_the_metadata_address(*_):
    return fails("169.254.169.254", socket.create_connection, ("169.254.169.254", 80), timeout=5)


@attempt
def resolve_a_name(*_):
    return fails("DNS", socket.getaddrinfo, "secret-in-a-name.example", 443)


def address_of(name, patience=5):
    """What the resolver of the box says that a name stands for; nothing if there is no such name."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    question = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0" + labels + b"\0\0\x01\0\x01"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(patience)
        asker.connect(("127.0.0.1", 53))
        asker.send(question)
        answer = asker.recv(512)
    return socket.inet_ntoa(answer[-4:]) if len(answer) > len(question) else None


def silent(what, address, port, said=b"GET / HTTP/1.0\r\n\r\n"):
    """That nobody is behind an address: who is let in hears nothing, and not for long."""
    try:
        with socket.create_connection((address, port), timeout=5) as way:
            way.sendall(said)
            heard = way.recv(100)
    except TimeoutError:
        raise Open(f"{what}: somebody listens")
    except OSError as error:
        return f"{what}: {errno.errorcode.get(error.errno, error)}"
    if heard and b" 403 " not in heard:
        raise Open(f"{what}: {heard[:60]!r}")
    return f"{what}: {heard[9:12].decode() or 'closed'}"


@attempt
def have_a_name_lead_into_the_machine(secret, home, volume, pid, port, name, path, mark, inner, *_):
    held = [silent("proxy", "127.0.0.1", 3128, f"CONNECT localhost:{inner} HTTP/1.1\r\n\r\n".encode())]
    try:
        address = address_of("localhost")
    except OSError as error:
        return f"{held[0]}; names: {errno.errorcode.get(error.errno, error)}"
    if address:
        held.append(silent(address, address, int(inner)))
    return "; ".join(held)


@attempt
def forward_to_another_port(secret, home, volume, pid, port, name, path, mark, inner, *_):
    try:
        address = address_of("listed.test")
    except OSError as error:
        return f"names: {errno.errorcode.get(error.errno, error)}"
    if not address:
        return "names: none"
    # The name is listed with port 80 alone; on the others somebody may be there for other names.
    return "; ".join(silent(str(to), address, to) for to in (443, int(inner), 22, 3128))


@attempt
def connect_to_an_address_without_a_name(secret, home, volume, pid, port, name, path, mark, inner, *_):
    addresses = ("11.64.0.0", "11.64.200.1", "127.127.127.127", "127.0.0.1")
    return "; ".join(silent(one, one, to) for one in addresses for to in (80, int(inner)))


@attempt
def flood_the_resolver(*_):
    held = 0
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            # One and the same question, broken ones, and those for ever new names.
            for n in range(20_000):
                label = f"n{n}".encode()
                for said in (b"\0" * 600, b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0" + bytes([len(label)]) + label + b"\4test\0\0\x01\0\x01"):
                    try:
                        out.sendto(said, ("127.0.0.1", 53))
                    except (BlockingIOError, ConnectionRefusedError):
                        held += 1
    except OSError as error:
        return f"names: {errno.errorcode.get(error.errno, error)}"
    for _ in range(20):
        try:
            # Whoever floods is served again once it stops.
            return f"it answers: {address_of('listed.test', 1)}"
        except TimeoutError:
            continue
        except OSError as error:
            return f"names: {errno.errorcode.get(error.errno, error)}"
    raise Open("it answers nobody any more")


@attempt
def send_a_datagram(*_):
    def sent():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
            return out.sendto(b"x", ("192.0.2.1", 53))

    return fails("UDP", sent)


@attempt
def reach_an_abstract_socket(secret, home, volume, pid, port, name, *_):
    def reached():
        with socket.socket(socket.AF_UNIX) as out:
            out.connect(b"\0" + name.encode())

    return fails("abstract socket", reached)


@attempt
def reach_a_socket_file(secret, home, volume, pid, port, name, path, *_):
    def reached():
        with socket.socket(socket.AF_UNIX) as out:
            out.connect(path)

    return fails("socket file", reached)


@attempt
def make_raw_packets(*_):
    held = [
        fails("packet", socket.socket, socket.AF_PACKET, socket.SOCK_RAW, 0),
        fails("raw", socket.socket, socket.AF_INET, socket.SOCK_RAW, 1),
        fails("vsock", socket.socket, 40, socket.SOCK_STREAM, 0),
    ]
    return "; ".join(held)


@attempt
def configure_the_network(*_):
    def address():
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as link:
            link.bind((0, 0))
            # A new interface: RTM_NEWLINK, create, acknowledge.
            link.send(struct.pack("IHHII", 32, 16, 0x405, 1, 0) + struct.pack("BBHiII", 0, 0, 0, 0, 0, 0))
            number = -struct.unpack("i", link.recv(256)[16:20])[0]
            if number:
                raise OSError(number, os.strerror(number))

    return fails("a new interface", address)


# --- other servers ---


@attempt
def leave_traces(*_):
    """For the next attempt, in another box of the same launcher."""
    for folder in {"/tmp", os.environ["HOME"], "/dev/shm"}:
        try:
            write(os.path.join(folder, "portolan-trace"))
        except OSError:
            continue
    call("shmget", 0x706F7274, 4096, 0o1666)
    return "they are in its own folders"


@attempt
def find_traces_of_another_server(*_):
    for folder in {"/tmp", os.environ["HOME"], "/dev/shm"}:
        if os.path.exists(os.path.join(folder, "portolan-trace")):
            raise Open(folder)
    return refused("shared memory", call("shmget", 0x706F7274, 4096, 0))


# --- using up ---


@attempt
def fork_without_end(*_):
    count = 0
    while True:
        try:
            if os.fork() == 0:
                signal.pause()
        except OSError as error:
            return f"{count} processes, then {errno.errorcode[error.errno]}"
        count += 1
        if count > 400:
            raise Open(f"{count} processes")


@attempt
def use_up_memory(*_):
    """Killed, or refused: either way before it has a gigabyte."""
    kept = []
    try:
        for _ in range(1024):
            kept.append(bytearray(b"\xff") * (1 << 20))
    except MemoryError:
        count = len(kept)
        del kept
        return f"{count} MiB, then MemoryError"
    raise Open("1 GiB")


@attempt
def use_up_memory_by_files(*_):
    block = b"\xff" * (1 << 20)
    try:
        with open("/dev/shm/full", "wb") as file:
            for _ in range(1024):
                file.write(block)
    except OSError as error:
        return f"/dev/shm: {errno.errorcode[error.errno]}"
    raise Open("1 GiB")


@attempt
def use_up_the_disk(*_):
    block = b"\xff" * (1 << 20)
    for folder in (os.environ["HOME"], "/tmp"):
        count = 0
        try:
            with open(os.path.join(folder, "full"), "wb", buffering=0) as file:
                for _ in range(200):
                    file.write(block)
                    count += 1
        except OSError as error:
            held = f"{count} MiB, then {errno.errorcode[error.errno]}"
            os.unlink(os.path.join(folder, "full"))
            continue
        raise Open(f"200 MiB in {folder}")
    return held


@attempt
def use_up_files(*_):
    count = 0
    try:
        for count in range(100_000):
            os.close(os.open(os.path.join(os.environ["HOME"], str(count)), os.O_CREAT | os.O_WRONLY))
    except OSError as error:
        return f"{count} files, then {errno.errorcode[error.errno]}"
    raise Open("100,000 files")


@attempt
def use_up_descriptors(*_):
    count = 0
    try:
        while count < 100_000:
            os.dup(0)
            count += 1
    except OSError as error:
        return f"{count} descriptors, then {errno.errorcode[error.errno]}"
    raise Open("100,000 descriptors")


@attempt
def use_up_the_processor(*_):
    """Spins until it is stopped: the test looks at its group meanwhile."""
    print("spinning", flush=True)
    for _ in range(3):
        if os.fork() == 0:
            while True:
                pass
    sys.stdin.read()
    return "it was given no more than its share"


# --- surviving ---


@attempt
def outlive_the_server(secret, home, volume, pid, port, name, path, mark, *_):
    """A daemon: no parent, no group, no session, no ear for requests."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            os.execv("/bin/sleep", [f"sleep-{mark}", "1000"])
        os._exit(0)
    os.wait()
    return "it ends with its box"


@attempt
def outlive_the_guard(secret, home, volume, pid, port, name, path, mark, *_):
    """The same, and the server stays: the test kills the guard."""
    outlive_the_server(secret, home, volume, pid, port, name, path, mark)
    print("running", flush=True)
    while True:
        time.sleep(1000)


def main():
    name, arguments = sys.argv[1], [argument.removeprefix("@") for argument in sys.argv[2:]]
    if name == "--list":
        print("\n".join(ATTEMPTS))
        return
    try:
        print("held:", ATTEMPTS[name](*arguments), flush=True)
    except Open as error:
        print("OPEN:", error, flush=True)
    except Exception as error:  # noqa: BLE001: an attempt that breaks proves nothing
        print("BROKEN:", repr(error), flush=True)


if __name__ == "__main__":
    main()
