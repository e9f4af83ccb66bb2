"""The supervisor: sockets that outlive the server, restarts and their limits, signals, users, systemd, process 1."""
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import dns.message
import dns.rcode

import harness
from harness import HOST, Server, eventually

WHOAMI = ".:@PORT@ {\n    bind 127.0.0.1\n    whoami\n}\n"


def child(s, wait=5):
    """The server's process, once it is there and is not the supervisor."""
    found = eventually(lambda: s.serving_pid() != s.process.pid and s.serving_pid(), wait)
    assert found, s.log()
    return found


def kill(s, number=signal.SIGKILL):
    """Kills the server's process, and waits until it is gone."""
    pid = child(s)
    os.kill(pid, number)
    assert eventually(lambda: s.serving_pid() != pid, 5, step=0.001)
    return pid


def asks(s):
    return dns.rcode.to_text(s.ask("x.example").rcode()) == "NOERROR"


def status(pid, field):
    return re.search(rf"^{field}:\s+(.*)$", Path(f"/proc/{pid}/status").read_text(), re.M)[1].split()


def closed(port):
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as t:
        return t.connect_ex((HOST, port)) != 0


def test_a_query_sent_while_the_server_hangs_is_answered_by_the_next_one():
    with Server(WHOAMI) as s:
        pid = child(s)
        os.kill(pid, signal.SIGSTOP)
        assert eventually(lambda: all("T (stopped)" in Path(f"/proc/{pid}/task/{t}/status").read_text() for t in os.listdir(f"/proc/{pid}/task")))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as c, socket.create_connection((HOST, s.port)) as t:
            c.settimeout(3)
            t.settimeout(3)
            wire = dns.message.make_query("x.example", "A").to_wire()
            c.sendto(wire, (HOST, s.port))
            t.sendall(len(wire).to_bytes(2, "big") + wire)
            os.kill(pid, signal.SIGKILL)
            assert dns.message.from_wire(c.recv(4096)).answer == []
            assert len(t.recv(4096)) > 12
        assert child(s) != pid


def test_the_next_server_is_there_within_50_ms():
    with Server(WHOAMI) as s:
        pid = child(s)
        began = time.time()
        os.kill(pid, signal.SIGKILL)
        assert asks(s)
        took = time.time() - began
        slower = 10 if re.search("asan|tsan", harness.BINARY) else 1
        assert took < 0.05 * slower, took


def test_crashes_one_after_the_other_are_answered_later_and_later():
    with Server(WHOAMI) as s:
        for _ in range(6):
            kill(s, signal.SIGABRT)
            assert eventually(lambda: asks(s), 5), s.log()
        waits = [int(ms) for ms in re.findall(r"^\[WARNING\] the server is started again in (\d+) ms", s.log(), re.M)]
        assert waits == [20, 40, 80], s.log()
        assert s.log().count("[ERROR] the server died of signal 6 (Aborted) while it answered nothing") == 6


def test_exit_codes_and_signals_go_through():
    for number, code, line in ((signal.SIGTERM, 0, "SIGTERM: Shutting down servers then terminating"),
                               (signal.SIGINT, 0, "SIGINT: Shutting down"), (signal.SIGQUIT, 0, "SIGQUIT: Quitting process immediately")):
        with Server(WHOAMI) as s:
            pid = child(s)
            s.signal(number)
            assert s.process.wait(5) == code
            assert s.log().count(line) == 1, s.log()
            assert not os.path.exists(f"/proc/{pid}")
    with Server(WHOAMI) as s:
        s.signal(signal.SIGHUP)
        s.signal(signal.SIGUSR1)
        assert s.logged(r"^\[INFO\] Reloading complete$")
        assert asks(s)


def test_the_server_dies_with_its_supervisor():
    with Server(WHOAMI) as s:
        pid = child(s)
        s.process.kill()
        s.process.wait()
        assert eventually(lambda: not os.path.exists(f"/proc/{pid}"), 5)


