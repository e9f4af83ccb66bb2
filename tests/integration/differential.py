#!/usr/bin/python3
"""Compares lookups in random zones with those of NSD and Knot: wherever these two agree, we must answer the same.

    differential.py SERVER [--seed N] [--zones N] [--queries N] [--keep]

Each part of a reply (rcode, AA, each section as a set with TTLs) is compared for itself. Left out is what is a matter of taste: NS of the
apex beside a positive answer, with their addresses. For the first difference a minimal zone is looked for. The last line is
`N passed, N failed`, counting questions.
"""
import argparse
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype

import harness
from zone_generator import Keys, Zone

PARTS = ["rcode", "aa", "answer", "authority", "additional"]
PROBE = "probe.invalid."


class Peer:
    """A name server process with a configuration of its own."""

    def __init__(self, name, argv, folder, port):
        self.name, self.port = name, port
        self.log = folder / f"{name}.log"
        with open(self.log, "wb") as out:
            self.process = subprocess.Popen(argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)

    def wait(self, origins):
        def ready():
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} ended:\n{self.log.read_text()}")
            return all(ask(self.port, o, "SOA", False).rcode() == 0 for o in origins)
        if not harness.eventually(ready, 20):
            raise RuntimeError(f"{self.name} does not serve all zones:\n{self.log.read_text()}")

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_nsd(folder, zones):
    port = harness.free_port()
    lines = [f"server:\n ip-address: 127.0.0.1@{port}\n port: {port}\n server-count: 1\n username: \"\"\n chroot: \"\"\n zonesdir: {folder}\n database: \"\"\n"
             f" pidfile: {folder}/nsd.pid\n xfrdfile: {folder}/xfrd\n zonelistfile: {folder}/zonelist\n xfrdir: {folder}\n rrl-ratelimit: 0\n"
             "remote-control:\n control-enable: no"]
    lines += [f"zone:\n name: {o}\n zonefile: {path}" for o, path in zones.items()]
    (folder / "nsd.conf").write_text("\n".join(lines) + "\n")
    return Peer("nsd", ["nsd", "-d", "-c", str(folder / "nsd.conf")], folder, port)


def start_knot(folder, zones):
    port = harness.free_port()
    store = folder / "knot"
    store.mkdir(exist_ok=True)
    lines = [f"server:\n rundir: {store}\n listen: 127.0.0.1@{port}\n udp-workers: 1\n tcp-workers: 1\n background-workers: 1\ndatabase:\n storage: {store}\n"
             "log:\n - target: stderr\n   any: warning\ntemplate:\n - id: default\n   zonefile-sync: -1\n   journal-content: none\nzone:"]
    lines += [f" - domain: {o}\n   file: {path}" for o, path in zones.items()]
    (folder / "knot.conf").write_text("\n".join(lines) + "\n")
    return Peer("knot", ["knotd", "-c", str(folder / "knot.conf")], folder, port)


def start_ours(folder, zones):
    port = harness.free_port()
    body = "\n".join(f"    file {path} {o}" for o, path in zones.items())
    (folder / "Corefile").write_text(f".:{port} {{\n    bind 127.0.0.1\n{body}\n}}\n")
    return Peer("ours", [harness.BINARY, "-conf", "Corefile"], folder, port)


class Servers:
    """All three with the same zones."""

    def __init__(self, folder, zones):
        self.all = []
        try:
            for start in (start_nsd, start_knot, start_ours):
                self.all.append(start(folder, zones))
            for s in self.all:
                s.wait(zones)
        except Exception:
            self.stop()
            raise

    def ask(self, question):
        got = []
        for s in self.all:
            try:
                got.append(parts(ask(s.port, *question)))
            except dns.exception.DNSException as e:
                raise AssertionError(f"{s.name} on {question}: {e!r}") from e
        return got

    def stop(self):
        for s in self.all:
            s.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def ask(port, name, rdtype, dnssec):
    """The reply over UDP, over TCP if that was cut short."""
    q = dns.message.make_query(name, rdtype, use_edns=0, payload=4096, want_dnssec=dnssec)
    r = dns.query.udp(q, harness.HOST, port=port, timeout=3)
    return dns.query.tcp(q, harness.HOST, port=port, timeout=3) if r.flags & dns.flags.TC else r


def records(section):
    return {(r.name.to_text().lower(), dns.rdatatype.to_text(r.rdtype), r.ttl, d.to_text(origin=None).lower())
            for r in section for d in r}


