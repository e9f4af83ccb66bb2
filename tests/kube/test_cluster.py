"""A real API server: what is in it is answered, and nothing that happens to it makes an answer wrong."""
import ctypes
import ipaddress
import os
import signal
import time

import dns.flags
import dns.rcode

import cluster
import fill
from cluster import DOMAIN, Box, Road, corefile, get, kubeconfig, reader, right, right_answers, shows, wrong
from harness import SANITIZED, Server, eventually

SOON = 2.0   # seconds after the API server is back until a change is to be seen
_box = None


def box():
    """The one that most tests share; it runs when a test begins."""
    global _box
    if _box is None:
        _box = Box()
    else:
        _box.start_missing()
    return _box


def serve(b, *options, **more):
    return Server(corefile(b.reader, *options), **more)


def synced(server, seconds=20.0):
    return eventually(lambda: server.http("/ready", "READY")[0] == 200, seconds)


# ---- names

def test_names_of_every_kind():
    b = box()
    args = b.fill(services=30, headless=3, external=2, pods=40)
    with serve(b, "pods verified") as s:
        right(s, right_answers(b, args))
        ip = b.api.get(f"{fill.SERVICES.format(ns='ns-7')}/svc-7")["spec"]["clusterIP"]
        reverse = ipaddress.ip_address(ip).reverse_pointer + "."
        assert get(s, "dns-version.cluster.local.", "TXT") == ['"1.1.0"']
        assert get(s, f"svc-7.ns-7.{DOMAIN}", "AAAA") == []
        assert get(s, reverse, "PTR") == [f"svc-7.ns-7.{DOMAIN}"]
        assert get(s, f"_http._tcp.svc-7.ns-7.{DOMAIN}", "SRV") == [f"0 100 80 svc-7.ns-7.{DOMAIN}"]
        assert get(s, f"external-1.ns-1.{DOMAIN}", "CNAME") == ["target-1.example.org."]
        srv = get(s, f"_metrics._tcp.headless-2.ns-2.{DOMAIN}", "SRV", tcp=True)
        assert srv == sorted(f"0 10 9090 ep-{i}.headless-2.ns-2.{DOMAIN}" for i in range(10)), srv
        address = fill.pod_address(fill.HEADLESS_FIRST + 20 + 4)
        assert get(s, ipaddress.ip_address(address).reverse_pointer + ".", "PTR") == [f"ep-4.headless-2.ns-2.{DOMAIN}"]
        for name in (f"svc-7.ns-8.{DOMAIN}", f"svc-99.ns-9.{DOMAIN}", f"ep-10.headless-2.ns-2.{DOMAIN}",
                     "10-255-255-255.ns-1.pod.cluster.local.", f"svc-7.ns-nowhere.{DOMAIN}"):
            assert s.ask(name).rcode() == dns.rcode.NXDOMAIN, name


def test_dual_stack():
    b = box()
    b.fill(services=6, headless=2, dual_stack=True, namespaces=3)
    made = b.api.get(f"{fill.SERVICES.format(ns='ns-1')}")["items"]
    dual = [x for x in made if len(x["spec"].get("clusterIPs", [])) == 2]
    with serve(b) as s:
        assert synced(s)
        for x in dual[:3]:
            v4, v6 = x["spec"]["clusterIPs"]
            name = f"{x['metadata']['name']}.ns-1.{DOMAIN}"
            assert get(s, name, "A") == [v4] and get(s, name, "AAAA") == [v6]


def test_imports_of_other_clusters():
    b = box()
    b.fill(imports=3)
    with Server(corefile(b.reader, "multicluster clusterset.local", zones="cluster.local clusterset.local")) as s:
        assert eventually(lambda: get(s, "import-2.ns-2.svc.clusterset.local.") == ["10.80.0.3"], 20), s.log()
        assert s.ask("import-2.ns-2.svc.cluster.local.").rcode() == dns.rcode.NXDOMAIN


# ---- who we are

