"""What hurt those who run DNS servers of this kind, each as the situation that was reported; tests/README.md has the list."""
import re
import shutil
import signal
import socket
import struct
import threading
import time
from pathlib import Path

import dns.flags
import dns.message
import dns.opcode
import dns.rcode

import harness
from harness import HOST, Server, Upstream, addresses, eventually, reply_to


def forwarding(upstream, options="", plugins=""):
    return f""".:@PORT@ {{
    bind {HOST}
    prometheus {HOST}:@PROM@
    {plugins}
    forward . {HOST}:{upstream.port} {{
        {options}
    }}
}}
"""


def good(query, transport, address="192.0.2.7"):
    del transport
    return reply_to(query, f"{query.question[0].name} 60 A {address}")


# --- slow upstreams ---


def test_a_slow_upstream_may_be_given_its_time():
    def slow(query, transport):
        time.sleep(2.4)   # more than the 2 s that an answer has by default
        return good(query, transport)
    with Upstream(slow) as u, Server(forwarding(u, "read_timeout 4s")) as s:
        assert addresses(s.ask("slow.example", timeout=5)) == ["192.0.2.7"]
        assert len(u.seen) == 1


def test_a_late_answer_is_there_for_the_next_client():
    def late(query, transport):
        time.sleep(1)
        return good(query, transport)
    options = "read_timeout 200ms\n        max_connect_attempts 1\n        max_fails 0"
    with Upstream(late) as u, Server(forwarding(u, options, plugins="cache")) as s:
        assert s.ask("late.example").rcode() == dns.rcode.SERVFAIL
        time.sleep(1.2)
        began = time.time()
        assert addresses(s.ask("late.example")) == ["192.0.2.7"]
        assert addresses(s.ask("late.example")) == ["192.0.2.7"]
        assert time.time() - began < 0.5
        assert len(u.seen) == 1


