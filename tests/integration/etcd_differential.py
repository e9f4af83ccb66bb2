#!/usr/bin/python3
"""Asks this server and a real CoreDNS the same random questions over random keys in one etcd, and tells where they differ.

    etcd_differential.py SERVER COREDNS [--questions N] [--rounds N] [--seed N] [--live] [--show N] [--why REASON]

Where we answer otherwise on purpose is counted apart, each under its reason; all other differences are shown, and the exit status is 1 if
there are any.
"""
import argparse
import collections
import json
import random
import sys
from pathlib import Path

import dns.flags
import dns.rcode
import dns.rdatatype
import harness
from etcd import Etcd

ZONE = "skydns.test."
LABELS = ["a", "b", "c", "web", "db", "x1", "any", "dns", "ns", "apex", "mail", "srv"]
TYPES = ["A", "AAAA", "TXT", "CNAME", "SRV", "MX", "NS", "SOA", "PTR", "CAA", "ANY"]


def random_name(r, deepest=3):
    return ".".join(r.choice(LABELS) for _ in range(r.randint(1, deepest))) + "." + ZONE


def random_value(r):
    value = {}
    kind = r.random()
    if kind < 0.35:
        value["host"] = f"192.0.2.{r.randint(1, 20)}"
    elif kind < 0.5:
        value["host"] = f"2001:db8::{r.randint(1, 20):x}"
    elif kind < 0.65:
        value["host"] = random_name(r).rstrip(".") if r.random() < 0.7 else random_name(r)
    elif kind < 0.75:
        value["host"] = r.choice(["www.example.net", "alias.example.net", "gone.example.net", "six.example.net."])
    elif kind < 0.85:
        value["text"] = r.choice(["some text", "x" * 300, 'quoted " and \\', "", "ümlaut"])
        if r.random() < 0.5:
            value["host"] = random_name(r)
    elif kind < 0.9:
        value["host"] = r.choice(["::ffff:192.0.2.77", "", "192.0.2.300", "host name"])
    else:
        value["host"] = f"198.51.100.{r.randint(1, 20)}"
    for field, chance, values in (("port", 0.6, [0, 80, 443, 8080, -1, 65535]), ("priority", 0.4, [0, 5, 10, 20]), ("weight", 0.4, [0, 1, 30, 100]),
                                  ("ttl", 0.4, [0, 30, 60, 3600]), ("mail", 0.3, [True]), ("targetstrip", 0.2, [0, 1, 2, 9]), ("group", 0.3, ["", "g1", "g2"]),
                                  ("unknown", 0.1, [{"a": [1]}, None])):
        if r.random() < chance:
            value[field] = r.choice(values)
    return {k.upper() if r.random() < 0.05 else k: v for k, v in value.items()}


def key_of(name):
    return "/skydns/" + "/".join(reversed(name.rstrip(".").split(".")))


def random_keys(r, count):
    keys = {key_of(random_name(r)): random_value(r) for _ in range(count)}
    for i in range(r.randint(0, 3)):
        keys[f"/skydns/test/skydns/dns/ns/ns{i}"] = {"host": f"192.0.2.{50 + i}"}
    if r.random() < 0.5:
        keys["/skydns/test/skydns/dns/apex/1"] = {"host": "192.0.2.99"}
    return keys


def random_question(r):
    if r.random() < 0.05:
        return ZONE, r.choice(TYPES)
    name = random_name(r, 4)
    if r.random() < 0.1:
        name = "*." + name
    if r.random() < 0.1:
        name = name.upper()
    return name, r.choice(TYPES)


def upstream(query, _):
    name = str(query.question[0].name).lower()
    rdtype = query.question[0].rdtype
    records = {("www.example.net.", "A"): ["www.example.net. 300 A 198.51.100.7"], ("six.example.net.", "AAAA"): ["six.example.net. 300 AAAA 2001:db8::77"]}
    if name == "alias.example.net." and rdtype in (1, 28):
        return harness.reply_to(query, "alias.example.net. 300 CNAME www.example.net.", *(["www.example.net. 300 A 198.51.100.7"] if rdtype == 1 else []))
    found = records.get((name, dns.rdatatype.to_text(rdtype)), [])
    return harness.reply_to(query, *found, rcode="NXDOMAIN" if name == "gone.example.net." else "NOERROR")


def records(section):
    return sorted(f"{rrset.name} {rrset.ttl} {dns.rdatatype.to_text(rrset.rdtype)} {rdata.to_text()}" for rrset in section for rdata in rrset)


def shown(reply):
    if reply is None:
        return ["no answer"]
    lines = [f"{dns.rcode.to_text(reply.rcode())} {'aa' if reply.flags & dns.flags.AA else '--'}"]
    for title, section in (("answer", reply.answer), ("authority", reply.authority), ("additional", reply.additional)):
        lines += [f"{title} {x}" for x in records(section) if " SOA " not in x]
        if any(" SOA " in x for x in records(section)):
            lines.append(f"{title} SOA")
    return lines


