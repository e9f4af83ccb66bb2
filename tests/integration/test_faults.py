"""What must not take the server down: dead and lying upstreams, floods, slow clients, full disks, no descriptors, kill -9."""
import os
import random
import re
import resource
import signal
import socket
import struct
import subprocess
import threading
import time

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

import harness
from harness import HOST, Server, Upstream, addresses, eventually, reply_to

HOSTS = """
.:@PORT@ {
    bind 127.0.0.1
    errors
    prometheus 127.0.0.1:@PROM@
    hosts {
        192.0.2.1 www.example.org
    }
}
"""


def forwarding(*upstreams, options=""):
    to = " ".join(f"{HOST}:{u.port}" for u in upstreams)
    return f".:@PORT@ {{\n bind {HOST}\n errors\n prometheus {HOST}:@PROM@\n forward . {to} {{\n policy sequential\n {options}\n }}\n}}\n"


def good(query, transport):
    del transport
    return reply_to(query, f"{query.question[0].name} 60 A 192.0.2.7")


def frame(wire):
    return struct.pack("!H", len(wire)) + wire


# --- the process ---


def test_kill_9_loses_at_most_what_was_in_flight():
    with Server(HOSTS) as s:
        lost, answered, done = [], [0], threading.Event()

        def ask():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as c:
                c.settimeout(1)
                c.connect((HOST, s.port))
                while not done.is_set():
                    c.send(dns.message.make_query("www.example.org", "A").to_wire())
                    try:
                        c.recv(4096)
                        answered[0] += 1
                    except OSError:
                        lost.append(time.time())

        askers = [threading.Thread(target=ask) for _ in range(4)]
        for a in askers:
            a.start()
        kills = 3
        for _ in range(kills):
            time.sleep(1.2)
            os.kill(s.serving_pid(), signal.SIGKILL)
        time.sleep(1.5)
        done.set()
        for a in askers:
            a.join()
        assert len(lost) <= kills * len(askers), f"{len(lost)} lost, {answered[0]} answered:\n{s.log()}"
        assert answered[0] > 500
        assert addresses(s.ask("www.example.org")) == ["192.0.2.1"]


def test_crash_is_logged_with_the_query_that_was_being_answered():
    release = threading.Event()

    def slow(query, transport):
        release.wait(5)
        return good(query, transport)
    env = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":handle_segv=0"}   # it is to die as it does without a sanitizer
    with Upstream(slow) as u, Server(forwarding(u), env=env) as s:
        c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        c.sendto(dns.message.make_query("deadly.example.org", "MX").to_wire(), (HOST, s.port))
        assert eventually(lambda: u.seen)
        os.kill(s.serving_pid(), signal.SIGSEGV)
        assert s.logged(r"deadly\.example\.org\. MX.*127\.0\.0\.1.*udp", 5), s.log()
        release.set()
        c.close()
        assert eventually(lambda: addresses(s.ask("x.example.org")) == ["192.0.2.7"])
        assert s.metric("^coredns_panics_total") == 1


def test_log_to_a_full_disk_goes_on_answering():
    with Server(HOSTS.replace("errors", "errors\n    log"), start=False) as s:
        (s.dir / "output").touch()
        with open("/dev/full", "wb") as full:
            s.process = subprocess.Popen([harness.BINARY, "-conf", "Corefile"], cwd=s.dir, stdout=full, stderr=full, stdin=subprocess.DEVNULL)
        assert eventually(lambda: s.ask("www.example.org"), 10)
        for _ in range(2000):
            assert addresses(s.ask("www.example.org")) == ["192.0.2.1"]


def test_out_of_descriptors():
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (120, 120))
    with Server(HOSTS, args=["-workers", "2"], preexec=limit) as s:
        held = []
        for _ in range(300):
            c = socket.socket()
            c.settimeout(1)
            c.connect((HOST, s.port))
            held.append(c)
        assert addresses(s.ask("www.example.org")) == ["192.0.2.1"]
        before = cpu_seconds(s)
        time.sleep(1)
        assert cpu_seconds(s) - before < 0.5, "it spins while it has no descriptors"
        for c in held:
            c.close()
        assert eventually(lambda: addresses(s.ask("www.example.org", tcp=True)) == ["192.0.2.1"], 15)
        assert eventually(lambda: s.metric('^isthmus_connections_cut_total.*proto="tcp",reason="evicted"') > 100)


def cpu_seconds(s):
    total = 0
    for pid in s.pids():
        fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


# --- clients ---


