"""The Kubernetes DNS specification (1.1.0), point by point, and what the end-to-end tests of Kubernetes ask of a DNS server as far as
no pods need to run. Sections are the specification's."""
import atexit
import sys
import tempfile
from pathlib import Path

import dns.flags
import dns.rdatatype
import dns.reversename

import harness
from harness import Server, eventually

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "conformance"))
import fakes  # noqa: E402

ZONE = "cluster.local."
SPEC = {
    "namespaces": ["default", "other"],
    "services": ["default/kubernetes 10.3.0.1,fd00:3::1 https:443 dns:53/UDP 8080", "default/headless None https:443 metrics:9100/UDP 8080",
                 "default/unready None https:443", "default/foo external=www.example.com", "other/kubernetes 10.3.0.9 https:443",
                 "default/six fd00:3::6 http:80"],
    "endpointslices": ["default/kubernetes-1 svc=kubernetes https:6443 172.16.0.1",
                       "default/headless-1 svc=headless https:443 metrics:9100/UDP 8080 10.3.0.100+host=my-pet 10.3.0.101+host=my-pet-2 10.3.0.102 "
                       "10.3.0.103+host=late+notready",
                       "default/headless-2 svc=headless https:443 metrics:9100/UDP 8080 10.3.0.104+host=my-pet",
                       "default/headless-6 svc=headless https:443 metrics:9100/UDP 8080 fd00:3::100+host=my-pet",
                       "default/unready-1 svc=unready https:443 10.3.0.110+host=u+notready"],
}
COREFILE = """.:@PORT@ {{
    bind 127.0.0.1
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        endpoint http://{address}
        pods insecure
    }}
    file zone example.com
}}
"""
EXTERNAL = "$ORIGIN example.com.\n@ 60 SOA ns admin 1 3600 600 86400 60\n@ 60 NS ns\nns 60 A 192.0.2.1\nwww 60 A 192.0.2.53\n"

SERVER = FAKE = None


def server():
    global SERVER, FAKE
    if not SERVER:
        FAKE = fakes.Kubernetes("api", SPEC, Path(tempfile.mkdtemp(prefix="isthmus-test-")))
        atexit.register(FAKE.close)
        SERVER = Server(COREFILE.format(address=FAKE.address), files={"zone": EXTERNAL})
        atexit.register(SERVER.__exit__, None, None, None)
        assert eventually(lambda: texts(ask("kubernetes.default.svc", "A").answer, "A"))
    return SERVER


def full(name):
    return name if name.endswith(".") else f"{name}.{ZONE}"


def ask(name, rdtype):
    return server().ask(full(name), rdtype)


def texts(rrsets, rdtype):
    return sorted(rr.to_text() for rrset in rrsets if rrset.rdtype == dns.rdatatype.from_text(rdtype) for rr in rrset)


def records(name, rdtype):
    reply = ask(name, rdtype)
    assert reply.rcode() == 0, reply
    assert all(rrset.name.to_text().lower() == full(name).lower() for rrset in reply.answer if rrset.rdtype == dns.rdatatype.from_text(rdtype)), reply
    return texts(reply.answer, rdtype)


def services_of(name):
    """SRV records as (port, target)."""
    return sorted((int(r.split()[2]), r.split()[3]) for r in records(name, "SRV"))


def pointers(address):
    return records(dns.reversename.from_address(address).to_text(), "PTR")


def is_denied(name, rdtype="A"):
    return ask(name, rdtype).rcode() == 3


def test_2_1_comparisons_are_case_insensitive():
    assert records("KUBERNETES.Default.SVC", "A") == ["10.3.0.1"]
    assert records("My-Pet.HEADLESS.default.svc", "A") == ["10.3.0.100", "10.3.0.104"]
    assert services_of("_HTTPS._Tcp.kubernetes.default.svc")[0][0] == 443


def test_2_2_the_schema_version():
    assert records("dns-version", "TXT") == ['"1.1.0"']


def test_2_3_1_addresses_of_a_service():
    assert records("kubernetes.default.svc", "A") == ["10.3.0.1"]
    assert records("kubernetes.default.svc", "AAAA") == ["fd00:3::1"]
    assert records("kubernetes.other.svc", "A") == ["10.3.0.9"]
    assert records("six.default.svc", "AAAA") == ["fd00:3::6"] and records("six.default.svc", "A") == []
    assert is_denied("none.default.svc") and is_denied("kubernetes.none.svc")


def test_2_3_2_srv_records_of_a_service():
    assert services_of("_https._tcp.kubernetes.default.svc") == [(443, "kubernetes.default.svc." + ZONE)]
    assert services_of("_dns._udp.kubernetes.default.svc") == [(53, "kubernetes.default.svc." + ZONE)]
    assert texts(ask("_https._tcp.kubernetes.default.svc", "SRV").additional, "A") == ["10.3.0.1"]
    # Names of ports and protocols that are not the service's; an unnamed port has no record of its own.
    for name in ("_https._udp", "_dns._tcp", "_8080._tcp"):
        assert is_denied(f"{name}.kubernetes.default.svc", "SRV"), name


def test_2_3_3_pointers_to_a_service():
    assert pointers("10.3.0.1") == ["kubernetes.default.svc." + ZONE]
    assert pointers("fd00:3::1") == ["kubernetes.default.svc." + ZONE]
    assert is_denied(dns.reversename.from_address("10.3.0.250").to_text(), "PTR")


