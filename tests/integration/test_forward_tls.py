"""Forwarding over TLS, HTTPS, QUIC, HTTP/3 and gRPC: to servers of our own, to Unbound and dnsdist, and to servers that break off."""
import contextlib
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import threading
import time
from concurrent import futures
from pathlib import Path

import dns.message
import dns.rcode
import grpc
import h2.config
import h2.connection
import h2.events
import h2.exceptions

import harness
from certificates import Authority
from harness import HOST, Server, addresses, eventually, free_port, reply_to

ROOT = Authority()
BELOW = Authority("below", ROOT)
SERVER = ROOT.issue("dns.test", HOST)
FILES = {"server.pem": SERVER.pem, "server.key": SERVER.key, "ca.pem": ROOT.pem}

OURS = """
.:@PORT@ {
    bind 127.0.0.1
    hosts {
        192.0.2.1 www.example.org
    }
}
tls://.:@DOT@ {
    bind 127.0.0.1
    tls server.pem server.key
    hosts {
        192.0.2.1 www.example.org
    }
}
https://.:@DOH@ {
    bind 127.0.0.1
    tls server.pem server.key
    hosts {
        192.0.2.1 www.example.org
    }
}
grpc://.:@GRPC@ {
    bind 127.0.0.1
    tls server.pem server.key
    hosts {
        192.0.2.1 www.example.org
    }
}
quic://.:@DOQ@ {
    bind 127.0.0.1
    tls server.pem server.key
    hosts {
        192.0.2.1 www.example.org
    }
}
https3://.:@DOHTHREE@ {
    bind 127.0.0.1
    tls server.pem server.key
    hosts {
        192.0.2.1 www.example.org
    }
}
"""

# Of forward's TOs: the scheme, and which of OURS it is spoken to.
ENCRYPTED = (("tls", "DOT"), ("https", "DOH"), ("quic", "DOQ"), ("h3", "DOHTHREE"))


def forwarding(*to, options="", directive="forward"):
    return (f".:@PORT@ {{\n bind {HOST}\n errors\n prometheus {HOST}:@PROM@\n {directive} . {' '.join(to)} {{\n"
            f" tls ca.pem\n policy sequential\n {options}\n }}\n}}\n")


def good(query):
    return reply_to(query, f"{query.question[0].name} 60 A 192.0.2.7").to_wire()


def frame(wire):
    return struct.pack("!H", len(wire)) + wire


class Fake:
    """A TLS server whose connections are served by `serve(connection, number)`, the number counting from 0."""

    def __init__(self, serve, issued=SERVER, alpn=None):
        self.serve, self.port, self.count = serve, free_port(), 0
        self.dir = Path(tempfile.mkdtemp(prefix="isthmus-fake-"))
        (self.dir / "pem").write_text(issued.pem)
        (self.dir / "key").write_text(issued.key)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.dir / "pem", self.dir / "key")
        if alpn:
            self.context.set_alpn_protocols([alpn])
        self.listener = socket.create_server((HOST, self.port))
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        with contextlib.suppress(OSError):
            while True:
                raw, _ = self.listener.accept()
                raw.settimeout(10)
                self.count += 1
                threading.Thread(target=self._one, args=(raw, self.count - 1), daemon=True).start()

    def _one(self, raw, number):
        with contextlib.suppress(OSError, ssl.SSLError, struct.error):
            with self.context.wrap_socket(raw, server_side=True) as c:
                self.serve(c, number)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        shutil.rmtree(self.dir)


def read_whole(c, length):
    got = b""
    while len(got) < length:
        more = c.recv(length - len(got))
        if not more:
            raise OSError("closed")
        got += more
    return got


def read_query(c):
    return dns.message.from_wire(read_whole(c, int.from_bytes(read_whole(c, 2), "big")))


def answering(c, _number):
    while True:
        c.sendall(frame(good(read_query(c))))


# --- well-behaved servers ---


def test_our_own_server_at_both_ends():
    with Server(OURS, FILES) as up:
        for scheme, word, directive in (*((*e, "forward") for e in ENCRYPTED), ("", "GRPC", "grpc")):
            to = f"{scheme}://{HOST}:{up.ports[word]}" if scheme else f"{HOST}:{up.ports[word]}"
            with Server(forwarding(to, directive=directive), FILES) as s:
                for i in range(3):
                    assert addresses(s.ask("www.example.org", tcp=i == 1)) == ["192.0.2.1"], (scheme, s.log())