def test_malformed_storm():
    """Noise, cut and bent queries as fast as they go: still there, memory bounded."""
    rnd = random.Random(4)
    base = dns.message.make_query("www.example.org", "A", use_edns=0, want_dnssec=True).to_wire()
    with Server(HOSTS) as s:
        c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        c.connect((HOST, s.port))
        c.setblocking(False)

        def storm(seconds):
            end = time.time() + seconds
            while time.time() < end:
                for _ in range(200):
                    kind = rnd.randrange(4)
                    wire = bytearray(base)
                    if kind == 0:
                        wire = bytearray(rnd.randbytes(rnd.randrange(0, 600)))
                    elif kind == 1:
                        wire = wire[:rnd.randrange(len(wire))]
                    elif kind == 2:
                        for _ in range(rnd.randrange(1, 8)):
                            wire[rnd.randrange(len(wire))] = rnd.randrange(256)
                    else:
                        wire[4:12] = rnd.randbytes(8)
                    try:
                        c.send(bytes(wire))
                        c.recv(65535)
                    except OSError:
                        pass
        storm(1)
        first = s.rss()
        storm(4)
        assert s.rss() < first * 1.2 + 8192, (first, s.rss())
        assert addresses(s.ask("www.example.org")) == ["192.0.2.1"]
        for answer in ("none", "FORMERR", "NOTIMP"):
            assert s.metric(f'^isthmus_messages_unusable_total.answer="{answer}"') > 100, answer
        c.close()


def test_counts_and_pointers_that_blow_up():
    """65,535 octets of pointers to one long name, with counts to match (CVE-2026-82399)."""
    name = b"".join(bytes([63]) + b"a" * 63 for _ in range(3)) + b"\0"
    head = struct.pack("!6H", 7, 0x100, 1, 0, 0, 2)
    wire = head + name + b"\0\1\0\1"
    wire += b"".join(b"\xc0\x0c\0\5\0\1\0\0\0\0\0\2\xc0\x0c" for _ in range((65535 - len(wire)) // 14))
    with Server(HOSTS) as s:
        before = s.rss()
        for counts in ((1, 0, 0, 2), (1, 65535, 65535, 65535), (1, 1, 1, 2), (65535, 0, 0, 0)):
            bent = wire[:4] + struct.pack("!4H", *counts) + wire[12:]
            for _ in range(20):
                with socket.create_connection((HOST, s.port), 2) as c:
                    c.sendall(frame(bent))
                    c.settimeout(2)
                    try:
                        c.recv(4096)
                    except OSError:
                        pass
        assert addresses(s.ask("www.example.org")) == ["192.0.2.1"]
        assert s.rss() < before + 10 * 1024, (before, s.rss())


def test_slowloris():
    """Octet by octet: cut off by the read time-out, others are served meanwhile."""
    with Server(HOSTS.replace("errors", "errors\n    timeouts {\n        read 1s\n        idle 1s\n    }")) as s:
        held = [socket.create_connection((HOST, s.port), 2) for _ in range(200)]
        for c in held:
            c.sendall(b"\0")
        began = time.time()
        closed = 0
        while held and time.time() - began < 8:
            assert addresses(s.ask("www.example.org", tcp=True)) == ["192.0.2.1"]
            for c in list(held):
                c.setblocking(False)
                try:
                    if c.recv(1) == b"":
                        raise ConnectionResetError
                except BlockingIOError:
                    try:
                        c.send(b"\0") if random.random() < 0.05 else None
                    except OSError:
                        pass
                except OSError:
                    held.remove(c)
                    c.close()
                    closed += 1
            time.sleep(0.1)
        assert not held, f"{len(held)} of 200 still open after {time.time() - began:.1f} s"
        assert s.metric('^isthmus_connections_cut_total.*proto="tcp",reason="slow_writer"') > 100
        assert s.metric('^isthmus_connections_cut_total.*proto="tcp"') == 200   # some had sent a whole message, of no octets


def test_slow_reader_is_cut_off():
    """A client that asks and asks and never reads."""
    with Server(HOSTS.replace("errors", "errors\n    timeouts {\n        write 1s\n        idle 30s\n    }")) as s:
        c = socket.socket()
        c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        c.connect((HOST, s.port))
        wire = frame(dns.message.make_query("www.example.org", "A").to_wire())
        c.settimeout(0.2)
        end = time.time() + 15
        cut = False
        while time.time() < end and not cut:
            try:
                c.sendall(wire * 500)
            except socket.timeout:
                continue
            except OSError:
                cut = True
        assert cut, "a client that never reads was kept"
        assert addresses(s.ask("www.example.org", tcp=True)) == ["192.0.2.1"]
        assert s.metric('^isthmus_connections_cut_total.*proto="tcp",reason="slow_reader"') == 1
        c.close()


def test_ten_thousand_idle_connections():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 25000), hard))
    count = 10000 if min(hard, 25000) > 21000 else 400
    with Server(HOSTS.replace("errors", "errors\n    timeouts {\n        idle 60s\n        read 60s\n    }")) as s:
        assert s.ask("www.example.org", tcp=True).answer and s.ask("www.example.org").answer   # code that runs for the first time is read in
        before = s.rss()
        held = []
        for i in range(count):
            c = socket.socket()
            c.bind((f"127.0.1.{i % 200 + 1}", 0))
            c.connect((HOST, s.port))
            held.append(c)
        assert addresses(s.ask("www.example.org")) == ["192.0.2.1"]
        assert addresses(s.ask("www.example.org", tcp=True)) == ["192.0.2.1"]
        each = (s.rss() - before) / count
        assert each < 8, f"{each:.1f} KiB for each idle connection"
        assert s.metric('^isthmus_connections_open.proto="tcp"') >= count
        for c in held:
            c.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_pipelined_queries_come_back_whole():
    with Server(HOSTS) as s, socket.create_connection((HOST, s.port), 5) as c:
        ids = list(range(1, 400))
        c.sendall(b"".join(frame(dns.message.make_query("www.example.org", "A", id=i).to_wire()) for i in ids))
        f = c.makefile("rb")
        got = []
        for _ in ids:
            length, = struct.unpack("!H", f.read(2))
            got.append(dns.message.from_wire(f.read(length)).id)
        assert sorted(got) == ids


