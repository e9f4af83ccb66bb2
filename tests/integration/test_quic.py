"""DNS over QUIC and HTTP/3: real clients, the life of connections, and attacks: memory stays as it was, others are served."""
import base64
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import dns.flags
import dns.message
import dns.opcode

import harness
from certificates import Authority
from harness import HOST, Server, Upstream, addresses, eventually

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "quic"))

import quic_client

COREFILE = """
.:@PORT@ {
    bind 127.0.0.1
    whoami
}
quic://.:@DOQ@ {
    bind 127.0.0.1
    tls server.pem server.key
    hosts {
        192.0.2.1 www.example.org
    }
    prometheus 127.0.0.1:@PROM@
}
https3://.:@DOH@ {
    bind 127.0.0.1
    tls server.pem server.key
    hosts {
        192.0.2.1 www.example.org
    }
}
"""

FORWARDING = """
.:@PORT@ {
    bind 127.0.0.1
    whoami
}
quic://.:@DOQ@ {
    bind 127.0.0.1
    tls server.pem server.key
    quic {
        max_streams 20
        worker_pool_size %d
    }
    forward . 127.0.0.1:%d
    prometheus 127.0.0.1:@PROM@
}
"""

ROOT = Authority()
SERVER = ROOT.issue("dns.test", HOST)
MIB = 1024
NO_ERROR, INTERNAL_ERROR, PROTOCOL_ERROR, EXCESSIVE_LOAD = 0, 1, 2, 4
H3_EXCESSIVE_LOAD = 0x107
NO_APPLICATION_PROTOCOL = 0x178


