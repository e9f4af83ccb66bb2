"""Attacks on HTTP listeners: while one goes on others are served, memory stays as it was, and what was cut off is counted."""
import base64
import contextlib
import socket
import struct
import time

import dns.message
import hpack

import harness
from certificates import Authority
from harness import HOST, SANITIZED, Server, Upstream, eventually
from http2_client import CONTINUATION, DATA, HEADERS, PING, PREFACE, RESET, SETTINGS, WINDOW, Http2, frame, tls

COREFILE = """
.:@PORT@ {
    bind 127.0.0.1
    prometheus 127.0.0.1:@PROM@
    whoami
}
https://.:@DOH@ {
    bind 127.0.0.1
    tls server.pem server.key
    timeouts {
        read 2s
    }
    file zone example.org
}
https://.:@WEB@ {
    bind 127.0.0.1
    timeouts {
        read 2s
    }
    file zone example.org
}
grpc://.:@CLEAR@ {
    bind 127.0.0.1
    timeouts {
        read 2s
    }
    file zone example.org
}
"""

ZONE = """example.org. 60 IN SOA ns.example.org. h.example.org. 1 7200 900 1209600 60
example.org. 60 IN NS ns.example.org.
www.example.org. 60 IN A 192.0.2.1
""" + "".join(f'big.example.org. 60 IN TXT "{n:03d}{"x" * 240}"\n' for n in range(100))

ROOT = Authority()
SERVER = ROOT.issue("dns.test")
MIB = 1024


def server():
    return Server(COREFILE, {"server.pem": SERVER.pem, "server.key": SERVER.key, "ca.pem": ROOT.pem, "zone": ZONE})


def path_for(name, rdtype="A"):
    wire = dns.message.make_query(name, rdtype, id=0).to_wire()
    return "/dns-query?dns=" + base64.urlsafe_b64encode(wire).decode().rstrip("=")


def secure(s):
    return tls(HOST, s.ports["DOH"], s.dir / "ca.pem", "dns.test")


def clear(s, word="WEB"):
    return socket.create_connection((HOST, s.ports[word]), 5)


def request(method="GET", path=None, *more):
    """A request's fields as octets, good on any connection, as often as one likes."""
    fields = [(":method", method), (":scheme", "https"), (":authority", "ns.test"), (":path", path or path_for("www.example.org.")), *more]
    return hpack.Encoder().encode([hpack.NeverIndexedHeaderTuple(k, v) for k, v in fields])


