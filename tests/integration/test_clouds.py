"""Cloud DNS and Azure DNS when something goes wrong: errors as the clouds send them, credentials that end, answers that are broken.

The clouds are those of the conformance cases, reached as there: through a proxy, with certificates of the test's own authority.
"""
import base64
import contextlib
import gzip
import http.server
import json
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import dns.rcode

import harness
from harness import HOST, Server, addresses, eventually

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "conformance"))
import fakes  # noqa: E402

fakes.free_port = harness.free_port
REFRESH = "300ms"


def raw(r, status, headers, body=b""):
    """An answer that is written as it is; the connection ends behind it."""
    head = f"HTTP/1.1 {status} {r.responses.get(status, ('',))[0]}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items())
    with contextlib.suppress(OSError, ValueError):
        r.wfile.write(head.encode() + b"\r\n" + body)
        r.connection.settimeout(1)
        if "Content-Length" not in headers:
            r.connection.unwrap()              # the end of the connection is the end of the body
        r.connection.shutdown(socket.SHUT_RDWR)


class Troubled:
    """A cloud that can be told to do otherwise: `trouble` and `token_trouble` give an answer, or None; PASS lets the cloud answer."""
    PASS = object()
    trouble = token_trouble = staticmethod(lambda r: Troubled.PASS)

    def answer(self, r):
        token = "token" in r.route
        with self.lock:
            self.counts[token] += 1
        self.authorizations.append(r.headers.get("Authorization", ""))
        got = (self.token_trouble if token else self.trouble)(r)
        return super().answer(r) if got is Troubled.PASS else got

    def expire(self, token):
        """What was given out is not taken any more."""
        self.TOKEN = token


class Google(Troubled, fakes.CloudDNS):
    ZONE, SERVES = "proj:zone-a", "dns.googleapis.com"
    OPTIONS = "clouddns example.org:proj:zone-a {{\n refresh {refresh}\n {more}\n }}"
    BUSY = {"error": {"code": 403, "message": "Quota exceeded", "errors": [{"reason": "rateLimitExceeded"}]}}

    @property
    def secrets(self):
        account = json.loads((self.dir / self.name.lower() / "account.json").read_text())
        return [self.TOKEN, *account["private_key"].strip().splitlines()[1:-1]]


class Azure(Troubled, fakes.Azure):
    ZONE, SERVES = "group-a:example.org", "management.azure.com"
    OPTIONS = ("azure group-a:example.org {{\n tenant tenant-1\n client client-1\n secret secret-1\n subscription subscription-1\n"
               " refresh {refresh}\n {more}\n }}")
    BUSY = None
    secrets = ["secret-1", fakes.Azure.TOKEN]


RECORDS = ["@ 3600 SOA ns1.example.org. mail.example.org. 1 3600 300 2419200 300", "@ 3600 NS ns1.example.org.", "www 300 A 192.0.2.1",
           "a 60 A 192.0.2.2", "b 60 A 192.0.2.3", "c 60 A 192.0.2.4"]


@contextlib.contextmanager
def cloud(kind, more="", page=2, start=True, **env):
    """(the cloud, a server with its zone)"""
    with tempfile.TemporaryDirectory(prefix="isthmus-cloud-") as folder:
        spec = {"page": page, "zones": {kind.ZONE: {"name": "example.org.", "records": RECORDS}}}
        fake = kind("cloud", spec, Path(folder))
        fake.counts, fake.authorizations = [0, 0], []
        options = kind.OPTIONS.format(refresh=REFRESH, more=more)
        try:
            with Server("example.org:@PORT@ {\n " + options + "\n prometheus 127.0.0.1:@PROM@\n errors\n}\n",
                        args=["-admin", "admin"], env=fake.env | env, start=start) as s:
                yield fake, s
        finally:
            fake.close()


def both(test):
    """Runs a test for each cloud."""
    def run():
        for kind in (Google, Azure):
            try:
                test(kind)
            except Exception as e:
                raise AssertionError(f"{kind.__name__}: {e}") from e
    return run


