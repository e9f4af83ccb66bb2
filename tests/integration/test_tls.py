"""DNS over TLS: real clients, versions and ciphers, certificates that change, limits, restarts."""
import base64
import contextlib
import hashlib
import os
import re
import select
import signal
import socket
import ssl
import subprocess
import threading
import time

import dns.edns
import dns.message
import dns.query
import dns.rcode
from cryptography.hazmat.primitives import serialization

import harness
from certificates import Authority
from harness import HOST, Server, addresses, eventually

COREFILE = """
.:@PORT@ {
    bind 127.0.0.1
    whoami
}
tls://.:@DOT@ {
    bind 127.0.0.1
    tls server.pem server.key
    hosts {
        192.0.2.1 www.example.org
    }
    prometheus 127.0.0.1:@PROM@
}
"""

ROOT = Authority()
SERVER = ROOT.issue("dns.test", HOST)


def files(issued=SERVER):
    return {"server.pem": issued.pem, "server.key": issued.key, "ca.pem": ROOT.pem}


def tls_server(corefile=COREFILE, issued=SERVER, **more):
    return Server(corefile, files(issued), **more)


def context(server, **more):
    c = ssl.create_default_context(cafile=server.dir / "ca.pem")
    for name, value in more.items():
        setattr(c, name, value)
    return c


def connect(server, word="DOT", c=None, name="dns.test", session=None):
    raw = socket.create_connection((HOST, server.ports[word]), 5)
    return (c or context(server)).wrap_socket(raw, server_hostname=name, session=session)


def exchange(s, name="www.example.org", rdtype="A"):
    """A query and its answer on an open connection."""
    q = dns.message.make_query(name, rdtype)
    dns.query.send_tcp(s, q, time.time() + 5)
    return dns.query.receive_tcp(s, time.time() + 5)[0]


def ask(server, word="DOT", name="www.example.org", rdtype="A", message=None, **more):
    q = message or dns.message.make_query(name, rdtype)
    return dns.query.tls(q, HOST, timeout=5, port=server.ports[word], ssl_context=context(server), server_hostname="dns.test", **more)


def kdig(server, *words):
    done = subprocess.run(["kdig", f"@{HOST}", "-p", str(server.ports["DOT"]), "+timeout=3", "+retry=0", *words, "www.example.org", "A"],
                          capture_output=True, text=True, timeout=20)
    return done.stdout + done.stderr


