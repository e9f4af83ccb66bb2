"""Reloading: by signal, by the plugin, with broken Corefiles, under load."""
import os
import signal
import socket
import threading
import time

import dns.message
import dns.rcode

import harness
from harness import Server, addresses, eventually

ONE = """
.:@PORT@ {
    bind 127.0.0.1
    errors
    hosts {
        192.0.2.1 www.example.org
    }
}
"""
TWO = ONE.replace("192.0.2.1", "192.0.2.2")


def answer(server):
    return addresses(server.ask("www.example.org"))


def test_signal_takes_the_new_corefile():
    with Server(ONE) as s:
        assert answer(s) == ["192.0.2.1"]
        s.write("Corefile", TWO)
        s.signal(signal.SIGUSR1)
        assert s.logged(r"^\[INFO\] Reloading complete$"), s.log()
        assert answer(s) == ["192.0.2.2"]


def test_broken_corefile_leaves_the_old_one():
    with Server(ONE) as s:
        for number, broken in enumerate((TWO.replace("hosts", "hoosts"), TWO.replace("}", "", 1), "# nothing\n")):
            s.write("Corefile", broken)
            s.signal(signal.SIGUSR1)
            assert eventually(lambda n=number: s.log().count("[ERROR] SIGUSR1: ") == n + 1), s.log()
            assert answer(s) == ["192.0.2.1"], s.log()
        assert "hoosts" in s.log() and "'hosts'" in s.log(), "the nearest directive is not named:\n" + s.log()
        s.write("Corefile", TWO)
        s.signal(signal.SIGUSR1)
        assert eventually(lambda: answer(s) == ["192.0.2.2"])


def test_missing_corefile_leaves_the_old_one():
    with Server(ONE) as s:
        (s.dir / "Corefile").unlink()
        s.signal(signal.SIGUSR1)
        assert s.logged(r"^\[ERROR\] SIGUSR1: .*Corefile: [Nn]o such file")
        assert answer(s) == ["192.0.2.1"]


def test_end_right_after_a_reload():
    for number in (signal.SIGTERM, signal.SIGINT) * 4:
        with Server(".:@PORT@ {\n    bind 127.0.0.1\n    whoami\n}\n") as s:
            s.write("Corefile", "# another\n.:@PORT@ {\n    bind 127.0.0.1\n    whoami\n}\n")
            s.signal(signal.SIGUSR1)
            assert s.logged(r"^\[INFO\] Reloading complete$"), s.log()
            s.signal(number)
            assert s.process.wait(10) == 0, s.log()


def test_new_listeners_open_and_old_ones_close():
    with Server(ONE) as s:
        s.write("Corefile", ONE + TWO.replace("@PORT@", "@OTHER@"))
        s.signal(signal.SIGUSR1)
        assert s.logged("Reloading complete")
        assert addresses(s.ask("www.example.org", port=s.ports["OTHER"])) == ["192.0.2.2"]
        s.write("Corefile", ONE)
        s.signal(signal.SIGUSR1)
        assert eventually(lambda: s.log().count("Reloading complete") == 2)

        def refused():
            with socket.socket() as c:
                return c.connect_ex((harness.HOST, s.ports["OTHER"])) != 0
        assert eventually(refused)
        assert answer(s) == ["192.0.2.1"]


def test_address_in_use_leaves_the_old_configuration():
    with Server(ONE) as s, socket.socket() as taken:
        taken.bind((harness.HOST, 0))
        taken.listen()
        s.write("Corefile", ONE + TWO.replace("@PORT@", str(taken.getsockname()[1])))
        s.signal(signal.SIGUSR1)
        assert s.logged(r"^\[ERROR\] Restart failed: Listen: listen tcp .*[Aa]ddress already in use"), s.log()
        assert answer(s) == ["192.0.2.1"]


def test_no_query_is_lost_over_many_reloads():
    """Four askers without a pause; each query has one chance."""
    with Server(ONE) as s:
        lost, done = [], threading.Event()

        def ask():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as c:
                c.settimeout(2)
                c.connect((harness.HOST, s.port))
                n = 0
                while not done.is_set():
                    n = (n + 1) % 65536
                    q = dns.message.make_query("www.example.org", "A", id=n)
                    c.send(q.to_wire())
                    try:
                        reply = dns.message.from_wire(c.recv(4096))
                    except socket.timeout:
                        lost.append("timeout")
                        continue
                    if reply.id != n or addresses(reply) not in (["192.0.2.1"], ["192.0.2.2"]):
                        lost.append(str(reply))

        askers = [threading.Thread(target=ask) for _ in range(4)]
        for a in askers:
            a.start()
        for i in range(10):
            s.write("Corefile", TWO if i % 2 == 0 else ONE)
            s.signal(signal.SIGUSR1)
            assert eventually(lambda n=i: s.log().count("Reloading complete") == n + 1), s.log()
        done.set()
        for a in askers:
            a.join()
        assert not lost, lost[:3]


def test_memory_is_flat_over_reloads():
    body = "".join(f"        192.0.2.{i % 250} host{i}.example.org\n" for i in range(2000))
    # A sanitizer keeps freed memory for a while, to see who uses it.
    env = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1:thread_local_quarantine_size_kb=16"}
    with Server(ONE.replace("        192.0.2.1 www.example.org\n", body), env=env) as s:
        def reload(times):
            for _ in range(times):
                seen = s.log().count("Reloading complete")
                s.signal(signal.SIGUSR1)
                assert eventually(lambda n=seen: s.log().count("Reloading complete") > n)
            time.sleep(0.5)
            return s.rss()
        first, last = reload(10), reload(20)
        assert last < first * 1.25 + 2048, (first, last)


def test_plugin_reloads_by_itself():
    with Server(ONE.replace("errors", "errors\n    reload 2s 0\n    prometheus 127.0.0.1:@PROM@")) as s:
        assert s.logged(r"^\[INFO\] plugin/reload: Running configuration SHA512 = [0-9a-f]{128}$")
        assert s.metric("^coredns_reload_version_info") == 1
        s.write("Corefile", TWO.replace("errors", "errors\n    reload 2s 0\n    prometheus 127.0.0.1:@PROM@"))
        assert s.logged("Reloading complete", 10), s.log()
        assert answer(s) == ["192.0.2.2"]
        s.write("Corefile", TWO.replace("bind", "bnid").replace("errors", "errors\n    reload 2s 0\n    prometheus 127.0.0.1:@PROM@"))
        assert s.logged(r"^\[ERROR\] plugin/reload: Corefile changed but reload failed: .*bnid", 10), s.log()
        assert answer(s) == ["192.0.2.2"]
        assert s.metric("^coredns_reload_failed_total") == 1
        # what has failed is not tried again, what has no end is
        s.write("Corefile", TWO.rsplit("}", 1)[0])
        assert s.logged(r"^\[WARNING\] plugin/reload: Corefile parse failed: .*", 10), s.log()
        assert s.log().count("reload failed") == 1
        assert s.metric("^coredns_reload_failed_total") == 1
        # going on after a failure: the watcher is still there
        s.write("Corefile", ONE.replace("errors", "errors\n    reload 2s 0\n    prometheus 127.0.0.1:@PROM@"))
        assert eventually(lambda: answer(s) == ["192.0.2.1"], 10)


if __name__ == "__main__":
    harness.main(globals())