def address_of(s, name="www"):
    return addresses(s.ask(f"{name}.example.org."))


def explain(s, name):
    return subprocess.run([harness.BINARY, "explain", s.dir / "admin", name], capture_output=True, text=True, timeout=20).stdout


def change(fake, address):
    fake.do_put(fake.ZONE, "www", "300", "A", address)


def follows(s, fake, address, seconds=15):
    """Whether what the cloud has from now on is served soon."""
    change(fake, address)
    return eventually(lambda: address_of(s) == [address], seconds)


def stands_firm(s, fake, pattern, seconds=20):
    """Trouble is noticed, and changes no answer."""
    assert s.logged(pattern, seconds), s.log()
    assert address_of(s) == ["192.0.2.1"] and address_of(s, "c") == ["192.0.2.4"]
    fake.trouble = fake.token_trouble = Troubled.trouble
    assert follows(s, fake, "192.0.2.77", 30), s.log()


# --- errors as the clouds send them ---

@both
def test_changes_are_seen(kind):
    with cloud(kind) as (fake, s):
        assert address_of(s) == ["192.0.2.1"] and address_of(s, "c") == ["192.0.2.4"]
        assert follows(s, fake, "192.0.2.9")
        fake.do_delete(fake.ZONE, "c", "A")
        assert eventually(lambda: s.ask("c.example.org.").rcode() == dns.rcode.NXDOMAIN, 10)


@both
def test_an_expired_token_is_replaced(kind):
    with cloud(kind) as (fake, s):
        tokens = fake.counts[True]
        assert tokens == 1
        fake.expire("another-token")
        assert follows(s, fake, "192.0.2.9"), s.log()
        assert fake.counts[True] == 2, fake.counts
        assert "Failed" not in s.log(), s.log()


@both
def test_throttling_is_obeyed(kind):
    """429 with Retry-After at the start: the start goes on all the same, no sooner than it was told."""
    asked = []

    def busy(r):
        asked.append(time.time())
        return raw(r, 429, {"Retry-After": "2", "Content-Length": "0", "Connection": "close"}) if len(asked) == 1 else Troubled.PASS
    with cloud(kind, start=False) as (fake, s):
        fake.trouble = busy
        s.start()
        assert eventually(lambda: address_of(s) == ["192.0.2.1"])
        assert asked[1] - asked[0] >= 1.95, asked


@both
def test_a_start_is_not_ended_by_throttling(kind):
    """Neither by the API's nor by the token service's: the zone comes when the cloud lets it."""
    for which in ("trouble", "token_trouble"):
        with cloud(kind, more="start_timeout 2s", start=False) as (fake, s):
            setattr(fake, which, lambda r: raw(r, 429, {"Content-Length": "0", "Connection": "close"}))
            s.start()
            assert s.ask("www.example.org.").rcode() == dns.rcode.SERVFAIL
            fake.trouble = fake.token_trouble = Troubled.trouble
            assert eventually(lambda: address_of(s) == ["192.0.2.1"], 30), s.log()


def test_zones_of_a_project_share_a_budget():
    """However many zones there are, in however many directives: ten requests a second, with a second's worth ahead."""
    asked = []
    zones = {f"proj:z{i}": {"name": "example.org.", "records": RECORDS if i == 0 else RECORDS[:1] + [f"z{i} 60 A 192.0.2.{i}"]} for i in range(16)}
    words = [f"example.org:proj:z{i}" for i in range(16)]

    def note(r):
        asked.append(time.time())
        return Troubled.PASS
    with tempfile.TemporaryDirectory(prefix="isthmus-cloud-") as folder:
        fake = Google("cloud", {"zones": zones}, Path(folder))
        fake.counts, fake.authorizations, fake.trouble = [0, 0], [], note
        try:
            options = "{\n fallthrough\n }\n"
            with Server("example.org:@PORT@ {\n clouddns " + " ".join(words[:8]) + " " + options + " clouddns " + " ".join(words[8:]) + " " + options
                        + " erratic {\n drop 0\n }\n}\n", env=fake.env) as s:
                assert address_of(s) == ["192.0.2.1"] and address_of(s, "z15") == ["192.0.2.15"]
                assert fake.counts[True] == 2, "each directive has a token of its own"
        finally:
            fake.close()
    assert len(asked) == 32
    assert asked[-1] - asked[0] >= 1.5, [round(t - asked[0], 2) for t in asked]


