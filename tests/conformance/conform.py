#!/usr/bin/env python3
"""Run a DNS server through recorded cases and compare what it answers.

A case is a TOML file: a Corefile, the files beside it, scripted upstreams, and
steps. The golden text next to it was recorded from CoreDNS (master of
2026-08-20, 60 directives). README.md describes the format.

    conform.py --server build/NAME                 check every case
    conform.py --server build/NAME cache forward   only cases whose name or plugins match
    conform.py --server CMD --record               write the golden files
"""
import argparse, collections, concurrent.futures, difflib, fcntl, fnmatch, json, os, random, re, shlex, signal
import shutil, socket, ssl, struct, subprocess, sys, tempfile, threading, time, tomllib
import urllib.error, urllib.request
from pathlib import Path

import dns.dnssec, dns.edns, dns.flags, dns.message, dns.name, dns.opcode, dns.query, dns.rcode
import dns.rdata, dns.rdataclass, dns.rdatatype, dns.rrset, dns.tsig, dns.zone
from dns.rdtypes.ANY.TSIG import TSIG

sys.path.insert(0, str(Path(__file__).resolve().parent))

import transports

HOST = "127.0.0.1"
PLACE = re.compile(r"@([A-Z][A-Z0-9]*)@")
_used, _used_lock = {}, threading.Lock()


