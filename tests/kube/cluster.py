"""What the tests on real API servers share: boxes (kubebox), a way to them that can be cut, and what a server is to answer.

A test file is run as `FILE SERVER [TEST...]`, as those of tests/integration; where no API server can be had it says why and ends well.
"""
import atexit
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

import dns.rcode

import fill
import harness
from harness import HOST, Server, addresses, eventually, free_port

DOMAIN = "svc.cluster.local."


def kubebox(*words, **more):
    return subprocess.run([HERE / "kubebox", *map(str, words)], check=True, stdout=subprocess.DEVNULL, **more)


def missing():
    """Why there is no API server to test with; None: there is one, or it can be built."""
    if os.environ.get("KUBEBOX_BIN"):
        return None
    found = subprocess.run([HERE / "kubebox", "which"], capture_output=True, text=True)
    if found.returncode == 0:
        return None
    if os.environ.get("KUBEBOX_BUILD") and shutil.which("go"):
        return None
    return "no kube-apiserver is built: `tests/kube/kubebox build` makes one (needs go; some minutes)"


class Box:
    """An API server with its etcd, in a folder of its own."""

    def __init__(self, *flags):
        self.dir = Path(tempfile.mkdtemp(prefix="isthmus-box-"))
        self.flags = flags
        atexit.register(self.remove)
        self.start()
        self.api = fill.Api(self.dir)
        self.env = self.api.env

    def start(self):
        kubebox("start", self.dir, *self.flags)

    def start_missing(self):
        """Brings back what does not run."""
        if subprocess.run([HERE / "kubebox", "status", self.dir], stdout=subprocess.DEVNULL).returncode:
            self.start()

    def stop(self):
        kubebox("stop", self.dir)

    def pause(self, which="apiserver"):
        kubebox("pause", self.dir, which)

    def resume(self, which="apiserver"):
        kubebox("resume", self.dir, which)

    def kill9(self, which="apiserver"):
        kubebox("kill9", self.dir, which)

    def remove(self):
        atexit.unregister(self.remove)
        with contextlib.suppress(subprocess.CalledProcessError):
            self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    @property
    def port(self):
        return self.api.port

    @property
    def reader(self):
        return self.env["READER_KUBECONFIG"]

    def fill(self, **numbers):
        """Makes objects (fill.py), and gives the numbers for asking about them."""
        words = ["fill", str(self.dir), "--quiet"]
        for name, value in numbers.items():
            words += [f"--{name.replace('_', '-')}"] + ([] if value is True else [str(value)])
        args = fill.parser().parse_args(words)
        fill.fill(self.api, args)
        return args

    def clean(self):
        fill.clean(self.api, fill.parser().parse_args(["clean", str(self.dir), "--quiet"]))

    def compact(self):
        """Lets etcd forget all versions but the newest."""
        status = self.etcd("/v3/maintenance/status", {})
        self.etcd("/v3/kv/compaction", {"revision": status["header"]["revision"], "physical": True})

    def etcd(self, path, body):
        request = urllib.request.Request(self.env["ETCD"] + path, json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=30) as r:
            return json.load(r)

    def token(self, account="coredns", namespace="kube-system"):
        """A fresh token of a service account."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
        return self.api.call("POST", path, body)[1]["status"]["token"]

    def changes(self, count=1):
        """Changes of the headless services that fill made."""
        args = self.fill(headless=count)
        return fill.Churn(self.api, [(fill.namespace_of(i, args), f"headless-{i}") for i in range(count)])


class Road:
    """The way to a box through a port of its own, which can be cut: connections end, and new ones are refused."""

    def __init__(self, to):
        self.to, self.port = to, free_port()
        self.listener, self.open_sockets = None, []
        self.open()

    def open(self):
        self.listener = socket.create_server((HOST, self.port), reuse_port=False)
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                box = socket.create_connection((HOST, self.to))
            except OSError:
                client.close()
                continue
            self.open_sockets += [client, box]
            for a, b in ((client, box), (box, client)):
                threading.Thread(target=self.carry, args=(a, b), daemon=True).start()

    @staticmethod
    def carry(a, b):
        with contextlib.suppress(OSError):
            while octets := a.recv(65536):
                b.sendall(octets)
        for s in (a, b):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)

    def cut(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for s in self.open_sockets:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
            s.close()
        self.open_sockets = []


def kubeconfig(box, user, port=None):
    """A kubeconfig for a box with a user's entries as JSON, which is YAML too."""
    return json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": f"https://{HOST}:{port or box.port}", "certificate-authority": box.env["CA"]}}],
        "users": [{"name": "u", "user": user}]})


