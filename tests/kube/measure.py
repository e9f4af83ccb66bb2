#!/usr/bin/env python3
"""Measure DNS servers against a kubebox: what a cluster costs them, and how soon they tell of a change.

    measure.py --server coredns=/path/to/coredns --server isthmus=build/src/cli/isthmus --report out.md

Every server is started as `CMD -conf FILE -dns.port PORT`, one at a time, on the same box and the same objects.
The scales run in the order given, and each only adds to the one before. A scale is a list of numbers for
fill.py, with `pods=N` also setting `pods verified`:

    --scale '' --scale services=1000,headless=20 --scale services=10000,headless=20,pods=50000

For each scale and server:
  first answer   seconds from the start of the process to the first right answer for the last service made
  all right      ... to the moment when all of some hundred names, spread over everything, were right
  CPU            user + system seconds until then and on, up to the first second with under 2 % of a core
  RSS            MiB, sum over the server's processes: at that moment; after --settle seconds (and how much of that is
                 anonymous, so not pages of the program's file); the peak (VmHWM)
  outage         with --outage S: both halves of the box are killed, and brought back after S seconds; seconds from the HTTP
                 answer to a change made as soon as it is ready, until DNS shows that. All names are checked before the end
                 of the outage: a server that forgets them is an error here
  relist         with --relist: peak while everything is listed again (the API server was killed, and etcd has forgotten the version
                 that the server saw last), as a ratio to the RSS before
  propagation    milliseconds from the HTTP answer to an EndpointSlice update until the first DNS answer that shows
                 it; below 0 if DNS knew before the HTTP client did
  busy           with --rate R: the same while R other changes a second are made; median and 99th percentile

first answer, all right and CPU are taken --starts times. Only the last start goes on to the rest.
"""
import argparse, datetime, json, os, random, re, shlex, signal, socket, statistics, struct, subprocess, sys, tempfile
import threading, time, urllib.request
from pathlib import Path

import fill

HERE = Path(__file__).resolve().parent
HOST = "127.0.0.1"
CHURNERS = 3
HZ = os.sysconf("SC_CLK_TCK")
DEFAULT_SCALES = ["", "services=1000,headless=20", "services=10000,headless=20", "services=10000,headless=20,pods=50000"]
COREFILE = """cluster.local in-addr.arpa ip6.arpa {
    bind 127.0.0.1
    errors
    kubernetes cluster.local in-addr.arpa ip6.arpa {
        kubeconfig {kubeconfig}
        pods {pods}
    }
}
"""


# ---- DNS: just enough of it to ask for addresses

class Resolver:
    def __init__(self, port):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.connect((HOST, port))
        self.id = random.randrange(1 << 16)

    def ask(self, name, timeout=0.1):
        """The set of A addresses in the answer; None without an answer, or with an rcode that isn't NOERROR."""
        self.id = (self.id + 1) & 0xFFFF
        question = b"".join(bytes([len(l)]) + l.encode() for l in name.rstrip(".").split(".")) + b"\0\0\1\0\1"
        opt = b"\0\0\x29\x04\xd0" + bytes(6)
        self.sock.settimeout(timeout)
        try:
            self.sock.send(struct.pack("!6H", self.id, 0x0100, 1, 0, 0, 1) + question + opt)
            while True:
                message = self.sock.recv(65535)
                if message[:2] == struct.pack("!H", self.id):
                    return addresses(message)
        except OSError:    # a time-out, or a port where nobody listens yet
            return None


def skip_name(m, at):
    while m[at]:
        if m[at] >= 0xC0:
            return at + 2
        at += m[at] + 1
    return at + 1


def addresses(m):
    _, flags, questions, answers, _, _ = struct.unpack_from("!6H", m)
    if flags & 15:
        return None
    at = 12
    for _ in range(questions):
        at = skip_name(m, at) + 4
    out = set()
    for _ in range(answers):
        at = skip_name(m, at)
        rrtype, _, _, length = struct.unpack_from("!HHIH", m, at)
        if rrtype == 1:
            out.add(socket.inet_ntoa(m[at + 10:at + 14]))
        at += 10 + length
    return out


