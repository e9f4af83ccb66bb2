"""The last good state of a cluster on disk: what a server answers that starts while the API server is away."""
import os
import re
import signal
import sys
import tempfile
import time
from pathlib import Path

import harness
from harness import SANITIZED, Server, addresses, eventually

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "conformance"))
import fakes  # noqa: E402

SPEC = {
    "namespaces": ["default", "other"],
    "services": ["default/web 10.96.0.20,fd00::20 http:80 dns:53/UDP", "default/db None pg:5432", "default/ext external=www.example.org",
                 "default/lb 10.96.0.21 http:80 lb=198.51.100.1,lb.example.net extip=198.51.100.2", "other/plain 10.96.0.30 8080"],
    "endpointslices": ["default/web-1 svc=web http:80 10.1.0.1", "default/db-1 svc=db pg:5432 10.1.0.2+host=db-0 10.1.0.3",
                       "default/db-2 svc=db pg:5432 fd00::2+host=db-0", "default/imp import=db cluster=east pg:5432 10.2.0.1+host=e"],
    "pods": ["default/client 10.3.0.1 labels=app=x,tier=front"],
    "serviceimports": ["default/web 10.98.0.20 http:80", "default/db pg:5432 type=Headless"],
}

COREFILE = """.:@PORT@ {{
    bind 127.0.0.1
    errors
    prometheus 127.0.0.1:@PROM@
    ready 127.0.0.1:@READY@
    k8s_external example.net
    kubernetes cluster.local clusterset.local in-addr.arpa {{
        endpoint http://{address}
        pods verified
        multicluster clusterset.local
        startup_timeout {timeout}
        persist @DIR@/state/cluster
        {more}
    }}
}}
"""

# Questions whose answers hang on every part of what is kept.
QUESTIONS = [("web.default.svc.cluster.local", "A"), ("web.default.svc.cluster.local", "AAAA"), ("web.default.svc.cluster.local", "SRV"),
             ("_dns._udp.web.default.svc.cluster.local", "SRV"), ("db.default.svc.cluster.local", "A"), ("db.default.svc.cluster.local", "AAAA"),
             ("_pg._tcp.db.default.svc.cluster.local", "SRV"), ("db-0.db.default.svc.cluster.local", "A"),
             ("10-1-0-3.db.default.svc.cluster.local", "A"), ("ext.default.svc.cluster.local", "CNAME"), ("plain.other.svc.cluster.local", "SRV"),
             ("10-3-0-1.default.pod.cluster.local", "A"), ("10-3-0-2.default.pod.cluster.local", "A"), ("none.default.svc.cluster.local", "A"),
             ("3.0.1.10.in-addr.arpa", "PTR"), ("web.default.svc.clusterset.local", "A"), ("e.east.db.default.svc.clusterset.local", "A"),
             ("lb.default.example.net", "A"), ("svc.cluster.local", "A"), ("web.none.svc.cluster.local", "A")]


def corefile(fake, timeout="5s", more=""):
    return COREFILE.format(address=fake.address, timeout=timeout, more=more)


def api(**more):
    return fakes.Kubernetes("api", dict(SPEC, **more), Path(tempfile.mkdtemp(prefix="isthmus-test-")))


def answers(s):
    def text(r):
        return re.sub(r"(SOA \S+ \S+) \d+", r"\1 SERIAL", "\n".join(sorted(str(rr) for section in r.sections[1:] for rr in section)))
    return {q: (r.rcode(), text(r)) for q in QUESTIONS for r in [s.ask(*q)]}


def begin(fake, **more):
    s = Server(corefile(fake, **more), start=False, files={"state/.keep": ""})
    s.start()
    return s


def path(s):
    return s.dir / "state/cluster"


def stop(s):
    s.process.terminate()
    s.process.wait(20)


def kept():
    """A server's folder with a state in it, its answers, and its API server."""
    fake = api()
    s = begin(fake)
    assert eventually(path(s).exists), s.log()
    return fake, s, answers(s)


