"""Route 53: credentials from everywhere they may come from, and everything that may go wrong between an API and a zone."""
import json
import re
import shutil
import signal
import tempfile
import time
from pathlib import Path

import dns.flags
import dns.rcode
import dns.rdatatype

import aws as fake
import harness
from aws import SOA, Aws
from harness import HOST, Server, Upstream, addresses, eventually, reply_to

NS = ("@", "NS", 172800, ["ns-1.awsdns-1.org."])
WWW = ("www", "A", 60, ["192.0.2.1"])


def zone(*more):
    return [SOA, NS, WWW, *more]


def corefile(options="", zones="example.org:Z1", more="", refresh="200ms"):
    return (f"example.org:@PORT@ {{\n bind {HOST}\n errors\n prometheus {HOST}:@PROM@\n route53 {zones} {{\n refresh {refresh}\n {options}\n }}\n}}\n"
            f"{more}\n")


def route53(aws, options="", env=None, **more):
    config = {k: more.pop(k) for k in ("zones", "more", "refresh") if k in more}
    return Server(corefile(options, **config), env=aws.env() if env is None else env, **more)


def answer(s, name="www.example.org", rdtype="A"):
    return addresses(s.ask(name, rdtype))


def refused_start(s):
    """The log of a server that does not start."""
    s.start(wait=False)
    code = s.process.wait(15)
    assert code != 0, s.log()
    return s.log()


# --- credentials ---

def test_a_change_is_seen_and_pages_are_followed():
    with Aws({"Z1": zone(*((f"h{n}", "A", 60, [f"192.0.2.{n}"]) for n in range(2, 20)))}) as aws:
        aws.page = 3
        with route53(aws) as s:
            assert answer(s) == ["192.0.2.1"] and answer(s, "h19.example.org") == ["192.0.2.19"]
            aws.zones["Z1"] = zone(("new", "AAAA", 60, ["2001:db8::1"]))
            assert eventually(lambda: answer(s, "new.example.org", "AAAA") == ["2001:db8::1"], 15)


def test_keys_of_the_corefile_and_its_endpoint():
    with Aws({"Z1": zone()}) as aws:
        secret = aws.keys["AKIDEXAMPLE"]["secret"]
        env = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null"}
        with route53(aws, f"aws_access_key AKIDEXAMPLE {secret}\n aws_endpoint {aws.url}/", env) as s:
            assert answer(s) == ["192.0.2.1"]
            assert "has been deprecated" in s.log()


def profiles(aws, text, credentials=""):
    """The environment of a server whose shared files say this, and their folder."""
    folder = Path(tempfile.mkdtemp(prefix="isthmus-aws-"))
    (folder / "config").write_text(text)
    (folder / "credentials").write_text(credentials)
    env = {k: v for k, v in aws.env().items() if k not in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")}
    return env | {"AWS_CONFIG_FILE": str(folder / "config"), "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials")}, folder


KEYS = "aws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY\n"


def test_a_profile_of_the_shared_files():
    with Aws({"Z1": zone()}) as aws:
        env, folder = profiles(aws, "[profile work]\nregion = eu-west-1\n", "[default]\naws_access_key_id = wrong\naws_secret_access_key = wrong\n"
                               f"[work]\n{KEYS}")
        with route53(aws, "credentials work", env) as s:
            assert answer(s) == ["192.0.2.1"]
            assert "/eu-west-1/route53/" in aws.listings()[0][3]["Authorization"]
        with route53(aws, "", env | {"AWS_PROFILE": "work"}) as s:
            assert answer(s) == ["192.0.2.1"]
        s = Server(corefile("credentials nobody"), env=env, start=False)
        assert "failed to create route53 client: failed to get shared config profile, nobody" in refused_start(s)
        shutil.rmtree(folder)


def test_a_file_that_the_corefile_names_in_either_style():
    with Aws({"Z1": zone()}) as aws:
        env, folder = profiles(aws, "")
        for head in ("[work]", "[profile work]"):
            (folder / "own").write_text(f"{head}\n{KEYS}")
            with route53(aws, f"credentials work {folder}/own", env) as s:
                assert answer(s) == ["192.0.2.1"]
        shutil.rmtree(folder)


