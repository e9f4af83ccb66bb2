"""Zone transfers: what real clients and a real secondary get, also of a zone that fills many messages, and from slow readers."""
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import dns.message
import dns.query
import dns.rdatatype
import dns.zone

import harness
from harness import HOST, SANITIZED, Server, addresses, eventually

COREFILE = """
example.org:@PORT@ {
    bind 127.0.0.1
    errors
    file db.example.org {
        reload 200ms
    }
    transfer {
        to *
        to 127.0.0.1:@SECONDARY@
    }
}
"""


def zone(serial, *lines):
    return "\n".join((f"@ 60 IN SOA ns1 h {serial} 1 1 1209600 300", "@ 60 IN NS ns1", "ns1 60 IN A 192.0.2.1", *lines)) + "\n"


def many(count):
    return [f"host{i} 60 IN A 10.{i >> 16}.{i >> 8 & 255}.{i & 255}" for i in range(count)]


def fetch(server):
    return dns.zone.from_xfr(dns.query.xfr(HOST, "example.org", port=server.port, lifetime=60, relativize=False), relativize=False)


def test_a_large_zone_arrives_whole():
    with Server(COREFILE, {"db.example.org": zone(1, *many(20000))}) as s:
        got = fetch(s)
        assert len(got.nodes) == 20002, len(got.nodes)
        assert str(got.find_rdataset("host19999.example.org.", "A")[0]) == "10.0.78.31"
        assert s.logged(r'Outgoing transfer of 20004 records of zone "example.org." to 127.0.0.1 for 1 SOA serial'), s.log()


def test_dig_takes_it():
    with Server(COREFILE, {"db.example.org": zone(7, *many(300))}) as s:
        out = subprocess.run(["dig", f"@{HOST}", "-p", str(s.port), "example.org", "AXFR", "+noall", "+answer"],
                             capture_output=True, text=True, timeout=20).stdout.splitlines()
        lines = [line for line in out if line and not line.startswith(";")]
        assert len(lines) == 304 and " 7 " in lines[0] and lines[0] == lines[-1], lines[:3]


def test_a_slow_reader_holds_nobody_up():
    """A client that asks and does not read is cut off in time; others are answered meanwhile, and memory does not grow with the zone."""
    with Server(COREFILE, {"db.example.org": zone(1, *many(60000))}) as s:
        before = s.rss()
        question = dns.message.make_query("example.org", "AXFR").to_wire()
        slow = []
        for _ in range(8):
            c = socket.create_connection((HOST, s.port))
            c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            c.sendall(len(question).to_bytes(2, "big") + question)
            slow.append(c)
        for i in range(50):
            assert addresses(s.ask(f"host{i}.example.org")) == [f"10.0.0.{i}"]
            assert addresses(s.ask(f"host{i}.example.org", tcp=True)) == [f"10.0.0.{i}"]
        assert SANITIZED or s.rss() - before < 24 << 20, (before, s.rss())
        assert len(fetch(s).nodes) == 60002
        for c in slow:
            c.close()


def test_a_new_version_during_a_transfer():
    """A transfer that has begun goes on in the version in which it began."""
    with Server(COREFILE, {"db.example.org": zone(1, *many(40000))}) as s:
        c = socket.create_connection((HOST, s.port))
        c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        question = dns.message.make_query("example.org", "AXFR").to_wire()
        c.sendall(len(question).to_bytes(2, "big") + question)
        stream = bytearray(c.recv(1))
        s.write("db.example.org", zone(2, "www 60 IN A 192.0.2.9"))
        assert eventually(lambda: addresses(s.ask("www.example.org")) == ["192.0.2.9"]), s.log()
        c.settimeout(20)
        soas = records = 0
        while soas < 2:
            piece = c.recv(1 << 16)
            assert piece, "the transfer broke off"
            stream += piece
            while len(stream) >= 2 and len(stream) - 2 >= (length := int.from_bytes(stream[:2], "big")):
                for rrset in dns.message.from_wire(bytes(stream[2:2 + length]), xfr=True, one_rr_per_rrset=True).answer:
                    records += 1
                    if rrset.rdtype == dns.rdatatype.SOA:
                        soas += 1
                        assert rrset[0].serial == 1, rrset
                del stream[:2 + length]
        c.close()
        assert records == 40004, records
        assert len(fetch(s).nodes) == 3


KNOT = """
server:
    listen: 127.0.0.1@{port}
    rundir: "{dir}"
database:
    storage: "{dir}"
remote:
  - id: primary
    address: 127.0.0.1@{primary}
acl:
  - id: notified
    address: 127.0.0.1
    action: notify
zone:
  - domain: example.org
    storage: "{dir}"
    master: primary
    acl: notified
"""


def test_knot_as_secondary():
    """A secondary fetches the zone, and the next version as soon as it is told of it."""
    knotd = shutil.which("knotd") or "/usr/sbin/knotd"
    s = Server(COREFILE, {"db.example.org": zone(1, *many(100))}, start=False)
    s.expand("@SECONDARY@")
    with s, tempfile.TemporaryDirectory(prefix="isthmus-test-") as folder:
        s.start()
        conf = Path(folder) / "knot.conf"
        conf.write_text(KNOT.format(port=s.ports["SECONDARY"], dir=folder, primary=s.port))
        with open(Path(folder) / "output", "w") as output:
            knot = subprocess.Popen([knotd, "-c", str(conf)], stdout=output, stderr=subprocess.STDOUT)
        try:
            def has(address):
                return addresses(s.ask("www.example.org", port=s.ports["SECONDARY"])) == [address]
            ask = lambda: addresses(s.ask("host99.example.org", port=s.ports["SECONDARY"])) == ["10.0.0.99"]
            assert eventually(ask, 15), (Path(folder) / "output").read_text()
            s.write("db.example.org", zone(2, "www 60 IN A 192.0.2.9"))
            assert eventually(lambda: has("192.0.2.9"), 10), (Path(folder) / "output").read_text() + s.log()
        finally:
            knot.terminate()
            knot.wait(10)


if __name__ == "__main__":
    harness.main(globals())