def test_a_limit_of_rate_is_no_refusal():
    """Google says 403 where others say 429."""
    asked = []

    def busy(r):
        asked.append(r.path)
        return (403, "application/json", Google.BUSY) if len(asked) == 1 else Troubled.PASS
    with cloud(Google, start=False) as (fake, s):
        fake.trouble = busy
        s.start()
        assert address_of(s) == ["192.0.2.1"]
        assert asked[0] == asked[1]


@both
def test_server_errors_change_nothing(kind):
    with cloud(kind) as (fake, s):
        fake.trouble = lambda r: (500, "text/html", "<h1>Server error\nin two lines</h1>")
        stands_firm(s, fake, r"^\[ERROR\] plugin/\w+: Failed to update zones \[example.org.\]: .*500")
        assert "\nin two lines" not in s.log()


@both
def test_a_refusal_changes_nothing(kind):
    with cloud(kind) as (fake, s):
        fake.trouble = lambda r: fake.error(403, "Forbidden by nobody", "forbidden") if kind is Google else fake.error(
            403, "AuthorizationFailed", "The client does not have authorization")
        stands_firm(s, fake, r"Failed to update zones .*403")


@both
def test_an_error_on_a_later_page_changes_nothing(kind):
    with cloud(kind) as (fake, s):
        fake.trouble = lambda r: (404, "application/json", "{}") if "oken=2" in r.path else Troubled.PASS
        change(fake, "192.0.2.66")
        assert s.logged(r"Failed to update zones .*404"), s.log()
        assert address_of(s) == ["192.0.2.1"]


@both
def test_a_cloud_that_is_gone_changes_nothing(kind):
    with cloud(kind) as (fake, s):
        fake.down()
        assert s.logged("Failed to update zones", 30), s.log()
        assert address_of(s) == ["192.0.2.1"]
        fake.up()
        assert follows(s, fake, "192.0.2.9", 30), s.log()
        assert s.logged("again after")


# --- answers that are broken ---

@both
def test_half_a_body_changes_nothing(kind):
    def half(r):
        body = json.dumps({"rrsets": [], "value": [], "more": "x" * 1000}).encode()
        raw(r, 200, {"Content-Type": "application/json", "Content-Length": str(len(body))}, body[:300])
    with cloud(kind) as (fake, s):
        fake.trouble = half
        stands_firm(s, fake, "Failed to update zones")


@both
def test_an_end_that_came_too_early_changes_nothing(kind):
    """Without a length the connection's end is the body's: JSON that is not over tells."""
    with cloud(kind) as (fake, s):
        fake.trouble = lambda r: raw(r, 200, {"Content-Type": "application/json"}, b'{"rrsets":[],"value":[')
        stands_firm(s, fake, "Failed to update zones .*unexpected end of JSON input")


@both
def test_other_things_than_json_change_nothing(kind):
    with cloud(kind) as (fake, s):
        fake.trouble = lambda r: (200, "text/html", "<html>A captive portal</html>")
        stands_firm(s, fake, "Failed to update zones .*not the JSON")


@both
def test_an_empty_list_changes_nothing(kind):
    with cloud(kind) as (fake, s):
        fake.trouble = lambda r: (200, "application/json", {"rrsets": [], "value": []})
        stands_firm(s, fake, "Failed to update zones .*SOA")


@both
def test_a_gzip_bomb_fills_nothing(kind):
    bomb = gzip.compress(b'{"rrsets":[],"value":[' + b" " * (400 << 20), 9)

    def blow(r):
        raw(r, 200, {"Content-Type": "application/json", "Content-Encoding": "gzip", "Content-Length": str(len(bomb))}, bomb)
    with cloud(kind) as (fake, s):
        before = s.rss()
        fake.trouble = blow
        assert s.logged("Failed to update zones .*too large", 30), s.log()
        if not harness.SANITIZED:
            assert s.rss() < before + 16384, f"{before} KiB became {s.rss()}"
        assert address_of(s) == ["192.0.2.1"]


