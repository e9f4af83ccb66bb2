"""Discovery of Designated Resolvers (RFC 9462): what a client is told leads to where it is answered."""
import dns.rcode

import harness
from certificates import Authority
from harness import HOST, Server, addresses

ROOT = Authority()
SERVER = ROOT.issue("dns.test", HOST)
FILES = {"server.pem": SERVER.pem, "server.key": SERVER.key, "ca.pem": ROOT.pem}

COREFILE = """
(doors) {
    bind 127.0.0.1
    tls server.pem server.key
    hosts {
        192.0.2.1 www.example.org
    }
}
.:@PORT@ {
    bind 127.0.0.1
    ddr dns.test
    whoami
}
tls://.:@DOT@ {
    import doors
}
quic://.:@DOT@ https3://.:@DOH@ {
    import doors
}
https://.:@DOH@ {
    import doors
}
"""

SCHEMES = {"dot": "tls", "doq": "quic", "h2": "https", "h3": "h3"}
ALPN, PORT, IPV4HINT, DOHPATH = 1, 3, 4, 7


def test_what_is_discovered_answers():
    with Server(COREFILE, FILES) as up:
        reply = up.ask("_dns.resolver.arpa", "SVCB")
        records = sorted(reply.answer[0], key=lambda r: r.priority)
        assert [r.params[ALPN].ids for r in records] == [(b"dot", b"doq"), (b"h3", b"h2")], reply.to_text()
        assert [r.target.to_text() for r in records] == ["dns.test."] * 2
        assert [dict(r.params).get(DOHPATH) is not None for r in records] == [False, True]
        assert reply.additional[0].to_text() == f"dns.test. 300 IN A {HOST}"
        for r in records:
            address, port = r.params[IPV4HINT].addresses[0], r.params[PORT].port
            for alpn in r.params[ALPN].ids:
                corefile = (f".:@PORT@ {{\n bind {HOST}\n errors\n forward . {SCHEMES[alpn.decode()]}://{address}:{port} {{\n"
                            f" tls ca.pem\n tls_servername {r.target.to_text(omit_final_dot=True)}\n }}\n}}\n")
                with Server(corefile, FILES) as s:
                    assert addresses(s.ask("www.example.org")) == ["192.0.2.1"], (alpn, s.log())


def test_without_the_plugin_nothing_is_told():
    with Server(COREFILE.replace("ddr dns.test", ""), FILES) as s:
        assert not [r for r in s.ask("_dns.resolver.arpa", "SVCB").answer]
    with Server(COREFILE, FILES) as s:
        assert s.ask("other.resolver.arpa").rcode() == dns.rcode.NXDOMAIN


harness.main(globals())