def in_a_pod(mount):
    """Before the server runs: a namespace of mounts in which this folder is where pods have their service account."""
    libc = ctypes.CDLL(None, use_errno=True)

    def call(number):
        if number:
            raise OSError(ctypes.get_errno(), "cannot mount")

    def prepare():
        call(libc.unshare(0x00020000))   # CLONE_NEWNS
        call(libc.mount(b"none", b"/", None, 0x4000 | 0x40000, None))   # MS_REC | MS_PRIVATE
        call(libc.mount(b"none", b"/run", b"tmpfs", 0, None))
        at = "/run/secrets/kubernetes.io/serviceaccount"
        os.makedirs(at)
        call(libc.mount(str(mount).encode(), at.encode(), None, 0x1000, None))   # MS_BIND
    return prepare


def test_as_the_service_account_in_a_pod():
    b = box()
    args = b.fill(services=20, headless=2)
    env = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": str(b.port)}
    conf = corefile("-").replace("kubeconfig -", "ttl 30")
    with Server(conf, env=env, preexec=in_a_pod(b.dir / "serviceaccount")) as s:
        right(s, right_answers(b, args))
        assert s.ask(f"svc-1.ns-1.{DOMAIN}").answer[0].ttl == 30


BINDING = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"


def test_no_right_to_read():
    """Without the role's binding the API server says 403: that is logged, answers stay, and go on once the right is given."""
    b = box()
    args = b.fill(services=5, headless=1)
    binding = b.api.get(f"{BINDING}/system:coredns")
    for field in ("resourceVersion", "uid", "creationTimestamp"):
        del binding["metadata"][field]
    road = Road(b.port)
    try:
        with Server(corefile("config"), {"config": kubeconfig(b, reader(b), road.port)}) as s:
            right(s, right_answers(b, args))
            b.api.call("DELETE", f"{BINDING}/system:coredns")
            time.sleep(2)   # so long the API server may go by what it knows
            road.cut()
            road.open()
            assert s.logged(r'User "kubebox-reader" cannot (list|watch) resource', 15), s.log()
            assert not wrong(s, right_answers(b, args))
            with serve(b, "startup_timeout 1s") as late:
                assert late.ask(f"svc-1.ns-1.{DOMAIN}").rcode() == dns.rcode.SERVFAIL
                b.api.call("POST", BINDING, binding)
                right(late, right_answers(b, args))
            assert shows(s, b.changes().change(), 15), s.log()
    finally:
        b.api.call("POST", BINDING, binding, ok=(409,))
        road.cut()


def account_token(b):
    """Makes the service account anew, which ends its old tokens; gives a new one."""
    path = "/api/v1/namespaces/kube-system/serviceaccounts"
    b.api.call("DELETE", f"{path}/coredns", ok=(404,))
    b.api.call("POST", path, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "coredns"}})
    return b.token()


def test_a_token_that_rotates():
    b = box()
    args = b.fill(services=5, headless=1)
    road = Road(b.port)
    config = kubeconfig(b, {"tokenFile": "token"}, road.port)
    with Server(corefile("config"), {"config": config, "token": b.token()}) as s:
        right(s, right_answers(b, args))
        fresh = account_token(b)   # the old one is good no more, once the API server has forgotten that it was
        time.sleep(12)
        road.cut()
        road.open()
        assert eventually(lambda: s.metric(r'rest_client_requests_total{code="401"'), 10), s.log()
        assert not wrong(s, right_answers(b, args))
        s.write("token", fresh + "\n")
        assert shows(s, b.changes().change(), 5), s.log()
    road.cut()


# ---- changes

def test_changes_are_seen():
    b = box()
    b.fill(services=50, headless=20)
    with serve(b) as s:
        assert synced(s)
        changes = b.changes(20)
        for _ in range(100):
            change = changes.change()
            assert shows(s, change, 2), change
        last = {}
        for _ in range(400):
            change = changes.change()
            last[change[3]] = change
        assert len(last) == 20
        for change in last.values():
            assert shows(s, change, 2), change