# --- where credentials go ---

class Elsewhere:
    """A server on another host that notes what it is sent."""

    def __init__(self):
        self.seen = seen = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                seen.append(str(self.headers) + body.decode(errors="replace"))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b'{"access_token":"stolen","expires_in":3600}')
            do_GET = do_POST = handle_any

            def log_message(self, *args):
                pass
        self.server = http.server.ThreadingHTTPServer((HOST, 0), Handler)
        self.url = f"http://{HOST}:{self.server.server_address[1]}/"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


@both
def test_redirects_are_not_followed(kind):
    for status in (302, 307):
        with Elsewhere() as other, cloud(kind) as (fake, s):
            fake.trouble = lambda r: raw(r, status, {"Location": other.url, "Content-Length": "0"})
            stands_firm(s, fake, f"Failed to update zones .*{status}")
            fake.expire("another-token")
            fake.token_trouble = lambda r: raw(r, status, {"Location": other.url, "Content-Length": "0"})
            assert s.logged("(auth: cannot fetch token|adal: Refresh request failed): status " + str(status), 15), s.log()
            assert other.seen == []


def test_a_next_link_to_elsewhere_is_not_followed():
    with Elsewhere() as other, cloud(Azure) as (fake, s):
        for link in (other.url, "https://management.azure.com.evil.example/x", "https://management.azure.com@" + other.url[7:], "/relative"):
            fake.trouble = lambda r: (200, "application/json", {"value": [], "nextLink": link})
            s.logged("x", 0.5)
        stands_firm(s, fake, "Failed to update zones .*another host")
        assert other.seen == []


@both
def test_a_next_page_that_leads_to_itself_ends(kind):
    """The same token again and again: the zone keeps what it has, other work goes on."""
    with cloud(kind, more="start_timeout 2s") as (fake, s):
        link = "https://management.azure.com/subscriptions/subscription-1/again"
        fake.trouble = lambda r: (200, "application/json", {"rrsets": [], "value": [], "nextPageToken": "x", "nextLink": link})
        stands_firm(s, fake, "Failed to update zones .*same page")


# --- where an answer comes from ---

@both
def test_explain_says_how_old_the_zone_is(kind):
    with cloud(kind) as (fake, s):
        assert re.search(r"zone example\.org\. \(\S+\): \d+ records, listed \d+s ago\n", explain(s, "www.example.org")), explain(s, "www.example.org")


# --- secrets ---

@both
def test_secrets_are_told_to_nobody(kind):
    """Not even when a cloud sends them back in what it says of an error."""
    with cloud(kind) as (fake, s):
        secrets = fake.secrets + ["another-token"]
        fake.trouble = lambda r: (400, "application/json", {"error": {"code": 400, "message": r.headers.get("Authorization")}})
        assert s.logged("Failed to update zones", 15), s.log()
        fake.trouble = lambda r: (400, "text/plain", r.headers.get("Authorization"))
        time.sleep(1)
        fake.expire("another-token")
        fake.trouble = Troubled.trouble
        sent = []

        def echo(r):
            form = form_of(r)
            sent.extend(v for k, v in form.items() if k in ("assertion", "client_secret"))
            return 400, "application/json", {"error": "invalid", "error_description": " ".join(form.values()) + r.body.decode()}
        fake.token_trouble = echo
        assert s.logged("(cannot fetch token|Refresh request failed): status 400", 15), s.log()
        fake.token_trouble = lambda r: (200, "application/json", '{"access_token": "another-token"')
        time.sleep(6)
        page = s.http("/metrics", "PROM")[1]
        explained = explain(s, "www.example.org")
        assert sent and "NOERROR" in explained
        for secret in secrets + sent:
            assert secret not in s.log(), f"{secret[:12]}... in the log:\n{s.log()}"
            assert secret not in page
            assert secret not in explained


