"""The PROXY protocol: headers that come slowly or broken, floods of them, and a reload that begins to expect them."""
import contextlib
import signal
import socket
import struct
import time
from pathlib import Path

import dns.exception
import dns.message
import dns.query

import harness
from harness import HOST, Server, eventually

COREFILE = """
.:@PORT@ {
    bind 127.0.0.1
    proxyproto
    log . "client {remote}"
    prometheus 127.0.0.1:@PROM@
    whoami
}
"""
V1 = b"PROXY TCP4 192.0.2.7 192.0.2.99 4000 53\r\n"


def v2(source, datagram=False):
    body = socket.inet_aton(source) + socket.inet_aton("192.0.2.99") + struct.pack("!HH", 4000, 53)
    return b"\r\n\r\n\0\r\nQUIT\n" + struct.pack("!BBH", 0x21, 0x12 if datagram else 0x11, len(body)) + body


def exchange(s, name="who.example.org"):
    q = dns.message.make_query(name, "A")
    dns.query.send_tcp(s, q, time.time() + 5)
    return dns.query.receive_tcp(s, time.time() + 5)[0]


def client_of(reply):
    return next(r[0].to_text() for r in reply.additional if r.rdtype == 1)


def cpu(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def test_a_header_may_come_octet_by_octet():
    with Server(COREFILE) as s, socket.create_connection((HOST, s.port), 5) as c:
        c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in v2("192.0.2.8"):
            c.sendall(bytes([octet]))
            time.sleep(0.005)
        assert client_of(exchange(c)) == "192.0.2.8"
        assert client_of(exchange(c)) == "192.0.2.8"


def test_half_a_header_costs_nothing_and_ends_by_time():
    with Server(COREFILE) as s:
        before = cpu(s.serving_pid())
        waiting = [socket.create_connection((HOST, s.port), 5) for _ in range(20)]
        began = time.time()
        for c in waiting:
            c.sendall(V1[:20])
        for c in waiting:
            with c, contextlib.suppress(ConnectionResetError):
                assert c.recv(1) == b""
        assert 2.5 < time.time() - began < 6
        assert cpu(s.serving_pid()) - before < 60, "the loop was busy with octets that were not enough"


def test_a_header_and_queries_in_one_segment():
    with Server(COREFILE) as s, socket.create_connection((HOST, s.port), 5) as c:
        wire = dns.message.make_query("who.example.org", "A").to_wire()
        c.sendall(V1 + (struct.pack("!H", len(wire)) + wire) * 3)
        for _ in range(3):
            assert client_of(dns.query.receive_tcp(c, time.time() + 5)[0]) == "192.0.2.7"


def test_broken_headers_are_refused_and_counted():
    with Server(COREFILE) as s:
        for octets in (b"PROXY HELLO\r\n", b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff", b"PROXY " + b"x" * 200):
            with socket.create_connection((HOST, s.port), 5) as c, contextlib.suppress(ConnectionResetError):
                c.sendall(octets)
                assert c.recv(1) == b""
        assert eventually(lambda: s.metric('^isthmus_proxy_protocol_refused_total{proto="tcp"}') == 3)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
            for _ in range(100):
                u.sendto(b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0", (HOST, s.port))
        assert eventually(lambda: s.metric('^isthmus_proxy_protocol_refused_total{proto="udp"}') == 100)
        assert 1 <= s.log().count("dropping invalid Proxy Protocol packet") <= 4
        assert client_of(s.ask("who.example.org")) == HOST


def test_datagrams_name_their_client_each_for_itself():
    with Server(COREFILE) as s, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
        u.settimeout(5)
        u.connect((HOST, s.port))
        wire = dns.message.make_query("who.example.org", "A").to_wire()
        for source in ("192.0.2.10", "192.0.2.11", None):
            u.send((v2(source, True) if source else b"") + wire)
            assert client_of(dns.message.from_wire(u.recv(4096))) == (source or HOST)


def test_a_reload_begins_and_ends_to_expect_proxies():
    without = COREFILE.replace("    proxyproto\n", "")
    with Server(without) as s:
        for number, (text, expected) in enumerate(((COREFILE, "192.0.2.7"), (without, None)), 1):
            s.write("Corefile", text)
            s.signal(signal.SIGUSR1)
            assert eventually(lambda n=number: s.log().count("Reloading complete") == n), s.log()
            with socket.create_connection((HOST, s.port), 5) as c:
                c.sendall(V1)
                try:
                    got = client_of(exchange(c))
                except (EOFError, OSError, dns.exception.Timeout):
                    got = None
                assert got == expected, got


harness.main(globals())
