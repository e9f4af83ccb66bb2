"""DNS over HTTPS and gRPC: real clients, both versions of HTTP, requests that wait, limits, metrics, reload."""
import base64
import http.client
import socket
import ssl
import subprocess
import time

import dns.message
import dns.query
import grpc
import httpx

import harness
from certificates import Authority
from harness import HOST, Server, Upstream, eventually
from http2_client import Http2, tls

COREFILE = """
.:@PORT@ {
    bind 127.0.0.1
    whoami
}
https://.:@DOH@ {
    bind 127.0.0.1
    tls server.pem server.key
    template IN A slow.example.org {
        answer "{{ .Name }} 60 IN A 192.0.2.9"
    }
    hosts {
        192.0.2.1 www.example.org
    }
    prometheus 127.0.0.1:@PROM@
}
https://.:@WEB@ {
    bind 127.0.0.1
    timeouts {
        read 1s
        idle 1s
    }
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
grpc://.:@CLEAR@ {
    bind 127.0.0.1
    hosts {
        192.0.2.1 www.example.org
    }
}
"""

ROOT = Authority()
SERVER = ROOT.issue("dns.test", "localhost", HOST)
QUERY = dns.message.make_query("www.example.org", "A", id=0)
IN_PATH = "/dns-query?dns=" + base64.urlsafe_b64encode(QUERY.to_wire()).decode().rstrip("=")
TYPE = {"Content-Type": "application/dns-message"}


def server(corefile=COREFILE, **more):
    return Server(corefile, {"server.pem": SERVER.pem, "server.key": SERVER.key, "ca.pem": ROOT.pem}, **more)


def url(s, word="DOH", path="/dns-query"):
    return f"http{'s' if word == 'DOH' else ''}://{HOST}:{s.ports[word]}{path}"


def curl(s, *words):
    """(version and status, body) of a request."""
    done = subprocess.run(["curl", "-s", "--cacert", "ca.pem", "-m", "5", "-w", "\n%{http_version} %{http_code}", *words],
                          cwd=s.dir, capture_output=True, timeout=20)
    body, _, last = done.stdout.rpartition(b"\n")
    return last.decode(), body


def addresses_of(wire):
    return sorted(r.to_text() for rrset in dns.message.from_wire(wire).answer for r in rrset)


# --- clients ---

def test_curl_gets_and_posts_over_both_versions():
    with server() as s:
        (s.dir / "query").write_bytes(QUERY.to_wire())
        post = ["-H", "Content-Type: application/dns-message", "--data-binary", "@query", url(s)]
        for words in (["--http1.1", url(s, path=IN_PATH)], ["--http1.1", *post], ["--http1.1", "-H", "Transfer-Encoding: chunked", *post],
                      ["--http1.1", "-H", "Expect: 100-continue", *post], ["--http1.0", url(s, "WEB", IN_PATH)],
                      ["--http2", url(s, path=IN_PATH)], ["--http2", *post]):
            how, body = curl(s, *words)
            assert how == ("2 200" if words[0] == "--http2" else "1.1 200"), (words, how)
            assert addresses_of(body) == ["192.0.2.1"], words


def test_curl_resolves_a_name_by_it():
    """The proxy's host name, which curl asks us for, leads to a page of ours."""
    with server("""
https://.:@PORT@ {
    bind 127.0.0.1
    tls server.pem server.key
    hosts {
        127.0.0.1 page.example.org
    }
    prometheus 127.0.0.1:@PROM@
}
""") as s:
        how, body = curl(s, "--doh-url", f"https://localhost:{s.port}/dns-query", "--doh-insecure", "-4",
                         f"http://page.example.org:{s.ports['PROM']}/metrics")
        assert how == "1.1 200" and b'coredns_dns_https_responses_total{server="https://127.0.0.1:' in body, (how, body)


def test_kdig_and_dnspython_ask():
    with server() as s:
        for words in (["+https"], ["+https-get"]):
            done = subprocess.run(["kdig", f"@{HOST}", "-p", str(s.ports["DOH"]), "+tls-ca=ca.pem", "+tls-hostname=dns.test", *words,
                                   "www.example.org", "A"], cwd=s.dir, capture_output=True, text=True, timeout=20)
            assert "192.0.2.1" in done.stdout and "status: 200" in done.stdout, done.stdout + done.stderr
        for post in (True, False):
            with httpx.Client(http2=True, verify=str(s.dir / "ca.pem")) as client:
                reply = dns.query.https(QUERY, f"https://localhost:{s.ports['DOH']}/dns-query", timeout=5, post=post, session=client)
                assert reply.answer[0][0].to_text() == "192.0.2.1"


