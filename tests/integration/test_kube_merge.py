"""`merge`: services answered with what all clusters know of them."""
import sys
import tempfile
import time
from pathlib import Path

import dns.rdatatype

import harness
from harness import Server, addresses, eventually

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "conformance"))
import fakes  # noqa: E402

FIRST = {
    "namespaces": ["default", "first"],
    "services": ["default/web 10.1.0.1 http:80", "default/db None pg:5432", "default/ext external=one.example.org", "default/mixed 10.1.0.9 http:80",
                 "first/own 10.1.0.5 http:80", "default/empty None pg:5432"],
    "endpointslices": ["default/db-1 svc=db pg:5432 10.11.0.1+host=db-0 10.11.0.2+host=db-1"],
}
SECOND = {
    "namespaces": ["default", "second"],
    "services": ["default/web 10.2.0.1 http:80", "default/db None pg:5432", "default/ext 10.2.0.7 http:80", "default/mixed None http:80",
                 "second/own 10.2.0.5 http:80", "default/empty None pg:5432"],
    "endpointslices": ["default/db-1 svc=db pg:5432 10.12.0.1+host=db-0 10.11.0.2+host=db-1", "default/mixed-1 svc=mixed http:80 10.12.0.9+host=m",
                       "default/empty-1 svc=empty pg:5432 10.12.0.8+host=e"],
}

COREFILE = """.:@PORT@ {{
    bind 127.0.0.1
    errors
    ready 127.0.0.1:@READY@
    kubernetai cluster.local in-addr.arpa {{
        endpoint http://{first}
        ttl 30
        startup_timeout 2s
        {options}
    }}
    kubernetai cluster.local in-addr.arpa {{
        endpoint http://{second}
        ttl 10
        {options}
    }}
    {behind}
}}
"""


def apis(**more):
    return [fakes.Kubernetes("api", dict(spec, **more), Path(tempfile.mkdtemp(prefix="isthmus-test-"))) for spec in (FIRST, SECOND)]


ZONE = "@ 60 SOA ns admin 1 3600 600 86400 60\n@ 60 NS ns\nnone.default.svc 60 A 192.0.2.99\n"


def serve(first, second, options="merge", behind=""):
    return Server(COREFILE.format(first=first.address, second=second.address, options=options, behind=behind), files={"zone": ZONE})


def name(service):
    return f"{service}.svc.cluster.local"


def weights(reply):
    return sorted((rr.target.to_text().split(".")[0], rr.port, rr.weight) for rrset in reply.answer for rr in rrset)


def test_services_are_those_of_all_clusters():
    first, second = apis()
    with serve(first, second) as s:
        ask = lambda service, rdtype="A": s.ask(name(service), rdtype)
        assert eventually(lambda: sorted(addresses(ask("web.default"))) == ["10.1.0.1", "10.2.0.1"]), s.log()
        reply = ask("db.default")
        assert sorted(addresses(reply)) == ["10.11.0.1", "10.11.0.2", "10.12.0.1"], "no address twice"
        assert len(reply.answer) == 1 and reply.answer[0].ttl == 10, "one TTL in a set: the least"
        assert sorted(addresses(ask("db-0.db.default"))) == ["10.11.0.1", "10.12.0.1"]
        # Three SRV records would be 50 and 50 of each cluster alone; those of one name are one.
        reply = ask("_pg._tcp.db.default", "SRV")
        assert weights(reply) == [("db-0", 5432, 50), ("db-1", 5432, 50)], weights(reply)
        extra = sorted(rr.address for rrset in reply.additional for rr in rrset)
        assert extra == ["10.11.0.1", "10.11.0.2", "10.12.0.1"], extra
        assert sorted(addresses(ask("mixed.default"))) == ["10.1.0.9", "10.12.0.9"]
        reply = ask("mixed.default", "SRV")
        assert len(weights(reply)) == 2 and {w for _, _, w in weights(reply)} == {50}, weights(reply)
        # A service without endpoints here is no obstacle to those there.
        assert addresses(ask("empty.default")) == ["10.12.0.8"]
        # An alias stands alone.
        reply = ask("ext.default")
        assert [rrset.rdtype for rrset in reply.answer if rrset.name.to_text() == name("ext.default") + "."] == [dns.rdatatype.CNAME]
        # What one of them has alone is there; what none has is denied once.
        assert addresses(ask("own.first")) == ["10.1.0.5"] and addresses(ask("own.second")) == ["10.2.0.5"]
        assert ask("none.default").rcode() == 3 and ask("web.default", "AAAA").rcode() == 0
        # Reverse names and other types are the first cluster's, as without `merge`.
        assert s.ask("1.0.1.10.in-addr.arpa", "PTR").answer and s.ask("1.0.2.10.in-addr.arpa", "PTR").rcode() == 3
        # A change shows in the union.
        second.do_put("endpointslices", "default/db-1 svc=db pg:5432 10.12.0.3+host=db-9")
        assert eventually(lambda: sorted(addresses(ask("db.default"))) == ["10.11.0.1", "10.11.0.2", "10.12.0.3"])
    for fake in (first, second):
        fake.close()


def test_a_cluster_that_never_came_up_is_left_out():
    first, second = apis()
    first.down()
    with serve(first, second) as s:
        began = time.time()
        assert addresses(s.ask(name("web.default"))) == ["10.2.0.1"], s.log()
        assert addresses(s.ask(name("own.second"))) == ["10.2.0.5"]
        assert time.time() - began < 1
        # It may know what the other does not: nobody can deny that.
        assert s.ask(name("own.first")).rcode() == 2 and s.ask(name("none.default")).rcode() == 2
        first.up()
        assert eventually(lambda: sorted(addresses(s.ask(name("web.default")))) == ["10.1.0.1", "10.2.0.1"], 15), s.log()
        assert s.ask(name("none.default")).rcode() == 3
    second.close()
    first.close()


def test_a_cluster_whose_server_went_away_goes_on_answering():
    """For a minute as healthy, after that where no other has the name (test_kubernetes in unit makes the minute pass)."""
    first, second = apis()
    with serve(first, second) as s:
        assert eventually(lambda: len(addresses(s.ask(name("web.default")))) == 2)
        first.down()
        time.sleep(2)
        assert sorted(addresses(s.ask(name("web.default")))) == ["10.1.0.1", "10.2.0.1"]
        assert addresses(s.ask(name("own.first"))) == ["10.1.0.5"]
    second.close()


def test_merged_names_fall_through_together():
    first, second = apis()
    with serve(first, second, "merge\n        fallthrough", "file zone cluster.local") as s:
        assert eventually(lambda: len(addresses(s.ask(name("web.default")))) == 2)
        assert addresses(s.ask(name("none.default"))) == ["192.0.2.99"]
    for fake in (first, second):
        fake.close()


def test_merge_is_kubernetais():
    first, second = apis()
    s = Server(".:@PORT@ {\n    kubernetes cluster.local {\n        endpoint http://" + first.address + "\n        merge\n    }\n}\n", start=False)
    s.start(wait=False)
    assert s.process.wait(20) == 1 and "it is an option of kubernetai" in s.log(), s.log()
    for fake in (first, second):
        fake.close()


if __name__ == "__main__":
    harness.main(globals())
