#!/usr/bin/env python3
"""Fill a kubebox with namespaces, services, EndpointSlices, pods and ServiceImports, change them, and clean up.

    fill.py fill DIR --services 1000 --endpoints-per-service 10 --headless 20 --pods 5000
    fill.py churn DIR --rate 50 --count 1000      change endpoints, one line with timestamps a change
    fill.py clean DIR                             delete everything that fill made

DIR is a box that `kubebox start DIR` started. Filling is idempotent: what is there already is left alone, so
a box can be grown. Everything follows from the numbers:

    service I   svc-I, namespace ns-(I mod namespaces), cluster IP given by the API server, slices svc-I-0, -1, ...
    headless I  headless-I, in the same way, its endpoints with host names ep-0, ep-1, ...
    external I  external-I, an ExternalName for target-I.example.org
    import I    import-I, a ServiceImport with the cluster-set address 10.80.0.0 + I + 1
    endpoint K  10.128.0.0 + K + 1 (IPv6: fd00:128:: + K + 1); K counts on over the services from 0, over the
                headless services from 4194304 (10.192.0.1)
    pod K       pod-K, the pod behind endpoint K, in its service's namespace
"""
import argparse, http.client, ipaddress, json, shlex, ssl, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

LABEL = "kubebox-fill"
HEADLESS_FIRST = 1 << 22   # so that growing the services moves no address
SLICE_MAX = 100            # endpoints in one slice, as the endpoint slice controller does it
PORTS = [("http", 80, 8080), ("metrics", 9090, 9090)]
SERVICES = "/api/v1/namespaces/{ns}/services"
PODS = "/api/v1/namespaces/{ns}/pods"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/{ns}/endpointslices"
IMPORTS = "/apis/multicluster.x-k8s.io/v1alpha1/namespaces/{ns}/serviceimports"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


class ApiError(Exception):
    def __init__(self, status, method, path, body):
        message = body.get("message", body) if isinstance(body, dict) else body
        super().__init__(f"{method} {path}: {status}: {message}")
        self.status = status


class Api:
    """A box's API server, as its administrator. One kept connection a thread."""

    def __init__(self, directory):
        self.dir = Path(directory).resolve()
        env = self.dir / "env"
        if not env.is_file():
            raise SystemExit(f"fill.py: {env} is missing: no box was started in {directory}")
        self.env = dict(word.split("=", 1) for line in env.read_text().splitlines() for word in shlex.split(line))
        at = urlsplit(self.env["APISERVER"])
        self.host, self.port = at.hostname, at.port
        self.tls = ssl.create_default_context(cafile=self.env["CA"])
        self.tls.load_cert_chain(self.env["CLIENT_CERT"], self.env["CLIENT_KEY"])
        self.local = threading.local()
        self.known = set()

    def call(self, method, path, body=None, kind="application/json", ok=(), accept="application/json"):
        """The answer's (status, object). A status of 400 and more raises, but for those named in ok."""
        data = json.dumps(body, separators=(",", ":")).encode() if body is not None else None
        headers = {"Accept": accept, **({"Content-Type": kind} if data else {})}
        end = time.monotonic() + 15
        while True:
            status, text = self.exchange(method, path, data, headers)
            if status != 429 or status in ok or time.monotonic() > end:
                break
            time.sleep(0.1)   # so it answers for a custom resource in its first moments
        try:
            found = json.loads(text)
        except ValueError:
            found = text.decode(errors="replace")
        if status >= 400 and status not in ok:
            raise ApiError(status, method, path, found)
        return status, found

    def exchange(self, method, path, data, headers):
        """One request on this thread's connection, which the server may have closed meanwhile: then on a new one."""
        for attempt in (0, 1):
            try:
                if getattr(self.local, "conn", None) is None:
                    self.local.conn = http.client.HTTPSConnection(self.host, self.port, context=self.tls, timeout=120)
                self.local.conn.request(method, path, data, headers)
                answer = self.local.conn.getresponse()
                self.local.answered = time.time()
                return answer.status, answer.read()
            except (http.client.HTTPException, OSError):
                self.local.conn = None
                if attempt:
                    raise

    def get(self, path):
        return self.call("GET", path)[1]

    def learn(self, kind, selector=""):
        """Remembers what fill made of this kind. Asking so is cheap; a create that fails is dear (see the README)."""
        path = kind.replace("namespaces/{ns}/", "") + f"?labelSelector={LABEL}=true{selector}"
        names_only = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"
        status, found = self.call("GET", path, ok=(404,), accept=names_only)
        for item in (found["items"] or ()) if status == 200 else ():
            self.known.add((kind.format(ns=item["metadata"].get("namespace")), item["metadata"]["name"]))

    def create(self, path, body):
        """True if it was made, False if it was there already."""
        if (path, body["metadata"]["name"]) in self.known:
            return False
        return self.call("POST", path, body, ok=(409,))[0] != 409

    def merge(self, path, body):
        return self.call("PATCH", path, body, "application/merge-patch+json")[1]