def test_a_server_that_cannot_start_ends_the_supervisor():
    s = Server(WHOAMI.replace("whoami", "whoamx"), start=False)
    s.start(wait=False)
    assert s.process.wait(5) == 1
    assert s.log().count("Unknown directive 'whoamx'") == 1, s.log()
    shutil.rmtree(s.dir)


def test_a_broken_corefile_at_the_restart_is_tried_again():
    with Server(WHOAMI) as s:
        good = (s.dir / "Corefile").read_text()
        s.write("Corefile", "broken {\n")
        kill(s)
        assert s.logged(r"Syntax error")
        s.write("Corefile", good)
        assert eventually(lambda: asks(s), 10), s.log()


def test_a_corefile_of_standard_input_survives():
    s = Server(WHOAMI, start=False)
    with open(s.dir / "output", "wb") as output:
        s.process = subprocess.Popen([harness.BINARY, "-conf", "stdin"], cwd=s.dir, stdin=open(s.dir / "Corefile"), stdout=output, stderr=output)
    with s:
        assert eventually(lambda: asks(s), 5)
        kill(s)
        assert asks(s)


def test_a_listener_that_a_reload_gives_up_is_closed():
    with Server(WHOAMI + WHOAMI.replace("@PORT@", "@OTHER@")) as s:
        other = s.ports["OTHER"]
        assert eventually(lambda: not closed(other))
        kill(s)
        assert asks(s) and eventually(lambda: not closed(other))
        s.write("Corefile", WHOAMI)
        s.signal(signal.SIGUSR1)
        assert s.logged(r"Reloading complete")
        assert eventually(lambda: closed(other), 5)
        # What a server that starts again does not ask for is closed as well.
        s.write("Corefile", WHOAMI + WHOAMI.replace("@PORT@", "@THIRD@"))
        s.signal(signal.SIGUSR1)
        assert eventually(lambda: not closed(s.ports["THIRD"]), 5)
        s.write("Corefile", WHOAMI)
        kill(s)
        assert eventually(lambda: closed(s.ports["THIRD"]), 5) and asks(s)


def test_the_pid_file_names_the_supervisor():
    with Server(WHOAMI, args=["-pidfile", "pid"]) as s:
        child(s)
        assert eventually(lambda: (s.dir / "pid").exists())
        assert (s.dir / "pid").read_text() == f"{s.process.pid}\n"
        kill(s)
        assert asks(s)
        assert (s.dir / "pid").read_text() == f"{s.process.pid}\n"
        s.stop()
        assert not (s.dir / "pid").exists()


def test_single_is_one_process():
    with Server(WHOAMI, args=["-single"]) as s:
        assert asks(s)
        assert s.pids() == [s.process.pid]


def test_privileges():
    if os.geteuid() != 0:
        return
    with Server(WHOAMI) as s:
        pid = child(s)
        assert status(pid, "CapEff") == ["0000000000000404"], status(pid, "CapEff")  # DAC_READ_SEARCH, NET_BIND_SERVICE
        assert int(status(s.process.pid, "CapEff")[0], 16) & 1 << 21 == 0  # SYS_ADMIN

    def readable(s):
        os.chmod(s.dir, 0o755)
    s = Server(WHOAMI, args=["-user", "nobody"], start=False)
    readable(s)
    s.start()
    with s:
        pid = child(s)
        assert status(pid, "Uid") == ["65534"] * 4, status(pid, "Uid")
        assert status(pid, "CapEff") == ["0000000000000400"], status(pid, "CapEff")
        kill(s)
        assert asks(s)
        assert status(child(s), "Uid") == ["65534"] * 4
    for user, why in (("no-such-user", "no user is called 'no-such-user'"),):
        done = subprocess.run([harness.BINARY, "-user", user], capture_output=True, text=True, timeout=5, stdin=subprocess.DEVNULL)
        assert done.returncode == 1 and why in done.stderr, done