def reader(box):
    """The user of the box who may read what a DNS server needs."""
    pki = Path(box.env["CA"]).parent
    return {"client-certificate": str(pki / "reader.crt"), "client-key": str(pki / "reader.key")}


def corefile(config, *options, zones="cluster.local in-addr.arpa ip6.arpa", more=""):
    """One block with `kubernetes`, by this kubeconfig."""
    lines = "\n        ".join((f"kubeconfig {config}", *options))
    return f"""
.:@PORT@ {{
    bind 127.0.0.1
    errors
    prometheus 127.0.0.1:@PROM@
    ready 127.0.0.1:@READY@
    kubernetes {zones} {{
        {lines}
    }}
    {more}
}}
"""


def get(server, name, rdtype="A", **more):
    """The sorted data of an answer; None where the name or the answer is not there."""
    reply = server.ask(name, rdtype, **more)
    return addresses(reply) if reply.rcode() == dns.rcode.NOERROR else None


def shows(server, change, seconds=10.0):
    """Whether an endpoint's change (of fill.Churn) is answered."""
    _, _, namespace, service, address, _ = change
    return eventually(lambda: address in (get(server, f"{service}.{namespace}.{DOMAIN}", tcp=True) or ()), seconds, 0.005)


def right_answers(box, args, most=40):
    """(name, type, sorted data) of services, headless services, their endpoints and pods that fill made."""
    out = []

    def some(count):
        return range(0, count, max(1, count // most))

    for i in some(args.services):
        ns = fill.namespace_of(i, args)
        ip = box.api.get(f"{fill.SERVICES.format(ns=ns)}/svc-{i}")["spec"]["clusterIP"]
        out.append((f"svc-{i}.{ns}.{DOMAIN}", "A", [ip]))
    for i in some(args.headless):
        ns = fill.namespace_of(i, args)
        endpoints = []
        for at in range(0, args.endpoints_per_service, fill.SLICE_MAX):
            endpoints += box.api.get(f"{fill.SLICES.format(ns=ns)}/headless-{i}-{at // fill.SLICE_MAX}")["endpoints"]
        out.append((f"headless-{i}.{ns}.{DOMAIN}", "A", sorted(a for e in endpoints for a in e["addresses"])))
        for e in endpoints[:3]:
            out.append((f"{e['hostname']}.headless-{i}.{ns}.{DOMAIN}", "A", e["addresses"]))
    for k in some(args.pods):
        ns = fill.namespace_of(k // args.endpoints_per_service, args)
        address = fill.pod_address(k)
        out.append((f"{address.replace('.', '-')}.{ns}.pod.cluster.local.", "A", [address]))
    return out


def wrong(server, wanted):
    """Those of right_answers() that the server answers otherwise."""
    return [(name, right, got) for name, rdtype, right in wanted if (got := get(server, name, rdtype, tcp=len(right) > 20)) != right]


def right(server, wanted, seconds=20.0):
    """Waits until everything is answered rightly."""
    last = []

    def check():
        last[:] = wrong(server, wanted)
        return not last
    assert eventually(check, seconds, 0.1), (len(last), last[:3], server.log())


def main(names):
    why = missing()
    if why:
        print(f"skipped: {why}\n0 passed, 0 failed")
        sys.exit(0)
    harness.main(names)