def others_are_served(s):
    with secure(s) as sock:
        c = Http2(sock)
        for _ in range(3):
            status, _ = c.fetch(path_for("www.example.org."))
            assert status == 200
    with clear(s) as c:
        c.sendall(f"GET {path_for('www.example.org.')} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        c.settimeout(5)
        assert c.recv(1000).startswith(b"HTTP/1.1 200")


def limit(s, name):
    return s.metric(rf'^isthmus_http_limits_total\{{.*limit="{name}"')


@contextlib.contextmanager
def attacked(s, mib=8, warm=None):
    """Memory may grow by so much in the block, over what a first round of the same took, and others are served during and after it."""
    others_are_served(s)
    if warm:
        warm()
    before = s.rss()
    yield
    others_are_served(s)
    grown = s.rss() - before
    assert SANITIZED or grown < mib * MIB, f"{grown} KiB more, of {before}"


def flood(sock, octets, times):
    """Sends the octets again and again until that is done or the server has closed; what it says, or None when it has reset the
    connection."""
    got = b""
    with contextlib.suppress(OSError):
        sock.settimeout(5)
        for _ in range(times):
            sock.sendall(octets)
    with contextlib.suppress(TimeoutError):
        sock.settimeout(0.5)
        try:
            while piece := sock.recv(65536):
                got += piece
        except OSError as e:
            if not isinstance(e, TimeoutError):
                return None
    return got


def is_closed(sock):
    sock.settimeout(1)
    with contextlib.suppress(TimeoutError):
        try:
            while sock.recv(65536):
                pass
        except OSError as e:
            return not isinstance(e, TimeoutError)
        return True
    return False


def cut_off(s, frames, times, limit_name="frames"):
    """Whether connections that send these frames are ended, and counted."""
    def once(sock):
        with sock:
            sock.sendall(PREFACE + frame(SETTINGS))
            flood(sock, frames, times)
            return is_closed(sock)
    before = limit(s, limit_name)
    with attacked(s, warm=lambda: once(secure(s))):
        for _ in range(10):
            assert once(secure(s))
            assert once(clear(s, "CLEAR"))
    assert limit(s, limit_name) >= before + 10, (before, limit(s, limit_name))


def test_pings():
    with server() as s:
        cut_off(s, frame(PING, payload=b"01234567") * 100, 300)


def test_settings():
    with server() as s:
        cut_off(s, frame(SETTINGS, payload=struct.pack("!HI", 4, 65535)) * 100, 300)


def test_empty_data():
    with server() as s:
        head = frame(HEADERS, 4, 1, request("POST"))
        with secure(s) as sock:
            sock.sendall(PREFACE + frame(SETTINGS) + head)
            flood(sock, frame(DATA, 0, 1) * 100, 300)
        assert eventually(lambda: limit(s, "frames") == 1)
        others_are_served(s)


def test_rapid_reset():
    """CVE-2023-44487: requests that are taken back at once."""
    def resets(first):
        head = request()
        return b"".join(frame(HEADERS, 5, i, head) + frame(RESET, 0, i, struct.pack("!I", 8)) for i in range(first, first + 2000, 2))

    def once(sock):
        with sock:
            sock.sendall(PREFACE + frame(SETTINGS))
            with contextlib.suppress(OSError):
                for first in range(1, 20001, 2000):
                    sock.sendall(resets(first))
            flood(sock, b"", 0)
    with server() as s:
        with attacked(s, warm=lambda: once(secure(s))):
            for _ in range(5):
                once(secure(s))
                once(clear(s, "CLEAR"))
        assert limit(s, "frames") >= 10


def test_continuations():
    """CVE-2024-27316 and its like: a head that has no end."""
    with server() as s:
        for payload in (b"", hpack.Encoder().encode([hpack.NeverIndexedHeaderTuple("x", "y" * 8000)])):
            def once(sock, payload=payload):
                with sock:
                    sock.sendall(PREFACE + frame(SETTINGS) + frame(HEADERS, 0, 1, request()))
                    flood(sock, frame(CONTINUATION, 0, 1, payload), 50000 if not payload else 500)
            with attacked(s, warm=lambda: once(secure(s))):
                for _ in range(5):
                    once(secure(s))
                    once(clear(s, "CLEAR"))


def test_compressed_heads():
    """HPACK: an entry of the table named again and again, so that few octets are a large head."""
    entry = hpack.Encoder().encode([("x", "y" * 3900)])
    with server() as s:
        def once():
            with secure(s) as sock:
                sock.sendall(PREFACE + frame(SETTINGS))
                sock.sendall(frame(HEADERS, 5, 1, request() + entry + b"\xbe" * 12000))
                flood(sock, b"", 0)
        with attacked(s, warm=once):
            for _ in range(20):
                once()
        assert limit(s, "fields") >= 20


def test_heads_of_http1():
    with server() as s:
        def once():
            with clear(s) as c:
                return flood(c, b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: " + b"y" * 100000, 20)
        with attacked(s, warm=once):
            for _ in range(50):
                once()
        assert limit(s, "fields") >= 50


def test_slow_heads_and_bodies():
    """A hundred and fifty clients that send an octet now and then, and bodies that never end."""
    beginnings = [b"GET / HTTP/1.1\r\nHost: x\r\n", b"POST /dns-query HTTP/1.1\r\nHost: x\r\nContent-Length: 65535\r\n\r\n" + b"z" * 60000,
                  b"POST /dns-query HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n" + b"z" * 60000]

    def drip(s):
        clients = [clear(s) for _ in range(150)]
        for i, c in enumerate(clients):
            c.sendall(beginnings[i % 3])
        for _ in range(6):
            time.sleep(0.5)
            others_are_served(s)
            for c in clients:
                with contextlib.suppress(OSError):
                    c.send(b"z")
        gone = sum(1 for c in clients if closed(c))
        for c in clients:
            c.close()
        return gone

    def closed(c):
        c.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            try:
                return c.recv(1) == b""
            except ConnectionError:
                return True
        return False
    with server() as s:
        with attacked(s, mib=12, warm=lambda: drip(s)):
            assert drip(s) == 150
        assert s.metric('^isthmus_connections_cut_total.*reason="slow_writer"') >= 150


def test_streams_that_stall():
    """CVE-2025-68151: as many streams as may be on many connections, each without an end."""
    head = request("POST", "/coredns.dns.DnsService/Query", ("content-type", "application/grpc"))
    body = b"\0\0\0\xff\0" + b"z" * 200

    def once(s):
        clients = []
        for _ in range(100):
            c = clear(s, "CLEAR")
            clients.append(c)
            c.sendall(PREFACE + frame(SETTINGS) + b"".join(
                frame(HEADERS, 4, i, head) + frame(DATA, 0, i, body) for i in range(1, 512, 2)))
        time.sleep(1)
        others_are_served(s)
        time.sleep(2)
        for c in clients:
            c.close()
    with server() as s:
        for _ in range(2):   # until the heap has the shape that this gives it
            once(s)
        with attacked(s, mib=12):
            once(s)
        assert SANITIZED or s.rss() < 128 * MIB
        assert s.metric('^isthmus_connections_cut_total.*reason="slow_writer"') >= 200


def test_readers_that_read_nothing():
    """Windows of zero octets, and large answers asked for."""
    head = request("GET", path_for("big.example.org.", "TXT"))
    settings = frame(SETTINGS, payload=struct.pack("!HI", 4, 0))

    def once(s):
        clients = []
        for _ in range(60):
            clients.append(secure(s))
            clients[-1].sendall(PREFACE + settings + b"".join(frame(HEADERS, 5, i, head) for i in range(1, 500, 2)))
        time.sleep(1)
        others_are_served(s)
        most = s.rss()
        time.sleep(2.5)
        for c in clients:
            c.close()
        return most
    with server() as s:
        assert once(s) < 128 * MIB or SANITIZED
        with attacked(s, mib=8):
            once(s)
        assert s.metric('^isthmus_connections_cut_total') >= 60


def test_windows_that_grow_by_one_octet():
    with server() as s, secure(s) as sock:
        head = request("GET", path_for("big.example.org.", "TXT"))
        sock.sendall(PREFACE + frame(SETTINGS, payload=struct.pack("!HI", 4, 0)) + frame(HEADERS, 5, 1, head))
        flood(sock, frame(WINDOW, 0, 1, struct.pack("!I", 1)) * 50, 200)
        assert eventually(lambda: limit(s, "frames") == 1)
        others_are_served(s)


def test_parameters_that_are_too_long():
    """CVE-2026-32936: refused before anything is decoded."""
    with server() as s:
        def once():
            with clear(s) as c:
                got = flood(c, b"GET /dns-query?dns=" + b"A" * 90000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 1)
                assert got.startswith(b"HTTP/1.1 400"), got[:50]
        with attacked(s, warm=once):
            for _ in range(100):
                once()


def test_messages_that_would_grow():
    """CVE-2026-82399: counts and compression pointers that promise more than there is."""
    name = b"\x3f" + b"a" * 63
    wire = b"\0\0\1\0\0\1\0\0\0\0\0\2" + name * 3 + b"\0\0\1\0\1" + b"".join(b"\xc0\x0c\0\x0f\0\1\0\0\0\0\0\4\0\0\xc0\x0c" for _ in range(4000))
    head = f"POST /dns-query HTTP/1.1\r\nHost: x\r\nContent-Length: {len(wire)}\r\n\r\n".encode()
    with server() as s:
        def once():
            with clear(s) as c:
                flood(c, head + wire, 20)
        with attacked(s, warm=once):
            for _ in range(20):
                once()


def test_updates_reach_no_upstream():
    """CVE-2026-86003: one acceptance rule, whatever the door."""
    s = Server("""
https://.:@PORT@ {
    bind 127.0.0.1
    forward . 127.0.0.1:@UP@
}
grpc://.:@CLEAR@ {
    bind 127.0.0.1
    forward . 127.0.0.1:@UP@
}
""", start=False)
    s.expand("@UP@")
    with Upstream(lambda q, _: dns.message.make_response(q), s.ports["UP"]) as up, s:
        s.start()
        wire = bytes.fromhex("00002800000100000000000003777777076578616d706c65036f72670000060001")
        with clear(s, "PORT") as c:
            got = flood(c, f"POST /dns-query HTTP/1.1\r\nHost: x\r\nContent-Length: {len(wire)}\r\nConnection: close\r\n\r\n".encode() + wire, 1)
            assert got.endswith(b"\0\0\xa8\4" + b"\0" * 8), got
        body = b"\0\0\0\0" + bytes([len(wire) + 2]) + b"\x0a" + bytes([len(wire)]) + wire
        with clear(s, "CLEAR") as c:
            head = request("POST", "/coredns.dns.DnsService/Query", ("content-type", "application/grpc"))
            c.sendall(PREFACE + frame(SETTINGS) + frame(HEADERS, 4, 1, head) + frame(DATA, 1, 1, body))
            time.sleep(0.3)
        assert up.seen == []


if __name__ == "__main__":
    harness.main(globals())