def test_a_start_without_the_api_server_answers_at_once():
    fake, s, before = kept()
    with s:
        assert before["web.default.svc.cluster.local", "A"][0] == 0 and before["10-3-0-2.default.pod.cluster.local", "A"][0] == 3
        assert s.http("/ready", "READY") == (200, "OK")
        assert s.metric(r'^isthmus_kubernetes_synced{') == 6
        assert s.metric(r'^isthmus_kubernetes_objects{.*kind="services"}') == 5
        assert s.metric(r'^isthmus_kubernetes_objects{.*kind="endpointslices"}') == 4
        assert s.metric(r'^isthmus_kubernetes_stale_seconds') == 0
        stop(s)
        fake.down()
        began = time.time()
        s.start()
        assert answers(s) == before, s.log()
        assert time.time() - began < 4, "it waited for the API server"
        status, page = s.http("/ready", "READY")
        assert status == 200 and page.startswith("OK\nkubernetes: answers from the state on disk"), page
        assert s.metric(r'^isthmus_kubernetes_synced{') == 0
        assert s.metric(r'^isthmus_kubernetes_stale_seconds') >= 1
        assert "sandbox" not in s.log(), s.log()
        # What was changed and deleted meanwhile shows when it is back.
        fake.do_delete("services", "default/db")
        fake.do_delete("endpointslices", "default/db-1")
        fake.do_delete("endpointslices", "default/db-2")
        fake.do_put("services", "default/web 10.96.0.99 http:80")
        fake.up()
        assert eventually(lambda: addresses(s.ask("web.default.svc.cluster.local")) == ["10.96.0.99"], 15), s.log()
        assert eventually(lambda: s.ask("db.default.svc.cluster.local").rcode() == 3), s.log()
        assert eventually(lambda: s.http("/ready", "READY") == (200, "OK"))
        assert s.metric(r'^isthmus_kubernetes_stale_seconds') == 0
        assert s.ask("db-0.db.default.svc.cluster.local").rcode() == 3
    fake.close()


def test_a_damaged_state_is_refused_and_replaced():
    fake, s, before = kept()
    with s:
        stop(s)
        fake.down()
        good = path(s).read_bytes()
        for place in (20, len(good) // 2, len(good) - 3):
            bad = bytearray(good)
            bad[place] ^= 4
            path(s).write_bytes(bytes(bad))
            s.write("Corefile", corefile(fake, timeout="100ms"))
            s.start()
            assert s.logged(r"\[WARNING\] plugin/kubernetes: the state on disk is not used: .*damaged"), s.log()
            assert s.ask("web.default.svc.cluster.local").rcode() == 2
            assert s.http("/ready", "READY")[0] == 503
            stop(s)
        path(s).write_bytes(good[:-1])
        fake.up()
        s.start()
        assert answers(s) == before
        assert eventually(lambda: path(s).read_bytes() != good[:-1] and path(s).exists())
        stop(s)
        fake.down()
        s.start()
        assert answers(s) == before, s.log()
    fake.close()


def test_the_state_of_other_options_is_refused():
    fake, s, before = kept()
    with s:
        stop(s)
        fake.down()
        for more in ("labels app=x", "zonal", "endpoint_pod_names"):
            s.write("Corefile", corefile(fake, timeout="100ms", more=more))
            s.start()
            assert s.logged(r"the state on disk is not used: .*of another cluster, or of other options"), s.log()
            assert s.ask("web.default.svc.cluster.local").rcode() == 2
            stop(s)
            (s.dir / "output").unlink()
    fake.close()


def test_a_reload_does_not_go_back_to_the_disk():
    fake, s, _ = kept()
    with s:
        fake.do_put("services", "default/web 10.96.0.77 http:80")
        assert eventually(lambda: addresses(s.ask("web.default.svc.cluster.local")) == ["10.96.0.77"])
        s.write("Corefile", corefile(fake).replace("errors", "errors\n    log"))
        s.signal(signal.SIGUSR1)
        seen = set()
        assert eventually(lambda: seen.add(tuple(addresses(s.ask("web.default.svc.cluster.local")))) or s.logged("Reloading complete", 0.01), 15)
        seen.add(tuple(addresses(s.ask("web.default.svc.cluster.local"))))
        assert seen == {("10.96.0.77",)}, seen
    fake.close()


def test_a_folder_that_cannot_be_written_is_said():
    if os.geteuid() == 0 and SANITIZED:
        return   # no sandbox then, and root may write everywhere
    fake = api()
    with Server(corefile(fake).replace("@DIR@/state/cluster", "/proc/none/cluster")) as s:
        assert s.logged(r"^\[ERROR\] plugin/kubernetes: the state cannot be kept: open /proc/none/cluster.new: "), s.log()
        assert addresses(s.ask("web.default.svc.cluster.local")) == ["10.96.0.20"]
    fake.close()


def test_two_clusters_do_not_share_a_file():
    fake = api()
    stanza = "kubernetai {zone} {{\n        endpoint http://" + fake.address + "\n        persist @DIR@/same\n    }}\n    "
    s = Server(".:@PORT@ {\n    " + stanza.format(zone="a.local") + stanza.format(zone="b.local") + "}\n", start=False)
    s.start(wait=False)
    assert s.process.wait(20) == 1 and "another cluster's state is kept in" in s.log(), s.log()
    s.stop() if hasattr(s, "stop") else None
    fake.close()


if __name__ == "__main__":
    harness.main(globals())