# --- systemd ---


class Notified:
    """A socket as systemd has it for sd_notify."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path if not path.startswith("@") else "\0" + path[1:])
        self.socket.settimeout(5)

    def next(self):
        return self.socket.recv(1024).decode()


def test_systemd_is_told():
    for args in ([], ["-single"]):
        n = Notified(f"@isthmus-test-{os.getpid()}{len(args)}")
        with Server(WHOAMI, args=args, env={"NOTIFY_SOCKET": n.path}) as s:
            assert n.next() == "READY=1"
            s.signal(signal.SIGUSR1)
            assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", n.next())
            assert n.next() == "READY=1"
            s.signal(signal.SIGTERM)
            assert n.next() == "STOPPING=1"
        n.socket.close()


def test_the_watchdog_hears_of_a_server_that_lives():
    for args in ([], ["-single"]):
        n = Notified(f"@isthmus-watch-{os.getpid()}{len(args)}")
        with Server(WHOAMI, args=args, env={"NOTIFY_SOCKET": n.path, "WATCHDOG_USEC": "400000"}) as s:
            while n.next() != "WATCHDOG=1":
                pass
            pid = child(s) if not args else s.process.pid
            os.kill(pid, signal.SIGSTOP)
            n.socket.settimeout(0.8)
            silent = False
            try:
                for _ in range(3):
                    n.next()
            except TimeoutError:
                silent = True
            os.kill(pid, signal.SIGCONT)
            assert silent, "the watchdog is fed although the server hangs"
        n.socket.close()


def test_sockets_of_systemd_are_used():
    for args in ([], ["-single"], ["-workers", "2"]):
        udp, tcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        port = harness.free_port()
        udp.bind((HOST, port))
        tcp.bind((HOST, port))
        tcp.listen()
        s = Server(WHOAMI.replace("@PORT@", str(port)), start=False)
        s.ports["PORT"] = port

        def at_three_and_four():
            a, b = os.dup(udp.fileno()), os.dup(tcp.fileno())
            a, b = os.dup2(a, 20), os.dup2(b, 21)
            os.dup2(20, 3)
            os.dup2(21, 4)
        script = 'LISTEN_PID=$$ LISTEN_FDS=2 exec "$@"'
        with open(s.dir / "output", "wb") as output:
            s.process = subprocess.Popen(["sh", "-c", script, "sh", harness.BINARY, "-conf", "Corefile", *args], cwd=s.dir, pass_fds=(3, 4),
                                         stdin=subprocess.DEVNULL, stdout=output, stderr=output, preexec_fn=at_three_and_four)
        with s:
            assert eventually(lambda: asks(s), 5), s.log()
            assert s.ask("x.example", tcp=True)
            if "-single" not in args:
                kill(s)
                assert asks(s) and s.ask("x.example", tcp=True)
        udp.close()
        tcp.close()


# --- process 1 ---


def test_as_process_1_it_reaps_and_ends():
    unshare = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if not shutil.which("unshare") or subprocess.run([*unshare, "true"], capture_output=True).returncode:
        return
    s = Server(WHOAMI, start=False)
    with open(s.dir / "output", "wb") as output:
        s.process = subprocess.Popen([*unshare, harness.BINARY, "-conf", "Corefile"], cwd=s.dir, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        assert eventually(lambda: asks(s), 5), s.log()
        first, server = s.pids()[1], s.pids()[2]
        assert status(first, "NSpid")[-1] == "1"
        os.kill(server, signal.SIGKILL)
        assert asks(s)
        assert eventually(lambda: not os.path.exists(f"/proc/{server}"))
        os.kill(first, signal.SIGTERM)
        assert s.process.wait(5) == 0, s.log()
    finally:
        s.process.kill()
        s.process.wait()
        shutil.rmtree(s.dir)


if __name__ == "__main__":
    harness.main(globals())