def free_port():
    """A port free for both TCP and UDP on the loopback address, never handed out twice; below the range that
    outgoing connections take theirs from, and no round number, which a reply may hold (ports are masked).
    A locked file keeps two runs beside each other apart: servers set SO_REUSEPORT, so binding would not tell."""
    locks = Path(tempfile.gettempdir()) / "conform-ports"
    locks.mkdir(exist_ok=True)
    while True:
        port = random.randrange(20001, 32700)
        with _used_lock:
            if port in _used or port % 100 == 0:
                continue
            lock = open(locks / str(port), "w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.close()
                continue
            _used[port] = lock
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as t, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
            try:
                t.bind((HOST, port)); u.bind((HOST, port))
                return port
            except OSError:
                continue


def local_ip():
    """This machine's own IPv4 address: servers name it as that of a cluster's name server."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("192.0.2.1", 53))      # sends nothing
            return s.getsockname()[0]
        except OSError:
            return "127.0.0.1"


class Upstream:
    """A scripted DNS server on UDP and TCP. Each rule: 'NAME TYPE -> RCODE flags; RR; RR | auth RR | add RR'.

    NAME may hold '*', TYPE may be '*'. Words after RCODE: aa, tc, ad, ra, nora, drop, delay=SECONDS,
    noedns, wrongid. The first rule that matches answers; none: REFUSED. With a context it speaks TLS only.
    """

    def __init__(self, rules, context=None, edns=False):
        self.context, self.conns, self.edns = context, set(), edns
        self.rules = [self._parse(r) for r in rules]
        self.hits = collections.Counter()
        self.up = True
        self.socks = []
        for attempt in range(5):
            self.port = free_port()
            try:
                self.open()
                break
            except OSError:                # somebody's outgoing connection took the port meanwhile
                continue

    @staticmethod
    def _parse(rule):
        match, reply = (s.strip() for s in rule.split("->", 1))
        name, rtype = match.split()
        sections = [[], [], []]
        head, *rrs = [p.strip() for p in re.split(r"[;|]", reply)]
        for rr in filter(None, rrs):
            which = 0
            if rr.startswith("auth "):
                which, rr = 1, rr[5:]
            elif rr.startswith("add "):
                which, rr = 2, rr[4:]
            owner, ttl, typ, data = rr.split(None, 3)
            sections[which].append((owner, int(ttl), typ, data))
        return name.lower(), rtype, head.split(), sections

    def open(self):
        u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        t = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        u.bind((HOST, self.port)); t.bind((HOST, self.port)); t.listen(64)
        self.socks, self.up = [u, t], True
        if not self.context:
            threading.Thread(target=self._udp, args=(u,), daemon=True).start()
        threading.Thread(target=self._accept, args=(t,), daemon=True).start()

    def close(self):
        self.up = False
        for s in self.socks + list(self.conns):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def _udp(self, sock):
        while self.up:
            try:
                data, peer = sock.recvfrom(65535)
            except OSError:
                return
            threading.Thread(target=self._serve, args=(data, "udp", lambda b: sock.sendto(b, peer)), daemon=True).start()

    def _accept(self, sock):
        while self.up:
            try:
                conn, _ = sock.accept()
            except OSError:
                return
            threading.Thread(target=self._conn, args=(conn,), daemon=True).start()

    def _conn(self, conn):
        self.conns.add(conn)
        try:
            if self.context:
                plain = conn
                conn = self.context.wrap_socket(plain, server_side=True)
                self.conns.add(conn)
                self.conns.discard(plain)
            f = conn.makefile("rb")
            while self.up:
                head = f.read(2)
                if len(head) < 2:
                    return
                data = f.read(struct.unpack("!H", head)[0])
                self._serve(data, "tls" if self.context else "tcp", lambda b: conn.sendall(struct.pack("!H", len(b)) + b))
        except OSError:
            pass
        finally:
            self.conns.discard(conn)
            conn.close()

    def _serve(self, data, proto, send):
        try:
            m = dns.message.from_wire(data)
        except Exception:
            self.hits["malformed"] += 1
            return
        if not m.question:
            return
        q = m.question[0]
        qname, qtype = q.name.to_text().lower(), dns.rdatatype.to_text(q.rdtype)
        opt = " do" if m.ednsflags & dns.flags.DO else ""
        if self.edns:
            opt += "".join([f" udp={m.payload}"] + [f" opt{int(o.otype)}={o.to_wire().hex()}" for o in m.options] if m.edns >= 0 else [" noedns"])
        self.hits[f"{qname} {qtype} {proto}{opt}"] += 1
        for name, rtype, head, sections in self.rules:
            if fnmatch.fnmatch(qname, name) and rtype in ("*", qtype):
                break
        else:
            head, sections = ["REFUSED"], [[], [], []]
        words = head[1:]
        if "drop" in words or ("drop-udp" in words and proto == "udp"):
            return
        for w in words:
            if w.startswith("delay="):
                time.sleep(float(w[6:]))
        r = dns.message.make_response(m, recursion_available="nora" not in words)
        if "noedns" in words or m.edns < 0:
            r.use_edns(False)
        r.set_rcode(dns.rcode.from_text(head[0]))
        for w, f in (("aa", dns.flags.AA), ("ad", dns.flags.AD)):
            if w in words:
                r.flags |= f
        if "tc" in words and proto == "udp":
            r.flags |= dns.flags.TC
        else:
            for rrs, section in zip(sections, (r.answer, r.authority, r.additional)):
                for owner, ttl, typ, rdata in rrs:
                    owner = qname if owner == "@q" else owner
                    section.append(dns.rrset.from_text(owner, ttl, "IN", typ, rdata))
        wire = r.to_wire(max_size=65535)
        if "wrongid" in words:
            wire = bytes([wire[0] ^ 0xFF]) + wire[1:]
        try:
            send(wire)
        except OSError:
            pass


def show_rrsets(section, label, ordered, hide_ttl, judge=None):
    """One line a record; records of one RRset are sorted unless the step asks for their order. With judge signatures
    come last, sorted, with what it says of them."""
    out, runs, sigs = [], [], []
    for rrset in section:
        if judge and rrset.rdtype == dns.rdatatype.RRSIG:
            sigs += [f"{label} {rrset.name} {'*' if hide_ttl else rrset.ttl} {dns.rdataclass.to_text(rrset.rdclass)} RRSIG "
                     f"{judge(section, rrset.name, rd)}" for rd in rrset]
            continue
        key = (rrset.name, rrset.rdtype)
        lines = [f"{label} {rrset.name} {'*' if hide_ttl else rrset.ttl} {dns.rdataclass.to_text(rrset.rdclass)} "
                 f"{dns.rdatatype.to_text(rrset.rdtype)} {rd.to_text()}" for rd in rrset]
        if runs and runs[-1][0] == key:
            runs[-1][1].extend(lines)
        else:
            runs.append((key, lines))
    for _, lines in runs:
        out += lines if ordered else sorted(lines)
    return out + sorted(sigs)


def last_tsig(wire):
    """Where the TSIG at a message's end begins, and its RDATA."""
    def name_end(at):
        while wire[at] and wire[at] < 0xC0:
            at += wire[at] + 1
        return at + (2 if wire[at] else 1)
    counts = struct.unpack("!4H", wire[4:12])
    at = 12
    for _ in range(counts[0]):
        at = name_end(at) + 4
    start = end = at
    for _ in range(sum(counts[1:])):
        start, fixed = end, name_end(end)
        rtype, _, _, length = struct.unpack("!HHIH", wire[fixed:fixed + 10])
        end = fixed + 10 + length
    if not counts[3] or rtype != dns.rdatatype.TSIG:
        return len(wire), None
    return start, dns.rdata.from_wire(dns.rdataclass.ANY, dns.rdatatype.TSIG, wire, end - length, length)


def show_message(m, opts, judge=None):
    flags = dns.flags.to_text(m.flags).lower()
    out = [f"{dns.rcode.to_text(m.rcode())} {flags}".strip()]
    if m.opcode() != dns.opcode.QUERY:
        out[0] += f" opcode={dns.opcode.to_text(m.opcode())}"
    for q in m.question:
        out.append(f"question {q.name} {dns.rdataclass.to_text(q.rdclass)} {dns.rdatatype.to_text(q.rdtype)}")
    if m.edns >= 0:
        o = " ".join(f"opt{int(x.otype)}={x.to_wire().hex() if hasattr(x, 'to_wire') else x.to_text()}" for x in m.options)
        out.append(f"edns version={m.edns} do={int(bool(m.ednsflags & dns.flags.DO))} udp={m.payload} {o}".strip())
    for label, section in (("answer", m.answer), ("authority", m.authority), ("additional", m.additional)):
        out += show_rrsets(section, label, "ordered" in opts, "nottl" in opts, judge)
    return out


class Run:
    """One case being run: its directory, ports, helpers and the server's process."""

    def __init__(self, path, server, verbose=False):
        self.path, self.server = path, server
        self.case = tomllib.loads(path.read_text())
        self.ports, self.upstreams, self.fakes, self.proc = {}, {}, {}, None
        self.asked = 0
        self.dir = Path(tempfile.mkdtemp(prefix="conform-"))
        self.log = self.dir / ".log"

    def subst(self, text):
        def value(m):
            key = m[1]
            if key == "DIR":
                return str(self.dir)
            if key == "LOCALIP":
                return local_ip()
            if key in self.upstreams:
                return f"{HOST}:{self.upstreams[key].port}"
            if key in self.fakes:
                return self.fakes[key].address
            for fake in self.fakes.values():
                if key in fake.places:
                    return fake.places[key]
            if key not in self.ports:
                self.ports[key] = free_port()
            return str(self.ports[key])
        return PLACE.sub(value, text)

    def subst_all(self, value):
        if isinstance(value, dict):
            return {k: self.subst_all(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.subst_all(v) for v in value]
        return self.subst(value) if isinstance(value, str) else value

    def normal(self, text):
        """Take what differs from run to run out of a line: ports, the directory, durations, source ports, serials made of the time."""
        for name, up in self.upstreams.items():
            text = text.replace(f"{HOST}:{up.port}", f"@{name}@")
        for name, fake in self.fakes.items():
            text = text.replace(fake.address, f"@{name}@")
        for name, port in self.ports.items():
            text = re.sub(rf"(?<!\d){port}(?!\d)", f"@{name}@", text)
        text = text.replace(str(self.dir), "@DIR@")
        text = re.sub(r"(IN SOA \S+ \S+ )(\d{10})\b", lambda m: m[1] + "NOW" if abs(int(m[2]) - time.time()) < 900 else m[0], text)
        text = re.sub(r"\b\d+\.\d{4,}s\b", "DURATIONs", text)
        text = text.replace(f'CH TXT "{socket.gethostname()}"', 'CH TXT "HOSTNAME"')
        text = re.sub(r"127\.0\.0\.1:\d{4,5}\b", "127.0.0.1:PORT", text)
        text = re.sub(r"(_(?:udp|tcp)\.\S+ (?:\d+|\*) IN SRV 0 0) \d{4,5} \.", r"\1 PORT .", text)   # whoami: the client's port
        return text

    def start(self):
        for name, up in self.case.get("upstreams", {}).items():
            context = None
            if up.get("tls"):
                import fakes
                context = fakes.tls_context(self.dir, up.get("client_cert", False))
                context.set_alpn_protocols(["dot"])
            self.upstreams[name] = Upstream(up["rules"], context, up.get("edns", False))
        if self.case.get("fakes"):
            import fakes
            fakes.free_port = free_port
            for name, spec in self.case["fakes"].items():
                self.fakes[name] = fakes.start(name, self.subst_all(spec), self.dir)
        for name, content in self.case.get("files", {}).items():
            p = self.dir / name
            p.parent.mkdir(parents=True, exist_ok=True)
            p.write_text(self.subst(content))
        if (self.path.parent / "data").is_dir():
            shutil.copytree(self.path.parent / "data", self.dir / "data", dirs_exist_ok=True)
        (self.dir / "Corefile").write_text(self.subst(self.case["config"]))
        self.spawn()

    def spawn(self, wait_ports=None):
        env = dict(os.environ, **{k: self.subst(v) for k, v in self.case.get("env", {}).items()})
        for fake in self.fakes.values():
            env.update(fake.env)
        args = [self.subst(a) for a in self.case.get("args", ["-conf", "Corefile"])]
        self.logfile = open(self.log, "ab")
        self.proc = subprocess.Popen(shlex.split(self.server) + args, cwd=self.dir, env=env, stdin=subprocess.DEVNULL,
                                     stdout=self.logfile, stderr=subprocess.STDOUT)
        deadline = time.time() + float(self.case.get("start_timeout", 8))
        waits = [self.ports[p] for p in wait_ports or self.case.get("wait_ports", ["DNS"]) if p in self.ports]
        while time.time() < deadline:
            if self.proc.poll() is not None:
                return
            if all(self.connects(p) for p in waits):
                break
            time.sleep(0.02)
        deadline = time.time() + 1                 # UDP comes after TCP, where it comes at all
        while waits and time.time() < deadline and not all(self.has_udp(p) for p in waits):
            time.sleep(0.02)
        time.sleep(float(self.case.get("settle", 0.05)))

    @staticmethod
    def has_udp(port):
        return any(l.split()[1].endswith(f":{port:04X}") for f in ("udp", "udp6")
                   for l in Path(f"/proc/net/{f}").read_text().splitlines()[1:])

    @staticmethod
    def connects(port):
        try:
            socket.create_connection((HOST, port), 0.2).close()
            return True
        except OSError:
            return False

    def stop(self):
        if self.proc and self.proc.poll() is None:
            self.proc.send_signal(signal.SIGTERM)
            try:
                self.proc.wait(8)
            except subprocess.TimeoutExpired:
                self.proc.kill(); self.proc.wait()
        for h in list(self.upstreams.values()) + list(self.fakes.values()):
            h.close()

    # --- steps -----------------------------------------------------------------------------
    def message(self, words):
        """The query that a step's words describe, and its transport."""
        name, rtype, *opts = words
        proto, rdclass = "udp", "IN"
        kw = {}
        flags = dns.flags.RD
        opcode = id = None
        version = 0
        edns_options = []
        for o in opts:
            if o in ("tcp", "tls", "doh", "doh-get", "doq", "doh3", "grpc"): proto = o
            elif o == "nord": flags &= ~dns.flags.RD
            elif o == "cd": flags |= dns.flags.CD
            elif o == "ad": flags |= dns.flags.AD
            elif o.startswith("class="): rdclass = o[6:]
            elif o.startswith("id="): id = int(o[3:])
            elif o.startswith("opcode="): opcode = dns.opcode.from_text(o[7:])
            elif o.startswith("bufsize="): kw.setdefault("use_edns", 0); kw["payload"] = int(o[8:])
            elif o.startswith("edns="): kw["use_edns"], version = 0, int(o[5:])
            elif o == "do": kw.setdefault("use_edns", 0); kw["want_dnssec"] = True
            elif o == "nsid": kw.setdefault("use_edns", 0); edns_options.append(dns.edns.GenericOption(3, b""))
            elif o.startswith("ecs="):
                kw.setdefault("use_edns", 0); edns_options.append(dns.edns.ECSOption.from_text(o[4:]))
            elif o.startswith("opt="):
                code, _, hexv = o[4:].partition(":")
                kw.setdefault("use_edns", 0); edns_options.append(dns.edns.GenericOption(int(code), bytes.fromhex(hexv)))
        if edns_options:
            kw["options"] = edns_options
        m = dns.message.make_query(dns.name.from_text(name), rtype, rdclass, **kw)
        m.flags = flags
        m.ednsflags |= version << 16               # make_query() takes 1 for True
        self.asked += 1
        m.id = id if id is not None else 0 if proto in ("doq", "doh3") else 1000 + self.asked      # the same in every run: logs show it
        if opcode is not None:
            m.set_opcode(opcode)
        return m, proto

    def how(self, words, timeout=3.0):
        return transports.How(words, self.ports, self.dir, timeout)

    @staticmethod
    def attempt(f):
        """What f gives, or the failure as a line."""
        try:
            return f()
        except (dns.exception.Timeout, TimeoutError):
            return ["no reply"]
        except transports.DEAD:
            return ["no connection"]
        except SystemExit:
            raise
        except Exception as e:
            return [f"client error {type(e).__name__}"]

    def query(self, words):
        opts = list(words[2:])
        m, proto = self.message(words)
        how = self.how(opts)

        def ask():
            sign = next((o[5:] for o in opts if o.startswith("tsig=")), None)
            if sign:
                return self.signed(m, proto, how, sign.split(","), opts)
            if proto == "udp" and not how.pp:
                judge = next((self.judge(how, o) for o in opts if o.startswith("sigs")), None)
                return show_message(dns.query.udp(m, HOST, how.timeout, how.port, ignore_unexpected=True), opts, judge)
            if proto == "udp":
                return self.reply(transports.udp(m.to_wire(), how), opts, m)
            if proto == "tcp" and not how.pp:
                return show_message(dns.query.tcp(m, HOST, how.timeout, how.port), opts)
            if proto in ("doh", "doh-get", "doh3"):
                kind = "h3" if proto == "doh3" else "h2" if "h2" in opts else "h1"
                return self.doh(kind, how, "GET" if proto == "doh-get" else "POST", "/dns-query", opts, m)
            client = transports.open_client(proto, how)
            try:
                if proto == "grpc":
                    return self.grpc_answer(client.call(m.to_wire()), opts, m)
                client.ask(m.to_wire())
                got = self.received(client, opts, m)
                return ["no connection"] if got == ["closed"] else got
            finally:
                client.close()
        return self.attempt(ask)

    def judge(self, how, word):
        """Says of a signature what does not change from run to run, and whether it is good by the server's own DNSKEYs."""
        keys = {}

        def say(section, name, sig):
            covered = dns.rdatatype.to_text(sig.type_covered)
            if sig.signer not in keys:
                m = dns.message.make_query(sig.signer, "DNSKEY")
                r = dns.query.udp(m, HOST, how.timeout, how.port, ignore_unexpected=True)
                keys[sig.signer] = r.get_rrset(r.answer, sig.signer, dns.rdataclass.IN, dns.rdatatype.DNSKEY)
            signed = next((s for s in section if s.name == name and s.rdtype == sig.type_covered), None)
            if signed is None:
                verdict = "of nothing"
            elif keys[sig.signer] is None:
                verdict = "no keys"
            else:
                try:
                    dns.dnssec.validate_rrsig(signed, sig, {sig.signer: keys[sig.signer]})
                    verdict = "good"
                except dns.exception.DNSException as e:
                    verdict = f"bad ({e})"
            hours = "" if word == "sigs=nohours" else f" {(sig.expiration - sig.inception) // 3600}h"
            return f"{covered} {int(sig.algorithm)} {sig.labels} {sig.original_ttl}{hours} {sig.key_tag} {sig.signer} {verdict}"
        return say

    def signed(self, m, proto, how, spec, opts):
        """A query with a TSIG, from NAME,SECRET,ALGORITHM,SECONDS,FUDGE; the reply with its TSIG and whether that is good."""
        name, secret, algorithm, skew, fudge = spec + ["", "", "hmac-sha256", "0", "300"][len(spec):]
        key = dns.tsig.Key(name, secret, algorithm)
        wire, now = m.to_wire(), int(time.time())
        mine = TSIG(dns.rdataclass.ANY, dns.rdatatype.TSIG, key.algorithm, 0, int(fudge), b"", m.id, 0, b"")
        mine, _ = dns.tsig.sign(wire, key, mine, now + int(skew), b"")
        data = mine.to_wire()
        owner = dns.name.from_text(name).to_wire()         # as written: case matters to some
        wire = wire[:10] + struct.pack("!H", struct.unpack("!H", wire[10:12])[0] + 1) + wire[12:] + owner \
            + struct.pack("!HHIH", 250, 255, 0, len(data)) + data
        if proto == "udp":
            got = transports.udp(wire, how)
        else:
            client = transports.open_client(proto, how)
            try:
                client.ask(wire)
                got = client.receive()
            finally:
                client.close()
        if not isinstance(got, bytes):
            return [got or "closed"]
        at, tsig = last_tsig(got)
        if tsig is None:
            return self.reply(got, opts, m) + ["tsig none"]
        bare = got[:10] + struct.pack("!H", struct.unpack("!H", got[10:12])[0] - 1) + got[12:at]
        try:
            dns.tsig.validate(got, key, key.name, tsig, now, mine.mac, at)
            verdict = "good"
        except dns.exception.DNSException as e:
            verdict = f"not good ({type(e).__name__})" if tsig.mac else "unsigned"
        clock = "now" if abs(tsig.time_signed - time.time()) < 30 else "as asked" if tsig.time_signed == mine.time_signed else str(tsig.time_signed)
        return self.reply(bare, opts, m) + [f"tsig {tsig.algorithm} {clock} fudge={tsig.fudge} error={tsig.error} mac={len(tsig.mac)} other={len(tsig.other)} {verdict}"]

    @staticmethod
    def reply(wire, opts, m=None):
        r = dns.message.from_wire(wire)
        return (["wrong id"] if m and r.id != m.id else []) + show_message(r, opts)

    def received(self, client, opts, m=None, timeout=None):
        """What came on a connection: a message, its end, or nothing."""
        try:
            got = client.receive(timeout)
        except TimeoutError:
            return ["no reply"]
        if isinstance(got, bytes):
            return [f"reply {got.hex()}"] if len(got) < 13 else self.reply(got, opts, m)
        return [got or "closed"]

    def grpc_answer(self, answer, opts, m=None):
        status, text, wire = answer
        if status != "0":
            return [f"grpc status {status}" + (f" {text}" if "text" in opts else "")]
        return self.reply(wire, opts, m)

    def doh(self, kind, how, method, path, opts, m=None):
        """One HTTP request: the status, the type, cache-control and the headers of words show=NAME; the body as DNS or text."""
        import base64
        head = {} if "noaccept" in opts else {"Accept": "application/dns-message"}
        body = b""
        if m and method == "GET":
            path += ("&" if "?" in path else "?") + "dns=" + base64.urlsafe_b64encode(m.to_wire()).rstrip(b"=").decode()
        elif m:
            body, head["Content-Type"] = m.to_wire(), "application/dns-message"
        for o in opts:
            if o.startswith("body="): body = bytes.fromhex(o[5:])
            elif o.startswith("zeros="): body = bytes(int(o[6:]))
            elif o.startswith("h="):
                name, _, value = o[2:].partition(":")
                head[name] = value.strip()
        client = transports.open_client(kind, how)
        try:
            status, got, data, _ = client.request(method, path, head, body)
        finally:
            client.close()
        ctype = got.get("content-type")
        out = [f"http {status} {ctype} cache-control={got.get('cache-control')}"]
        out += [f"{o[5:]}: {got.get(o[5:].lower())}" for o in opts if o.startswith("show=")]
        if ctype == "application/dns-message" and data:
            return out + self.reply(data, opts, m)
        return out + [l for l in data.decode(errors="replace").splitlines() if l]

    def doh_step(self, words):
        """doh METHOD PATH [dns=NAME,TYPE[,WORD]...] [words]"""
        method, path, *opts = words
        kind = next((o for o in opts if o in ("h1", "h2", "h3")), "h1")
        m = next((self.message(o[4:].split(",") + ["id=0"])[0] for o in opts if o.startswith("dns=")), None)
        return self.attempt(lambda: self.doh(kind, self.how(opts), method, re.sub(r"\{(\d+) (.)\}", lambda r: r[2] * int(r[1]), path), opts, m))

    def grpc_step(self, words):
        """grpc PATH|Query HEX [words]: a call with these bytes as its DNS message"""
        path, hexv, *opts = words

        def call():
            client = transports.open_client("grpc", self.how(opts))
            try:
                return self.grpc_answer(client.call(bytes.fromhex(hexv), client.PATH if path == "Query" else path), opts)
            finally:
                client.close()
        return self.attempt(call)

    def conn(self, words, body):
        """conn udp|tcp|tls|doq|grpc [words] <<: one connection, a line of the body after the other."""
        proto, *opts = words
        out = []
        try:
            client = transports.open_client(proto, self.how(opts))
        except TimeoutError:
            return ["no reply"]
        except transports.DEAD:
            return ["no connection"]
        try:
            since = time.time()
            for line in body.splitlines():
                verb, *args = shlex.split(line)
                got = self.attempt(lambda: self.conn_line(client, proto, verb, args, since))
                if got is None:
                    since = since if verb == "sleep" else time.time()
                else:
                    out += [f"- {line.strip()}"] + got
                    since = time.time() if verb == "q" else since
        finally:
            client.close()
        return out

    def conn_line(self, client, proto, verb, args, since):
        if verb in ("q", "ask"):
            m, _ = self.message(args + (["doq"] if proto == "doq" else []))
            if proto == "grpc":
                return self.grpc_answer(client.call(m.to_wire()), args, m)
            client.ask(m.to_wire())
            return self.received(client, args, m) if verb == "q" else None
        if verb == "header":                       # UDP: the PROXY header alone
            client.send(client.how.proxy_header(udp=True))
            return None
        if verb == "send":                         # bytes as they are; with QUIC on a stream of their own
            client.send(bytes.fromhex(args[0]), *([False] if "nofin" in args else []))
            return None
        if verb == "read":
            return self.received(client, args, None, next((float(a) for a in args if a[0].isdigit()), None))
        if verb == "replies":                      # that many, by message id
            got = sorted(client.receive() or b"closed" for _ in range(int(args[0])))
            return [l for wire in got for l in (["closed"] if wire == b"closed" else show_message(dns.message.from_wire(wire), args))]
        if verb == "sleep":
            time.sleep(float(args[0]))
            return None
        if verb == "closes":                       # closes MIN MAX: how long after the last reply or send
            low, high = float(args[0]), float(args[1])
            try:
                got = client.receive(max(0.01, since + high - time.time()))
            except TimeoutError:
                return ["still open"]
            if got is not None and not isinstance(got, str):
                return ["a message"]
            return [got or "closed"] if time.time() - since >= low else ["closed too early"]
        raise SystemExit(f"{self.path.name}: unknown line '{verb}' of conn")

    def raw(self, words):
        proto, hexv, *opts = words
        port = next((self.ports[o[1:]] for o in opts if o.startswith("@")), self.ports.get("DNS"))
        data = bytes.fromhex(hexv)
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if proto == "udp" else socket.SOCK_STREAM)
        s.settimeout(1.5)
        try:
            s.connect((HOST, port))
            s.sendall(data if proto == "udp" else struct.pack("!H", len(data)) + data)
            got = s.recv(65535)
            if proto == "tcp" and got:
                got = got[2:]
            return [f"reply {got[:12].hex()} ({len(got)} bytes)"] if got else ["closed"]
        except (OSError, TimeoutError):
            return ["no reply"]
        finally:
            s.close()

    def http(self, words):
        path, *opts = words
        port = next(self.ports[o[1:]] for o in opts if o.startswith("@"))
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}{path}", timeout=3) as r:
                return [f"http {r.status} {r.headers.get_content_type()}"] + r.read().decode(errors="replace").splitlines()
        except urllib.error.HTTPError as e:
            return [f"http {e.code}"] + e.read().decode(errors="replace").splitlines()
        except OSError:
            return ["no connection"]

    def metrics(self, words):
        *patterns, port = words
        lines = self.http(["/metrics", port])[1:]
        keep = [l for l in lines if not l.startswith("#") and any(re.search(p, l) for p in patterns)]
        return sorted(keep)

    def loglines(self, words):
        time.sleep(0.15)
        pattern = " ".join(words)
        text = self.log.read_text(errors="replace")
        return [l for l in text.splitlines() if re.search(pattern, l)]

    def axfr(self, words):
        zone, *opts = words
        port = next((self.ports[o[1:]] for o in opts if o.startswith("@")), self.ports.get("DNS"))
        out = []
        try:
            sign = next((o[5:].split(",") for o in opts if o.startswith("tsig=")), None)
            kw = {"keyring": {dns.name.from_text(sign[0]): dns.tsig.Key(sign[0], sign[1])}, "keyname": sign[0], "keyalgorithm": "hmac-sha256"} if sign else {}
            for m in dns.query.xfr(HOST, zone, port=port, timeout=3, relativize=False, lifetime=5, **kw):
                out += show_rrsets(m.answer, "answer", True, "nottl" in opts)
        except Exception as e:
            return out + [f"transfer ended: {type(e).__name__}"]
        return out if "ordered" in opts else sorted(out)

    def steps(self):
        lines = iter(self.case.get("steps", "").splitlines())
        for line in lines:
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            body = []
            if line.endswith("<<"):
                line = line[:-2].rstrip()
                for l in lines:
                    if l.strip() == ".":
                        break
                    body.append(l)
            yield line, "\n".join(body) + ("\n" if body else "")

    def step(self, verb, words, body):
        if verb in ("q", "spread", "repeat", "raw") and self.proc.poll() is not None:
            return ["no reply"]                    # the server has ended: nothing to wait for
        if verb == "q": return self.query(words)
        if verb == "spread":                       # spread N NAME TYPE...: the set of distinct replies
            n = int(words[0])
            return sorted({" / ".join(self.query(words[1:] + ["ordered"])) for _ in range(n)})
        if verb == "repeat":                       # repeat N NAME TYPE...: the last reply
            for _ in range(int(words[0])):
                out = self.query(words[1:])
            return out
        if verb == "raw": return self.raw(words)
        if verb == "doh": return self.doh_step(words)
        if verb == "grpc": return self.grpc_step(words)
        if verb == "conn": return self.conn(words, self.subst(body))
        if verb == "http": return self.http(words)
        if verb == "metrics": return self.metrics(words)
        if verb == "log": return self.loglines(words)
        if verb == "axfr": return self.axfr(words)
        if verb == "sleep": time.sleep(float(words[0])); return []
        if verb == "write": (self.dir / words[0]).write_text(self.subst(body)); return []
        if verb == "rm": (self.dir / words[0]).unlink(); return []
        if verb == "cat": return (self.dir / words[0]).read_text().splitlines()
        if verb == "signal": self.proc.send_signal(getattr(signal, "SIG" + words[0])); time.sleep(0.5); return []
        if verb == "restart": self.proc.terminate(); self.proc.wait(8); self.spawn(["DNS"]); return []
        if verb == "hits":
            h = self.upstreams[words[0]].hits
            return sorted(f"{k} x{v}" for k, v in h.items())
        if verb == "upstream":
            up = self.upstreams[words[0]]
            up.close() if words[1] == "down" else up.open()
            return []
        if verb == "fake": return self.fakes[words[0]].command(words[1:], self.subst(body)) or []
        if verb == "exit":
            try:
                code = self.proc.wait(float(words[0]) if words else 8)
            except subprocess.TimeoutExpired:
                return ["still running"]
            return [f"exit {'0' if code == 0 else 'nonzero'}"]
        raise SystemExit(f"{self.path.name}: unknown step '{verb}'")

    def run(self, golden=None):
        """The case's transcript: a list of (step line, [result lines])."""
        out = []
        try:
            self.start()
            for i, (line, body) in enumerate(self.steps()):
                words = shlex.split(line)
                verb, wait = words[0], 0.0
                if verb == "eventually":           # eventually SECONDS STEP...: poll until it is as recorded
                    wait, words = float(words[1]), words[2:]
                    verb = words[0]
                want = golden[i][1] if golden and i < len(golden) else None
                if wait and want is None:
                    time.sleep(wait)
                if verb == "log" and want is not None:
                    wait = wait or 1.0             # what was just logged may not be in the file yet
                deadline = time.time() + wait * 1.5
                while True:
                    got = [self.normal(l) for l in self.step(verb, words[1:], body)]
                    if verb == "metrics":              # by what is printed, not by the ports behind it
                        got.sort()
                    if not wait or want is None or same(line, got, want) or time.time() > deadline:
                        break
                    time.sleep(0.1)
                out.append((line, got))
        finally:
            self.stop()
            self.transcript_log = self.log.read_text(errors="replace") if self.log.exists() else ""
            shutil.rmtree(self.dir, ignore_errors=True)
        return out