# --- starts ---

@both
def test_wrong_credentials_end_the_start(kind):
    with cloud(kind, start=False) as (fake, s):
        fake.token_trouble = lambda r: (401, "application/json", {"error": "invalid_client", "error_description": "Who are you?"})
        s.start(wait=False)
        assert s.process.wait(20) == 1
        assert re.search("status 401: invalid_client: Who are you", s.log()), s.log()
        s.process = None


@both
def test_a_start_without_the_cloud_takes_what_was_kept(kind):
    with cloud(kind, more="persist @DIR@/state") as (fake, s):
        (s.dir / "state").mkdir(exist_ok=True)
        assert eventually(lambda: any((s.dir / "state").iterdir()), 10), s.log()
        s.stop()
        fake.down()
        s.start()
        assert address_of(s) == ["192.0.2.1"] and address_of(s, "c") == ["192.0.2.4"]
        fake.up()
        assert follows(s, fake, "192.0.2.9", 30), s.log()


# --- other ways to a token ---

class TokenServer(fakes.Fake):
    """Metadata services, token services and sources of subject tokens, over plain HTTP; `give` answers by path."""

    def __init__(self, dir, give):
        self.give = give
        super().__init__("tokens", {}, Path(dir))

    def answer(self, r):
        for path, answer in self.give.items():
            if r.route.startswith(path):
                got = answer(r)
                return (200, "application/json", got) if isinstance(got, dict) else got
        return 404, "text/plain", "no such thing"


@contextlib.contextmanager
def tokens(give):
    with tempfile.TemporaryDirectory(prefix="isthmus-tokens-") as folder:
        server = TokenServer(folder, give)
        try:
            yield server
        finally:
            server.close()


def form_of(r):
    return dict(fakes.parse_qsl(r.body.decode()))


def granted(**more):
    return {"access_token": Google.TOKEN, "token_type": "Bearer", "expires_in": 3599} | more


def test_google_metadata_server():
    asked = []

    def token(r):
        asked.append(r.path)
        return granted() if r.headers.get("Metadata-Flavor") == "Google" else (403, "text/plain", "")
    with tokens({"/computeMetadata/v1/instance/service-accounts/default/token": token}) as server:
        with cloud(Google, GOOGLE_APPLICATION_CREDENTIALS="", HOME="/nonexistent", GCE_METADATA_HOST=server.address) as (_, s):
            assert address_of(s) == ["192.0.2.1"]
            assert "scopes=https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform%2C" in asked[0]


def google_file(folder, **account):
    path = Path(folder) / "credentials.json"
    path.write_text(json.dumps(account))
    return str(path)


def test_google_service_account_at_its_own_token_service():
    """Also what was granted by PKCS #1 keys."""
    with tempfile.TemporaryDirectory() as folder:
        key = subprocess.run(["openssl", "genrsa", "-traditional", "1024"], check=True, capture_output=True, text=True).stdout
        assert "BEGIN RSA PRIVATE KEY" in key
        seen = []

        def token(r):
            seen.append(form_of(r))
            return granted()
        with tokens({"/own/token": token}) as server:
            path = google_file(folder, type="service_account", client_email="a@b", private_key_id="k1", private_key=key,
                               token_uri=f"http://{server.address}/own/token")
            with cloud(Google, more=f"credentials {path}") as (_, s):
                assert address_of(s) == ["192.0.2.1"]
            claims = json.loads(base64.urlsafe_b64decode(seen[0]["assertion"].split(".")[1] + "=="))
            assert claims["aud"] == f"http://{server.address}/own/token" and claims["scope"].endswith("ndev.clouddns.readonly")
            assert claims["exp"] - claims["iat"] == 3600 and "sub" not in claims


