"""What hurts those who run a cluster's DNS server, as far as no real API server is needed: see tests/README.md."""
import sys
import tempfile
import time
from pathlib import Path

import harness
from harness import Server, addresses, eventually

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "conformance"))
import fakes  # noqa: E402

SPEC = {"namespaces": ["default"], "services": ["default/web 10.96.0.20 http:80", "default/db None pg:5432"],
        "endpointslices": ["default/db-1 svc=db pg:5432 10.1.0.1+host=db-0"],
        "pods": ["default/client 127.0.0.1"]}


def api(**more):
    return fakes.Kubernetes("api", dict(SPEC, **more), Path(tempfile.mkdtemp(prefix="isthmus-test-")))


# The Corefile that kubeadm writes, but for addresses.
KUBEADM = """.:@PORT@ {{
    bind 127.0.0.1
    errors
    health 127.0.0.1:@HEALTH@ {{
        lameduck 1s
    }}
    ready 127.0.0.1:@READY@
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        endpoint http://{address}
        pods {pods}
        fallthrough in-addr.arpa ip6.arpa
        ttl 30
        {more}
    }}
    prometheus 127.0.0.1:@PROM@
    cache 30
    {behind}
    reload
    loadbalance
}}
"""


def serve(fake, pods="insecure", more="", behind="", **options):
    return Server(KUBEADM.format(address=fake.address, pods=pods, more=more, behind=behind), **options)


def test_a_headless_service_without_endpoints_being_watched():
    fake = api()
    with serve(fake, more="noendpoints") as s:
        assert eventually(lambda: addresses(s.ask("web.default.svc.cluster.local")) == ["10.96.0.20"])
        for name in ("db", "db-0.db", "_pg._tcp.db"):
            assert s.ask(f"{name}.default.svc.cluster.local", "SRV").rcode() in (0, 3)
            assert not addresses(s.ask(f"{name}.default.svc.cluster.local"))
        assert s.ask("1.0.1.10.in-addr.arpa", "PTR").rcode() != 0
        assert len(set(s.pids())) == len(s.pids()) and "signal" not in s.log(), s.log()
    fake.close()


def test_names_go_on_through_an_outage_and_it_can_be_seen():
    fake = api()
    with serve(fake) as s:
        assert eventually(lambda: addresses(s.ask("web.default.svc.cluster.local")) == ["10.96.0.20"])
        fake.down()
        time.sleep(2.5)
        assert addresses(s.ask("web.default.svc.cluster.local")) == ["10.96.0.20"]
        assert s.ask("none.default.svc.cluster.local").rcode() == 3
        assert s.http("/ready", "READY")[0] == 200 and s.http("/health", "HEALTH")[0] == 200
        assert s.metric(r'^isthmus_kubernetes_last_event_age_seconds\{.*kind="services"') >= 2
        assert s.logged("connection refused by " + fake.address)
        fake.do_put("services", "default/later 10.96.0.51 http:80")
        fake.up()
        began = time.time()
        assert eventually(lambda: s.metric(r'^isthmus_kubernetes_objects\{.*kind="services"') == 3, 10), s.log()
        assert time.time() - began < 5
        assert addresses(s.ask("later.default.svc.cluster.local")) == ["10.96.0.51"]
        assert s.metric(r'^isthmus_kubernetes_last_event_age_seconds\{.*kind="services"') < 2
    fake.close()


if __name__ == "__main__":
    harness.main(globals())
