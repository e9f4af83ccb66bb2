#!/usr/bin/python3
"""The plugin `nomad` with an agent that has blocking queries, as Nomad's API documentation describes them."""
import base64
import json
import ssl
import socketserver
import tempfile
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import certificates
import harness
from harness import Server, addresses, eventually

COREFILE = """service.nomad:@PORT@ {
    errors
    prometheus 127.0.0.1:@PROM@
    nomad {
        address %s
        %s
    }
}
"""


class Agent:
    """GET /v1/services and /v1/service/NAME with X-Nomad-Index, `index` and `wait`; counts what it is asked."""

    def __init__(self, tls=None, unix=None, token=None, auth=None, list_status=200):
        self.services, self.index, self.changed = {}, 10, threading.Condition()
        self.requests, self.list_status, self.status, self.body = [], list_status, None, None
        self.token, self.auth, self.tls, self.unix = token, auth, tls, unix
        self.port = harness.free_port()
        self.server = None
        self.up()

    @property
    def url(self):
        return f"unix://{self.unix}" if self.unix else f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def up(self):
        agent = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                if getattr(self.server, "stopping", False):   # connections that were kept end with it
                    self.close_connection = True
                else:
                    agent.answer(self)

            def log_message(self, *_):
                pass

            def address_string(self):
                return "client"

        if self.unix:
            class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
                daemon_threads = True

                def get_request(self):
                    request, _ = super().get_request()
                    return request, ("client", 0)
            Path(self.unix).unlink(missing_ok=True)
            self.server = UnixServer(self.unix, Handler)
        else:
            self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
            self.server.daemon_threads = True
            if self.tls:
                self.server.socket = self.tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def down(self):
        with self.changed:
            self.server.stopping = True
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()

    def set(self, name, *places, namespace="default"):
        """Registers a service at these (address, port)s; at none: takes it away."""
        with self.changed:
            self.services.pop((namespace, name), None)
            if places:
                self.services[namespace, name] = places
            self.index += 1
            self.changed.notify_all()

    def listed(self):
        spaces = {}
        for namespace, name in self.services:
            spaces.setdefault(namespace, []).append({"ServiceName": name, "Tags": ["a", "b"]})
        return [{"Services": services, "Namespace": namespace} for namespace, services in spaces.items()]

    def answer(self, request):
        url = urllib.parse.urlsplit(request.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        self.requests.append(request.path)
        status, body, server = 200, None, self.server
        with self.changed:
            if self.token and request.headers.get("X-Nomad-Token") != self.token:
                status, body = 403, "Permission denied"
            elif self.auth and request.headers.get("Authorization") != "Basic " + base64.b64encode(self.auth.encode()).decode():
                status, body = 401, "who are you?"
            elif self.status:
                status, body = self.status, self.body or "failing"
            elif url.path == "/v1/services":
                asked = int(query.get("index", 0))
                if asked:
                    self.changed.wait_for(lambda: self.index > asked or getattr(server, "stopping", False), 20)
                if getattr(server, "stopping", False):
                    request.close_connection = True
                    return
                status, body = self.list_status, self.listed() if self.list_status == 200 else "no"
            else:
                name = urllib.parse.unquote(url.path.removeprefix("/v1/service/"))
                places = self.services.get((query.get("namespace", "default"), name), ())
                body = [{"ID": f"{name}-{i}", "ServiceName": name, "Namespace": query.get("namespace"), "Address": a, "Port": p, "Tags": [],
                         "CreateIndex": 7} for i, (a, p) in enumerate(places)]
            index = self.index
        data = (self.body if self.body and status == 200 else body if isinstance(body, str) else json.dumps(body)).encode()
        request.send_response(status)
        if status == 200 and self.list_status == 200:
            request.send_header("X-Nomad-Index", str(index))
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    def fetched(self):
        return [r for r in self.requests if r.startswith("/v1/service/")]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if not getattr(self.server, "stopping", False):
            self.down()


def served(agents, options="", **more):
    urls = " ".join(a if isinstance(a, str) else a.url for a in (agents if isinstance(agents, list) else [agents]))
    return Server(COREFILE % (urls, options), **more)


def has(server, name, *expected, rdtype="A"):
    return eventually(lambda: addresses(server.ask(name + ".service.nomad", rdtype)) == sorted(expected), 20)


def lacks(server, name):
    return eventually(lambda: server.ask(name + ".service.nomad").rcode() == 3, 20)


def test_a_service_is_fetched_once_until_something_changes():
    with Agent() as agent:
        agent.set("web", ("192.0.2.1", 80), ("192.0.2.2", 81))
        with served(agent) as server:
            assert has(server, "web.default", "192.0.2.1", "192.0.2.2")
            assert eventually(lambda: any("index=" in r for r in agent.requests))
            server.ask("web.default.service.nomad")
            before = len(agent.fetched())
            for _ in range(200):
                assert len(addresses(server.ask("web.default.service.nomad"))) == 2
            assert len(agent.fetched()) == before, agent.requests
            agent.set("web", ("192.0.2.3", 80))
            assert has(server, "web.default", "192.0.2.3")
            agent.set("web")
            assert lacks(server, "web.default")
            agent.set("late", ("192.0.2.4", 80), namespace="prod")
            assert has(server, "late.prod", "192.0.2.4")
            assert server.metric(r'nomad_success_requests_total\{namespace="prod"') >= 1


def test_names_that_are_not_listed_are_no_requests():
    with Agent() as agent, served(agent) as server:
        agent.set("web", ("192.0.2.1", 80))
        assert has(server, "web.default", "192.0.2.1")
        before = len(agent.fetched())
        for i in range(300):
            reply = server.ask(f"n{i}.default.service.nomad")
            assert reply.rcode() == 3 and reply.authority
        assert len(agent.fetched()) == before
        _, page = server.http("/metrics", "PROM")
        assert page.count("nomad_failed_requests_total{") <= 3


def test_an_agent_that_is_gone_changes_no_answer():
    with Agent() as agent, served(agent) as server:
        agent.set("other", ("192.0.2.7", 80))
        agent.set("web", ("192.0.2.1", 80))   # when this is known, so is the other
        assert has(server, "web.default", "192.0.2.1")
        agent.down()
        for _ in range(50):
            assert addresses(server.ask("web.default.service.nomad")) == ["192.0.2.1"]
        assert server.ask("none.default.service.nomad").rcode() == 3
        reply = server.ask("other.default.service.nomad", timeout=8)
        assert reply.rcode() == 2, (reply.to_text(), server.log())   # it is there, and was never fetched
        agent.up()
        agent.set("web", ("192.0.2.2", 80))
        assert has(server, "web.default", "192.0.2.2") and has(server, "other.default", "192.0.2.7")


def test_an_agent_without_lists_is_asked_each_time():
    with Agent(list_status=403) as agent, served(agent) as server:
        agent.set("web", ("192.0.2.1", 80))
        assert has(server, "web.default", "192.0.2.1")
        agent.set("web", ("192.0.2.2", 80))
        assert addresses(server.ask("web.default.service.nomad")) == ["192.0.2.2"]
        agent.set("web")
        assert server.ask("web.default.service.nomad").rcode() == 3


def test_another_agent_is_asked_when_one_is_gone():
    with Agent() as one, Agent() as two:
        for a in (one, two):
            a.set("web", ("192.0.2.1", 80))
        with served([one, two]) as server:
            assert has(server, "web.default", "192.0.2.1")
            one.down()
            two.set("web", ("192.0.2.2", 80))
            assert has(server, "web.default", "192.0.2.2")


def test_answers_that_are_broken_replace_none():
    with Agent() as agent, served(agent) as server:
        agent.set("web", ("192.0.2.1", 80))
        assert has(server, "web.default", "192.0.2.1")
        for status, body in ((500, "no"), (403, "Permission denied"), (200, "[{"), (200, "{}"), (200, '[{"Address":5}]'), (200, '[{"Port":70000}]'), (200, "")):
            agent.status, agent.body = (status, body) if status != 200 else (None, body or " ")
            agent.set("changes", ("192.0.2.9", 1))   # what was fetched is out of date
            time.sleep(0.1)
            assert addresses(server.ask("web.default.service.nomad", timeout=8)) == ["192.0.2.1"], (status, body)
        agent.status = agent.body = None
        agent.set("web", ("192.0.2.2", 80))
        assert has(server, "web.default", "192.0.2.2")


def test_tokens_users_and_filters_are_sent_and_not_told():
    with Agent(token="sesame-4711", auth="me:secret-42") as agent:
        agent.set("web", ("192.0.2.1", 80))
        with served(agent, "token sesame-4711\n filter \"Tags contains `a b`\"", env={"NOMAD_HTTP_AUTH": "me:secret-42", "NOMAD_REGION": "eu"}) as server:
            assert has(server, "web.default", "192.0.2.1")
            assert any("region=eu" in r and "filter=Tags%20contains%20%60a%20b%60" in r for r in agent.fetched()), agent.requests
            agent.token = "another"
            agent.set("web", ("192.0.2.2", 80))
            assert addresses(server.ask("web.default.service.nomad", timeout=8)) == ["192.0.2.1"]
            _, page = server.http("/metrics", "PROM")
            assert "sesame" not in server.log() + page and "secret-42" not in server.log() + page


def test_unix_sockets():
    folder = Path(tempfile.mkdtemp(prefix="isthmus-test-nomad-"))
    with Agent(unix=str(folder / "api.sock")) as agent, served(agent) as server:
        agent.set("web", ("192.0.2.1", 80))
        assert has(server, "web.default", "192.0.2.1")


def test_tls_with_names_and_client_certificates():
    ca = certificates.Authority()
    pair, client = ca.issue("server.global.nomad"), ca.issue("client", client=True)
    folder = Path(tempfile.mkdtemp(prefix="isthmus-test-nomad-"))
    for name, text in {"ca.pem": ca.alone, "server.pem": pair.pem, "server.key": pair.key, "client.pem": client.pem, "client.key": client.key}.items():
        (folder / name).write_text(text)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "server.pem", folder / "server.key")
    tls.load_verify_locations(folder / "ca.pem")
    tls.verify_mode = ssl.CERT_REQUIRED
    env = {"NOMAD_CACERT": str(folder / "ca.pem"), "NOMAD_CLIENT_CERT": str(folder / "client.pem"), "NOMAD_CLIENT_KEY": str(folder / "client.key"),
           "NOMAD_TLS_SERVER_NAME": "server.global.nomad"}
    with Agent(tls=tls) as agent:
        agent.set("web", ("192.0.2.1", 80))
        with served(agent, env=env) as server:
            assert has(server, "web.default", "192.0.2.1")
        with served(agent, env={**env, "NOMAD_TLS_SERVER_NAME": "other.nomad"}) as server:
            assert server.ask("web.default.service.nomad", timeout=8).rcode() == 2
        with served(agent, env={k: v for k, v in env.items() if "CACERT" not in k}) as server:
            assert server.ask("web.default.service.nomad", timeout=8).rcode() == 2


def test_ports_go_with_their_addresses():
    with Agent() as agent, served(agent) as server:
        agent.set("two", ("192.0.2.1", 80), ("2001:db8::1", 81))
        agent.set("one", ("192.0.2.1", 80), ("192.0.2.1", 81))
        assert has(server, "two.default", "192.0.2.1")
        reply = server.ask("two.default.service.nomad", "SRV")
        assert addresses(reply) == ["10 10 80 192-0-2-1.two.default.service.nomad.", "10 10 81 2001-db8--1.two.default.service.nomad."]
        assert has(server, "2001-db8--1.two.default", "2001:db8::1", rdtype="AAAA")
        assert server.ask("192-0-2-9.two.default.service.nomad").rcode() == 3
        assert addresses(server.ask("one.default.service.nomad", "SRV")) == ["10 10 80 one.default.service.nomad.", "10 10 81 one.default.service.nomad."]


if __name__ == "__main__":
    harness.main(globals())