def test_google_workload_identity_federation():
    """A token of a file, exchanged, and then an account impersonated."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "token").write_text('{"id_token": "subject-1"}\n')

        def exchange(r):
            form = form_of(r)
            good = form["subject_token"].startswith("subject-") and form["audience"] == "//iam/pool" and form["scope"].endswith("/cloud-platform")
            return {"access_token": "federated", "token_type": "Bearer", "expires_in": 3600} if good else (400, "application/json", "{}")

        def impersonate(r):
            body = json.loads(r.body)
            if r.headers.get("Authorization") != "Bearer federated" or body["lifetime"] != "1800s" or not body["scope"]:
                return 403, "application/json", {"error": {"code": 403, "message": "no", "status": "PERMISSION_DENIED"}}
            return {"accessToken": Google.TOKEN, "expireTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1800))}
        with tokens({"/sts": exchange, "/iam": impersonate}) as server:
            path = google_file(folder, type="external_account", audience="//iam/pool", subject_token_type="urn:ietf:params:oauth:token-type:jwt",
                               token_url=f"http://{server.address}/sts", service_account_impersonation_url=f"http://{server.address}/iam:generateAccessToken",
                               service_account_impersonation={"token_lifetime_seconds": 1800},
                               credential_source={"file": f"{folder}/token", "format": {"type": "json", "subject_token_field_name": "id_token"}})
            with cloud(Google, GOOGLE_APPLICATION_CREDENTIALS=path) as (fake, s):
                assert address_of(s) == ["192.0.2.1"]


def test_google_subject_tokens_from_a_url():
    with tempfile.TemporaryDirectory() as folder:
        give = {"/subject": lambda r: (200, "text/plain", "subject-2\n") if r.headers.get("X-Ask") == "please" else (403, "text/plain", ""),
                "/sts": lambda r: granted() if form_of(r)["subject_token"] == "subject-2" else (400, "application/json", "{}")}
        with tokens(give) as server:
            path = google_file(folder, type="external_account", audience="a", subject_token_type="t", token_url=f"http://{server.address}/sts",
                               credential_source={"url": f"http://{server.address}/subject", "headers": {"X-Ask": "please"}})
            with cloud(Google, more=f"credentials {path}") as (_, s):
                assert address_of(s) == ["192.0.2.1"]


def test_a_replaced_key_is_found():
    """Credential files are read for each token."""
    with tempfile.TemporaryDirectory() as folder:
        seen = []

        def token(r):
            seen.append(form_of(r)["refresh_token"])
            return granted() if seen[-1] == "new" or len(seen) == 1 else (400, "application/json", {"error": "invalid_grant"})
        with tokens({}) as server, cloud(Google, start=False) as (fake, s):
            fake.token_trouble = token
            user = {"type": "authorized_user", "client_id": "i", "client_secret": "c"}
            s.env["GOOGLE_APPLICATION_CREDENTIALS"] = google_file(folder, **user, refresh_token="old")
            fake.token_trouble = lambda r: (lambda got: (200, "application/json", got) if isinstance(got, dict) else got)(token(r))
            s.start()
            assert seen == ["old"] and server
            fake.expire("second")
            Google.TOKEN, keep = "second", Google.TOKEN
            try:
                assert s.logged("cannot fetch token: status 400: invalid_grant", 15), s.log()
                google_file(folder, **user, refresh_token="new")
                assert follows(s, fake, "192.0.2.9", 30), s.log()
            finally:
                Google.TOKEN = keep


def azure_without_secret(more=""):
    return Azure.OPTIONS.replace(" tenant tenant-1\n client client-1\n secret secret-1\n", "") + more


@contextlib.contextmanager
def azure_by(options, **env):
    kind = type("Azure", (Azure,), {"OPTIONS": options})
    with cloud(kind, **env) as (fake, s):
        assert address_of(s) == ["192.0.2.1"]
        yield fake, s


def test_azure_managed_identities():
    def app_service(r):
        good = r.headers.get("secret") == "msi-secret" and r.query == {"api-version": "2017-09-01", "resource": "https://management.azure.com/"}
        return {"access_token": Azure.TOKEN, "expires_on": "09/14/2037 00:00:00 PM +00:00"} if good else (400, "text/plain", "")

    def cloud_shell(r):
        good = r.headers.get("Metadata") == "true" and form_of(r) == {"resource": "https://management.azure.com/"}
        return {"access_token": Azure.TOKEN, "expires_on": str(int(time.time()) + 3600)} if good else (400, "text/plain", "")
    with tokens({"/app": app_service, "/shell": cloud_shell}) as server:
        with azure_by(azure_without_secret(), MSI_ENDPOINT=f"http://{server.address}/app", MSI_SECRET="msi-secret") as (_, s):
            assert "msi-secret" not in s.log()
        with azure_by(azure_without_secret(), MSI_ENDPOINT=f"http://{server.address}/shell"):
            pass


def test_azure_workload_identity():
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "token").write_text("kubernetes-token\n")

        def token(r):
            form = form_of(r)
            good = form["client_assertion"] == "kubernetes-token" and form["scope"] == "https://management.azure.com/.default" and form["client_id"] == "app"
            return {"access_token": Azure.TOKEN, "expires_in": 3599} if good else (401, "application/json", {"error": "invalid_client"})
        with tokens({"/directory/oauth2/v2.0/token": token}) as server:
            with azure_by(azure_without_secret(), AZURE_FEDERATED_TOKEN_FILE=f"{folder}/token", AZURE_TENANT_ID="directory", AZURE_CLIENT_ID="app",
                          AZURE_AUTHORITY_HOST=f"http://{server.address}/"):
                pass


def test_azure_directives_of_a_block_are_one():
    """Options of either count for both, but for access."""
    soa = "@ 60 SOA a.example. b.example. 1 2 3 4 5"
    zones = {"g:example.org": {"name": "example.org.", "records": [soa, "www 60 A 192.0.2.1"]},
             "g:corp.example.org": {"name": "corp.example.org.", "private": True, "records": [soa, "db 60 A 10.0.0.1"]}}
    with tempfile.TemporaryDirectory(prefix="isthmus-cloud-") as folder:
        fake = fakes.Azure("cloud", {"zones": zones}, Path(folder))
        try:
            with Server("""example.org:@PORT@ {
                azure g:corp.example.org {
                    access private
                    tenant tenant-1
                    secret wrong
                }
                azure g:example.org {
                    client client-1
                    secret secret-1
                    subscription subscription-1
                }
            }""", env=fake.env) as s:
                assert address_of(s) == ["192.0.2.1"] and addresses(s.ask("db.corp.example.org.")) == ["10.0.0.1"]
        finally:
            fake.close()


def test_azure_stack():
    """Login and resource manager are where the environment's file says."""
    with tempfile.TemporaryDirectory() as folder:
        def token(r):
            return {"access_token": Azure.TOKEN, "expires_in": 60} if form_of(r)["resource"] == f"http://{server.address}/arm/" else (400, "text/plain", "")

        def arm(r):
            return {"value": [{"properties": {"fqdn": "example.org.", "TTL": 60, "SOARecord": {
                "host": "a.", "email": "b", "serialNumber": 1, "refreshTime": 2, "retryTime": 3, "expireTime": 4, "minimumTTL": 5}}},
                {"properties": {"fqdn": "www.example.org.", "TTL": 60, "ARecords": [{"ipv4Address": "192.0.2.1"}]}}]}
        with tokens({"/login/tenant-1/oauth2/token": token, "/arm/subscriptions": arm}) as server:
            path = Path(folder) / "stack.json"
            path.write_text(json.dumps({"activeDirectoryEndpoint": f"http://{server.address}/login", "resourceManagerEndpoint": f"http://{server.address}/arm/"}))
            with azure_by(Azure.OPTIONS.replace(" refresh", " environment AzureStackCloud\n refresh"), AZURE_ENVIRONMENT_FILEPATH=str(path)):
                pass