def test_services_that_come_and_go():
    b = box()
    b.fill(services=3)
    path = fill.SERVICES.format(ns="ns-0")
    with serve(b) as s:
        assert synced(s)
        for i in range(20):
            name = f"passing-{i}.ns-0.{DOMAIN}"
            assert s.ask(name).rcode() == dns.rcode.NXDOMAIN
            ip = b.api.call("POST", path, fill.service(f"passing-{i}", False, False))[1]["spec"]["clusterIP"]
            assert eventually(lambda n=name, a=ip: get(s, n) == [a], 2, 0.005), name
            b.api.call("DELETE", f"{path}/passing-{i}")
            assert eventually(lambda n=name: s.ask(n).rcode() == dns.rcode.NXDOMAIN, 2, 0.005), name


def test_a_namespace_that_is_deleted():
    b = box()
    b.api.call("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "passing"}}, ok=(409,))
    path = fill.SERVICES.format(ns="passing")
    ip = b.api.call("POST", path, fill.service("a", False, False))[1]["spec"]["clusterIP"]
    with serve(b) as s:
        assert eventually(lambda: get(s, f"a.passing.{DOMAIN}") == [ip], 20), s.log()
        b.api.call("DELETE", f"{path}/a")
        fill.finalize(b.api, "passing")
        assert eventually(lambda: s.ask(f"passing.{DOMAIN}").rcode() == dns.rcode.NXDOMAIN, 5)


def test_one_service_with_a_hundred_thousand_endpoints():
    b = Box()
    args = b.fill(headless=1, endpoints_per_service=100_000)
    with serve(b) as s:
        name = f"headless-0.ns-0.{DOMAIN}"
        assert eventually(lambda: get(s, f"ep-99.{name}"), 60, 0.2), s.log()
        for k in (0, 1, 31, 99):   # host names are counted in the whole service
            address = fill.pod_address(fill.HEADLESS_FIRST + k)
            assert get(s, f"ep-{k}.{name}") == [address], k
        for k in (0, 777, 50_000, 99_999):
            address = fill.pod_address(fill.HEADLESS_FIRST + k)
            assert get(s, f"ep-{k}.{name}") == [address], k
            assert get(s, ipaddress.ip_address(address).reverse_pointer + ".", "PTR") == [f"ep-{k}.{name}"], k
        reply = s.ask(name, tcp=True)   # more than a message holds: as many as there is room for
        assert reply.flags & dns.flags.TC and len(reply.answer[0]) > 3000, reply.flags
        path = f"{fill.SLICES.format(ns='ns-0')}/headless-0-500"
        endpoints = b.api.get(path)["endpoints"]
        began = time.time()
        for n in range(50):
            endpoints[0]["addresses"] = [f"10.9.0.{n + 1}"]
            b.api.merge(path, {"endpoints": endpoints})
        took = time.time() - began
        assert eventually(lambda: get(s, f"ep-50000.{name}") == ["10.9.0.50"], 2, 0.005), s.log()
        assert SANITIZED or took < 30
        assert SANITIZED or s.rss() < 150 << 10, s.rss()
        assert args
    b.remove()


# ---- what happens to API servers

def test_killed_and_back():
    b = box()
    args = b.fill(services=30, headless=3)
    wanted = right_answers(b, args)
    with serve(b) as s:
        right(s, wanted)
        for _ in range(3):
            b.kill9("both")
            assert not wrong(s, wanted)
            time.sleep(3)
            assert not wrong(s, wanted)
            b.start()
            change = b.changes(3).change()
            began = time.time()
            assert shows(s, change, 20), s.log()
            assert time.time() - began < SOON, time.time() - began
            wanted = right_answers(b, args)
            right(s, wanted)
        assert s.http("/ready", "READY")[0] == 200


def test_what_changes_while_we_do_not_see_it():
    """Made, changed and deleted behind our back: all of it shows when we hear from the API server again."""
    b = box()
    args = b.fill(services=10, headless=3)
    path = fill.SERVICES.format(ns="ns-0")
    b.api.call("POST", path, fill.service("leaves", False, False), ok=(409,))
    road = Road(b.port)
    with Server(corefile("config"), {"config": kubeconfig(b, reader(b), road.port)}) as s:
        right(s, right_answers(b, args))
        assert get(s, f"leaves.ns-0.{DOMAIN}")
        road.cut()
        b.api.call("DELETE", f"{path}/leaves")
        ip = b.api.call("POST", path, fill.service("comes", False, False))[1]["spec"]["clusterIP"]
        change = b.changes(3).change()
        time.sleep(1)
        assert get(s, f"leaves.ns-0.{DOMAIN}")
        road.open()
        assert shows(s, change, 5), s.log()
        assert eventually(lambda: get(s, f"comes.ns-0.{DOMAIN}") == [ip], 5)
        assert eventually(lambda: s.ask(f"leaves.ns-0.{DOMAIN}").rcode() == dns.rcode.NXDOMAIN, 5)
        b.api.call("DELETE", f"{path}/comes")
    road.cut()


def test_versions_that_are_gone():
    """The API server has forgotten the version that we saw last: 410, and everything is listed again, the deleted ones gone."""
    b = box()
    args = b.fill(services=10, headless=3)
    path = fill.SERVICES.format(ns="ns-0")
    b.api.call("POST", path, fill.service("leaves", False, False), ok=(409,))
    road = Road(b.port)
    with Server(corefile("config"), {"config": kubeconfig(b, reader(b), road.port)}) as s:
        right(s, right_answers(b, args))
        assert get(s, f"leaves.ns-0.{DOMAIN}")
        old = b.api.get("/api/v1/services?limit=1")["metadata"]["resourceVersion"]
        road.cut()
        b.api.call("DELETE", f"{path}/leaves")
        changes = b.changes(3)
        for _ in range(50):
            change = changes.change()
        b.compact()
        b.kill9("apiserver")   # its own memory of versions goes, too
        b.start()
        status = b.api.call("GET", f"/api/v1/services?watch=1&timeoutSeconds=1&resourceVersion={old}", ok=(410,))
        assert "410" in str(status), status
        road.open()
        assert shows(s, change, 10), s.log()
        assert eventually(lambda: s.ask(f"leaves.ns-0.{DOMAIN}").rcode() == dns.rcode.NXDOMAIN, 5)
        right(s, right_answers(b, args))
        assert shows(s, changes.change(), 2)
    road.cut()


def test_a_cluster_that_comes_back_empty():
    """With versions that went backwards: what is not there any more is not answered any more."""
    b = Box()
    args = b.fill(services=10, headless=2)
    with serve(b) as s:
        right(s, right_answers(b, args))
        b.kill9("both")
        for file in sorted((b.dir / "etcd").rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        b.start()
        assert eventually(lambda: s.ask(f"svc-1.ns-1.{DOMAIN}").rcode() == dns.rcode.NXDOMAIN, 20), s.log()
        args = b.fill(services=3, headless=1)
        right(s, right_answers(b, args))
    b.remove()


def test_paused():
    """A connection that is open and says nothing: answers stay, and go on when the API server does."""
    b = box()
    args = b.fill(services=10, headless=3)
    wanted = right_answers(b, args)
    with serve(b) as s:
        right(s, wanted)
        b.pause()
        time.sleep(5)
        assert not wrong(s, wanted)
        b.resume()
        assert shows(s, b.changes(3).change(), SOON), s.log()
        b.pause()
        time.sleep(1)
        b.kill9()
        b.start()
        assert shows(s, b.changes(3).change(), SOON), s.log()


def test_started_while_the_api_server_says_nothing():
    b = box()
    args = b.fill(services=10, headless=3)
    b.pause()
    try:
        with serve(b, "startup_timeout 1s") as s:
            assert s.ask(f"svc-1.ns-1.{DOMAIN}").rcode() == dns.rcode.SERVFAIL
            assert s.http("/ready", "READY")[0] == 503
            b.resume()
            right(s, right_answers(b, args), 10)
            assert synced(s)
    finally:
        b.resume()


def test_started_while_the_api_server_is_away():
    b = box()
    args = b.fill(services=10, headless=3)
    wanted = right_answers(b, args)
    b.kill9("both")
    try:
        with serve(b, "startup_timeout 1s") as s:
            assert s.ask(f"svc-1.ns-1.{DOMAIN}").rcode() == dns.rcode.SERVFAIL
            b.start()
            right(s, wanted, 5)
    finally:
        b.start_missing()


def test_crashed_while_the_api_server_is_there():
    """The supervisor starts it again, and it knows everything anew."""
    b = box()
    args = b.fill(services=30, headless=3)
    wanted = right_answers(b, args)
    with serve(b) as s:
        right(s, wanted)
        os.kill(s.serving_pid(), signal.SIGKILL)
        right(s, wanted, 10)


def test_watches_and_connections_that_end():
    """A server that ends watches after seconds and closes its connections now and then."""
    b = Box("--min-request-timeout=2", "--goaway-chance=0.02")
    args = b.fill(services=10, headless=3)
    with serve(b) as s:
        right(s, right_answers(b, args))
        changes = b.changes(3)
        end = time.time() + 20
        while time.time() < end:
            assert shows(s, changes.change(), 3), s.log()
        right(s, right_answers(b, args))
    b.remove()


def test_without_streamed_lists():
    b = Box("--feature-gates=WatchList=false")
    args = b.fill(services=600, headless=3)   # more than a page
    with serve(b) as s:
        right(s, right_answers(b, args))
        assert shows(s, b.changes(3).change(), 2)
    b.remove()


def test_a_relist_of_everything_costs_little():
    b = Box()
    args = b.fill(services=1500, headless=20)
    road = Road(b.port)
    with Server(corefile("config"), {"config": kubeconfig(b, reader(b), road.port)}) as s:
        right(s, right_answers(b, args))
        shows(s, b.changes(20).change())
        before = s.rss()
        for _ in range(3):
            road.cut()
            changes = b.changes(20)
            for _ in range(20):
                change = changes.change()
            b.compact()
            b.kill9("apiserver")
            b.start()
            road.open()
            assert shows(s, change, 10), s.log()
        after = s.rss()
        assert SANITIZED or after < 1.1 * before, (before, after)
    road.cut()
    b.remove()


# ---- several

def clusters(first, second):
    return f"""
.:@PORT@ {{
    bind 127.0.0.1
    errors
    kubernetai cluster.local {{
        kubeconfig {first}
        fallthrough
    }}
    kubernetai cluster.local {{
        kubeconfig {second}
        startup_timeout 1s
    }}
}}
"""


def only(b, name):
    """A service that only this box has; its address."""
    b.api.call("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "only"}}, ok=(409,))
    status, made = b.api.call("POST", fill.SERVICES.format(ns="only"), fill.service(name, False, False), ok=(409,))
    made = made if status != 409 else b.api.get(f"{fill.SERVICES.format(ns='only')}/{name}")
    return made["spec"]["clusterIP"]


def test_two_clusters_of_which_one_goes_away():
    a, b = box(), Box()
    first, second = only(a, "here"), only(b, "there")
    with Server(clusters(a.reader, b.reader)) as s:
        def both():
            return get(s, f"here.only.{DOMAIN}") == [first] and get(s, f"there.only.{DOMAIN}") == [second]
        assert eventually(both, 20), s.log()
        for fault in (b.kill9, b.pause):
            fault()
            times = []
            for _ in range(20):
                began = time.time()
                assert both()
                times.append(time.time() - began)
            assert max(times) < 0.5, times
            b.resume() if fault == b.pause else b.start()
    b.kill9("both")
    with Server(clusters(a.reader, b.reader)) as s:   # and one that was never there
        assert eventually(lambda: get(s, f"here.only.{DOMAIN}") == [first], 20), s.log()
        assert s.ask(f"there.only.{DOMAIN}").rcode() == dns.rcode.SERVFAIL
        b.start()
        assert eventually(lambda: get(s, f"there.only.{DOMAIN}") == [second], 5), s.log()
        assert s.ask(f"nowhere.only.{DOMAIN}").rcode() == dns.rcode.NXDOMAIN
    b.remove()


if __name__ == "__main__":
    cluster.main(globals())