@contextlib.contextmanager
def grpc_server(address):
    """grpcio, with CoreDNS's DnsService."""
    def serve(query, _context):
        length = 2 if query[1] < 128 else 3
        reply = good(dns.message.from_wire(query[length:]))
        return b"\x0a" + bytes([len(reply)]) + reply
    handlers = grpc.method_handlers_generic_handler("coredns.dns.DnsService", {"Query": grpc.unary_unary_rpc_method_handler(serve)})
    server = grpc.server(futures.ThreadPoolExecutor(2))
    server.add_generic_rpc_handlers((handlers,))
    assert server.add_insecure_port(address)
    server.start()
    try:
        yield server
    finally:
        server.stop(None)


def test_grpc_over_a_unix_socket():
    corefile = f".:@PORT@ {{\n bind {HOST}\n errors\n prometheus {HOST}:@PROM@\n grpc . unix://@DIR@/socket\n}}\n"
    with Server(corefile) as s:
        assert s.ask("www.example.org").rcode() == dns.rcode.SERVFAIL
        assert s.logged(r"rpc error: code = Unavailable desc = dial unix /.*/socket: connect: no such file or directory"), s.log()
        with grpc_server(f"unix:{s.dir}/socket"):
            for i in range(20):
                assert addresses(s.ask(f"n{i}.example.org")) == ["192.0.2.7"], s.log()
            assert s.metric(r'coredns_grpc_requests_total{to="unix:///.*/socket"}') == 20
        assert s.ask("www.example.org", timeout=6).rcode() == dns.rcode.SERVFAIL
        with grpc_server(f"unix:{s.dir}/socket"):
            assert addresses(s.ask("www.example.org")) == ["192.0.2.7"], s.log()


def test_sessions_are_resumed_after_idling():
    with Server(OURS, FILES) as up:
        for scheme, word in ENCRYPTED:
            with Server(forwarding(f"{scheme}://{HOST}:{up.ports[word]}", options="expire 0s"), FILES, args=("-workers", "1")) as s:
                for _ in range(4):
                    assert addresses(s.ask("www.example.org")) == ["192.0.2.1"]
                assert s.metric(r'handshakes_total.*result="full"') == 1, scheme
                assert s.metric(r'handshakes_total.*result="resumed"') == 3, scheme


def test_idle_connections_are_closed_and_old_ones_not_used():
    with Server(OURS, FILES) as up:
        for scheme, word in ENCRYPTED:
            with Server(forwarding(f"{scheme}://{HOST}:{up.ports[word]}", options="max_age 300ms\n expire 300ms"), FILES, args=("-workers", "1")) as s:
                for _ in range(3):
                    assert addresses(s.ask("www.example.org")) == ["192.0.2.1"]
                    assert addresses(s.ask("www.example.org")) == ["192.0.2.1"]
                    time.sleep(0.4)
                made = sum(s.metric(f'handshakes_total.*result="{how}"') or 0 for how in ("full", "resumed"))
                assert made == 3, (scheme, made)