def test_answers_overtake_a_slow_one():
    """RFC 7766 6.2.1.1: the second query of a connection does not wait for the first one's upstream."""
    def answer(query, transport):
        if query.question[0].name.to_text().startswith("slow"):
            time.sleep(1)
        return good(query, transport)
    with Upstream(answer) as u, Server(forwarding(u)) as s, socket.create_connection((HOST, s.port), 5) as c:
        c.sendall(frame(dns.message.make_query("slow.example.org", "A", id=1).to_wire()) + frame(dns.message.make_query("quick.example.org", "A", id=2).to_wire()))
        f = c.makefile("rb")
        got = []
        for _ in range(2):
            length, = struct.unpack("!H", f.read(2))
            got.append(dns.message.from_wire(f.read(length)).id)
        assert got == [2, 1]


# --- upstreams ---


def test_upstream_dead():
    with Upstream(good) as dead, Upstream(good) as alive:
        dead.down()
        with Server(forwarding(dead, alive)) as s:
            for i in range(20):
                assert addresses(s.ask(f"n{i}.example.org")) == ["192.0.2.7"]
    with Upstream(good) as dead:
        dead.down()
        with Server(forwarding(dead)) as s:
            assert s.ask("x.example.org", timeout=8).rcode() == dns.rcode.SERVFAIL
            assert s.logged(r"^\[ERROR\] plugin/errors: 2 x\.example\.org\. A: "), s.log()
            dead.up()
            assert eventually(lambda: s.ask("y.example.org").rcode() == dns.rcode.NOERROR, 10)


def test_upstream_that_never_answers():
    with Upstream(lambda q, t: None) as silent, Upstream(good) as alive, Server(forwarding(silent, alive, options="read_timeout 300ms")) as s:
        for i in range(5):
            assert addresses(s.ask(f"n{i}.example.org", timeout=6)) == ["192.0.2.7"]


def test_upstream_with_the_wrong_id_is_not_believed():
    """Forged ids come first, the true answer later (CVE-2023-28452): waiting goes on."""
    def lying(query, transport):
        forged = []
        for _ in range(20):
            m = reply_to(query, f"{query.question[0].name} 60 A 203.0.113.66")
            m.id = query.id ^ random.randrange(1, 65536)
            forged.append(m)
        return forged + [good(query, transport)]
    with Upstream(lying) as u, Server(forwarding(u)) as s:
        for i in range(20):
            assert addresses(s.ask(f"n{i}.example.org")) == ["192.0.2.7"]


def test_upstream_with_the_wrong_question_is_not_believed():
    def lying(query, transport):
        m = reply_to(query, "other.example.org. 60 A 203.0.113.66")
        m.question = [dns.rrset.from_text("other.example.org.", 0, "IN", "A")]
        m.question[0].clear()
        return [m, good(query, transport)]
    with Upstream(lying) as u, Server(forwarding(u)) as s:
        assert addresses(s.ask("n.example.org")) == ["192.0.2.7"]