class FullBacklog:
    """A TCP upstream that answers; `fill()` lets no new connection come to be before `drain()`."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind((HOST, 0))
        self.listener.listen(0)
        self.port = self.listener.getsockname()[1]
        self.open = threading.Event()
        self.open.set()
        self.fillers = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            self.open.wait()
            try:
                c, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def serve(self, c):
        with c, c.makefile("rb") as f:
            while head := f.read(2):
                wire = good(dns.message.from_wire(f.read(int.from_bytes(head, "big"))), "tcp").to_wire()
                c.sendall(struct.pack("!H", len(wire)) + wire)

    def fill(self):
        self.open.clear()
        for _ in range(4):
            c = socket.socket()
            c.setblocking(False)
            c.connect_ex((HOST, self.port))
            self.fillers.append(c)
        time.sleep(0.2)

    def drain(self):
        self.open.set()


def test_dialing_that_was_quick_may_become_slow():
    """Time-outs that follow what was measured must not become so short that one lost packet is a failure."""
    u = FullBacklog()
    with Server(forwarding(u, "force_tcp\n        expire 0s")) as s:
        for i in range(20):
            assert addresses(s.ask(f"quick{i}.example")) == ["192.0.2.7"]
        u.fill()
        threading.Timer(0.7, u.drain).start()   # the kernel tries again after 1 s
        assert addresses(s.ask("slow.example", timeout=5)) == ["192.0.2.7"], s.log()
    u.listener.close()


# --- answers that are not what was asked for ---


def test_a_resolv_conf_without_servers_is_said_so():
    s = Server(".:@PORT@ {\n    forward . empty.conf\n}\n", files={"empty.conf": "search example.org\n"}, start=False)
    s.start(wait=False)
    assert s.process.wait(5) == 1
    assert "plugin/forward: no valid upstream addresses found" in s.log() and "Corefile:2" in s.log(), s.log()
    shutil.rmtree(s.dir)


def test_answers_for_other_flags_are_not_mixed_up():
    """CVE-2024-0874: what was asked with CD is no answer for those who want it checked."""
    def by_flags(query, transport):
        cd, do = bool(query.flags & dns.flags.CD), bool(query.ednsflags & dns.flags.DO)
        return good(query, transport, f"192.0.2.{1 + cd + 2 * do}")
    with Upstream(by_flags) as u, Server(forwarding(u, plugins="cache")) as s:
        for _ in range(2):
            for cd in (False, True):
                for do in (False, True):
                    q = dns.message.make_query("www.example", "A", want_dnssec=do)
                    q.flags |= dns.flags.CD if cd else 0
                    assert addresses(s.ask("", message=q)) == [f"192.0.2.{1 + cd + 2 * do}"], (cd, do)
        assert len(u.seen) == 4


def test_stale_names_do_not_become_nxdomain():
    mood = {"rcode": "NOERROR"}

    def moody(query, transport):
        if mood["rcode"] == "NOERROR":
            return reply_to(query, f"{query.question[0].name} 1 A 192.0.2.7")
        return reply_to(query, rcode=mood["rcode"])
    with Upstream(moody) as u, Server(forwarding(u, "max_fails 0\n        read_timeout 200ms", plugins="cache {\n        serve_stale 1h\n    }")) as s:
        assert addresses(s.ask("www.example")) == ["192.0.2.7"]
        for rcode in ("SERVFAIL", "REFUSED"):
            mood["rcode"] = rcode
            time.sleep(1.3)
            for _ in range(5):
                assert addresses(s.ask("www.example")) == ["192.0.2.7"], rcode
                time.sleep(0.1)
        u.down()
        for _ in range(5):
            assert addresses(s.ask("www.example")) == ["192.0.2.7"]
            time.sleep(0.1)


def test_only_queries_reach_upstreams():
    """CVE-2026-86003: an UPDATE that is passed on comes from an address which the upstream trusts."""
    with Upstream(good) as u, Server(forwarding(u)) as s:
        for tcp in (False, True):
            for opcode in (dns.opcode.UPDATE, dns.opcode.IQUERY, dns.opcode.STATUS):
                m = dns.message.make_query("www.example", "SOA")
                m.set_opcode(opcode)
                wire = m.to_wire()
                kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
                with socket.socket(socket.AF_INET, kind) as c:
                    c.settimeout(3)
                    c.connect((HOST, s.port))
                    c.sendall(struct.pack("!H", len(wire)) + wire if tcp else wire)
                    got = c.recv(4096)[2 if tcp else 0:]
                assert got[3] & 15 == dns.rcode.NOTIMP, (tcp, opcode)
        assert not u.seen
        assert addresses(s.ask("www.example")) == ["192.0.2.7"] and len(u.seen) == 1


# --- loops ---


def test_guessed_probes_of_loop_end_nothing():
    """CVE-2026-26018: whoever guesses the name that `loop` asks itself for must not end the process."""
    def slow(query, transport):
        time.sleep(0.02)   # many of one name are inside at the same time
        return reply_to(query, rcode="NXDOMAIN")
    with Upstream(slow) as u, Server(forwarding(u, plugins="loop")) as s, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as c:
        seen = eventually(lambda: [q for q in u.seen if q.question[0].rdtype == dns.rdatatype.HINFO])
        assert seen, "loop did not ask"
        number = int(seen[0].question[0].name.labels[0])
        assert number > 1 << 40, "the name could be guessed"
        for guess in range(300):
            for _ in range(4):
                wire = dns.message.make_query(f"{guess}.{guess}", "HINFO").to_wire()
                c.sendto(wire, (HOST, s.port))
        assert s.ask("www.example").rcode() == dns.rcode.NXDOMAIN
        assert "detected" not in s.log()


def test_a_loop_after_a_reload_is_said_and_ends_nothing():
    with Upstream(good) as u, Server(forwarding(u, plugins="loop")) as s:
        s.write("Corefile", f".:@PORT@ {{\n    bind {HOST}\n    loop\n    forward . {HOST}:@PORT@\n}}\n")
        s.signal(signal.SIGUSR1)
        assert s.logged(r"^\[ERROR\] plugin/loop: Loop \(.*\) detected for zone \"\.\"", 8), s.log()
        s.write("Corefile", forwarding(u))
        s.signal(signal.SIGUSR1)
        assert eventually(lambda: addresses(s.ask("www.example")) == ["192.0.2.7"])


# --- what was answered ---


def test_the_log_says_what_was_answered():
    plugins = 'cache\n    log . "{name} {type} {rcode}: {answers}"'
    with Upstream(good) as u, Server(forwarding(u, plugins=plugins)) as s:
        for _ in range(2):   # from the upstream, then from the cache
            s.ask("www.example")
        assert eventually(lambda: s.log().count("[INFO] www.example. A NOERROR: A 192.0.2.7\n") == 2), s.log()


def test_the_list_names_tests_that_there_are():
    tests = Path(__file__).resolve().parent.parent
    sources = "".join(f.read_text() for folder in ("unit", "integration", "kube") for f in sorted((tests / folder).glob("test_*.[cp]*")))
    listed = re.findall(r"^\| [^|]+ \| ([^|]+) \|$", (tests / "README.md").read_text().split("## What is known to hurt")[1], re.M)
    names = [n for row in listed for n in re.findall(r"\w+_\w+", row) if n != "coredns_panics_total"]
    assert len(names) > 40
    programs = {f.stem.removeprefix("test_") for f in (tests / "unit").glob("test_*.c")}
    missing = [n for n in names if n not in programs and not re.search(rf"\b{n}\(|\({n}[,)]", sources)]
    assert not missing, missing


harness.main(globals())