def test_answers_say_how_long_they_are_fresh():
    with server() as s, httpx.Client(http2=True, verify=str(s.dir / "ca.pem")) as client:
        r = client.get(f"https://localhost:{s.ports['DOH']}{IN_PATH}")
        assert r.http_version == "HTTP/2" and r.headers["cache-control"] == "max-age=3600", r.headers
        assert r.headers["content-type"] == "application/dns-message" and int(r.headers["content-length"]) == len(r.content)
        head = client.head(f"https://localhost:{s.ports['DOH']}{IN_PATH}")
        assert head.status_code == 200 and head.content == b"" and head.headers["content-length"] == r.headers["content-length"]


def test_a_connection_has_many_requests_one_after_the_other_and_at_once():
    with server() as s:
        c = http.client.HTTPConnection(HOST, s.ports["WEB"], timeout=5)
        for _ in range(50):
            c.request("POST", "/dns-query", QUERY.to_wire(), TYPE)
            assert addresses_of(c.getresponse().read()) == ["192.0.2.1"]
        c.close()
        done = subprocess.run(["h2load", "-n", "4000", "-c", "4", "-m", "50", url(s, path=IN_PATH)], capture_output=True, text=True, timeout=60)
        assert "4000 succeeded, 0 failed" in done.stdout, done.stdout


# --- requests that wait ---

SLOW = """
.:@PORT@ {
    bind 127.0.0.1
    whoami
}
https://.:@DOH@ {
    bind 127.0.0.1
    tls server.pem server.key
    forward . 127.0.0.1:@UP@
}
https://.:@WEB@ {
    bind 127.0.0.1
    forward . 127.0.0.1:@UP@
}
grpc://.:@CLEAR@ {
    bind 127.0.0.1
    forward . 127.0.0.1:@UP@
}
"""


def slow_answer(q, _):
    if q.question[0].name.labels[0].startswith(b"slow"):
        time.sleep(0.5)
    r = dns.message.make_response(q)
    r.answer.append(dns.rrset.from_text(q.question[0].name, 60, "IN", "A", "192.0.2.7"))
    return r


def path_for(name):
    wire = dns.message.make_query(name, "A", id=0).to_wire()
    return "/dns-query?dns=" + base64.urlsafe_b64encode(wire).decode().rstrip("=")


def name_in(wire):
    return dns.message.from_wire(wire).question[0].name.to_text()


def test_pipelined_requests_are_answered_in_their_order():
    s = server(SLOW, start=False)
    s.expand("@UP@")
    with Upstream(slow_answer, s.ports["UP"]), s:
        s.start()
        with socket.create_connection((HOST, s.ports["WEB"]), 5) as c:
            names = ["slow.example.org.", "a.example.org.", "slow2.example.org.", "b.example.org."]
            c.sendall(b"".join(f"GET {path_for(n)} HTTP/1.1\r\nHost: x\r\n\r\n".encode() for n in names))
            stream = c.makefile("rb")
            got = []
            for _ in names:
                length = 0
                while (line := stream.readline()) not in (b"\r\n", b""):
                    length = int(line.split()[1]) if line.startswith(b"content-length") else length
                got.append(name_in(stream.read(length)))
            assert got == names, got


def test_http2_answers_what_is_ready_first():
    s = server(SLOW, start=False)
    s.expand("@UP@")
    with Upstream(slow_answer, s.ports["UP"]), s:
        s.start()
        c = Http2(tls(HOST, s.ports["DOH"], s.dir / "ca.pem", "dns.test"))
        slow, quick = c.get(path_for("slow.example.org.")), c.get(path_for("quick.example.org."))
        assert c.pump(lambda: len(c.done) == 2) and c.done == [quick, slow], (c.done, quick, slow)
        assert name_in(c.answers[slow][1]) == "slow.example.org."
        c.close()


