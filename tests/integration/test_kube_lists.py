"""Lists of a cluster's objects that come in slowly: what is whole is shown, and nothing is shown by halves."""
import contextlib
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import dns.rcode

import harness
from harness import HOST, Server, addresses, eventually

COREFILE = """
cluster.local:@PORT@ {{
    bind 127.0.0.1
    errors
    kubernetes cluster.local {{
        endpoint http://127.0.0.1:{port}
        pods verified
        startup_timeout 100ms
    }}
}}
"""


def meta(name, **more):
    return {"name": name, "namespace": "ns", "resourceVersion": "7", **more}


OBJECTS = {
    "namespaces": ("v1", "Namespace", [{"metadata": {"name": "ns", "resourceVersion": "7"}}]),
    "services": ("v1", "Service", [
        {"metadata": meta("web"), "spec": {"clusterIP": "10.96.0.1", "clusterIPs": ["10.96.0.1"], "ports": [{"port": 80}]}},
        {"metadata": meta("db"), "spec": {"clusterIP": "None", "clusterIPs": ["None"], "ports": [{"port": 80}]}}]),
    "endpointslices": ("discovery.k8s.io/v1", "EndpointSlice", [
        {"addressType": "IPv4", "metadata": meta(f"db-{i}", labels={"kubernetes.io/service-name": "db"}),
         "endpoints": [{"addresses": [f"10.1.0.{i}"]}], "ports": []} for i in (1, 2)]),
    "pods": ("v1", "Pod", [{"metadata": meta(f"p{i}"), "status": {"phase": "Running", "podIP": f"10.3.0.{i}",
                                                                   "podIPs": [{"ip": f"10.3.0.{i}"}]}} for i in (1, 2)]),
}


class SlowApi:
    """Sends lists as events; of the kind named, all but the first object wait until go() is called."""

    def __init__(self, slow):
        self.slow, self.gone_on, self.over = slow, threading.Event(), threading.Event()
        self.watches = {}   # by kind: who is sent events
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def do_GET(self):
                with contextlib.suppress(OSError):   # the server has gone
                    self.answer()

            def answer(self):
                kind = self.path.split("?")[0].rsplit("/", 1)[1]
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                version, name, items = OBJECTS[kind]
                head = {"apiVersion": version, "kind": name}
                if "sendInitialEvents" in self.path:
                    for i, item in enumerate(items):
                        if i and kind == api.slow:
                            api.gone_on.wait()
                        self.event("ADDED", {**head, **item})
                    self.event("BOOKMARK", {**head, "metadata": {"resourceVersion": "8", "annotations": {"k8s.io/initial-events-end": "true"}}})
                self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                api.watches[kind] = self
                api.over.wait()

            def event(self, kind, thing):
                line = json.dumps({"type": kind, "object": thing}).encode() + b"\n"
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
                self.wfile.flush()

        self.server = ThreadingHTTPServer((HOST, 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def go(self):
        self.gone_on.set()

    def watched(self, kind):
        return kind in self.watches

    def send(self, kind, event, item):
        version, name, _ = OBJECTS[kind]
        self.watches[kind].event(event, {"apiVersion": version, "kind": name, **item})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.go()
        self.over.set()
        self.server.shutdown()
        self.server.server_close()


def test_services_do_not_wait_for_the_list_of_pods():
    with SlowApi("pods") as api, Server(COREFILE.format(port=api.port)) as s:
        def ask(name):
            return s.ask(f"{name}.cluster.local")
        assert eventually(lambda: addresses(ask("web.ns.svc")) == ["10.96.0.1"], 5), s.log()
        assert eventually(lambda: addresses(ask("db.ns.svc")) == ["10.1.0.1", "10.1.0.2"], 5), s.log()
        assert ask("none.ns.svc").rcode() == dns.rcode.NXDOMAIN
        assert ask("10-3-0-2.ns.pod").rcode() == dns.rcode.SERVFAIL   # it may be in what is still to come
        api.go()
        assert eventually(lambda: addresses(ask("10-3-0-2.ns.pod")) == ["10.3.0.2"], 5), s.log()
        assert ask("10-3-0-3.ns.pod").rcode() == dns.rcode.NXDOMAIN


def test_half_a_list_of_endpoints_is_not_shown():
    with SlowApi("endpointslices") as api, Server(COREFILE.format(port=api.port)) as s:
        def ask():
            return s.ask("db.ns.svc.cluster.local")
        for _ in range(20):
            assert ask().rcode() == dns.rcode.SERVFAIL
        api.go()
        assert eventually(lambda: addresses(ask()) == ["10.1.0.1", "10.1.0.2"], 5), s.log()


if __name__ == "__main__":
    harness.main(globals())