RR = re.compile(r"^(answer|authority|additional) (\S+) (\d+) (.*)$")


def same(line, got, want):
    """Equal, or, in a step marked ~, equal but for TTLs and counters that differ by at most one."""
    if got == want:
        return True
    if line.startswith("log ") or line.startswith("exit"):
        return [re.sub(r"\s+", " ", g) for g in got] == [re.sub(r"\s+", " ", w) for w in want]
    if "~" not in line.split() or len(got) != len(want):
        return False
    for g, w in zip(got, want):
        a, b = RR.match(g), RR.match(w)
        if g == w:
            continue
        if not (a and b and a[1] == b[1] and a[2] == b[2] and a[4] == b[4] and abs(int(a[3]) - int(b[3])) <= 1):
            return False
    return True


def differing(got, want):
    """The numbers, from 1, of the steps that are not as recorded."""
    out = set()
    for i, (line, recorded) in enumerate(want):
        answer = got[i][1] if i < len(got) else None
        refusal = line.startswith("log ") and i and want[i - 1][1] == ["exit nonzero"]
        if answer is None or not (bool(answer) == bool(recorded) if refusal else same(line, answer, recorded)):
            out.add(i + 1)
    return out


def read_deviations(path):
    """{case: (step numbers, reason)} from lines 'CASE NUMBER,NUMBER...: REASON'."""
    out = {}
    for n, l in enumerate(Path(path).read_text().splitlines(), 1):
        if l.strip() and not l.startswith("#"):
            m = re.match(r"(\S+) +([\d, ]+): *(\S.*)$", l)
            if not m:
                raise SystemExit(f"{path}:{n}: expected 'CASE NUMBER,NUMBER...: REASON'")
            steps, reason = out.setdefault(m[1], (set(), []))
            steps |= {int(x) for x in m[2].replace(",", " ").split()}
            reason.append(m[3])
    return {k: (steps, "; ".join(reason)) for k, (steps, reason) in out.items()}


