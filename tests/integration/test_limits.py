"""Limits of encrypted connections: each is run into, counted, and leaves others served. Those of HTTP: test_http_attacks.py, test_https.py."""
import base64
import contextlib
import socket
import sys
import time
from pathlib import Path

import dns.message
import dns.query
import hpack

import harness
from certificates import Authority
from harness import HOST, Server, Upstream, addresses, eventually, reply_to
from http2_client import HEADERS, PREFACE, SETTINGS, frame, tls

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "quic"))

import quic_client

COREFILE = """
.:@PORT@ {
    bind 127.0.0.1
    whoami
}
tls://.:@DOT@ quic://.:@DOQ@ https3://.:@DOHTHREE@ https://.:@DOH@ {
    bind 127.0.0.1
    tls server.pem server.key
    prometheus 127.0.0.1:@PROM@
    %s
}
"""

HOSTS = "hosts {\n        192.0.2.1 www.example.org\n    }"
ROOT = Authority()
SERVER = ROOT.issue("dns.test", HOST)
FILES = {"server.pem": SERVER.pem, "server.key": SERVER.key, "ca.pem": ROOT.pem}
EXCESSIVE_LOAD, H3_EXCESSIVE_LOAD = 4, 0x107


def server(*lines):
    return Server(COREFILE % "\n    ".join(lines), FILES, args=("-workers", "1"))


@contextlib.contextmanager
def client():
    c = quic_client.Client(quic_client.program(harness.BINARY))
    try:
        yield c
    finally:
        c.close()


def query(name="www.example.org"):
    return dns.message.make_query(name, "A", id=0)


def connect(cl, s, word="DOQ", **more):
    return cl.connect(s.ports[word], name="dns.test", verify=s.dir / "ca.pem", **more)


def ask_quic(c):
    wire = query().to_wire()
    stream = c.send(len(wire).to_bytes(2, "big") + wire)
    assert c.wait(lambda c: stream in c.ended, 5), (c.state, c.closed)
    return addresses(dns.message.from_wire(c.data[stream][2:]))


def ask_tls(s):
    with tls(HOST, s.ports["DOT"], s.dir / "ca.pem", "dns.test", alpn="dot") as t:
        dns.query.send_tcp(t, query(), time.time() + 5)
        return addresses(dns.query.receive_tcp(t, time.time() + 5)[0])


def cut(s, proto, reason):
    return s.metric(rf'^isthmus_connections_cut_total\{{proto="{proto}",reason="{reason}"') or 0


def test_idle_connections_end_in_time():
    with server("timeouts {\n        idle 1s\n    }", HOSTS) as s, client() as cl:
        c = connect(cl, s)
        assert ask_quic(c) == ["192.0.2.1"]
        with tls(HOST, s.ports["DOT"], s.dir / "ca.pem", "dns.test", alpn="dot") as t:
            dns.query.send_tcp(t, query(), time.time() + 5)
            dns.query.receive_tcp(t, time.time() + 5)
            t.settimeout(4)
            assert t.recv(1) == b""
        assert eventually(lambda: cut(s, "tls", "idle") == 1) and eventually(lambda: cut(s, "quic", "idle") == 1), s.log()
        assert eventually(lambda: s.metric('connections_open.*"quic"') == 0)


def test_handshakes_make_room_for_others():
    with server(HOSTS) as s, contextlib.ExitStack() as open_ones:
        for _ in range(1020):
            open_ones.enter_context(socket.create_connection((HOST, s.ports["DOT"]), 5))
        assert ask_tls(s) == ["192.0.2.1"]
        assert eventually(lambda: cut(s, "tls", "handshakes_full") >= 20), cut(s, "tls", "handshakes_full")