# --- the examples ---

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def example(name):
    """An example's Corefile, on ports of the test's own."""
    text = (EXAMPLES / name / "Corefile").read_text()
    text = re.sub(r"^(\S+) \{$", lambda m: m[0] if m[1][0] == "(" else f"{m[1]}:@PORT@ {{", text, flags=re.M)
    for number, word in (("9153", "PROM"), ("8080", "HEALTH"), ("8181", "READY")):
        text = text.replace(":" + number, f":@{word}@")
    return text


def dig(s, *words):
    return subprocess.run(["dig", f"@{HOST}", "-p", str(s.port), "+noall", "+answer", *words], check=True, capture_output=True, text=True).stdout.split()


@contextlib.contextmanager
def two_clouds():
    with tempfile.TemporaryDirectory(prefix="isthmus-cloud-") as folder:
        soa = "@ 900 SOA ns.{0}.example. hostmaster.{0}.example. 1 7200 900 1209600 300"
        amazon = fakes.Route53("aws", {"zones": {"Z1Z2Z3Z4DZ5Z6Z7": {"name": "example.org.", "records": [
            soa.format("amazon"), "@ 900 NS ns.amazon.example.", "db 60 A 10.1.0.1", "far 60 CNAME www.example.org."]}}}, Path(folder))
        google = fakes.CloudDNS("gcp", {"zones": {"gcp-example-project:example-zone": {"name": "example.org.", "records": [
            soa.format("google"), "@ 900 NS ns.google.example.", "www 3600 A 192.0.0.100"]}}}, Path(folder))
        try:
            yield amazon, google
        finally:
            google.close()
            amazon.close()