@contextlib.contextmanager
def unbound(directory, port):
    (directory / "unbound.conf").write_text(
        f"server:\n interface: {HOST}@{port}\n tls-port: {port}\n tls-service-key: {directory}/server.key\n"
        f" tls-service-pem: {directory}/server.pem\n chroot: \"\"\n username: \"\"\n use-syslog: no\n directory: {directory}\n"
        f" pidfile: {directory}/pid\n num-threads: 1\n local-zone: example.org. static\n"
        f" local-data: \"www.example.org. A 192.0.2.1\"\nremote-control:\n control-enable: no\n")
    p = subprocess.Popen(["unbound", "-d", "-c", str(directory / "unbound.conf")], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        p.terminate()
        p.wait()


@contextlib.contextmanager
def dnsdist(directory, port):
    (directory / "dnsdist.conf").write_text(
        f"setLocal('{HOST}:{free_port()}')\nsetSecurityPollSuffix('')\n"
        f"addTLSLocal('{HOST}:{port}', '{directory}/server.pem', '{directory}/server.key')\n"
        "addAction(AllRule(), SpoofAction('192.0.2.1'))\n")
    p = subprocess.Popen(["dnsdist", "--supervised", "-C", str(directory / "dnsdist.conf")], stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        p.terminate()
        p.wait()


def connects(port):
    with socket.create_connection((HOST, port), 1):
        return True


def test_other_servers_of_dns_over_tls():
    for program, server in (("unbound", unbound), ("dnsdist", dnsdist)):
        if not shutil.which(program):
            continue
        port = free_port()
        with Server(forwarding(f"tls://{HOST}:{port}", options="tls_servername dns.test"), FILES) as s, server(s.dir, port):
            assert eventually(lambda p=port: connects(p), 10), program
            for i in range(20):
                assert addresses(s.ask("www.example.org")) == ["192.0.2.1"], (program, i, s.log())


# --- servers that break off ---


def silent(c, _number):
    read_query(c)
    time.sleep(8)


def closes_at_once(c, _number):
    read_query(c)


def closes_in_mid_answer(c, _number):
    wire = frame(good(read_query(c)))
    c.sendall(wire[:len(wire) // 2])


def resets(c, _number):
    read_query(c)
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    socket.socket(fileno=c.detach()).close()


def speaks_garbage(c, _number):
    read_query(c)
    c.sendall(b"\0\x05abcde\xff\xff" + b"x" * 300)


def breaks_the_record(c, _number):
    """Octets that are no record, on the same TCP connection."""
    read_query(c)
    raw = socket.socket(fileno=c.detach())
    raw.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    time.sleep(1)
    raw.close()


FAULTS = [silent, closes_at_once, closes_in_mid_answer, resets, speaks_garbage, breaks_the_record]


def test_who_breaks_off_is_passed_over():
    for fault in FAULTS:
        with Fake(fault) as bad, Fake(answering) as other:
            corefile = forwarding(f"tls://{HOST}:{bad.port}", f"tls://{HOST}:{other.port}",
                                  options="tls_servername dns.test\n read_timeout 500ms\n max_fails 1\n health_check 50ms")
            with Server(corefile, FILES) as s:
                began = time.time()
                for i in range(6):
                    got = s.ask(f"n{i}.example.org", timeout=6)
                    assert addresses(got) == ["192.0.2.7"], (fault.__name__, i, got.to_text(), s.log())
                assert time.time() - began < 6, fault.__name__
                assert bad.count >= 1 and other.count >= 1


class Http2Connection:
    """A fake's connection of HTTP/2, that does with each request what `answer(connection, stream, query)` does."""

    def __init__(self, sock):
        self.sock = sock
        self.c = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))

    def serve(self, answer):
        bodies = {}
        self.c.initiate_connection()
        self.sock.sendall(self.c.data_to_send())
        while octets := self.sock.recv(65536):
            for event in self.c.receive_data(octets):
                if isinstance(event, h2.events.DataReceived):
                    bodies[event.stream_id] = bodies.get(event.stream_id, b"") + event.data
                elif isinstance(event, h2.events.StreamEnded):
                    answer(self, event.stream_id, dns.message.from_wire(bodies.pop(event.stream_id)))
            self.sock.sendall(self.c.data_to_send())

    def respond(self, stream, body, status="200", length=None, ends=True):
        self.c.send_headers(stream, [(":status", status), ("content-type", "application/dns-message"),
                                     ("content-length", str(len(body) if length is None else length))])
        self.c.send_data(stream, body, end_stream=ends)


def over_http2(answer):
    def serve(sock, _number):
        with contextlib.suppress(h2.exceptions.ProtocolError):   # what comes after a GOAWAY of its own is an error to h2
            Http2Connection(sock).serve(answer)
    return serve


def answers_http2(server, stream, query):
    server.respond(stream, good(query))


def resets_each_stream(server, stream, _query):
    server.c.reset_stream(stream, 2)


def refuses_each_stream(server, stream, _query):
    server.c.reset_stream(stream, 7)


def says_it_leaves(server, _stream, _query):
    server.c.close_connection(last_stream_id=0)


def leaves_in_mid_answer(server, stream, query):
    wire = good(query)
    server.respond(stream, wire[:len(wire) // 2], length=len(wire), ends=False)
    server.sock.sendall(server.c.data_to_send())
    raise OSError("closed")


def promises_more_than_it_sends(server, stream, query):
    """A length that is not that of the body; by hand, since h2 would not send it."""
    server.c.send_headers(stream, [(":status", "200"), ("content-length", "500")])
    server.sock.sendall(server.c.data_to_send() + struct.pack("!I", len(good(query)))[1:] + b"\0\1" + struct.pack("!I", stream) + good(query))


def fails_inside(server, stream, _query):
    server.respond(stream, b"", status="503")


def answers_without_end(server, stream, _query):
    server.c.send_headers(stream, [(":status", "200")])
    server.c.send_data(stream, b"x" * 16384)


def answers_another_question(server, stream, _query):
    server.respond(stream, good(dns.message.make_query("other.example.org", "A")))


HTTP2_FAULTS = [resets_each_stream, refuses_each_stream, says_it_leaves, leaves_in_mid_answer, promises_more_than_it_sends,
                fails_inside, answers_without_end, answers_another_question]


def test_who_breaks_off_over_https_is_passed_over():
    for fault in HTTP2_FAULTS:
        with Fake(over_http2(fault), alpn="h2") as bad, Fake(over_http2(answers_http2), alpn="h2") as other:
            corefile = forwarding(f"https://{HOST}:{bad.port}", f"https://{HOST}:{other.port}",
                                  options="tls_servername dns.test\n read_timeout 500ms\n max_fails 1\n health_check 50ms")
            with Server(corefile, FILES) as s:
                began = time.time()
                for i in range(6):
                    got = s.ask(f"n{i}.example.org", timeout=6)
                    assert addresses(got) == ["192.0.2.7"], (fault.__name__, i, got.to_text(), s.log())
                assert time.time() - began < 6, fault.__name__
                assert bad.count >= 1 and other.count >= 1


def test_who_accepts_and_says_nothing_is_passed_over_in_time():
    with socket.create_server((HOST, 0)) as mute, Fake(answering) as other:
        corefile = forwarding(f"tls://{HOST}:{mute.getsockname()[1]}", f"tls://{HOST}:{other.port}",
                              options="tls_servername dns.test\n max_fails 1\n health_check 50ms")
        with Server(corefile, FILES) as s:
            assert addresses(s.ask("first.example.org", timeout=4.9)) == ["192.0.2.7"], s.log()


def test_one_that_dies_serves_again_when_it_is_back():
    with Server(OURS, FILES) as up:
        for scheme, word in ENCRYPTED:
            corefile = forwarding(f"{scheme}://{HOST}:{up.ports[word]}", options="tls_servername dns.test\n health_check 50ms")
            with Server(corefile, FILES) as s:
                assert addresses(s.ask("www.example.org")) == ["192.0.2.1"], scheme
                up.stop()
                assert s.ask("www.example.org", timeout=6).rcode() == dns.rcode.SERVFAIL, scheme
                up.start()
                assert eventually(lambda s=s: addresses(s.ask("www.example.org", timeout=6)) == ["192.0.2.1"], 8), (scheme, s.log())


def test_one_that_was_killed_and_started_again_is_asked_anew():
    """Of a connection that it does not know it says so (RFC 9000 10.3), or the kernel does: no client waits for a time-out."""
    for scheme, word in ENCRYPTED:
        with Server(OURS, FILES) as up:
            corefile = forwarding(f"{scheme}://{HOST}:{up.ports[word]}", options="tls_servername dns.test\n read_timeout 1s")
            with Server(corefile, FILES, args=("-workers", "1")) as s:
                assert addresses(s.ask("www.example.org")) == ["192.0.2.1"], scheme
                before = up.serving_pid()
                os.kill(before, signal.SIGKILL)
                assert eventually(lambda up=up, before=before: up.serving_pid() != before and addresses(up.ask("www.example.org", timeout=1)), 8)
                began = time.time()
                assert addresses(s.ask("www.example.org", timeout=6)) == ["192.0.2.1"], (scheme, s.log())
                assert time.time() - began < 0.9, scheme


def test_the_next_is_asked_where_nothing_is():
    with Server(OURS, FILES) as up, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind((HOST, 0))
        for scheme, word in ENCRYPTED[2:]:
            for bad, within in ((free_port(), 0.5), (mute.getsockname()[1], 4.5)):
                corefile = forwarding(f"{scheme}://{HOST}:{bad}", f"{scheme}://{HOST}:{up.ports[word]}",
                                      options="tls_servername dns.test\n max_fails 1\n health_check 50ms")
                with Server(corefile, FILES) as s:
                    began = time.time()
                    assert addresses(s.ask("www.example.org", timeout=5)) == ["192.0.2.1"], (scheme, s.log())
                    assert time.time() - began < within, (scheme, bad)
                    assert eventually(lambda s=s: s.metric("healthcheck_failures_total") >= 1)


def test_a_server_that_takes_one_query_of_a_record_gets_each_in_its_own():
    """As those that wait for the socket before they look for a second one in what was decrypted: they would answer it when more comes."""
    def serve(c, _number):
        while record := c.recv(1 << 16):
            length = int.from_bytes(record[:2], "big")
            c.sendall(frame(good(dns.message.from_wire(record[2:2 + length]))))

    with Fake(serve) as up, Server(forwarding(f"tls://{HOST}:{up.port}", options="tls_servername dns.test"), FILES,
                                   args=("-workers", "1")) as s:
        queries = [dns.message.make_query(f"n{i}.example.org", "A") for i in range(50)]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
            u.settimeout(1.5)
            for q in queries:
                u.sendto(q.to_wire(), (HOST, s.port))
            got = {dns.message.from_wire(u.recv(4096)).id for _ in queries}
        assert len(got) == 50 and up.count == 1


def test_answers_in_pieces_and_out_of_order():
    def serve(c, _number):
        queries = [read_query(c) for _ in range(3)]
        for q in reversed(queries):
            for octet in frame(good(q)):
                c.send(bytes([octet]))

    with Fake(serve) as up, Server(forwarding(f"tls://{HOST}:{up.port}", options="tls_servername dns.test"), FILES,
                                   args=("-workers", "1")) as s:
        got = [None] * 3

        def ask(i):
            got[i] = s.ask(f"n{i}.example.org", timeout=5)
        threads = [threading.Thread(target=ask, args=(i,)) for i in range(3)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert all(g is not None and addresses(g) == ["192.0.2.7"] for g in got), s.log()
        assert up.count == 1


def test_certificates_that_are_not_good_are_told():
    rows = [
        (ROOT.issue("dns.test", hours=-1), "x509: certificate has expired", "expired"),
        (ROOT.issue("other.test"), "x509: certificate is not valid for dns.test", "name"),
        (Authority().issue("dns.test"), "x509: certificate signed by unknown authority", "untrusted"),
    ]
    incomplete = BELOW.issue("dns.test")
    incomplete.pem = incomplete.alone
    rows.append((incomplete, "x509: certificate signed by unknown authority", "untrusted"))
    for issued, text, result in rows:
        with Fake(answering, issued) as up, \
                Server(forwarding(f"tls://{HOST}:{up.port}", options="tls_servername dns.test"), FILES) as s:
            assert s.ask("www.example.org", timeout=6).rcode() == dns.rcode.SERVFAIL
            assert s.logged(text), s.log()
            assert s.metric(f'handshakes_total.*result="{result}"') >= 1
    with Fake(answering, BELOW.issue("dns.test")) as up, \
            Server(forwarding(f"tls://{HOST}:{up.port}", options="tls_servername dns.test"), FILES) as s:
        assert addresses(s.ask("www.example.org")) == ["192.0.2.7"], s.log()


def test_an_authority_that_is_replaced_is_believed_without_a_restart():
    fresh = Authority("a new one")
    with Fake(answering, fresh.issue("dns.test")) as up, \
            Server(forwarding(f"tls://{HOST}:{up.port}", options="tls_servername dns.test\n max_fails 0"), FILES) as s:
        assert s.ask("www.example.org", timeout=6).rcode() == dns.rcode.SERVFAIL
        s.write("ca.pem", fresh.pem)
        assert eventually(lambda: addresses(s.ask("www.example.org", timeout=6)) == ["192.0.2.7"], 12), s.log()


harness.main(globals())