def test_2_4_1_addresses_of_a_headless_service():
    assert records("headless.default.svc", "A") == ["10.3.0.100", "10.3.0.101", "10.3.0.102", "10.3.0.104"]
    assert records("headless.default.svc", "AAAA") == ["fd00:3::100"]
    assert records("my-pet.headless.default.svc", "A") == ["10.3.0.100", "10.3.0.104"], "one for each address of the host name"
    assert records("my-pet.headless.default.svc", "AAAA") == ["fd00:3::100"]
    assert records("my-pet-2.headless.default.svc", "A") == ["10.3.0.101"]
    assert is_denied("late.headless.default.svc"), "it is not ready"
    assert is_denied("unready.default.svc") and is_denied("u.unready.default.svc"), "no endpoint is ready"


def test_2_4_1_endpoints_without_host_name_have_one_from_the_system():
    targets = {target for _, target in services_of("_https._tcp.headless.default.svc")}
    own = [t for t in targets if not t.startswith("my-pet")]
    assert len(own) == 1 and records(own[0], "A") == ["10.3.0.102"]


def test_2_4_2_srv_records_of_a_headless_service():
    """Ready host names times named ports."""
    https, metrics = services_of("_https._tcp.headless.default.svc"), services_of("_metrics._udp.headless.default.svc")
    assert len(https) == len(metrics) == len(set(https)) and {p for p, _ in https} == {443} and {p for p, _ in metrics} == {9100}
    assert {t for _, t in https} == {t for _, t in metrics}
    assert {t.split(".")[0] for _, t in https} >= {"my-pet", "my-pet-2"} and not any(t.startswith("late.") for _, t in https)
    additional = ask("_https._tcp.headless.default.svc", "SRV").additional
    assert texts(additional, "A") == ["10.3.0.100", "10.3.0.101", "10.3.0.102", "10.3.0.104"] and texts(additional, "AAAA") == ["fd00:3::100"]
    assert is_denied("_8080._tcp.headless.default.svc", "SRV") and is_denied("_https._tcp.unready.default.svc", "SRV")


def test_2_4_3_pointers_to_endpoints():
    assert pointers("10.3.0.100") == ["my-pet.headless.default.svc." + ZONE]
    assert pointers("10.3.0.104") == ["my-pet.headless.default.svc." + ZONE]
    assert pointers("fd00:3::100") == ["my-pet.headless.default.svc." + ZONE]
    assert records(pointers("10.3.0.102")[0], "A") == ["10.3.0.102"]
    assert is_denied(dns.reversename.from_address("10.3.0.103").to_text(), "PTR"), "it is not ready"


def test_2_5_external_names():
    reply = ask("foo.default.svc", "A")
    assert texts(reply.answer, "CNAME") == ["www.example.com."] and texts(reply.answer, "A") == ["192.0.2.53"]
    assert records("foo.default.svc", "CNAME") == ["www.example.com."]


def test_2_6_addresses_of_pods():
    assert records("1-2-3-4.default.pod", "A") == ["1.2.3.4"]
    assert records("10-0-255-0.other.pod", "A") == ["10.0.255.0"]
    assert is_denied("1-2-3-256.default.pod") and is_denied("1-2-3-4.none.pod")


def test_answers_are_authoritative_and_have_a_ttl():
    for name, rdtype in (("kubernetes.default.svc", "A"), ("headless.default.svc", "A"), ("_https._tcp.headless.default.svc", "SRV"), ("dns-version", "TXT")):
        reply = ask(name, rdtype)
        assert reply.flags & dns.flags.AA and all(0 < rrset.ttl <= 86400 for rrset in reply.answer), reply
    denied = ask("none.default.svc", "A")
    assert denied.rcode() == 3 and denied.authority[0].rdtype == dns.rdatatype.SOA


# --- as the end-to-end tests of Kubernetes have it ---

def test_a_clients_search_path_leads_to_the_service():
    """What a pod's resolver makes of `kubernetes` and `kubernetes.default`: the first name that is there is the right one."""
    path = ["default.svc." + ZONE, "svc." + ZONE, ZONE]

    def look_up(name):
        return next(found for suffix in path for found in [ask(f"{name}.{suffix}", "A")] if found.rcode() == 0)
    for name in ("kubernetes", "kubernetes.default", "kubernetes.default.svc"):
        assert texts(look_up(name).answer, "A") == ["10.3.0.1"], name
    assert texts(look_up("kubernetes.other").answer, "A") == ["10.3.0.9"]


def test_a_service_that_changes_its_type_changes_its_answers():
    server()
    FAKE.do_put("services", "default/turns external=foo.example.com")
    assert eventually(lambda: texts(ask("turns.default.svc", "CNAME").answer, "CNAME") == ["foo.example.com."])   # the name is not there before
    FAKE.do_put("services", "default/turns external=www.example.com")
    assert eventually(lambda: texts(ask("turns.default.svc", "CNAME").answer, "CNAME") == ["www.example.com."])
    FAKE.do_put("services", "default/turns 10.3.0.77 http:80")
    assert eventually(lambda: texts(ask("turns.default.svc", "A").answer, "A") == ["10.3.0.77"])
    assert texts(ask("turns.default.svc", "A").answer, "CNAME") == [] and pointers("10.3.0.77") == ["turns.default.svc." + ZONE]
    FAKE.do_delete("services", "default/turns")
    assert eventually(lambda: is_denied("turns.default.svc")) and is_denied(dns.reversename.from_address("10.3.0.77").to_text(), "PTR")


def test_an_endpoint_comes_when_it_is_ready_and_goes_when_it_is_not():
    server()
    line = "default/unready-1 svc=unready https:443 10.3.0.110+host=u"
    FAKE.do_put("endpointslices", line)
    assert eventually(lambda: texts(ask("u.unready.default.svc", "A").answer, "A") == ["10.3.0.110"]) and pointers("10.3.0.110")
    FAKE.do_put("endpointslices", line + "+notready")
    assert eventually(lambda: is_denied("unready.default.svc"))


if __name__ == "__main__":
    harness.main(globals())