def parts(reply):
    """The reply in comparable parts."""
    answer, authority, additional = records(reply.answer), records(reply.authority), records(reply.additional)
    if reply.answer and not any(t == "SOA" for _, t, _, _ in authority):
        apex = {n for n, t, _, _ in authority if t == "NS"}
        cut_off = {n for n, t, _, _ in authority if t == "NS" and reply.flags & dns.flags.AA and not is_below_alias(answer, n)}
        servers = {d for n, t, _, d in authority if t == "NS" and n in cut_off}
        authority = {r for r in authority if not (r[0] in cut_off & apex and (r[1] == "NS" or (r[1] == "RRSIG" and r[3].startswith("ns "))))}
        additional = {r for r in additional if r[0] not in servers or asked_for(answer, r[0])}
    return {"rcode": dns.rcode.to_text(reply.rcode()), "aa": bool(reply.flags & dns.flags.AA), "answer": answer,
            "authority": authority, "additional": additional}


def is_below_alias(answer, cut):
    """Whether the NS of `cut` are a referral for where the aliases in the answer lead."""
    targets = [d for _, t, _, d in answer if t == "CNAME"]
    owners = {n for n, t, _, _ in answer if t != "RRSIG"}
    return any(t not in owners and (t == cut or t.endswith("." + cut)) and cut not in ZONES for t in targets)


def asked_for(answer, owner):
    """Whether a record of the answer itself names the owner."""
    return any(owner in d.split() for _, t, _, d in answer if t not in ("RRSIG", "CNAME"))


ZONES = set()


def differences(got):
    """The parts in which NSD and Knot agree and we do not."""
    nsd, knot, ours = got
    return [p for p in PARTS if nsd[p] == knot[p] and ours[p] != nsd[p]]


def show(value):
    return "".join(f"\n      {' '.join(map(str, r))}" for r in sorted(value)) if isinstance(value, set) else f" {value}"


def report(zone, question, got):
    name, rdtype, dnssec = question
    print(f"\n{name} {rdtype}{' do' if dnssec else ''} in a zone ({zone.signing}):")
    for line in zone.lines():
        print(f"    {line}")
    for part in differences(got):
        print(f"  {part}\n    expected:{show(got[0][part])}\n    ours:{show(got[2][part])}")


def still_differs(zone, question, keys):
    folder = Path(tempfile.mkdtemp(prefix="differential-"))
    try:
        path = folder / "zone"
        zone.write(path, keys)
        with Servers(folder, {zone.origin: path}) as servers:
            got = servers.ask(question)
            return got if differences(got) else None
    except (RuntimeError, dns.exception.DNSException):
        return None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def minimize(zone, question, keys, seconds=60):
    """Leaves out RRsets as long as the difference stays; gives the last replies."""
    end, got = time.time() + seconds, None
    for key in sorted(zone.rrsets, reverse=True):
        if key == ((), "SOA") or time.time() > end:
            continue
        kept = zone.rrsets.pop(key)
        now = still_differs(zone, question, keys)
        if now:
            got = now
        else:
            zone.rrsets[key] = kept
    return got


def make_zones(folder, seed, count, keys):
    zones = []
    for i in range(count):
        zone = Zone(random.Random(f"{seed}/{i}"), f"z{i}.test.")
        zone.write(folder / zone.origin, keys)
        zones.append(zone)
        ZONES.add(zone.origin)
    return zones


def compare(servers, zones, queries, keys):
    passed = failed = 0
    counts = {p: 0 for p in PARTS}
    for zone in zones:
        for _ in range(queries):
            question = (*zone.question(), zone.random.random() < 0.6)
            got = servers.ask(question)
            for p in PARTS:
                counts[p] += got[0][p] == got[1][p]
            if not differences(got):
                passed += 1
                continue
            failed += 1
            if failed == 1:
                report(zone, question, minimize(zone, question, keys) or got)
            elif failed <= 20:
                print(f"  also: {question} {', '.join(differences(got))} in {zone.origin}")
    print("parts in which NSD and Knot agree: " + ", ".join(f"{p} {n}" for p, n in counts.items()))
    return passed, failed


def run(seed, zone_count, queries, keep=False):
    """(passed, failed) of so many zones with so many questions each."""
    folder = Path(tempfile.mkdtemp(prefix="differential-"))
    try:
        keys = Keys(folder)
        zones = make_zones(folder, seed, zone_count, keys)
        with Servers(folder, {z.origin: folder / z.origin for z in zones}) as servers:
            return compare(servers, zones, queries, keys)
    finally:
        if keep:
            print(f"kept in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("server")
    ap.add_argument("--seed", default="1")
    ap.add_argument("--zones", type=int, default=20)
    ap.add_argument("--queries", type=int, default=200)
    ap.add_argument("--keep", action="store_true", help="leave zones, configurations and logs where they are")
    a = ap.parse_args()
    harness.BINARY = str(Path(a.server).resolve())
    passed, failed = run(a.seed, a.zones, a.queries, a.keep)
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