# ---- the server under measurement, with the processes it started

class Server:
    def __init__(self, command, directory, port, corefile):
        conf = directory / "Corefile"
        conf.write_text(corefile)
        self.log = open(directory / "server.log", "ab")
        argv = shlex.split(command) + ["-conf", str(conf), "-dns.port", str(port)]
        self.begun = time.monotonic()
        self.proc = subprocess.Popen(argv, cwd=directory, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def pids(self):
        out, todo = [], [self.proc.pid]
        while todo:
            pid = todo.pop()
            out.append(pid)
            for path in Path(f"/proc/{pid}/task").glob("*/children"):
                todo += [int(c) for c in path.read_text().split()]
        return out

    def cpu(self):
        return sum(cpu_of(pid) for pid in self.pids())

    def memory(self, field):
        """MiB: VmRSS or RssAnon now, or VmHWM, the most there was."""
        kib = 0
        for pid in self.pids():
            found = re.search(rf"{field}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
            kib += int(found[1]) if found else 0
        return kib / 1024

    def stop(self):
        self.proc.send_signal(signal.SIGTERM)
        try:
            self.proc.wait(15)
        except subprocess.TimeoutExpired:
            self.proc.kill()
            self.proc.wait()
        self.log.close()


def cpu_of(pid):
    try:
        f = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(f[11]) + int(f[12])) / HZ
    except OSError:
        return 0.0


def wait_quiet(cpu, share, limit):
    """Waits for the first second in which cpu() grew by less than share; returns what cpu() was then."""
    end = time.monotonic() + limit
    before = cpu()
    while True:
        time.sleep(1)
        now = cpu()
        if now - before < share or time.monotonic() > end:
            return now
        before = now


# ---- what a right answer is

def spread(count, most):
    """Up to `most` numbers below count: the last one first, the others evenly over the rest."""
    return list(dict.fromkeys([count - 1] + [k * count // most for k in range(min(most, count))])) if count else []


def probes(api, args):
    """(name, the right set of addresses), of the last service made first."""
    out = []
    for i in spread(args.services, 60):
        ns = fill.namespace_of(i, args)
        ip = api.get(f"{fill.SERVICES.format(ns=ns)}/svc-{i}")["spec"]["clusterIP"]
        out.append((f"svc-{i}.{ns}.svc.cluster.local", {ip}))
    for i in spread(args.headless, 20):
        ns = fill.namespace_of(i, args)
        found = api.get(f"{fill.SLICES.format(ns=ns)}/headless-{i}-0")
        out.append((f"headless-{i}.{ns}.svc.cluster.local", {a for e in found["endpoints"] for a in e["addresses"]}))
    for k in spread(args.pods, 60):
        ip, ns = fill.pod_address(k), fill.namespace_of(k // args.endpoints_per_service, args)
        out.append((f"{ip.replace('.', '-')}.{ns}.pod.cluster.local", {ip}))
    ip = api.get(fill.SERVICES.format(ns="default") + "/kubernetes")["spec"]["clusterIP"]
    return out + [("kubernetes.default.svc.cluster.local", {ip})]


def wait_right(server, resolver, wanted, limit):
    """Seconds from the server's start to the first right answer of wanted[0], and to all of wanted being right."""
    end, first = server.begun + limit, None
    todo = list(wanted)
    while todo:
        name, right = todo[0]
        if resolver.ask(name) == right:
            if first is None:
                first = time.monotonic() - server.begun
            todo.pop(0)
            continue
        if server.proc.poll() is not None:
            raise SystemExit(f"measure.py: the server ended with status {server.proc.returncode}: see its log")
        if time.monotonic() > end:
            raise SystemExit(f"measure.py: no right answer for {name} within {limit} s")
        time.sleep(0.01)
    return first, time.monotonic() - server.begun


def changes_of(api, args):
    services = [(fill.namespace_of(i, args), f"headless-{i}") for i in range(args.headless)]
    return fill.Churn(api, services)


def time_change(changes, resolver, limit):
    """Makes one change. Seconds from its HTTP answer to the first DNS answer that shows it."""
    at, address = changes.plan()
    ns, name = changes.services[at]
    told = []
    changer = threading.Thread(target=lambda: told.append(changes.change()))
    changer.start()
    end = time.monotonic() + limit
    while address not in (resolver.ask(f"{name}.{ns}.svc.cluster.local") or ()):
        if time.monotonic() > end:
            raise SystemExit(f"measure.py: {name} showed no change within {limit} s")
        time.sleep(0.0003)
    seen = time.time()
    changer.join()
    return seen - told[0][1]


def propagation(api, resolver, args, samples):
    """Milliseconds, one number a sample."""
    changes, out = changes_of(api, args), []
    for _ in range(samples):
        time.sleep(random.uniform(0.2, 0.6))
        out.append(time_change(changes, resolver, 30) * 1000)
    return out


def all_right(resolver, wanted, when):
    wrong = [name for name, right in wanted if resolver.ask(name, 1) != right]
    if wrong:
        raise SystemExit(f"measure.py: {len(wrong)} of {len(wanted)} answers are wrong {when}: {wrong[0]} and others")


def busy_propagation(api, resolver, args, samples, rate):
    """The same, while other services change at this rate: by several processes, as one client is not that fast."""
    share = (args.headless - 1) // CHURNERS
    argv = [sys.executable, HERE / "fill.py", "churn", api.dir, "--rate", str(rate / CHURNERS), "--count", "10000000", "--across", str(share)]
    churners = [subprocess.Popen([*argv, "--first", str(1 + n * share)], stdout=subprocess.PIPE, text=True) for n in range(CHURNERS)]
    counts = [0] * CHURNERS

    def count(n):
        for _ in churners[n].stdout:
            counts[n] += 1
    for n in range(CHURNERS):
        threading.Thread(target=count, args=(n,), daemon=True).start()
    try:
        time.sleep(2)
        begun, before = time.monotonic(), sum(counts)
        changes, out = fill.Churn(api, [(fill.namespace_of(0, args), "headless-0")]), []
        for _ in range(samples):
            time.sleep(random.uniform(0.01, 0.05))
            out.append(time_change(changes, resolver, 30) * 1000)
        return out, (sum(counts) - before) / (time.monotonic() - begun)
    finally:
        for c in churners:
            c.kill()
            c.wait()


def reset_peak(server):
    for pid in server.pids():
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def forget(api):
    """etcd keeps no version but the newest."""
    def ask(path, body):
        request = urllib.request.Request(api.env["ETCD"] + path, json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=60) as r:
            return json.load(r)
    ask("/v3/kv/compaction", {"revision": ask("/v3/maintenance/status", {})["header"]["revision"]})


def relist(server, api, resolver, args):
    """The peak over the memory before, while everything is listed again."""
    box = [HERE / "kubebox"]
    before = server.memory("VmRSS")
    reset_peak(server)
    subprocess.run([*box, "kill9", api.dir, "apiserver"], check=True)
    time.sleep(0.5)
    stopped = server.pids()   # so that it sees nothing of what is changed and then forgotten
    for pid in stopped:
        os.kill(pid, signal.SIGSTOP)
    subprocess.run([*box, "start", api.dir], check=True, stdout=subprocess.DEVNULL)
    changes = changes_of(fill.Api(api.dir), args)
    for _ in range(100):
        changes.change()
    forget(api)
    subprocess.run([*box, "kill9", api.dir, "apiserver"], check=True)
    for pid in stopped:
        os.kill(pid, signal.SIGCONT)
    subprocess.run([*box, "start", api.dir], check=True, stdout=subprocess.DEVNULL)
    time_change(changes_of(fill.Api(api.dir), args), resolver, 600)
    wait_quiet(server.cpu, 0.02, 60)
    return server.memory("VmHWM") / before


def outage(api, resolver, args, wanted, seconds):
    """Seconds until a change shows that was made as soon as the box was back."""
    subprocess.run([HERE / "kubebox", "kill9", api.dir], check=True)
    time.sleep(seconds)
    all_right(resolver, wanted, f"{seconds:.0f} s after the API server was lost")
    subprocess.run([HERE / "kubebox", "start", api.dir], check=True, stdout=subprocess.DEVNULL)
    return time_change(changes_of(fill.Api(api.dir), args), resolver, 600)


# ---- one scale, one server

def measure(command, api, args, options, directory):
    wanted = probes(api, args)
    api_pid = int(fill.Api(api.dir).env["APISERVER_PID"])   # an outage changes it
    starts = []
    for n in range(options.starts):
        wait_quiet(lambda: cpu_of(api_pid), 0.1, 60)
        port = free_port()
        corefile = options.corefile.replace("{kubeconfig}", str(api.dir / "kubeconfig"))
        corefile = corefile.replace("{pods}", "verified" if args.pods else "disabled")
        server, resolver = Server(command, directory, port, corefile), Resolver(port)
        try:
            first, every = wait_right(server, resolver, wanted, options.limit)
            cpu = wait_quiet(server.cpu, 0.02, 60)
            starts.append((first, every, cpu, server.memory("VmRSS")))
            if n + 1 == options.starts:
                peak = server.memory("VmHWM")
                time.sleep(options.settle)
                settled, anonymous = server.memory("VmRSS"), server.memory("RssAnon")
                all_right(resolver, wanted, "that were right when it had started")
                back = outage(api, resolver, args, wanted, options.outage) if args.headless and options.outage else None
                moved = propagation(api, resolver, args, options.samples) if args.headless else []
                busy, rate = busy_propagation(api, resolver, args, 200, options.rate) if args.headless and options.rate else ([], 0)
                again = relist(server, api, resolver, args) if args.headless and options.relist else None
        finally:
            server.stop()
    first, every, cpu, fresh = ([s[i] for s in starts] for i in range(4))
    return {"first_s": first, "all_right_s": every, "cpu_s": cpu, "rss_fresh_mib": fresh, "rss_settled_mib": settled,
            "rss_settled_anonymous_mib": anonymous, "rss_peak_mib": peak, "outage_s": back, "propagation_ms": moved,
            "busy_ms": busy, "busy_rate": rate, "relist_ratio": again, "names_checked": len(wanted)}


def free_port():
    """A port that is free for UDP and for TCP."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind((HOST, 0))
            try:
                udp.bind(tcp.getsockname())
            except OSError:
                continue
            return tcp.getsockname()[1]


def fill_arguments(scale, directory):
    argv = ["fill", str(directory)]
    for part in filter(None, scale.split(",")):
        name, _, value = part.partition("=")
        argv += [f"--{name}", value]
    return fill.parser().parse_args(argv)


# ---- the report

HEAD = ("| scale | server | first answer s | all right s | CPU s | RSS fresh | settled (anonymous) | peak MiB "
        "| outage s | propagation ms min / median / max | busy ms median / p99 (changes a second) | relist |\n"
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---|---|---:|")


def row(scale, name, r):
    mid = statistics.median
    moved = r["propagation_ms"]
    told = f"{min(moved):.1f} / {mid(moved):.1f} / {max(moved):.1f}" if moved else "-"
    back = f"{r['outage_s']:.1f}" if r["outage_s"] is not None else "-"
    again = f"{r['relist_ratio']:.2f}" if r["relist_ratio"] is not None else "-"
    busy = sorted(r["busy_ms"])
    told_busy = f"{mid(busy):.1f} / {busy[len(busy) * 99 // 100]:.1f} ({r['busy_rate']:.0f})" if busy else "-"
    return (f"| {scale or 'empty'} | {name} | {mid(r['first_s']):.2f} | {mid(r['all_right_s']):.2f} | {mid(r['cpu_s']):.2f} | "
            f"{mid(r['rss_fresh_mib']):.1f} | {r['rss_settled_mib']:.1f} "
            f"({r['rss_settled_anonymous_mib']:.1f}) | {r['rss_peak_mib']:.1f} | {back} | {told} | "
            f"{told_busy} | {again} |")


def machine():
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    total = int(re.search(r"MemTotal:\s+(\d+)", Path("/proc/meminfo").read_text())[1])
    return f"{os.cpu_count()} cores ({model[1] if model else 'unknown'}), {total / 1048576:.0f} GiB"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--server", action="append", required=True, metavar="[NAME=]CMD", help="may be given several times")
    p.add_argument("--scale", action="append", metavar="NUMBERS", help="may be given several times; see above")
    p.add_argument("--box", metavar="DIR", help="a running box, else one is started and stopped here")
    p.add_argument("--starts", type=int, default=3, metavar="N", help="starts per scale and server (default 3)")
    p.add_argument("--samples", type=int, default=20, metavar="N", help="propagation samples (default 20)")
    p.add_argument("--settle", type=float, default=150, metavar="S",
                   help="seconds before the settled RSS (default 150: Go's runtime collects every 120 s at least)")
    p.add_argument("--rate", type=float, default=0, metavar="R", help="samples while R changes a second are made, too")
    p.add_argument("--relist", action="store_true", help="let everything be listed again, too")
    p.add_argument("--outage", type=float, default=0, metavar="S", help="lose the box for S seconds, too")
    p.add_argument("--limit", type=float, default=120, metavar="S", help="longest wait for a right answer (default 120)")
    p.add_argument("--corefile", type=Path, metavar="FILE", help="another Corefile; {kubeconfig} and {pods} are replaced")
    p.add_argument("--report", type=Path, metavar="FILE", help="write the table there, too")
    p.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    options = p.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("measure.py: asked to end"))   # so that nothing is left running
    options.corefile = options.corefile.read_text() if options.corefile else COREFILE
    servers = [s.split("=", 1) if re.match(r"[\w.-]+=", s) else [Path(shlex.split(s)[0]).name, s] for s in options.server]

    with tempfile.TemporaryDirectory(prefix="kubebox-measure-") as scratch:
        scratch = Path(scratch)
        box = Path(options.box) if options.box else scratch / "box"
        if not options.box:
            subprocess.run([HERE / "kubebox", "start", box], check=True)
        try:
            run(fill.Api(box), box, servers, options, scratch)
        finally:
            if not options.box:
                subprocess.run([HERE / "kubebox", "stop", box], check=True)


def run(api, box, servers, options, scratch):
    lines = [f"{datetime.date.today()}, {machine()}, load before: {os.getloadavg()[0]:.1f}; median of {options.starts} starts, "
             f"{options.samples} propagation samples, RSS settled after {options.settle:.0f} s", "", HEAD]
    print("\n".join(lines), flush=True)
    results = []
    for scale in options.scale if options.scale is not None else DEFAULT_SCALES:
        args = fill_arguments(scale, box)
        fill.fill(api, args)
        for name, command in servers:
            directory = scratch / f"{name}-{len(results)}"
            directory.mkdir()
            try:
                figures = measure(command, api, args, options, directory)
            except SystemExit:
                sys.stderr.write((directory / "server.log").read_text(errors="replace")[-2000:])
                raise
            results.append({"scale": scale, "server": name, **figures})
            lines.append(row(scale, name, figures))
            print(lines[-1], flush=True)
            if options.report:
                options.report.write_text("\n".join(lines) + "\n")
            if options.json:
                options.json.write_text(json.dumps({"machine": machine(), "date": str(datetime.date.today()),
                                                    "results": results}, indent=1) + "\n")


if __name__ == "__main__":
    main()