def test_a_role_is_assumed_by_another_profile():
    with Aws({"Z1": zone()}) as aws:
        env, folder = profiles(aws, "[default]\nrole_arn = arn:aws:iam::123456789012:role/dns\nsource_profile = base\nexternal_id = external\n",
                               f"[base]\n{KEYS}")
        with route53(aws, "", env) as s:
            assert answer(s) == ["192.0.2.1"]
            assert aws.granted == 1 and "ASIAGRANTED1" in aws.listings()[-1][3]["Authorization"]
        shutil.rmtree(folder)


def test_a_command_gives_keys():
    with Aws({"Z1": zone()}) as aws:
        env, folder = profiles(aws, "")
        (folder / "keys.json").write_text(json.dumps({"Version": 1, "AccessKeyId": "AKIDEXAMPLE", "SecretAccessKey": aws.keys["AKIDEXAMPLE"]["secret"]}))
        (folder / "config").write_text(f"[default]\ncredential_process = cat '{folder}/keys.json'\n")
        with route53(aws, "", env) as s:
            assert answer(s) == ["192.0.2.1"]
        (folder / "config").write_text("[default]\ncredential_process = exit 3\n")
        assert "process provider error: " in refused_start(Server(corefile(), env=env, start=False))
        shutil.rmtree(folder)


def test_what_a_server_cannot_do_is_said():
    with Aws({"Z1": zone()}) as aws:
        for text, why in (("[default]\nsso_session = x\nsso_account_id = 1\n", "SSO"),
                          ("[default]\nrole_arn = a\nsource_profile = gone\n", "failed to get shared config profile, gone"),
                          ("[default]\nrole_arn = a\nsource_profile = b\n[profile b]\nrole_arn = c\nsource_profile = default\n", "source_profile of each other"),
                          ("[default]\nrole_arn = a\nmfa_serial = b\n", "assume role with MFA enabled")):
            env, folder = profiles(aws, text)
            log = refused_start(Server(corefile(), env=env, start=False))
            assert f"failed to create route53 client: " in log and why in log, log
            shutil.rmtree(folder)


def test_web_identity():
    with Aws({"Z1": zone()}) as aws:
        folder = Path(tempfile.mkdtemp(prefix="isthmus-aws-"))
        (folder / "token").write_text("web-identity-token\n")
        env = aws.env(AWS_WEB_IDENTITY_TOKEN_FILE=str(folder / "token"), AWS_ROLE_ARN="arn:aws:iam::1:role/irsa")
        del env["AWS_ACCESS_KEY_ID"]
        with route53(aws, "", env) as s:
            assert answer(s) == ["192.0.2.1"] and aws.granted == 1
        shutil.rmtree(folder)


