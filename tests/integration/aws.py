"""AWS on the loopback address: Route 53, STS, and the endpoints that give credentials. Every signature is checked, with its token."""
import contextlib
import gzip
import hashlib
import hmac
import http.server
import json
import re
import threading
import time
from email.utils import formatdate
from urllib.parse import parse_qs, parse_qsl, quote, urlsplit
from xml.sax.saxutils import escape

from harness import HOST, free_port

NAMESPACE = "https://route53.amazonaws.com/doc/2013-04-01/"
SOA = ("@", "SOA", 900, ["ns-1.awsdns-1.org. awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"])


def signature(request, keys, headers, names, date, region, service):
    """What a request's signature must be, by the secret of its keys."""
    url = urlsplit(request.path)
    query = "&".join(sorted(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in parse_qsl(url.query, keep_blank_values=True)))
    head = "".join(f"{n}:{' '.join(headers.get(n, '').split())}\n" for n in names.split(";"))
    canonical = "\n".join([request.command, quote(url.path, safe="/-_.~"), query, head, names, hashlib.sha256(request.body).hexdigest()])
    stamp = headers["X-Amz-Date"]
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{date}/{region}/{service}/aws4_request\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = ("AWS4" + keys["secret"]).encode()
    for part in (date, region, service, "aws4_request", text):
        key = hmac.digest(key, part.encode(), "sha256")
    return key.hex()