def namespace_of(i, args):
    return f"ns-{i % args.namespaces}"


def pod_address(k):
    return str(ipaddress.IPv4Address("10.128.0.0") + k + 1)


def pod_address6(k):
    return str(ipaddress.IPv6Address("fd00:128::") + k + 1)


def meta(name, **labels):
    return {"name": name, "labels": {LABEL: "true", **labels}}


def service(name, headless, dual):
    spec = {"selector": {"app": name}, "ports": [
        {"name": n, "port": port, "targetPort": target, "protocol": "TCP"} for n, port, target in PORTS]}
    if headless:
        spec["clusterIP"] = "None"
    if dual:
        spec["ipFamilyPolicy"] = "PreferDualStack"
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta(name), "spec": spec}


def endpoint(k, namespace, address, hostname=None):
    e = {"addresses": [address], "conditions": {"ready": True, "serving": True, "terminating": False},
         "nodeName": f"node-{k % 50}", "targetRef": {"kind": "Pod", "namespace": namespace, "name": f"pod-{k}"}}
    if hostname:
        e["hostname"] = hostname
    return e


def endpoint_slice(name, owner, family, endpoints, labels=None):
    labels = labels or {"kubernetes.io/service-name": owner}
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": family,
            "metadata": {"name": name, "labels": {LABEL: "true", "endpointslice.kubernetes.io/managed-by": LABEL, **labels}},
            "endpoints": endpoints,
            "ports": [{"name": n, "port": target, "protocol": "TCP"} for n, _, target in PORTS]}


def slices_of(owner, ns, first, args, headless=False, labels=None):
    """The slices of one service, whose endpoints count from the index `first` on."""
    out = []
    families = [("IPv4", pod_address, "")] + ([("IPv6", pod_address6, "v6-")] if args.dual_stack else [])
    for family, address, tag in families:
        for at in range(0, args.endpoints_per_service, SLICE_MAX):
            part = range(at, min(at + SLICE_MAX, args.endpoints_per_service))
            out.append(endpoint_slice(f"{owner}-{tag}{at // SLICE_MAX}", owner, family, [
                endpoint(first + e, ns, address(first + e), f"ep-{e}" if headless else None) for e in part], labels))
    return out


def pod(k):
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta(f"pod-{k}", app=f"app-{k % 100}"),
            "spec": {"nodeName": f"node-{k % 50}", "automountServiceAccountToken": False,
                     "containers": [{"name": "main", "image": "example.org/app:1", "ports": [{"containerPort": 8080}]}]}}


def pod_status(k, args):
    ips = [{"ip": pod_address(k)}] + ([{"ip": pod_address6(k)}] if args.dual_stack else [])
    return {"status": {"phase": "Running", "podIP": pod_address(k), "podIPs": ips, "hostIP": f"192.0.2.{k % 50 + 2}",
                       "conditions": [{"type": "Ready", "status": "True"}]}}