def test_a_container_and_an_instance():
    with Aws({"Z1": zone()}) as aws:
        env = aws.env(AWS_EC2_METADATA_DISABLED="false", AWS_EC2_METADATA_SERVICE_ENDPOINT=aws.url)
        del env["AWS_ACCESS_KEY_ID"]
        with route53(aws, "", env) as s:
            assert answer(s) == ["192.0.2.1"] and aws.granted == 1
        env |= {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{aws.url}/v1/credentials", "AWS_CONTAINER_AUTHORIZATION_TOKEN": "container-token"}
        with route53(aws, "", env) as s:
            assert answer(s) == ["192.0.2.1"] and aws.granted == 2
        s = Server(corefile(), env=env | {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.1/v1"}, start=False)
        assert 'invalid endpoint host, "192.0.2.1", only loopback/ecs/eks hosts are allowed' in refused_start(s)


def test_keys_are_renewed_before_they_expire_and_when_they_are_refused():
    with Aws({"Z1": zone()}) as aws:
        aws.lifetime = 4
        env = aws.env(AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{aws.url}/v1/credentials", AWS_CONTAINER_AUTHORIZATION_TOKEN="container-token")
        del env["AWS_ACCESS_KEY_ID"]
        with route53(aws, "", env) as s:
            assert eventually(lambda: aws.granted >= 3, 15)
            assert "ERROR" not in s.log()
            aws.lifetime = 3600
            assert eventually(lambda: aws.granted >= 4, 15)
            used = list(aws.keys)[-1]
            assert eventually(lambda: used in aws.requests[-1][3].get("Authorization", ""), 5)
            aws.keys[used]["expires"] = 1          # as if somebody had revoked them
            aws.zones["Z1"] = zone(("new", "A", 60, ["192.0.2.7"]))
            assert eventually(lambda: answer(s, "new.example.org") == ["192.0.2.7"], 10)
            assert "ERROR" not in s.log()


# --- what may go wrong ---

def test_the_start_fails_with_the_reason():
    with Aws({"Z1": zone()}) as aws:
        s = Server(corefile(zones="example.org:Z9"), env=aws.env(), start=False)
        log = refused_start(s)
        assert ("plugin/route53: failed to initialize route53 plugin: errors updating zones: [failed to list resource records for example.org.:Z9 from "
                "route53: operation error Route 53: ListResourceRecordSets, https response error StatusCode: 404, RequestID: req-1, NoSuchHostedZone: "
                "No hosted zone found with ID: Z9]") in log, log
        aws.down()
        log = refused_start(Server(corefile(), env=aws.env(), start=False))
        assert "exceeded maximum number of attempts, 3, https response error StatusCode: 0, RequestID: , request send failed, Get" in log, log


def test_a_throttled_start_is_no_failure():
    with Aws({"Z1": zone()}) as aws:
        aws.faults = [fake.throttled()] * 4
        with route53(aws) as s:
            assert answer(s) == ["192.0.2.1"]


FAULTS = {
    "a server error": (lambda a: fake.failing(500), "StatusCode: 500"),
    "another error": (lambda a: fake.failing(503, "<html>busy</html>"), "StatusCode: 503"),
    "no access": (lambda a: lambda r: a.error(r, 403, "AccessDenied", "not you"), "AccessDenied: not you"),
    "half a body": (lambda a: fake.half(a, "Z1"), "request send failed"),
    "half a document": (lambda a: fake.cut_xml(a, "Z1"), "deserialization failed"),
    "no document": (lambda a: fake.failing(200, "{}"), "deserialization failed"),
    "another document": (lambda a: fake.failing(200, "<html></html>"), "deserialization failed, it is no list of record sets"),
    "nothing": (lambda a: fake.failing(200, ""), "deserialization failed"),
    "a gzip bomb": (lambda a: fake.gzip_bomb, "more than 33554432 octets"),
    "entities": (lambda a: fake.entity_bomb, "a document type is not taken"),
    "throttling": (lambda a: fake.throttled(), "api error Throttling: Rate exceeded"),
}


def test_no_fault_of_the_api_replaces_what_is_served():
    with Aws({"Z1": zone()}) as aws, route53(aws) as s:
        for name, (fault, said) in FAULTS.items():
            before = len(s.log())
            aws.forever = fault(aws)
            aws.zones["Z1"] = zone()
            assert eventually(lambda: said in s.log()[before:], 30), (name, s.log()[before:])
            assert answer(s) == ["192.0.2.1"], name
            aws.forever = None
            aws.zones["Z1"] = zone(("x" + str(len(name)), "A", 60, ["192.0.2.99"]))
            assert eventually(lambda: answer(s, f"x{len(name)}.example.org") == ["192.0.2.99"], 30), name
        assert s.rss() < 400 << 10 or harness.SANITIZED
        failed = s.metric(r'isthmus_sync_listings_total\{.*result="failed"')
        assert failed >= len(FAULTS), failed
        assert s.metric(r'isthmus_sync_records\{id="Z1"') == 4
        assert s.logged("Updated zone example.org. from Z1 again after")


def test_credentials_never_follow_a_redirect():
    with Aws({"Z1": zone()}) as aws, Aws({"Z1": zone()}) as elsewhere, route53(aws) as s:
        aws.forever = fake.redirect(elsewhere.url + "/2013-04-01/hostedzone/Z1/rrset")
        assert s.logged("a redirect, which is not followed")
        assert not elsewhere.requests and answer(s) == ["192.0.2.1"]


def test_a_listing_that_shrinks_is_not_believed_at_once():
    many = [(f"h{n}", "A", 60, ["192.0.2.2"]) for n in range(40)]
    with Aws({"Z1": zone(*many)}) as aws, route53(aws) as s:
        aws.zones["Z1"] = zone()
        assert s.logged(r"Z1 has 3 records where 43 are served")
        assert answer(s, "h7.example.org") == ["192.0.2.2"]
        aws.zones["Z1"] = zone(*many)
        time.sleep(1)
        assert answer(s, "h7.example.org") == ["192.0.2.2"]
        aws.zones["Z1"] = zone()
        assert eventually(lambda: s.ask("h7.example.org").rcode() == dns.rcode.NXDOMAIN, 20)
    with Aws({"Z1": zone(*many)}) as aws, route53(aws, "shrink_guard off") as s:
        aws.zones["Z1"] = zone()
        assert eventually(lambda: s.ask("h7.example.org").rcode() == dns.rcode.NXDOMAIN, 5)
        assert "shrink_guard" not in s.log()


def test_an_empty_zone_is_an_error():
    with Aws({"Z1": zone()}) as aws, route53(aws, "shrink_guard off") as s:
        aws.zones["Z1"] = []
        assert s.logged(r"Failed to update zones \[example.org.\].*Z1 cannot be used: .*SOA")
        assert answer(s) == ["192.0.2.1"]


def test_a_clock_that_is_wrong_is_put_right():
    with Aws({"Z1": zone()}) as aws:
        aws.skew = -3600
        with route53(aws) as s:
            assert answer(s) == ["192.0.2.1"]


def test_the_account_is_asked_no_more_than_it_allows():
    zones = {f"Z{n}": zone() for n in range(30)}
    with Aws(zones) as aws:
        aws.origins = {f"Z{n}": f"z{n}.example.org." for n in range(30)}
        with route53(aws, zones=" ".join(f"z{n}.example.org:Z{n}" for n in range(30))) as s:
            time.sleep(2)
        times = [r[0] for r in aws.listings()]
        for start in times:
            within = [t for t in times if start <= t < start + 3]
            assert len(within) <= 18, len(within)   # 15 as they were sent; a busy machine delays some
        assert len(times) >= 30


def test_retry_after_is_obeyed_by_all():
    with Aws({"Z1": zone(), "Z2": zone()}) as aws:
        aws.origins = {"Z1": "a.example.org.", "Z2": "b.example.org."}
        with route53(aws, zones="a.example.org:Z1 b.example.org:Z2") as s:
            aws.faults = [fake.throttled(2)]
            assert eventually(lambda: not aws.faults)
            at = time.time()
            time.sleep(3)
            assert not [r for r in aws.listings() if at + 0.2 < r[0] < at + 1.7]
            assert "ERROR" not in s.log()


# --- the start, and what outlives it ---

def test_a_server_starts_from_what_it_kept():
    with Aws({"Z1": zone(("txt", "TXT", 60, ['"a \\"quoted\\" text" "\\303\\244"']), ("*.wild", "CNAME", 60, ["www.example.org."]))}) as aws:
        with route53(aws, "persist state") as s:
            (s.dir / "state").mkdir(exist_ok=True)
            before = [s.ask(n, t).to_text().split("\n", 1)[1] for n, t in (("txt.example.org", "TXT"), ("a.wild.example.org", "A"), ("example.org", "SOA"))]
            assert eventually(lambda: list((s.dir / "state").glob("*.state")), 10), s.log()
            kept = s.dir / "state"
            s.stop()
            aws.down()
            s.start()
            assert s.logged(r"begins with what Z1 had")
            after = [s.ask(n, t).to_text().split("\n", 1)[1] for n, t in (("txt.example.org", "TXT"), ("a.wild.example.org", "A"), ("example.org", "SOA"))]
            assert before == after
            assert s.logged("Failed to update zones", 15) and answer(s) == ["192.0.2.1"]
            s.stop()
            # A bit anywhere: refused, and said so.
            path = next(kept.glob("*.state"))
            whole = path.read_bytes()
            for at in (0, len(whole) // 2, len(whole) - 1):
                path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
                assert "its copy on the disk is not used" in refused_start(s)
            # Of another account or endpoint: not used.
            path.write_bytes(whole)
            s.env = dict(s.env, AWS_ACCESS_KEY_ID="AKIDOTHER")
            assert "another account or endpoint" in refused_start(s)
            s.env = aws.env()
            s.start()
            assert answer(s) == ["192.0.2.1"]


def test_a_reload_keeps_what_was_synced():
    with Aws({"Z1": zone()}) as aws, route53(aws, refresh="1h") as s:
        count = len(aws.listings())
        aws.down()
        s.write("Corefile", corefile("fallthrough", refresh="1h"))
        s.signal(signal.SIGUSR1)
        assert s.logged("Reloading complete", 10), s.log()
        assert answer(s) == ["192.0.2.1"] and len(aws.listings()) == count
        s.write("Corefile", corefile("fallthrough", zones="example.org:Z1 example.org:Z2", refresh="1h"))
        s.signal(signal.SIGUSR1)
        assert s.logged("failed to initialize route53 plugin", 20), s.log()
        assert answer(s) == ["192.0.2.1"]


def test_a_slow_cloud_does_not_hold_the_start():
    with Aws({f"Z{n}": zone() for n in range(20)}) as aws:
        aws.origins = {f"Z{n}": f"z{n}.example.org." for n in range(20)}
        zones = " ".join(f"z{n}.example.org:Z{n}" for n in range(20))
        began = time.time()
        with route53(aws, "start_timeout 1s\n request_rate 4", zones=zones, refresh="1h") as s:
            assert time.time() - began < 4 and s.logged("starting server before zone .* is there")
            codes = [s.ask(f"www.z{n}.example.org").rcode() for n in range(20)]
            assert dns.rcode.SERVFAIL in codes and dns.rcode.NOERROR in codes and len(set(codes)) == 2, codes
            assert eventually(lambda: all(answer(s, f"www.z{n}.example.org") == ["192.0.2.1"] for n in range(20)), 15)


def test_the_end_does_not_wait_for_a_slow_api():
    with Aws({"Z1": zone()}) as aws, route53(aws) as s:
        aws.forever = lambda r: time.sleep(20)
        time.sleep(0.6)
        began = time.time()
        assert s.stop() == 0 and time.time() - began < 6


# --- what is answered ---

def test_escapes_and_texts():
    records = [("txt", "TXT", 60, ['"say \\"hi\\"" "a\\040b" "back\\\\slash"']), ("we\\137ird\\041", "A", 60, ["192.0.2.8"]),
               ("bad\\9", "A", 60, ["192.0.2.9"]), ("wrong", "A", 60, ["192.0.2.10", "192.0.2.300", "192.0.2.11"]), ("caa", "CAA", 60, ['0 issue "ca.example.net"']),
               ("https", "HTTPS", 60, ["1 . alpn=h2,h3"])]
    with Aws({"Z1": zone(*records)}) as aws, route53(aws) as s:
        assert answer(s, "txt.example.org", "TXT") == ['"say \\"hi\\"" "a b" "back\\\\slash"']
        assert answer(s, "we_ird!.example.org") == ["192.0.2.8"]
        assert answer(s, "wrong.example.org") == ["192.0.2.10"]
        assert answer(s, "caa.example.org", "CAA") == ['0 issue "ca.example.net"']
        assert answer(s, "https.example.org", "HTTPS") == ['1 . alpn="h2,h3"']
        assert s.logged(r"Failed to process resource record set: failed to unescape `bad\\9.example.org.' name: invalid escape sequence: '\\9.e'")
        assert s.logged(r"Failed to process resource record set: failed to parse resource record: dns: bad A A")


def test_aliases_are_resolved_when_asked_for():
    balancer = ["203.0.113.1", "203.0.113.2"]

    def elsewhere(q, _):
        name = q.question[0].name.to_text()
        if name == "lb.elb.example.net." and q.question[0].rdtype == 1:
            return reply_to(q, f"{name} 20 CNAME lb2.elb.example.net.", *(f"lb2.elb.example.net. 15 A {a}" for a in balancer))
        return reply_to(q, rcode="NXDOMAIN")

    records = [("alias", "A", None, "lb.elb.example.net."), ("alias", "TXT", 60, ['"x"']), ("inner", "A", None, "www.example.org."),
               ("gone", "A", None, "gone.example.net."), ("*.wild", "A", None, "lb.elb.example.net."), ("cname", "CNAME", 60, ["alias.example.org."]),
               ("loop", "A", None, "loop.example.org."), ("chain", "CNAME", None, "www.example.org.")]
    with Upstream(elsewhere) as up, Aws({"Z1": zone(*records)}) as aws:
        with route53(aws, more=f".:@PORT@ {{\n bind {HOST}\n forward . {HOST}:{up.port}\n}}") as s:
            r = s.ask("alias.example.org")
            assert addresses(r) == balancer and r.answer[0].ttl == 15 and r.answer[0].name.to_text() == "alias.example.org." and r.flags & dns.flags.AA
            assert answer(s, "inner.example.org") == ["192.0.2.1"]
            assert answer(s, "a.wild.example.org") == balancer
            assert answer(s, "cname.example.org") == sorted([*balancer, "alias.example.org."])
            assert answer(s, "chain.example.org") == ["192.0.2.1", "www.example.org."]
            for name, rdtype in (("gone", "A"), ("alias", "AAAA"), ("alias", "TYPE65401")):
                r = s.ask(f"{name}.example.org", rdtype)
                assert r.rcode() == 0 and not r.answer and r.authority, (name, rdtype, r)
            assert answer(s, "alias.example.org", "TXT") == ['"x"']
            assert s.ask("loop.example.org").rcode() == dns.rcode.SERVFAIL
            any_record = s.ask("inner.example.org", "ANY")
            assert "65401" not in any_record.to_text() and addresses(any_record) == ["192.0.2.1"]
            assert s.ask("example.org", "AXFR", tcp=True).rcode() == dns.rcode.REFUSED


def test_two_zones_of_one_name():
    own = [("only2", "A", 60, ["192.0.2.2"]), ("sub", "NS", 60, ["ns.sub.example.org."]), ("ns.sub", "A", 60, ["192.0.2.53"])]
    first = [("sub", "NS", 60, ["ns1.sub.example.org."]), ("x.deep", "A", 60, ["192.0.2.6"]), ("gone", "CNAME", 60, ["only2.example.org."])]
    second = ("@", "SOA", 900, ["ns-2.awsdns-2.org. second. 1 7200 900 1209600 86400"])
    with Aws({"Z1": zone(*first), "Z2": [second, NS, *own, ("in.sub", "A", 60, ["192.0.2.3"])]}) as aws:
        with route53(aws, zones="example.org:Z1 example.org:Z2") as s:
            assert answer(s) == ["192.0.2.1"] and answer(s, "only2.example.org") == ["192.0.2.2"]
            assert answer(s, "gone.example.org") == sorted(["192.0.2.2", "only2.example.org."])
            r = s.ask("nothing.example.org")
            assert r.rcode() == dns.rcode.NXDOMAIN and "second." in r.authority[0].to_text()
            r = s.ask("deep.example.org")
            assert r.rcode() == 0 and not r.answer
            r = s.ask("other.sub.example.org")
            assert r.authority[0].rdtype == dns.rdatatype.NS and "ns1.sub" in r.authority[0].to_text()


# --- secrets ---

def test_secrets_are_nowhere():
    with Aws({"Z1": zone()}) as aws:
        aws.lifetime = 3
        env = aws.env(AWS_CONTAINER_CREDENTIALS_FULL_URI=f"{aws.url}/v1/credentials", AWS_CONTAINER_AUTHORIZATION_TOKEN="container-token")
        del env["AWS_ACCESS_KEY_ID"]
        with route53(aws, "persist state", env) as s:
            aws.faults = [fault(aws) for fault, _ in FAULTS.values()]
            assert eventually(lambda: not aws.faults, 60)
            aws.refuse = 403, "SignatureDoesNotMatch"    # with all that was signed in its message
            assert s.logged("SignatureDoesNotMatch", 20)
            _, page = s.http("/metrics", "PROM")
            everything = s.log() + page + "".join(p.read_bytes().decode("latin-1") for p in (s.dir / "state").glob("*"))
            secrets = ["container-token", "granted-secret", "granted-token", "wJalrXUtnFEMI", "Signature=", "AWS4-HMAC"]
            assert not [word for word in secrets if word in everything], everything


if __name__ == "__main__":
    harness.main(globals())