# A sanitizer keeps freed memory for a while.
ENVIRONMENT = {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=4"}


def quic_server(corefile=COREFILE):
    return Server(corefile, {"server.pem": SERVER.pem, "server.key": SERVER.key, "ca.pem": ROOT.pem}, env=ENVIRONMENT)


@contextlib.contextmanager
def client():
    c = quic_client.Client(quic_client.program(harness.BINARY))
    try:
        yield c
    finally:
        c.close()


def query(name="www.example.org", rdtype="A", **more):
    return dns.message.make_query(name, rdtype, id=0, **more)


def framed(wire):
    return len(wire).to_bytes(2, "big") + wire


def send(c, name="www.example.org", rdtype="A"):
    return c.send(framed(query(name, rdtype).to_wire()))


def answer(c, stream, seconds=5):
    """What came on the stream once it has ended: a message, or what happened in place of one."""
    assert c.wait(lambda c: stream in c.ended or c.state != "open", seconds), "nothing came"
    data = c.data.get(stream, b"")
    if len(data) < 2:
        return c.ended.get(stream) or f"{c.state} {c.closed}"
    assert len(data) == 2 + int.from_bytes(data[:2], "big"), data
    return dns.message.from_wire(data[2:])


def ask(c, name="www.example.org", rdtype="A"):
    return answer(c, send(c, name, rdtype))


def connect(cl, server, word="DOQ", **more):
    c = cl.connect(server.ports[word], name="dns.test", verify=server.dir / "ca.pem", **more)
    assert c.state == "open", (c.state, c.why, c.closed)
    return c


def served(server):
    """Somebody else asks, and gets an answer."""
    with client() as cl:
        return addresses(ask(connect(cl, server))) == ["192.0.2.1"]


def http3(c, path="/dns-query", method="GET", body=b"", **fields):
    """(status, body, how the stream ended)"""
    head = [(":method", method), (":scheme", "https"), (":authority", "dns.test"), (":path", path)]
    stream = c.request(head + [(k.replace("_", "-"), v) for k, v in fields.items()], body)
    assert c.wait(lambda c: stream in c.ended or c.state != "open", 5), "nothing came"
    return int(c.fields.get(stream, {}).get(":status", 0)), c.data.get(stream, b""), c.ended.get(stream)


def get_path():
    return "/dns-query?dns=" + base64.urlsafe_b64encode(query().to_wire()).decode().rstrip("=")


def kdig(server, *words):
    done = subprocess.run(["kdig", f"@{HOST}", "-p", str(server.ports["DOQ"]), *words, "+quic", "+timeout=3", "+retry=0",
                           "www.example.org", "A"], capture_output=True, text=True, timeout=20)
    return done.stdout + done.stderr


def answering(seconds):
    """What an upstream does that takes so long."""
    def handle(q, transport):
        time.sleep(seconds)
        return dns.message.make_response(q)
    return handle


# --- clients ---

def test_kdig_asks_and_verifies():
    with quic_server() as s:
        good = kdig(s, f"+tls-ca={s.dir}/ca.pem", "+tls-hostname=dns.test")
        assert "192.0.2.1" in good and "QUIC" in good, good
        bad = kdig(s, f"+tls-ca={s.dir}/ca.pem", "+tls-hostname=other.test")
        assert "192.0.2.1" not in bad, bad


def test_sessions_are_resumed_by_all_workers():
    with quic_server() as s, client() as cl:
        c = connect(cl, s)
        ask(c)
        assert not c.resumed
        again = [connect(cl, s, resume=c) for _ in range(8)]     # from other ports: other workers
        assert all(a.resumed for a in again)
        assert all(addresses(ask(a)) == ["192.0.2.1"] for a in again)
        assert s.metric(r'handshakes_total.*"quic".*resumed') == 8


def test_clients_without_the_protocol_are_refused():
    with quic_server() as s, client() as cl:
        for alpn in ("h3", ""):
            c = cl.connect(s.ports["DOQ"], alpn=alpn)
            c.wait(lambda c: c.state != "open", 2)
            assert c.closed == NO_APPLICATION_PROTOCOL, (alpn, c.state, c.closed, c.why)
        assert served(s)


def test_keys_are_updated():
    with quic_server() as s, client() as cl:
        c = connect(cl, s)
        ask(c)
        time.sleep(0.2)
        c.rekey()
        assert addresses(ask(c)) == ["192.0.2.1"] and c.rekeyed == "begun"


def test_connections_outlive_a_change_of_address():
    """A NAT gives the client another port: the kernel gives its packets to any worker."""
    with quic_server() as s, client() as cl:
        c = connect(cl, s)
        for _ in range(10):
            assert addresses(ask(c)) == ["192.0.2.1"]
            c.rebind()
        assert addresses(ask(c)) == ["192.0.2.1"]
        assert s.metric("^isthmus_quic_stateless_resets_total") == 0


def test_many_answers_at_once_while_keys_and_addresses_change():
    """More answers in a round than a turn has packets: the server must not stop within a packet, which ended its process."""
    with quic_server() as s, client() as cl:
        before = s.serving_pid()
        for _ in range(3):
            c = connect(cl, s)
            c.load(framed(query().to_wire()), 2000, 200)
            for _ in range(3):
                c.rebind()
            c.rekey()
            c.wait(lambda c: c.loaded, 1)
        assert served(s) and s.serving_pid() == before, s.log()


def test_messages_in_pieces_and_streams_without_end():
    with quic_server() as s, client() as cl:
        c = connect(cl, s)
        wire = framed(query().to_wire())
        stream = c.send(wire[:1], fin=False)
        for i in range(1, len(wire)):
            c.more(stream, wire[i:i + 1], fin=False)
        assert addresses(answer(c, stream)) == ["192.0.2.1"]
        assert addresses(ask(c)) == ["192.0.2.1"]


def test_http3_serves_dns():
    with quic_server() as s, client() as cl:
        c = connect(cl, s, "DOH", alpn="h3")
        for status, body, end in (http3(c, get_path()),
                                  http3(c, method="POST", body=query().to_wire(), content_type="application/dns-message")):
            assert status == 200 and end == "stream ended" and addresses(dns.message.from_wire(body)) == ["192.0.2.1"]
        assert http3(c, "/")[0] == 404 and http3(c, method="PUT")[0] == 405 and http3(c)[0] == 400
        assert eventually(lambda: s.metric('https3_responses_total.*status="200"') == 2)
        assert s.metric('https3_responses_total.*status="404"') == 1


def test_answers_come_out_of_order():
    def handle(q, transport):
        return answering(0.7 if str(q.question[0].name).startswith("slow") else 0)(q, transport)
    with Upstream(handle) as up, quic_server(FORWARDING % (1024, up.port)) as s, client() as cl:
        c = connect(cl, s)
        late = [send(c, f"slow{i}.example.org") for i in range(3)]
        began = time.time()
        assert ask(c, "fast.example.org").rcode() == 0 and time.time() - began < 0.6
        assert all(answer(c, stream).rcode() == 0 for stream in late)


def test_queries_wait_their_turn():
    with Upstream(answering(0.1)) as up, quic_server(FORWARDING % (1, up.port)) as s, client() as cl:
        c = connect(cl, s)
        streams = [send(c, f"host{i}.example.org") for i in range(12)]
        began = time.time()
        assert all(answer(c, stream, 10).rcode() == 0 for stream in streams)
        assert time.time() - began > 0.5


# --- the end of streams and connections ---

def test_what_is_no_query_ends_the_connection():
    update, reply = query("example.org", "SOA"), query()
    update.set_opcode(dns.opcode.UPDATE)
    reply.flags |= dns.flags.QR
    bad = (b"\0\0", b"\0", b"", framed(bytes(11)), framed(update.to_wire()), framed(reply.to_wire()),
           framed(dns.message.make_query("www.example.org", "A", id=7).to_wire()))
    with quic_server() as s, client() as cl:
        for octets in bad:
            c = connect(cl, s)
            c.send(octets)
            assert c.wait(lambda c: c.state == "closed", 3), octets
            assert (c.closed, c.by) == (PROTOCOL_ERROR, "application"), (octets, c.closed)
        assert s.metric('quic_responses_total.*status="0x2"') == len(bad)
        assert served(s)


def test_clients_leave_while_their_queries_wait():
    with Upstream(answering(0.5)) as up, quic_server(FORWARDING % (1024, up.port)) as s, client() as cl:
        c = connect(cl, s)
        for i in range(10):
            send(c, f"a{i}.example.org")
        c.close()
        c = connect(cl, s)
        for i in range(10):
            stream = send(c, f"b{i}.example.org")
            c.stop(stream, 3)
            c.reset(stream, 3)
        time.sleep(0.8)
        assert ask(c, "c.example.org").rcode() == 0
        assert eventually(lambda: s.metric('connections_open.*"quic"') == 1)


def test_resets_do_not_buy_more_streams():
    """Rapid reset: a query that was given up counts as open until the server is done with it."""
    with Upstream(lambda q, transport: None) as up, quic_server(FORWARDING % (1024, up.port)) as s, client() as cl:
        c = connect(cl, s)
        for i in range(300):
            stream = send(c, f"r{i}.example.org")
            if stream is None or stream < 0:
                break
            c.stop(stream, 3)
        assert i == 20, i
        assert s.metric("^isthmus_queries_waiting") <= 20


def test_the_listener_goes():
    with quic_server() as s, client() as cl:
        c = connect(cl, s)
        ask(c)
        s.write("Corefile", COREFILE[:COREFILE.index("quic://")])
        s.signal(signal.SIGUSR1)
        assert c.wait(lambda c: c.state == "closed", 5)
        assert (c.closed, c.by) == (NO_ERROR, "application")


def test_what_is_asked_before_the_listener_goes_is_answered():
    """HTTP/3 is told by GOAWAY (RFC 9114 5.2); what is asked later is refused at once, and not forgotten."""
    late = """
.:@PORT@ {
    bind 127.0.0.1
    whoami
}
https3://.:@DOH@ quic://.:@DOQ@ {
    bind 127.0.0.1
    tls server.pem server.key
    forward . 127.0.0.1:%d
}
"""
    with Upstream(answering(1)) as up, quic_server(late % up.port) as s, client() as cl:
        h3, doq = connect(cl, s, "DOH", alpn="h3"), connect(cl, s)
        head = [(":method", "GET"), (":scheme", "https"), (":authority", "dns.test"), (":path", get_path())]
        asked, other = h3.request(head), send(doq)
        time.sleep(0.3)
        s.write("Corefile", COREFILE[:COREFILE.index("quic://")])
        s.signal(signal.SIGUSR1)
        assert h3.wait(lambda c: c.goaway is not None, 5), h3.state
        assert h3.goaway > asked
        assert answer(doq, send(doq)) in ("stream reset 0x4", "stream stopped 0x4"), doq.ended
        assert h3.wait(lambda c: asked in c.ended, 5) and h3.ended[asked] == "stream ended", h3.ended
        assert int(h3.fields[asked][":status"]) == 200
        assert answer(doq, other).rcode() == 0
        began = time.time()
        assert h3.wait(lambda c: c.state == "closed", 5) and doq.wait(lambda c: c.state == "closed", 5)
        assert time.time() - began < 2, "nobody was told of the end"


def test_connections_outlive_a_reload():
    with quic_server() as s, client() as cl:
        c = connect(cl, s)
        ask(c)
        s.write("Corefile", COREFILE.replace("192.0.2.1 www", "192.0.2.2 www"))
        s.signal(signal.SIGUSR1)
        assert s.logged("Reloading complete")
        assert addresses(ask(c)) == ["192.0.2.2"]


def test_a_crash_is_told_to_clients():
    """The server after it gives out the same tokens: connections that it does not know are reset at once."""
    with quic_server() as s, client() as cl:
        c = connect(cl, s)
        ask(c)
        before = s.serving_pid()
        os.kill(before, signal.SIGKILL)
        assert eventually(lambda: s.serving_pid() != before and served(s), 10)
        send(c)
        assert c.wait(lambda c: c.state == "closed", 3), "the client still waits"
        assert s.metric("^isthmus_quic_stateless_resets_total") >= 1


# --- limits and attacks ---

def test_connections_are_limited():
    limited = COREFILE.replace("https3://.:@DOH@ {", "https3://.:@DOH@ {\n    https3 {\n        max_connections 2\n    }")
    with quic_server(limited) as s, client() as cl:
        for _ in range(6):
            last = connect(cl, s, "DOH", alpn="h3")
            last.wait(lambda c: c.state != "open", 0.2)
        closed = [c for c in cl.connections if c.state == "closed"]
        assert len(closed) == 4 and all(c.closed == H3_EXCESSIVE_LOAD for c in closed), [(c.state, c.closed) for c in cl.connections]
        assert s.metric('connections_cut_total.*"https3".*(evicted|surplus)') == 4
        assert s.metric('connections_open.*"https3"') == 2
        assert served(s)


def test_streams_are_limited():
    with quic_server() as s, client() as cl:
        c = connect(cl, s)
        opened = sum(c.send(b"\0", fin=False) >= 0 for _ in range(300))
        assert opened == 256, opened


def test_stalled_streams_hold_little_and_not_long():
    """CVE-2025-47950: streams by the thousand, each stalled after an octet."""
    with quic_server() as s, client() as cl:
        assert served(s)
        before = s.rss()
        connections = [connect(cl, s) for _ in range(40)]
        for c in connections:
            for _ in range(256):
                cl.tell("send", c.number, "00", "nofin")
        cl.count()
        most = s.rss()
        assert most - before < 48 * MIB, (before, most)
        assert served(s)
        assert cl.until(lambda: all(c.state == "closed" for c in connections), 8)
        assert {c.closed for c in connections} == {PROTOCOL_ERROR}
        assert s.metric('connections_cut_total.*"quic".*slow_writer') == 40
        assert eventually(lambda: s.metric('connections_open.*"quic"') == 0)


def test_answers_that_nobody_takes_are_bounded():
    names = "".join(f"        192.0.{i // 250}.{i % 250 + 1} big.example.org\n" for i in range(2000))
    line = "        192.0.2.1 www.example.org\n"
    with quic_server(COREFILE.replace(line, line + names, 1)) as s, client() as cl:
        assert served(s)
        before = s.rss()
        for _ in range(20):
            c = connect(cl, s)
            c.mute()
            for _ in range(256):
                cl.tell("send", c.number, framed(query("big.example.org").to_wire()).hex(), "fin")
        cl.count()
        time.sleep(1)
        assert s.rss() - before < 24 * MIB, (before, s.rss())
        assert served(s)


def test_handshakes_that_are_never_finished():
    """Amplification: no client gets more than three times what it sent; in a flood they have to show their addresses."""
    with quic_server() as s, client() as cl:
        assert served(s)
        before = s.rss()
        for _ in range(1000):
            cl.begin(s.ports["DOQ"], mute=True)
        time.sleep(1.5)
        sent, received, retries = cl.count()
        assert received <= 3 * sent, (sent, received)
        assert retries > 700, retries
        assert s.metric("^isthmus_quic_retries_total") >= retries
        assert s.rss() - before < 32 * MIB, (before, s.rss())
        assert served(s)
        assert eventually(lambda: s.metric("connections_cut_total.*slow_handshake") > 50, 10)


def test_noise_is_passed_over():
    with quic_server() as s, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
        u.connect((HOST, s.ports["DOQ"]))
        u.settimeout(0.3)
        noise = random.Random(1)
        for i in range(3000):
            octets = bytearray(noise.randbytes(noise.choice((1, 5, 20, 40, 300, 1200, 1400))))
            if i % 3 == 0 and len(octets) > 4:
                octets[0], octets[1:5] = 0xC0 | noise.randrange(64), b"\0\0\0\1"
            u.send(bytes(octets))
        with contextlib.suppress(TimeoutError):
            while True:
                u.recv(65535)
        assert served(s)
        u.send(b"\xc0\x0a\x0a\x0a\x0a\x08" + b"c" * 8 + b"\x08" + b"s" * 8 + bytes(1200))
        got = u.recv(65535)
        assert got[1:5] == bytes(4) and got[-4:] == b"\0\0\0\1", got       # version negotiation


def test_http3_heads_and_bodies_are_limited():
    with quic_server() as s, client() as cl:
        c = connect(cl, s, "DOH", alpn="h3")
        assert http3(c, "/dns-query?dns=" + "A" * 20000)[2] == f"stream reset {H3_EXCESSIVE_LOAD:#x}"
        assert http3(c, method="POST", body=bytes(90000), content_type="application/dns-message")[0] == 400
        for limit in ("fields", "body"):
            assert s.metric(f'http_limits_total.*"{limit}".*"https3"') == 1, limit
        assert http3(c, get_path())[0] == 200


harness.main(globals())