def test_clients_that_leave_while_their_request_waits_do_no_harm():
    s = server(SLOW, start=False)
    s.expand("@UP@")
    with Upstream(slow_answer, s.ports["UP"]), s:
        s.start()
        for _ in range(20):
            with socket.create_connection((HOST, s.ports["WEB"]), 5) as c:
                c.sendall(f"GET {path_for('slow.example.org.')} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        time.sleep(0.8)
        how, body = curl(s, url(s, "WEB", path_for("a.example.org.")))
        assert how == "1.1 200" and name_in(body) == "a.example.org."


# --- what is refused, limits ---

def raw(s, request, word="WEB", wait=3.0):
    """What comes back until the connection is closed, and how long that took."""
    with socket.create_connection((HOST, s.ports[word]), wait) as c:
        began = time.time()
        got = b""
        c.sendall(request)
        try:
            while piece := c.recv(65536):
                got += piece
        except TimeoutError:
            return got, None
        return got, time.time() - began


def test_what_is_no_request_ends_the_connection():
    with server() as s:
        for request in (b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\nHost: x\n\n",
                        b"POST /dns-query HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"):
            got, _ = raw(s, request)
            assert got.startswith(b"HTTP/1.1 400 ") and b"connection: close" in got, (request, got)
            assert got.count(b"HTTP/1.1") == 1


def test_slow_heads_and_idle_connections_are_cut_off():
    with server() as s:
        with socket.create_connection((HOST, s.ports["WEB"]), 5) as c:
            began, got = time.time(), None
            c.settimeout(0.3)
            for i in range(30):      # a field every 300 ms
                try:
                    c.sendall(b"GET / HTTP/1.1\r\n" if i == 0 else b"X: y\r\n")
                    got = c.recv(100)
                except TimeoutError:
                    continue
                except OSError:
                    got = b""
                break
            assert got == b"" and 0.8 < time.time() - began < 3.5, (got, time.time() - began)
        got, took = raw(s, f"GET {IN_PATH} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert got.startswith(b"HTTP/1.1 200") and took and 0.8 < took < 2.5, took


def test_without_tls_there_is_no_http2():
    with server() as s:
        got, _ = raw(s, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0")
        assert got.startswith(b"HTTP/1.1 400"), got


def test_other_protocols_are_refused_in_the_handshake():
    with server() as s:
        c = ssl.create_default_context(cafile=s.dir / "ca.pem")
        c.set_alpn_protocols(["dot"])
        for word in ("DOH", "GRPC"):
            with socket.create_connection((HOST, s.ports[word]), 5) as sock:
                try:
                    c.wrap_socket(sock, server_hostname="dns.test")
                    raise AssertionError("it was accepted")
                except ssl.SSLError:
                    pass


def test_connections_beyond_the_limit_take_the_place_of_idle_ones():
    with server("""
https://.:@PORT@ {
    bind 127.0.0.1
    https {
        max_connections 4
    }
    hosts {
        192.0.2.1 www.example.org
    }
    prometheus 127.0.0.1:@PROM@
}
""") as s:
        idle = [socket.create_connection((HOST, s.port), 5) for _ in range(30)]
        for _ in range(8):
            how, _ = curl(s, f"http://{HOST}:{s.port}{IN_PATH}")
            assert how == "1.1 200"
        assert s.metric(r'connections_cut_total\{.*proto="https".*reason="evicted"|connections_cut_total\{.*reason="evicted".*proto="https"') > 0
        for c in idle:
            c.close()


def test_connections_beyond_the_limit_wait_while_all_are_at_work():
    s = server("""
https://.:@PORT@ {
    bind 127.0.0.1
    https {
        max_connections 2
    }
    forward . 127.0.0.1:@UP@
    prometheus 127.0.0.1:@PROM@
}
""", start=False, args=["-workers", "1"])
    s.expand("@UP@")
    with Upstream(slow_answer, s.ports["UP"]), s:
        s.start()
        began = time.time()
        clients = []
        for name in ("slow1.example.org.", "slow2.example.org.", "quick.example.org."):
            clients.append(socket.create_connection((HOST, s.port), 5))
            clients[-1].sendall(f"GET {path_for(name)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            time.sleep(0.1)
        assert clients[2].recv(1000).startswith(b"HTTP/1.1 200") and 0.4 < time.time() - began < 3
        assert s.metric("^isthmus_connections_full_total") >= 1
        for c in clients:
            c.close()


def test_statuses_are_counted():
    with server() as s:
        for path in (IN_PATH, IN_PATH, "/dns-query", "/other"):
            curl(s, "--http2", url(s, path=path))
        for status, count in (("200", 2), ("400", 1), ("404", 1)):
            assert s.metric(rf'^coredns_dns_https_responses_total\{{.*status="{status}"') == count, status


def test_a_reload_keeps_connections():
    with server() as s, httpx.Client(http2=True, verify=str(s.dir / "ca.pem")) as client:
        there = f"https://localhost:{s.ports['DOH']}{IN_PATH}"
        assert addresses_of(client.get(there).content) == ["192.0.2.1"]
        s.write("Corefile", COREFILE.replace("192.0.2.1 www", "192.0.2.2 www"))
        s.signal(10)
        assert s.logged(r"Reloading complete", 10)
        assert addresses_of(client.get(there).content) == ["192.0.2.2"]


def test_a_reload_may_bring_https():
    """What HTTP needs is loaded by a server that is already confined."""
    plain = ".:@PORT@ {\n    bind 127.0.0.1\n    whoami\n}\n"
    with Server(plain) as s:
        s.write("Corefile", plain + "https://.:@WEB@ {\n    bind 127.0.0.1\n    whoami\n}\n")
        s.signal(10)
        assert s.logged(r"Reloading complete", 10), s.log()
        assert curl(s, url(s, "WEB", IN_PATH))[0] == "1.1 200"


# --- gRPC ---

def packet(wire):
    out, n = b"\x0a", len(wire)
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n]) + wire


def message(octets):
    assert octets[:1] == b"\x0a"
    return octets[2:] if octets[1] < 128 else octets[3:] if octets[2] < 128 else octets[4:]


def call(channel):
    return channel.unary_unary("/coredns.dns.DnsService/Query", request_serializer=packet, response_deserializer=message)


def channels(s):
    credentials = grpc.ssl_channel_credentials((s.dir / "ca.pem").read_bytes())
    yield grpc.secure_channel(f"localhost:{s.ports['GRPC']}", credentials)
    yield grpc.insecure_channel(f"{HOST}:{s.ports['CLEAR']}")


def test_grpcio_calls():
    with server() as s:
        for channel in channels(s):
            with channel:
                query = call(channel)
                for _ in range(300):
                    assert addresses_of(query(QUERY.to_wire(), timeout=5)) == ["192.0.2.1"]
                calls = [query.future(QUERY.to_wire(), timeout=5) for _ in range(500)]
                assert all(addresses_of(c.result()) == ["192.0.2.1"] for c in calls)


def status_of(invoke):
    try:
        invoke()
    except grpc.RpcError as e:
        return e.code(), e.details()
    return grpc.StatusCode.OK, ""


def test_calls_that_cannot_be_have_a_status():
    with server() as s:
        for channel in channels(s):
            with channel:
                query, code = call(channel), grpc.StatusCode
                assert status_of(lambda: query(b"xx", timeout=5)) == (code.UNKNOWN, "dns: buffer size too small")
                response = bytes.fromhex("000081000001000000000000")
                assert status_of(lambda: query(response, timeout=5)) == (code.UNKNOWN, "dns request rejected")
                update = bytes.fromhex("00002800000100000000000003777777076578616d706c65036f72670000060001")
                assert status_of(lambda: query(update, timeout=5)) == (code.UNKNOWN, "dns request rejected")
                assert status_of(lambda: query(b"\0" * 70000, timeout=5))[0] == code.RESOURCE_EXHAUSTED
                other = channel.unary_unary("/coredns.dns.DnsService/Watch")
                assert status_of(lambda: other(b"", timeout=5))[0] == code.UNIMPLEMENTED


def test_a_deadline_ends_the_waiting():
    s = server(SLOW + """
.:@ADMIN@ {
    bind 127.0.0.1
    prometheus 127.0.0.1:@PROM@
    whoami
}
""", start=False)
    s.expand("@UP@")
    with Upstream(lambda q, _: None, s.ports["UP"]), s:
        s.start()
        with grpc.insecure_channel(f"{HOST}:{s.ports['CLEAR']}") as channel:
            query = call(channel)
            pending = query.future(QUERY.to_wire(), timeout=0.7)
            assert eventually(lambda: s.metric("^isthmus_queries_waiting") == 1, 0.6)
            # The client gives up at the same time as the server does: either may be first.
            assert status_of(pending.result)[0] in (grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.OK)
            assert eventually(lambda: s.metric("^isthmus_queries_waiting") == 0, 0.8)


if __name__ == "__main__":
    harness.main(globals())