class World:
    """What the keys say, for telling why two answers may differ."""

    def __init__(self, keys):
        self.keys = {k: {n.lower(): v for n, v in value.items()} for k, value in keys.items()}

    def below(self, name):
        path = key_of(name.lower())
        found = {k: v for k, v in self.keys.items() if k.startswith(path + "/")}
        return found or {k: v for k, v in self.keys.items() if k == path}


def has(reply, rdtype, section="answer"):
    return reply is not None and any(x.rdtype == dns.rdatatype.from_text(rdtype) for x in getattr(reply, section))


def direct(reply, question):
    """The records of the type at the name itself."""
    return [x for x in records(reply.answer) if x.split()[0].lower() == question[0].lower() and x.split()[2] == question[1]]


def reason(question, ours, theirs):
    """Which declared deviation a difference comes from; None: it is a difference."""
    name, rdtype = question
    if ours is None or theirs is None:
        return None
    apex = name.lower() == ZONE
    a, b = shown(ours), shown(theirs)
    if rdtype == "SOA" and not apex and has(theirs, "SOA"):
        return "a SOA only at the apex"
    if apex and theirs.rcode() == 3 and ours.rcode() == 0:
        return "the apex is there"
    if rdtype in ("CNAME", "PTR") and not theirs.answer and (theirs.rcode() == 3 or has(ours, "CNAME")):
        return "a name above others is there, and an alias to all types"
    if rdtype == "TXT" and any("\\\\" in x for x in a) and [x for x in direct(ours, question) if "\\" not in x] == [
            x for x in direct(theirs, question) if "\\" not in x]:
        return "a text is what it is: no escapes are looked for in it"
    if rdtype in ("A", "AAAA", "TXT") and (has(ours, "CNAME") or has(theirs, "CNAME")) and direct(ours, question) == direct(theirs, question):
        return "one alias or addresses"
    if rdtype in ("SRV", "MX") and [x for x in a if not x.startswith("additional")] == [x for x in b if not x.startswith("additional")]:
        more, less = collections.Counter(a) - collections.Counter(b), collections.Counter(b) - collections.Counter(a)
        if all(" AAAA " in x or " CNAME " in x or " A " in x for x in list(more) + list(less)):
            return "additional records: AAAA inside the zone, one alias or addresses, owners of stripped MX"
    if rdtype == "TXT" and [x for x in a if '""' not in x] == [x.replace(' ""', "") for x in b]:
        return "no empty string behind a full one"
    return None


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("server")
    p.add_argument("coredns")
    p.add_argument("--questions", type=int, default=400)
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    p.add_argument("--live", action="store_true")
    p.add_argument("--show", type=int, default=10, help="so many of them")
    p.add_argument("--why", help="show those whose reason has this in it, too")
    args = p.parse_args()
    r = random.Random(args.seed)
    print("seed", args.seed)
    counts, shown_so_far = collections.Counter(), 0
    with Etcd() as etcd, harness.Upstream(upstream) as up:
        config = f"""{ZONE}:@PORT@ {{
    etcd {{
        endpoint {etcd.url}
%s    }}
}}
.:@PORT@ {{
    forward . 127.0.0.1:{up.port}
}}
"""
        harness.BINARY = str(Path(args.coredns).resolve())
        with harness.Server(config % "") as theirs:
            harness.BINARY = str(Path(args.server).resolve())
            with harness.Server(config % ("        live\n" if args.live else "")) as ours:
                for _ in range(args.rounds):
                    keys = random_keys(r, r.choice([5, 30, 100]))
                    etcd.delete_all()
                    etcd.put_all((k, json.dumps(v)) for k, v in keys.items())
                    mark = f"m{r.randrange(1 << 40)}"
                    etcd.put(f"/skydns/test/skydns/{mark}", {"host": "192.0.2.1"})
                    assert harness.eventually(lambda: ours.ask(f"{mark}.{ZONE}").rcode() == 0)
                    etcd.delete(f"/skydns/test/skydns/{mark}")
                    assert harness.eventually(lambda: ours.ask(f"{mark}.{ZONE}").rcode() == 3)
                    for _ in range(args.questions):
                        question = random_question(r)
                        got = [s.ask(*question, tcp=True, timeout=8) for s in (ours, theirs)]
                        if shown(got[0]) == shown(got[1]):
                            counts["the same"] += 1
                            continue
                        why = reason(question, *got)
                        counts[why or "DIFFERENT"] += 1
                        if (not why or (args.why and args.why in why)) and shown_so_far < args.show:
                            shown_so_far += 1
                            print("\n", *question)
                            for k, v in World(keys).below(question[0]).items():
                                print("  key", k, json.dumps(v))
                            for line in shown(got[0]):
                                print("  ours  ", line)
                            for line in shown(got[1]):
                                print("  theirs", line)
    for why, n in counts.most_common():
        print(f"{n:6} {why}")
    sys.exit(1 if counts["DIFFERENT"] else 0)


if __name__ == "__main__":
    main()