def definition(plural, kind):
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.multicluster.x-k8s.io", "annotations": {
                "api-approved.kubernetes.io": "unapproved, for tests on this machine only"}},
            "spec": {"group": "multicluster.x-k8s.io", "scope": "Namespaced",
                     "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": kind + "List"},
                     "versions": [{"name": "v1alpha1", "served": True, "storage": True, "subresources": {"status": {}},
                                   "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                                       "spec": anything, "status": anything}}}}]}}


def service_import(i):
    return {"apiVersion": "multicluster.x-k8s.io/v1alpha1", "kind": "ServiceImport", "metadata": meta(f"import-{i}"),
            "spec": {"type": "ClusterSetIP", "ips": [str(ipaddress.IPv4Address("10.80.0.0") + i + 1)],
                     "ports": [{"name": n, "port": port, "protocol": "TCP"} for n, port, _ in PORTS]}}


def define_imports(api):
    for plural, kind in (("serviceimports", "ServiceImport"), ("serviceexports", "ServiceExport")):
        api.create(CRDS, definition(plural, kind))
    for _ in range(200):
        status, _ = api.call("GET", IMPORTS.format(ns="default"), ok=(404,))
        if status == 200:
            return
        time.sleep(0.05)
    raise SystemExit("fill.py: the API server did not take the ServiceImport definition within 10 s")


def make_service(api, i, name, first, args, headless=False):
    ns = namespace_of(i, args)
    made = api.create(SERVICES.format(ns=ns), service(name, headless, args.dual_stack))
    for s in slices_of(name, ns, first, args, headless):
        api.create(SLICES.format(ns=ns), s)
    return made


def make_external(api, i, args):
    body = {"apiVersion": "v1", "kind": "Service", "metadata": meta(f"external-{i}"),
            "spec": {"type": "ExternalName", "externalName": f"target-{i}.example.org"}}
    return api.create(SERVICES.format(ns=namespace_of(i, args)), body)


def make_pod(api, k, owner_index, args):
    ns = namespace_of(owner_index, args)
    if (PODS.format(ns=ns), f"pod-{k}") in api.known:
        return False
    made = api.create(PODS.format(ns=ns), pod(k))
    api.merge(f"{PODS.format(ns=ns)}/pod-{k}/status", pod_status(k, args))
    return made


def make_import(api, i, args):
    ns, name = namespace_of(i, args), f"import-{i}"
    made = api.create(IMPORTS.format(ns=ns), service_import(i))
    labels = {"multicluster.kubernetes.io/service-name": name, "multicluster.kubernetes.io/source-cluster": "cluster-1"}
    api.create(SLICES.format(ns=ns), endpoint_slice(
        f"{name}-0", name, "IPv4", [endpoint(0, ns, f"172.31.{i >> 8 & 255}.{i & 255}", "ep-0")], labels))
    return made


def bulk(what, count, make, workers, quiet):
    """Calls make(0) ... make(count - 1) from many threads, and says how long it took."""
    if not count:
        return
    begun, made, last = time.monotonic(), 0, time.monotonic()
    with ThreadPoolExecutor(workers) as pool:
        for done, new in enumerate(pool.map(make, range(count), chunksize=1), 1):
            made += new
            if not quiet and sys.stderr.isatty() and time.monotonic() - last > 1:
                last = time.monotonic()
                print(f"\r{what}: {done}/{count}", end="", file=sys.stderr, flush=True)
    took = time.monotonic() - begun
    if not quiet:
        print(f"{what}: {made} made, {count - made} were there, {took:.1f} s", file=sys.stderr, flush=True)


def fill(api, args):
    """Makes what the numbers in args ask for. See the top of this file for the names."""
    m = args.endpoints_per_service
    q, w = args.quiet, args.workers
    api.known.clear()
    for kind in (SERVICES, SLICES, IMPORTS):
        api.learn(kind)
    api.learn(PODS, "&fieldSelector=status.phase=Running")   # a pod without its status is not done
    bulk("namespaces", args.namespaces, lambda i: api.create("/api/v1/namespaces", {
        "apiVersion": "v1", "kind": "Namespace", "metadata": meta(f"ns-{i}")}), w, q)
    bulk("services", args.services, lambda i: make_service(api, i, f"svc-{i}", i * m, args), w, q)
    bulk("headless", args.headless, lambda i: make_service(
        api, i, f"headless-{i}", HEADLESS_FIRST + i * m, args, headless=True), w, q)
    bulk("external", args.external, lambda i: make_external(api, i, args), w, q)
    bulk("pods", args.pods, lambda k: make_pod(api, k, k // max(m, 1), args), w, q)
    if args.imports:
        define_imports(api)
        bulk("imports", args.imports, lambda i: make_import(api, i, args), w, q)


class Churn:
    """Changes the last endpoint of headless services, one after the other, to an address not used for an hour."""

    def __init__(self, api, services):
        self.api, self.services = api, services
        self.count = int(time.time() * 1000)   # the clock says where to go on: no run repeats the one before
        self.paths = [f"{SLICES.format(ns=ns)}/{name}-0" for ns, name in services]
        self.endpoints = [api.get(p)["endpoints"] for p in self.paths]
        if not all(self.endpoints):
            raise SystemExit("fill.py: churn needs services with one endpoint at least")

    def address(self, n):
        return str(ipaddress.IPv4Address("10.0.0.0") + n % 4_000_000 + 1)

    def plan(self):
        """The next change: (index of the service, its new address)."""
        return self.count % len(self.services), self.address(self.count)

    def change(self):
        """Makes the planned change. (when sent, when answered, namespace, service, address, resource version)"""
        at, address = self.plan()
        self.count += 1
        self.endpoints[at][-1]["addresses"] = [address]
        sent = time.time()
        got = self.api.merge(self.paths[at], {"endpoints": self.endpoints[at]})
        return (sent, self.api.local.answered, *self.services[at], address, got["metadata"]["resourceVersion"])


def churn(api, args):
    services = [(namespace_of(i, args), f"headless-{i}") for i in range(args.first, args.first + args.across)]
    changes = Churn(api, services)
    print("# sent answered namespace service address resourceVersion", flush=True)
    begun = time.monotonic()
    for n in range(args.count):
        wait = begun + n / args.rate - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        sent, answered, *rest = changes.change()
        print(f"{sent:.6f} {answered:.6f}", *rest, flush=True)


def finalize(api, name):
    """Nobody else is here to let a namespace go."""
    api.call("DELETE", f"/api/v1/namespaces/{name}", ok=(404, 409))
    status, space = api.call("GET", f"/api/v1/namespaces/{name}", ok=(404,))
    if status == 200:
        space["spec"]["finalizers"] = []
        api.call("PUT", f"/api/v1/namespaces/{name}/finalize", space, ok=(404, 409))


def clean(api, args):
    begun = time.monotonic()
    names = [n["metadata"]["name"] for n in api.get(f"/api/v1/namespaces?labelSelector={LABEL}=true")["items"]]

    def empty(name):
        for kind in (PODS, SLICES, SERVICES, IMPORTS):
            path = kind.format(ns=name)
            while True:   # the server may give up on a long deletion after a minute: go on where it stopped
                status, _ = api.call("DELETE", f"{path}?gracePeriodSeconds=0&propagationPolicy=Background", ok=(404, 504))
                if status != 504 and (status == 404 or not api.get(path + "?limit=1")["items"]):
                    break
        finalize(api, name)

    with ThreadPoolExecutor(args.workers) as pool:
        list(pool.map(empty, names))
    if not args.quiet:
        print(f"{len(names)} namespaces deleted with all they held, {time.monotonic() - begun:.1f} s", file=sys.stderr)


def parser():
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="fill | churn | clean")

    def verb(name, run, text):
        p = verbs.add_parser(name, help=text, description=text)
        p.set_defaults(run=run)
        p.add_argument("dir", metavar="DIR", help="the box's folder")
        p.add_argument("--namespaces", type=int, default=10, metavar="N", help="spread over this many (default 10)")
        p.add_argument("--workers", type=int, default=16, metavar="N", help="requests at once (default 16)")
        p.add_argument("--quiet", action="store_true")
        return p

    p = verb("fill", fill, "create objects")
    for name, what in (("services", "services with a cluster IP"), ("headless", "headless services"),
                       ("external", "ExternalName services"), ("pods", "pods, with their status"),
                       ("imports", "ServiceImports, with the definition of that type")):
        p.add_argument(f"--{name}", type=int, default=0, metavar="N", help=what)
    p.add_argument("--endpoints-per-service", type=int, default=10, metavar="M", help="default 10")
    p.add_argument("--dual-stack", action="store_true", help="IPv6 beside IPv4")
    p = verb("churn", churn, "change endpoints of headless services at a rate")
    p.add_argument("--rate", type=float, default=10, metavar="R", help="changes a second (default 10)")
    p.add_argument("--count", type=int, default=100, metavar="N", help="changes in all (default 100)")
    p.add_argument("--across", type=int, default=1, metavar="N", help="in turn over so many services (default 1)")
    p.add_argument("--first", type=int, default=0, metavar="N", help="the first of them is headless-N (default 0)")
    verb("clean", clean, "delete what fill made")
    return top


if __name__ == "__main__":
    arguments = parser().parse_args()
    try:
        arguments.run(Api(arguments.dir), arguments)
    except ApiError as e:
        raise SystemExit(f"fill.py: {e}")