def dump(transcript):
    return "".join(f"> {line}\n" + "".join(f"{l}\n" for l in got) for line, got in transcript)


def difference(got, want, steps):
    """What differs, with the numbers of the steps."""
    out = []
    for i in sorted(steps):
        out.append(f"[{i}] > {want[i - 1][0]}\n")
        answer = got[i - 1][1] if i <= len(got) else ["(not reached)"]
        out += [l + "\n" for l in list(difflib.ndiff(want[i - 1][1], answer)) if l[0] in "+-"]
    return "".join(out)


def load(path):
    out = []
    for l in path.read_text().splitlines():
        if l.startswith("> "):
            out.append((l[2:], []))
        elif out:
            out[-1][1].append(l)
    return out


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--server", required=True, help="the command that starts the server; '-conf Corefile' is added")
    ap.add_argument("--cases", action="append", help="a folder of cases (default: cases/ beside this file)")
    ap.add_argument("--record", action="store_true", help="write the golden files from this server")
    ap.add_argument("--deviations", help="a file of lines 'CASE NUMBER,NUMBER...: REASON'")
    ap.add_argument("--without", help="a file of names of cases to leave out, one a line, '*' allowed")
    ap.add_argument("--jobs", type=int, default=6)
    ap.add_argument("--quiet", action="store_true", help="no diffs")
    ap.add_argument("--json", help="write a summary here")
    ap.add_argument("--log", action="store_true", help="print the server's log of a failing case")
    ap.add_argument("only", nargs="*")
    a = ap.parse_args()
    here = Path(__file__).resolve().parent
    folders = [Path(c) for c in a.cases] if a.cases else [here / "cases"]
    if os.path.exists(shlex.split(a.server)[0]):
        first, *rest = shlex.split(a.server)
        a.server = shlex.join([os.path.abspath(first)] + rest)
    transports.use_quic_client(shlex.split(a.server)[0])
    paths = sorted(p for f in folders for p in f.glob("*.toml"))
    if a.only:
        paths = [p for p in paths if any(o in p.stem or o in tomllib.loads(p.read_text()).get("plugins", []) for o in a.only)]
    if a.without:
        left_out = [l for l in Path(a.without).read_text().split("\n") if l and not l.startswith("#")]
        paths = [p for p in paths if not any(fnmatch.fnmatchcase(p.stem, l) for l in left_out)]
    declared = read_deviations(a.deviations) if a.deviations else {}

    def one(path):
        gold = path.parent.parent / "golden" / (path.stem + ".txt")
        run = Run(path, a.server)
        try:
            if a.record:
                t = run.run()
                if run.proc.returncode not in (0, -signal.SIGTERM) and not any(l.startswith("exit") for l, _ in t):
                    return path, set(range(1, len(t) + 1)), len(t), run.transcript_log[-600:], run
                gold.parent.mkdir(exist_ok=True)
                gold.write_text(dump(t))
                return path, set(), len(t), "", run
            want = load(gold)
            got = run.run(want)
            differ = differing(got, want)
            return path, differ, len(want), difference(got, want, differ), run
        except Exception as e:
            run.stop()
            n = max(1, len(list(run.steps())))
            return path, set(range(1, n + 1)), n, f"{type(e).__name__}: {e}\n", run

    passed = failed = steps_ok = steps = deviated = 0
    summary = {}
    with concurrent.futures.ThreadPoolExecutor(a.jobs) as pool:
        for path, differ, n, diff, run in pool.map(one, paths):
            allowed, reason = declared.get(path.stem, (set(), ""))
            steps_ok += n - len(differ); steps += n
            summary[path.stem] = [n - len(differ), n]
            if differ == allowed:
                passed += 1
                if allowed:
                    deviated += len(allowed)
                    print(f"deviates  {path.stem}  in {len(allowed)} of {n} steps: {reason}")
                continue
            failed += 1
            print(f"FAIL  {path.stem}  {n - len(differ)}/{n} steps")
            if allowed - differ:
                print(f"declared to deviate, but as recorded: steps {sorted(allowed - differ)}")
            if not a.quiet:
                print(diff.rstrip())
            if a.log:
                print(run.transcript_log)
    if a.json:
        Path(a.json).write_text(json.dumps(summary, indent=1))
    print(f"{steps_ok} of {steps} steps as recorded, {deviated} deviate by declaration")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
