"""How the API server is reached: commands that give credentials, servers that stand in for each other, limits, being put off.
The API server is the conformance cases' fake."""
import base64
import json
import sys
import tempfile
import threading
import time
from pathlib import Path

import harness
from harness import Server, addresses, eventually

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "conformance"))
import fakes  # noqa: E402

NAME = "web.default.svc.cluster.local"
SPEC = {"namespaces": ["default"], "services": ["default/web 10.96.0.20 http:80"],
        "endpointslices": ["default/web-1 svc=web http:80 10.1.0.1"]}

COREFILE = """. {{
    bind 127.0.0.1
    errors
    prometheus 127.0.0.1:@PROM@
    health 127.0.0.1:@HEALTH@
    ready 127.0.0.1:@READY@
    kubernetes cluster.local {{
        {where}
        {more}
    }}
}}
""".replace(". {{", ".:@PORT@ {{", 1)

# Prints what stands in the file `answer`, and counts its calls.
COMMAND = """#!/bin/sh
cd "$(dirname "$0")"
echo "$1 $GREETING" >> calls
echo "$KUBERNETES_EXEC_INFO" > info
cat pause 2>/dev/null && sleep 60
cat answer
"""


def api(**more):
    return fakes.Kubernetes("api", dict(SPEC, **more), Path(tempfile.mkdtemp(prefix="isthmus-test-")))


def corefile(where, more=""):
    return COREFILE.format(where=where, more=more)


def credential(expires=None, **status):
    if expires is not None:
        status["expirationTimestamp"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + expires))
    return json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status})


def kubeconfig(fake):
    authorities = base64.b64encode(Path(fake.places["apiCA"]).read_bytes()).decode()
    return json.dumps({"current-context": "c", "contexts": [{"name": "c", "context": {"cluster": "k", "user": "u"}}],
                       "clusters": [{"name": "k", "cluster": {"server": f"https://{fake.address}", "certificate-authority-data": authorities}}],
                       "users": [{"name": "u", "user": {"exec": {
                           "apiVersion": "client.authentication.k8s.io/v1", "command": "./get-token", "args": ["for-isthmus"],
                           "env": [{"name": "GREETING", "value": "hello"}], "interactiveMode": "Never", "provideClusterInfo": True}}}]})


def serve(fake, answer, pause=False, args=()):
    s = Server(corefile("kubeconfig @DIR@/config", "startup_timeout 3s"), start=False, args=args,
               files={"config": kubeconfig(fake), "get-token": COMMAND, "answer": answer, **({"pause": ""} if pause else {})})
    (s.dir / "get-token").chmod(0o700)
    s.start()
    return s


def calls(s):
    path = s.dir / "calls"
    return path.read_text().splitlines() if path.exists() else []


def answers(s):
    return addresses(s.ask(NAME)) == ["10.96.0.20"]


def test_a_command_gives_the_token():
    for args in ((), ("-single",)):
        fake = api(tls=True, token="right")
        with serve(fake, credential(token="right"), args=args) as s:
            assert eventually(lambda: answers(s)), s.log()
            # One run for all watches, outside of the sandbox.
            assert calls(s) == ["for-isthmus hello"], calls(s)
            info = json.loads((s.dir / "info").read_text())
            assert info["spec"]["interactive"] is False and info["spec"]["cluster"]["server"] == f"https://{fake.address}"
            assert "sandbox" not in s.log() and "[ERROR]" not in s.log(), s.log()
        fake.close()


def test_a_refused_token_is_asked_for_again():
    fake = api(tls=True, token="right")
    with serve(fake, credential(token="wrong")) as s:
        assert s.ask(NAME).rcode() == 2
        s.write("answer", credential(token="right"))
        assert eventually(lambda: answers(s), 10), s.log()
        assert len(calls(s)) >= 2
        # And when the server takes another one from now on.
        fake.spec["token"] = "newer"
        s.write("answer", credential(token="newer"))
        fake.do_put("services", "default/later 10.96.0.21 http:80")
        fake.do_end_watches()
        assert eventually(lambda: addresses(s.ask("later.default.svc.cluster.local")) == ["10.96.0.21"], 15), s.log()
    fake.close()


def test_a_token_that_expires_is_renewed_before_it_is_used():
    fake = api(tls=True, token="right")
    with serve(fake, credential(token="right", expires=2)) as s:
        assert eventually(lambda: answers(s)), s.log()
        assert len(calls(s)) == 1
        time.sleep(2.1)
        fake.requests.clear()
        fake.do_end_watches()
        assert eventually(lambda: len(calls(s)) >= 2, 10), s.log()
        assert answers(s) and "Unauthorized" not in s.log(), s.log()
    fake.close()