def test_upstream_garbage():
    def garbage(query, transport):
        wire = good(query, transport).to_wire()
        return [b"", b"\0", wire[:5], wire[:12], random.randbytes(40), wire[:2] + random.randbytes(60), wire[:-3]]
    with Upstream(garbage) as bad, Upstream(good) as alive, Server(forwarding(bad, alive, options="read_timeout 300ms")) as s:
        for i in range(10):
            reply = s.ask(f"n{i}.example.org", timeout=6)
            assert addresses(reply) in ([], ["192.0.2.7"])
            assert "203.0.113.66" not in str(reply)


def test_upstream_truncates():
    """TC over UDP goes to the client, who comes back by TCP."""
    def answer(query, transport):
        m = good(query, transport)
        if transport == "udp":
            m.answer.clear()
            m.flags |= dns.flags.TC
        return m
    with Upstream(answer) as u, Server(forwarding(u)) as s:
        assert s.ask("n.example.org").flags & dns.flags.TC
        assert addresses(s.ask("n.example.org", tcp=True)) == ["192.0.2.7"]
    with Upstream(answer) as u, Server(forwarding(u, options="prefer_udp")) as s:
        assert addresses(s.ask("n.example.org")) == ["192.0.2.7"]


def test_identical_questions_in_flight_are_one():
    """A birthday attack needs many (CVE-2023-30464)."""
    def slow(query, transport):
        time.sleep(0.5)
        return good(query, transport)
    with Upstream(slow) as u, Server(forwarding(u)) as s:
        replies = []
        threads = [threading.Thread(target=lambda: replies.append(s.ask("same.example.org"))) for _ in range(20)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert len(replies) == 20 and all(addresses(r) == ["192.0.2.7"] for r in replies)
        workers = os.cpu_count()
        assert len(u.seen) <= workers, f"{len(u.seen)} queries upstream for one question"


def test_ids_and_ports_upstream_are_not_to_be_guessed():
    with Upstream(good) as u, Server(forwarding(u)) as s:
        for i in range(100):
            s.ask(f"n{i}.example.org")
        ids = [q.id for q in u.seen]
        assert len(set(ids)) > 90
        steps = {(b - a) % 65536 for a, b in zip(ids, ids[1:])}
        assert len(steps) > 80


def test_bounded_while_the_upstream_is_slow():
    """A spike of queries that all wait (coredns #2593): memory bounded, and flat afterwards."""
    env = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=4"}  # a sanitizer keeps freed memory for a while
    with Upstream(lambda q, t: None) as silent, Server(forwarding(silent, options="max_concurrent 2000\n read_timeout 1s"), env=env) as s:
        c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        c.connect((HOST, s.port))
        before = s.rss()
        for i in range(20000):
            c.send(dns.message.make_query(f"n{i}.example.org", "A").to_wire())
        time.sleep(0.5)
        assert s.rss() - before < 96 * 1024, (before, s.rss())
        assert s.metric("^coredns_forward_max_concurrent_rejects_total") > 0
        c.close()


# --- files ---


def test_zone_file_half_written():
    zone = "$ORIGIN example.org.\n$TTL 60\n@ SOA ns hm {serial} 7200 3600 1209600 300\n@ NS ns\nns A 192.0.2.53\nwww A 192.0.2.{serial}\n"
    corefile = "example.org:@PORT@ {\n bind 127.0.0.1\n errors\n file db {\n reload 1s\n }\n}\n"
    with Server(corefile, files={"db": zone.format(serial=1)}) as s:
        assert addresses(s.ask("www.example.org")) == ["192.0.2.1"]
        text = zone.format(serial=2)
        s.write("db", text[: len(text) // 2] + "(")
        time.sleep(2.5)
        assert addresses(s.ask("www.example.org")) == ["192.0.2.1"], s.log()
        assert "db" in s.log(), "nothing was said of the broken file"
        s.write("db", zone.format(serial=3))
        assert eventually(lambda: addresses(s.ask("www.example.org")) == ["192.0.2.3"], 5), s.log()


def test_signals_while_it_starts():
    """However early SIGTERM comes, the server ends in order; before it listens to signals, by the signal itself."""
    for ms in (0, 2, 4, 6, 8, 10, 12, 15, 20, 30, 40, 60, 80, 120):
        with Server(".:@PORT@ {\n whoami\n}\n", start=False) as s:
            s.start(wait=False)
            time.sleep(ms / 1000)
            s.signal(signal.SIGTERM)
            assert s.process.wait(10) in (0, -signal.SIGTERM), (ms, s.process.returncode, s.log())
            s.process = None
            assert not re.search("died|crash|SEGV|Sanitizer", s.log()), (ms, s.log())


if __name__ == "__main__":
    harness.main(globals())