def test_the_chain_over_two_clouds():
    """examples/two-clouds: each answers for what it has, what neither has is answered last; and so it stays when both are gone."""
    zone = (EXAMPLES / "two-clouds/example.org.zone").read_text()
    with two_clouds() as (amazon, google):
        with Server(example("two-clouds"), {"example.org.zone": zone}, env=amazon.env | google.env) as s:
            assert eventually(lambda: s.http("/ready", "READY")[0] == 200)
            for _ in range(2):
                assert dig(s, "www.example.org") == "www.example.org. 3600 IN A 192.0.0.100".split()
                assert dig(s, "db.example.org") == "db.example.org. 60 IN A 10.1.0.1".split()
                assert dig(s, "printer.example.org") == "printer.example.org. 300 IN A 192.0.2.99".split()
                assert dig(s, "far.example.org") == "far.example.org. 60 IN CNAME www.example.org. www.example.org. 3600 IN A 192.0.0.100".split()
                assert dig(s, "example.org", "SOA")[4] == "ns.amazon.example."
                assert s.ask("nothing.example.org.").rcode() == dns.rcode.NXDOMAIN
                google.down()
                amazon.down()


def test_private_zones_of_two_groups():
    """examples/private-zones, with the identity that a metadata service vouches for."""
    soa = "@ 3600 SOA azureprivatedns.net azureprivatedns-host.microsoft.com 1 3600 300 2419200 10"
    zones = {f"network-{group}:corp.example.org": {"name": "corp.example.org.", "private": True, "records": [soa, f"{group} 60 A 10.0.0.1"]}
             for group in ("eu", "us")}
    give = {"/msi": lambda r: {"access_token": Azure.TOKEN, "expires_in": "3600"}}
    with tempfile.TemporaryDirectory(prefix="isthmus-cloud-") as folder, tokens(give) as server:
        kind = type("Azure", (fakes.Azure,), {"SUBSCRIPTION": "00000000-0000-0000-0000-000000000000"})
        fake = kind("cloud", {"zones": zones}, Path(folder))
        corefile = example("private-zones").replace("/var/lib/isthmus", folder + "/state")
        (Path(folder) / "state").mkdir()
        try:
            with Server(corefile, env=fake.env | {"MSI_ENDPOINT": f"http://{server.address}/msi"}) as s:
                assert addresses(s.ask("eu.corp.example.org.")) == addresses(s.ask("us.corp.example.org.")) == ["10.0.0.1"]
                assert s.ask("asia.corp.example.org.").rcode() == dns.rcode.NXDOMAIN
                assert eventually(lambda: len(list((Path(folder) / "state").iterdir())) == 2)
        finally:
            fake.close()


harness.main(globals())