class Listener(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        pass    # clients that break off


class Aws:
    """`zones`: {id: [(owner, type, ttl, [values])]}, an alias being (owner, type, None, target). `keys`: {key id: {secret, token,
    expires}}. `faults`: what the next listings get in place of an answer, functions of the request."""

    def __init__(self, zones, origin="example.org."):
        self.zones, self.origin, self.origins = zones, origin, {}   # origins: of single zones
        self.keys = {"AKIDEXAMPLE": {"secret": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token": None, "expires": None}}
        self.faults, self.forever = [], None   # forever: the fault of every listing from now on
        self.requests = []                     # (time, method, path, headers, body)
        self.page, self.skew = 1000, 0
        self.refuse = None                     # (status, code) of every request that is signed
        self.granted = 0
        self.lifetime = 3600
        self.port = free_port()
        self.listener = None
        self.up()

    @property
    def url(self):
        return f"http://{HOST}:{self.port}"

    def env(self, **more):
        """The environment of a server that has static keys for it."""
        return {"AWS_ENDPOINT_URL_ROUTE_53": self.url, "AWS_ENDPOINT_URL_STS": self.url, "AWS_REGION": "us-east-1",
                "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": self.keys["AKIDEXAMPLE"]["secret"],
                "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
                "AWS_EC2_METADATA_DISABLED": "true"} | more

    def up(self):
        aws = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                aws.requests.append((time.time(), self.command, self.path, dict(self.headers), self.body))
                aws.answer(self)

            do_GET = do_POST = do_PUT = handle_any

            def send(self, status, body, kind="text/xml", headers=(), length=None):
                body = body if isinstance(body, bytes) else body.encode()
                self.send_response_only(status)
                self.send_header("Date", formatdate(time.time() + aws.skew, usegmt=True))
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body) if length is None else length))
                for name, value in headers:
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
                if length is not None:
                    self.close_connection = True

            def log_message(self, *_):
                pass

        self.listener = Listener((HOST, self.port), Handler)
        self.listener.daemon_threads = True
        threading.Thread(target=self.listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def down(self):
        if self.listener:
            self.listener.shutdown()
            self.listener.server_close()
            self.listener = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.down()

    def listings(self):
        return [r for r in self.requests if "/rrset" in r[2]]

    # --- answers ---

    def error(self, r, status, code, message, headers=()):
        r.send(status, f'<?xml version="1.0"?>\n<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>Sender</Type><Code>{code}</Code>'
                       f"<Message>{escape(message)}</Message></Error><RequestId>req-1</RequestId></ErrorResponse>", headers=headers)

    def refusal(self, r, service):
        """(status, code) of what a signature lacks; None."""
        if self.refuse:
            return self.refuse
        m = re.match(r"^AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/aws4_request, SignedHeaders=([^,]+), Signature=(\w+)$",
                     r.headers.get("Authorization", ""))
        if not m:
            return 403, "MissingAuthenticationToken"
        key, date, region, named, names, given = m.groups()
        keys = self.keys.get(key)
        signed = names.split(";")
        if not keys:
            return 403, "InvalidClientTokenId"
        if named != service or "host" not in signed or "x-amz-date" not in signed or signed != sorted(signed):
            return 403, "IncompleteSignature"
        if (r.headers.get("X-Amz-Security-Token") or None) != keys["token"] or ("x-amz-security-token" in signed) != bool(keys["token"]):
            return 403, "InvalidClientTokenId"
        if given != signature(r, keys, r.headers, names, date, region, service):
            return 403, "SignatureDoesNotMatch"
        when = time.mktime(time.strptime(r.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ")) - time.timezone
        if abs(when - (time.time() + self.skew)) > 300:
            return 403, "RequestExpired"
        return (403, "ExpiredToken") if keys["expires"] and time.time() >= keys["expires"] else None

    def grant(self):
        """New temporary keys, which are good for `lifetime` seconds."""
        self.granted += 1
        key = f"ASIAGRANTED{self.granted}"
        self.keys[key] = {"secret": f"granted-secret-{self.granted}", "token": f"granted-token/{self.granted}+=", "expires": time.time() + self.lifetime}
        return key, self.keys[key], time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.lifetime))

    def answer(self, r):
        path = urlsplit(r.path).path
        if path.startswith("/2013-04-01/"):
            return self.route53(r)
        if path == "/" and r.command == "POST":
            return self.sts(r)
        if path == "/latest/api/token" and r.command == "PUT":
            return r.send(200, "imds-session", "text/plain", [("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "300")])
        if path.startswith("/latest/meta-data/iam/security-credentials/"):
            return self.instance(r, path)
        if path == "/v1/credentials":
            return self.container(r)
        return r.send(404, "", "text/plain")

    def sts(self, r):
        form = {k: v[0] for k, v in parse_qs(r.body.decode()).items()}
        if form["Action"] == "AssumeRole":
            bad = self.refusal(r, "sts")
            if bad:
                return self.error(r, *bad, "no")
            if form.get("RoleArn") != "arn:aws:iam::123456789012:role/dns" or form.get("ExternalId") not in (None, "external"):
                return self.error(r, 403, "AccessDenied", "not this role")
        elif form.get("WebIdentityToken") != "web-identity-token" or r.headers.get("Authorization"):
            return self.error(r, 400, "InvalidIdentityToken", "not this token")
        key, keys, until = self.grant()
        action = form["Action"]
        return r.send(200, f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><Credentials>'
                           f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{keys['secret']}</SecretAccessKey><SessionToken>{keys['token']}</SessionToken>"
                           f"<Expiration>{until}</Expiration></Credentials></{action}Result></{action}Response>")

    def json_keys(self, r):
        key, keys, until = self.grant()
        return r.send(200, json.dumps({"Code": "Success", "AccessKeyId": key, "SecretAccessKey": keys["secret"], "Token": keys["token"], "Expiration": until}),
                      "application/json")

    def instance(self, r, path):
        if r.headers.get("X-Aws-Ec2-Metadata-Token") != "imds-session":
            return r.send(401, "", "text/plain")
        return self.json_keys(r) if path.endswith("/dns-role") else r.send(200, "dns-role\n", "text/plain")

    def container(self, r):
        if r.headers.get("Authorization") != "container-token":
            return r.send(401, '{"code":"Unauthorized","message":"no"}', "application/json")
        return self.json_keys(r)

    def rows(self, zone):
        def order(row):
            return row[0].rstrip(".").split(".")[::-1], row[1]
        origin = self.origins.get(zone, self.origin)
        full = [(origin if o == "@" else f"{o}.{origin}", t, ttl, values) for o, t, ttl, values in self.zones[zone]]
        return sorted(full, key=order)

    def xml(self, rows):
        out = []
        for owner, rdtype, ttl, values in rows:
            body = (f"<AliasTarget><HostedZoneId>Z9</HostedZoneId><DNSName>{values}</DNSName><EvaluateTargetHealth>false</EvaluateTargetHealth></AliasTarget>"
                    if ttl is None else f"<TTL>{ttl}</TTL><ResourceRecords>"
                    + "".join(f"<ResourceRecord><Value>{escape(v)}</Value></ResourceRecord>" for v in values) + "</ResourceRecords>")
            out.append(f"<ResourceRecordSet><Name>{owner.replace('*', chr(92) + '052')}</Name><Type>{rdtype}</Type>{body}</ResourceRecordSet>")
        return "".join(out)

    def route53(self, r):
        bad = self.refusal(r, "route53")
        if bad:
            return self.error(r, *bad, "The request signature we calculated does not match.\n\nThe Canonical String for this request should have been\n'GET\n"
                              f"x-amz-security-token:{r.headers.get('X-Amz-Security-Token')}'")
        if self.forever or self.faults:
            return (self.forever or self.faults.pop(0))(r)
        zone = urlsplit(r.path).path.split("/")[3]
        if zone not in self.zones:
            return self.error(r, 404, "NoSuchHostedZone", "No hosted zone found with ID: " + zone)
        return r.send(*self.listing(r, zone))

    def listing(self, r, zone):
        q = {k: v[0] for k, v in parse_qs(urlsplit(r.path).query).items()}
        rows = self.rows(zone)
        start = next((n for n, row in enumerate(rows) if row[0] == q["name"] and row[1] == q["type"]), len(rows)) if "name" in q else 0
        rest = rows[start + self.page:]
        more = (f"<IsTruncated>true</IsTruncated><NextRecordName>{rest[0][0]}</NextRecordName><NextRecordType>{rest[0][1]}</NextRecordType>"
                if rest else "<IsTruncated>false</IsTruncated>")
        return 200, (f'<?xml version="1.0"?>\n<ListResourceRecordSetsResponse xmlns="{NAMESPACE}"><ResourceRecordSets>'
                     f"{self.xml(rows[start:start + self.page])}</ResourceRecordSets>{more}<MaxItems>1000</MaxItems></ListResourceRecordSetsResponse>")


# --- what a listing may get in place of an answer ---

def throttled(retry_after=None):
    return lambda r: r.send(400, "<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>",
                            headers=[("Retry-After", str(retry_after))] if retry_after else [])


def failing(status, body=""):
    return lambda r: r.send(status, body)


def half(aws, zone):
    def answer(r):
        body = aws.listing(r, zone)[1].encode()
        r.send(200, body[:len(body) // 2], length=len(body))
    return answer


def cut_xml(aws, zone):
    """A whole HTTP answer with half a document in it."""
    def answer(r):
        body = aws.listing(r, zone)[1].encode()
        r.send(200, body[:len(body) // 2])
    return answer


BOMB = gzip.compress(b"<a>" + b" " * (64 << 20), 1)


def gzip_bomb(r):
    with contextlib.suppress(OSError):
        r.send(200, BOMB, headers=[("Content-Encoding", "gzip")])


def entity_bomb(r):
    lines = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    r.send(200, f'<!DOCTYPE x [<!ENTITY l0 "lol">{lines}]><ListResourceRecordSetsResponse>&l9;</ListResourceRecordSetsResponse>')


def redirect(to):
    return lambda r: r.send(307, "", headers=[("Location", to)])