def test_a_command_gives_a_client_certificate():
    fake = api(tls=True, client_cert=True)
    certificate, key = (Path(fake.places["apiCLIENT" + what]).read_text() for what in ("CERT", "KEY"))
    with serve(fake, credential(clientCertificateData=certificate, clientKeyData=key)) as s:
        assert eventually(lambda: answers(s)), s.log()
    fake.close()


def test_what_is_wrong_with_a_command_is_said_and_it_is_tried_again():
    fake = api(tls=True, token="right")
    with serve(fake, "no credential") as s:
        assert s.logged(r"^\[ERROR\] plugin/kubernetes: Failed to watch: .*getting credentials: "), s.log()
        s.write("get-token", "#!/bin/sh\nexit 7\n")
        (s.dir / "get-token").chmod(0o700)
        assert s.logged(r"getting credentials: exec: .*get-token: exit status 7", 10), s.log()
        assert not any("Authorization" in r for r in fake.requests) and not fake.requests, fake.requests
        s.write("get-token", COMMAND)
        s.write("answer", credential(token="right"))
        (s.dir / "get-token").chmod(0o700)
        assert eventually(lambda: answers(s), 15), s.log()
    fake.close()


def test_a_command_that_hangs_holds_nobody_up():
    fake = api(tls=True, token="right")
    began = time.time()
    with serve(fake, credential(token="right"), pause=True) as s:
        assert time.time() - began < 15
        assert s.http("/health", "HEALTH")[0] == 200
        assert s.http("/ready", "READY")[0] == 503
        assert s.ask(NAME).rcode() == 2
        (s.dir / "pause").unlink()
        stopped = time.time()
    assert time.time() - stopped < 10, "the end waits for the command"
    fake.close()


def test_another_endpoint_stands_in():
    first, second = api(), api(down=True)
    second.up()
    where = f"endpoint http://{first.address} http://{second.address}"
    with Server(corefile(where)) as s:
        assert eventually(lambda: answers(s)), s.log()
        assert not second.requests
        first.down()
        second.do_put("services", "default/later 10.96.0.21 http:80")
        assert eventually(lambda: addresses(s.ask("later.default.svc.cluster.local")) == ["10.96.0.21"], 15), s.log()
        assert s.logged(rf"\[WARNING\] plugin/kubernetes: {first.address} does not answer: asking {second.address}"), s.log()
        # And back, when that one goes.
        first.up()
        first.do_put("services", "default/back 10.96.0.22 http:80")
        first.do_put("services", "default/back 10.96.0.23 http:80")
        second.down()
        assert eventually(lambda: addresses(s.ask("back.default.svc.cluster.local")) == ["10.96.0.23"], 20), s.log()
    first.close()
    second.close()


def test_a_first_endpoint_that_is_down_delays_nothing():
    first, second = api(down=True), api()
    with Server(corefile(f"endpoint http://{first.address} http://{second.address}")) as s:
        assert eventually(lambda: answers(s), 10), s.log()
    second.close()


def test_lists_are_held_back_as_the_corefile_says():
    fake = api(watchlist=False)   # lists, not streams
    began = time.time()
    with Server(corefile(f"endpoint http://{fake.address}", "apiserver_qps 1\n        apiserver_burst 1")) as s:
        assert eventually(lambda: answers(s), 10), s.log()
        assert time.time() - began >= 1.9, "three lists, one a second"
        assert s.http("/ready", "READY")[0] == 200
    fake.close()


def test_requests_at_once_are_bounded():
    """A fake that counts the requests whose answer has not begun."""
    fake = api()
    now, most, lock, answer = [0], [0], threading.Lock(), fake.answer

    def slow(r):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.2)
        with lock:
            now[0] -= 1
        return answer(r)
    fake.answer = slow
    with Server(corefile(f"endpoint http://{fake.address}", "apiserver_max_inflight 1")) as s:
        assert eventually(lambda: answers(s), 10), s.log()
    assert most[0] == 1, most
    fake.close()


def test_a_server_that_puts_us_off_is_asked_when_it_said():
    fake = api()
    times, answer = [], fake.answer

    def put_off(r):
        if "services" in r.path:
            times.append(time.time())
            if len(times) < 3:
                status = fake.status(429, "TooManyRequests", "later")
                data = json.dumps(status).encode()
                r.wfile.write(b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
                              b"Content-Length: %d\r\n\r\n%s" % (len(data), data))
                r.close_connection = True
                return None
        return answer(r)
    fake.answer = put_off
    with Server(corefile(f"endpoint http://{fake.address}")) as s:
        assert eventually(lambda: answers(s), 10), s.log()
    assert len(times) == 3 and all(0.9 < b - a < 2.5 for a, b in zip(times, times[1:])), times
    fake.close()


if __name__ == "__main__":
    harness.main(globals())