def s_client(server, *words):
    """What `openssl s_client` says of a handshake."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"{HOST}:{server.ports['DOT']}", *words],
                          input="", capture_output=True, text=True, timeout=20)
    return done.stdout + done.stderr


# --- clients ---

def test_dnspython_asks_with_the_name_verified():
    with tls_server() as s:
        assert addresses(ask(s)) == ["192.0.2.1"]
        with connect(s) as c:
            for _ in range(3):
                assert addresses(exchange(c)) == ["192.0.2.1"]
        try:
            connect(s, name="other.test")
        except ssl.SSLCertVerificationError:
            return
        raise AssertionError("a wrong name was taken")


def test_kdig_with_name_and_with_pin():
    with tls_server() as s:
        ca = f"+tls-ca={s.dir}/ca.pem"
        assert "192.0.2.1" in kdig(s, "+tls", ca, "+tls-hostname=dns.test")
        assert "192.0.2.1" not in kdig(s, "+tls", ca, "+tls-hostname=other.test")
        info = SERVER.certificate.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        pin = base64.b64encode(hashlib.sha256(info).digest()).decode()
        assert "192.0.2.1" in kdig(s, "+tls", f"+tls-pin={pin}")
        assert "192.0.2.1" not in kdig(s, "+tls", f"+tls-pin={base64.b64encode(b'x' * 32).decode()}")


def test_answers_are_padded_for_who_pads():
    with tls_server() as s:
        q = dns.message.make_query("www.example.org", "A", use_edns=0, options=[dns.edns.GenericOption(12, b"\0" * 50)])
        with connect(s) as c:
            wire = q.to_wire()
            c.sendall(len(wire).to_bytes(2, "big") + wire)
            length = int.from_bytes(c.recv(2), "big")
            assert length == 468, length
            reply = dns.message.from_wire(c.recv(length))
            assert addresses(reply) == ["192.0.2.1"]
            assert any(o.otype == 12 for o in reply.options)
            assert len(exchange(c).to_wire()) < 100


def test_keepalive_says_how_long_connections_idle():
    def told(reply):
        return [bytes(o.data) for o in reply.options if o.otype == 11]
    with tls_server() as s:
        q = dns.message.make_query("www.example.org", "A", use_edns=0, options=[dns.edns.GenericOption(11, b"")])
        assert told(ask(s, message=q)) == [(100).to_bytes(2, "big")]
        assert told(s.ask("", tcp=True, message=q)) == [(100).to_bytes(2, "big")]
        assert told(s.ask("", message=q)) == []


def test_answers_come_in_the_order_in_which_they_are_ready():
    up = harness.Upstream(lambda q, t: (time.sleep(0.6 if "slow" in str(q.question[0].name) else 0),
                                        harness.reply_to(q, f"{q.question[0].name} 60 A 192.0.2.9"))[1])
    corefile = COREFILE.replace("hosts {\n        192.0.2.1 www.example.org\n    }", f"forward . {HOST}:{up.port}")
    with up, tls_server(corefile) as s, connect(s) as c:
        first, second = dns.message.make_query("slow.test", "A"), dns.message.make_query("fast.test", "A")
        for q in (first, second):
            dns.query.send_tcp(c, q, time.time() + 5)
        got = [dns.query.receive_tcp(c, time.time() + 5)[0].id for _ in range(2)]
        assert got == [second.id, first.id]


def test_a_large_load_of_pipelined_queries_is_answered():
    with tls_server() as s, connect(s) as c:
        wire = dns.message.make_query("www.example.org", "A").to_wire()
        unsent = memoryview((len(wire).to_bytes(2, "big") + wire) * 5000)
        got, count, end = bytearray(), 0, time.time() + 20
        c.setblocking(False)
        while count < 5000 and time.time() < end:      # one thread: a TLS object is not to be read and written by two at once
            select.select([c], [c] if unsent else [], [], 0.1)
            with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
                if unsent:
                    unsent = unsent[c.send(unsent[:16384]):]
            with contextlib.suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
                more = c.recv(1 << 16)
                assert more, "the server closed the connection"
                got += more
            while len(got) >= 2 and len(got) >= (length := 2 + int.from_bytes(got[:2], "big")):
                del got[:length]
                count += 1
        assert count == 5000, count


# --- versions and ciphers ---

def test_only_versions_and_ciphers_that_are_safe():
    with tls_server() as s:
        for words, taken in ((["-tls1_3"], True), (["-tls1_2"], True),
                             (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], False), (["-tls1", "-cipher", "ALL:@SECLEVEL=0"], False),
                             (["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"], True),
                             (["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"], True),
                             (["-tls1_2", "-cipher", "AES128-SHA:AES256-SHA:AES128-GCM-SHA256"], False),
                             (["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"], False),
                             (["-tls1_2", "-cipher", "NULL:aNULL:RC4:3DES:@SECLEVEL=0"], False),
                             (["-tls1_3", "-groups", "X25519"], True), (["-tls1_3", "-groups", "P-256"], True)):
            said = s_client(s, *words)
            assert ("Verify return code" in said and "Cipher is (NONE)" not in said and "no peer certificate" not in said) == taken, (words, said)
        assert "ALPN protocol: dot" in s_client(s, "-alpn", "dot")
        assert "No ALPN negotiated" in s_client(s, "-alpn", "h2")


def test_rsa_and_a_chain_serve_too():
    below = Authority("below", ROOT)
    for issued in (ROOT.issue("dns.test", kind="rsa"), below.issue("dns.test")):
        with tls_server(issued=issued) as s:
            assert addresses(ask(s)) == ["192.0.2.1"]
            assert addresses(exchange(connect(s, c=context(s, maximum_version=ssl.TLSVersion.TLSv1_2)))) == ["192.0.2.1"]


def test_sessions_are_resumed_on_any_worker():
    with tls_server(args=["-workers", "2"]) as s:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            c = context(s, minimum_version=version, maximum_version=version)
            with connect(s, c=c) as first:
                exchange(first)
                session = first.session
            resumed = 0
            for _ in range(8):
                with connect(s, c=c, session=session) as again:
                    assert addresses(exchange(again)) == ["192.0.2.1"]
                    resumed += again.session_reused
            assert resumed == 8, (version, resumed)
        assert s.metric('^isthmus_tls_handshakes_total{proto="tls",result="resumed"}') == 16
        assert s.metric('^isthmus_tls_handshakes_total{proto="tls",result="full"}') == 2


# --- certificates that change ---

def served_certificate(server):
    with connect(server) as c:
        return c.getpeercert(True)


def der(issued):
    return issued.certificate.public_bytes(serialization.Encoding.DER)


def kubernetes_secret(server, name, issued):
    """As a kubelet updates a mounted secret: a new folder, then one symbolic link moved."""
    folder = server.dir / "secret"
    (folder / name).mkdir(parents=True)
    (folder / name / "tls.crt").write_text(issued.pem)
    (folder / name / "tls.key").write_text(issued.key)
    os.symlink(name, folder / "..data.new")
    os.replace(folder / "..data.new", folder / "..data")
    for file in ("tls.crt", "tls.key"):
        if not (folder / file).is_symlink():
            os.symlink(f"..data/{file}", folder / file)


def test_a_certificate_is_swapped_under_load():
    corefile = COREFILE.replace("server.pem server.key", "secret/tls.crt secret/tls.key")
    second = ROOT.issue("dns.test", hours=48)
    with Server(corefile, files(), start=False) as s:
        kubernetes_secret(s, "first", SERVER)
        s.start()
        assert served_certificate(s) == der(SERVER)
        failures, done, count = [], threading.Event(), [0]

        def load():
            try:
                while not done.is_set():
                    with connect(s) as c:
                        assert addresses(exchange(c)) == ["192.0.2.1"]
                        count[0] += 1
            except Exception as e:  # what went wrong is told by the test
                failures.append(e)
        threads = [threading.Thread(target=load) for _ in range(3)]
        for t in threads:
            t.start()
        with connect(s) as open_before:
            exchange(open_before)
            kubernetes_secret(s, "second", second)
            assert eventually(lambda: served_certificate(s) == der(second), 12), s.log()
            assert addresses(exchange(open_before)) == ["192.0.2.1"]
        done.set()
        for t in threads:
            t.join()
        assert not failures, failures
        assert count[0] > 10
        assert s.logged("tls.crt has changed and is used from now on")
        days = s.metric("^isthmus_tls_certificate_expiry_days")
        assert 1.9 < days < 2.1, days
        assert s.metric('^isthmus_tls_certificate_reloads_total.*result="used"') == 1


def test_a_bad_new_pair_is_refused_and_the_old_one_kept():
    with tls_server() as s:
        s.write("server.key", ROOT.issue("dns.test").key)
        assert s.logged(r"^\[ERROR\] plugin/tls: .*server.pem has changed and cannot be used, what was read before is kept: "
                        "could not load TLS cert: tls: private key does not match public key", 12), s.log()
        assert served_certificate(s) == der(SERVER)
        assert s.metric('^isthmus_tls_certificate_reloads_total.*result="refused"') == 1
        third = ROOT.issue("dns.test")
        s.write("server.pem", third.pem)
        s.write("server.key", third.key)
        assert eventually(lambda: served_certificate(s) == der(third), 12), s.log()


def test_an_expired_certificate_is_a_warning():
    with tls_server(issued=ROOT.issue("dns.test", hours=-5)) as s:
        assert s.logged(r"^\[WARNING\] plugin/tls: the certificate in .*server.pem has expired"), s.log()
        assert s.metric("^isthmus_tls_certificate_expiry_days") < 0
        try:
            connect(s)
        except ssl.SSLCertVerificationError as e:
            assert "expired" in str(e)
            return
        raise AssertionError("an expired certificate was taken")


def test_a_reload_keeps_connections_and_sessions():
    with tls_server() as s, connect(s) as c:
        assert addresses(exchange(c)) == ["192.0.2.1"]
        session = c.session
        s.write("Corefile", COREFILE.replace("192.0.2.1", "192.0.2.2"))
        s.signal(signal.SIGUSR1)
        assert s.logged("Reloading complete")
        assert addresses(exchange(c)) == ["192.0.2.2"]
        with connect(s, c=c.context, session=session) as again:
            exchange(again)
            assert again.session_reused
        s.write("Corefile", COREFILE.replace("tls server.pem", "timeouts {\n        idle 1s\n    }\n    tls server.pem"))
        s.signal(signal.SIGUSR1)
        assert eventually(lambda: s.log().count("Reloading complete") == 2)
        exchange(c)
        began = time.time()
        assert c.recv(1) == b""
        assert 0.8 < time.time() - began < 2.5


def test_one_listener_has_one_answer_to_tls():
    mixed = COREFILE + "tls://example.net:@DOT@ {\n    bind 127.0.0.1\n    whoami\n}\n"
    with Server(mixed, files(), start=False) as s:
        s.start(wait=False)
        assert s.process.wait(10) == 1
        assert "cannot serve tls://example.net.:" in s.log() and "no tls, unlike another block" in s.log(), s.log()
        s.process = None


SEVERAL = """
.:@PORT@ {
    bind 127.0.0.1
    whoami
}
tls://example.org:@DOT@ quic://example.org:@DOQ@ {
    bind 127.0.0.1
    tls server.pem server.key
    whoami
}
tls://example.net:@DOT@ quic://example.net:@DOQ@ {
    bind 127.0.0.1
    tls other.pem other.key
    whoami
}
"""


def test_the_certificate_is_that_for_the_name_the_client_asks_for():
    other = ROOT.issue("other.test", "*.wild.test")
    several = {**files(), "other.pem": other.pem, "other.key": other.key}

    def shown(s, name):
        c = context(s, check_hostname=False)
        with socket.create_connection((HOST, s.ports["DOT"]), 5) as raw, c.wrap_socket(raw, server_hostname=name) as t:
            return dict(t.getpeercert()["subjectAltName"])["DNS"]
    with Server(SEVERAL, several) as s:
        for name, wanted in (("dns.test", "dns.test"), ("other.test", "*.wild.test"), ("a.wild.test", "*.wild.test"),
                             ("unknown.test", "dns.test"), (None, "dns.test")):
            assert shown(s, name) == wanted, name
        for name in ("dns.test", "other.test", "a.wild.test"):
            done = subprocess.run(["kdig", f"@{HOST}", "-p", str(s.ports["DOQ"]), f"+tls-ca={s.dir}/ca.pem", f"+tls-hostname={name}", "+quic",
                                   "www.example.net", "A"], capture_output=True, text=True, timeout=20)
            assert "status: NOERROR" in done.stdout, (name, done.stdout + done.stderr)
        fresh = ROOT.issue("other.test", "*.new.test")
        s.write("other.key", fresh.key)
        s.write("other.pem", fresh.pem)
        assert eventually(lambda: shown(s, "a.new.test") == "*.new.test", 15), s.log()
        assert shown(s, "dns.test") == "dns.test"


def test_what_is_asked_of_clients_must_be_the_same_on_a_listener():
    with Server(SEVERAL.replace("tls other.pem other.key", "tls other.pem other.key {\n client_auth require\n }"),
                {**files(), "other.pem": SERVER.pem, "other.key": SERVER.key}, start=False) as s:
        s.start(wait=False)
        assert s.process.wait(10) == 1
        assert "its tls asks something else of clients than that of another block" in s.log(), s.log()
        s.process = None


# --- limits and faults ---

def test_who_does_not_shake_hands_is_cut_off():
    with tls_server(COREFILE.replace("tls server.pem", "timeouts {\n        read 1s\n    }\n    tls server.pem")) as s:
        silent = socket.create_connection((HOST, s.ports["DOT"]), 5)
        began = time.time()
        assert silent.recv(1) == b""
        assert 0.8 < time.time() - began < 2.5
        slow = socket.create_connection((HOST, s.ports["DOT"]), 5)
        began, gone = time.time(), False
        for octet in b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 2:
            with contextlib.suppress(OSError):
                slow.sendall(bytes([octet]))
            slow.settimeout(0.2)
            try:
                gone = slow.recv(10) is not None
                break
            except TimeoutError:
                continue
            except OSError:
                gone = True
                break
        assert gone and time.time() - began < 2.5
        assert s.metric('^isthmus_connections_cut_total{proto="tls",reason="slow_handshake"}') == 2
        assert addresses(ask(s)) == ["192.0.2.1"]


def test_what_is_no_tls_is_refused_with_an_alert():
    with tls_server() as s:
        plain = dns.message.make_query("www.example.org", "A", id=0xffff).to_wire()   # in the place of a record's length: none is so long
        for octets in (b"GET / HTTP/1.1\r\n\r\n", len(plain).to_bytes(2, "big") + plain,
                       b"\x16\x03\x01\xff\xff" + b"x" * 100):
            with socket.create_connection((HOST, s.ports["DOT"]), 5) as c:
                c.sendall(octets)
                got = c.recv(100)
                assert got == b"" or got[0] == 21, got
        page = s.http("/metrics", "PROM")[1]
        assert 'isthmus_tls_handshakes_total{proto="tls",result="failed"} 3' in page, re.findall("^isthmus_tls_hand.*", page, re.M)
        assert addresses(ask(s)) == ["192.0.2.1"]


def test_the_server_survives_a_crash_with_open_connections():
    with tls_server() as s:
        with connect(s) as c:
            exchange(c)
            os.kill(s.serving_pid(), signal.SIGKILL)
            with contextlib.suppress(OSError):
                assert c.recv(1) == b""
        assert eventually(lambda: addresses(ask(s)) == ["192.0.2.1"], 10), s.log()


def test_stopping_tells_clients():
    with tls_server() as s:
        c = connect(s)
        exchange(c)
        s.signal(signal.SIGTERM)
        assert c.recv(1) == b""     # an orderly end: without close_notify this raises
        assert s.process.wait(10) == 0


def test_secrets_are_logged_where_it_is_asked_for():
    with tls_server(COREFILE.replace("server.pem server.key", "server.pem server.key {\n        keylog keys.log\n    }")) as s:
        assert s.logged(r'^\[WARNING\] plugin/tls: Writing TLS Key Log to ".*keys.log"')
        ask(s)
        text = (s.dir / "keys.log").read_text()
        assert re.search(r"^SERVER_TRAFFIC_SECRET_0 [0-9a-f]{64} [0-9a-f]{64,96}$", text, re.M), text
        assert (s.dir / "keys.log").stat().st_mode & 0o777 == 0o600


def test_a_plain_server_does_not_load_the_module():
    with Server(".:@PORT@ {\n    bind 127.0.0.1\n    whoami\n}\n") as s:
        for pid in s.pids():
            assert "gnutls" not in open(f"/proc/{pid}/maps").read()
    with tls_server() as s:
        assert "isthmus-transports.so" in open(f"/proc/{s.serving_pid()}/maps").read()


harness.main(globals())