def test_handshakes_that_are_given_up_are_counted():
    with server(HOSTS) as s:
        with socket.create_connection((HOST, s.ports["DOT"]), 5) as c:
            c.sendall(b"\x16\x03\x01")
        assert eventually(lambda: s.metric('^isthmus_tls_handshakes_total.*proto="tls".*"abandoned"') == 1)
        with socket.create_connection((HOST, s.ports["DOT"]), 5) as c:
            c.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert eventually(lambda: s.metric('^isthmus_tls_handshakes_total.*proto="tls".*"failed"') == 1)


def test_a_client_of_quic_has_its_share():
    with server(HOSTS) as s, client() as cl:
        connections = [connect(cl, s) for _ in range(503)]
        assert connections[-1].wait(lambda c: c.state == "closed", 5)
        closed = [c for c in connections if c.state == "closed"]
        assert len(closed) == 3 and {c.closed for c in closed} == {EXCESSIVE_LOAD}
        assert cut(s, "quic", "client_full") == 3
        assert ask_quic(connections[0]) == ["192.0.2.1"] and ask_tls(s) == ["192.0.2.1"]


def http3_request(c):
    path = "/dns-query?dns=" + base64.urlsafe_b64encode(query().to_wire()).decode().rstrip("=")
    return c.request([(":method", "GET"), (":scheme", "https"), (":authority", "dns.test"), (":path", path)])


def slow(seconds):
    def handle(q, _transport):
        time.sleep(seconds)
        return reply_to(q, f"{q.question[0].name} 60 A 192.0.2.1")
    return handle


def test_connections_that_work_are_not_put_out_by_others():
    with Upstream(slow(2)) as up, server("https3 {\n        max_connections 2\n    }", f"forward . {HOST}:{up.port}") as s, client() as cl:
        busy = [connect(cl, s, "DOHTHREE", alpn="h3") for _ in range(2)]
        asked = [http3_request(c) for c in busy]
        time.sleep(0.3)
        more = connect(cl, s, "DOHTHREE", alpn="h3")
        assert more.wait(lambda c: c.state == "closed", 5) and more.closed == H3_EXCESSIVE_LOAD
        assert cut(s, "https3", "surplus") == 1
        for c, stream in zip(busy, asked, strict=True):
            assert c.wait(lambda c, stream=stream: stream in c.ended, 5) and int(c.fields[stream][":status"]) == 200


def test_requests_beyond_the_limit_are_refused():
    """Sent before the server's settings are known: each is refused by itself (RFC 9113 5.1.2)."""
    path = "/dns-query?dns=" + base64.urlsafe_b64encode(query().to_wire()).decode().rstrip("=")
    fields = [(":method", "GET"), (":scheme", "https"), (":authority", "dns.test"), (":path", path)]
    head = hpack.Encoder().encode([hpack.NeverIndexedHeaderTuple(k, v) for k, v in fields])
    with Upstream(slow(1)) as up, server(f"forward . {HOST}:{up.port}") as s, tls(HOST, s.ports["DOH"], s.dir / "ca.pem", "dns.test") as c:
        c.sendall(PREFACE + frame(SETTINGS) + b"".join(frame(HEADERS, 5, 2 * i + 1, head) for i in range(255)))
        assert eventually(lambda: s.metric(r'^isthmus_http_limits_total\{limit="streams"') == 5), s.metric("http_limits_total")


def test_what_a_connection_holds_is_bounded():
    """Queries that are long and never whole: no more of them is taken than the connection's window, until their time is over."""
    with server(HOSTS) as s, client() as cl:
        assert ask_quic(connect(cl, s)) == ["192.0.2.1"]
        before = s.rss()
        c = connect(cl, s)
        half = (60000).to_bytes(2, "big") + bytes(2) + b"x" * 40000
        for _ in range(100):
            cl.tell("send", c.number, half.hex(), "nofin")
        cl.count()
        assert harness.SANITIZED or s.rss() - before < 2048, (before, s.rss())
        assert c.wait(lambda c: c.state == "closed", 6), c.state
        assert cut(s, "quic", "slow_writer") == 1
        assert ask_quic(connect(cl, s)) == ["192.0.2.1"]


harness.main(globals())
