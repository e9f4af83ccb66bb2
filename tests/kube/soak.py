"""Minutes of changes, reloads, crashes of the API server and queries, each answer checked against what is in the API server.

    soak.py SERVER [--minutes 20] [--services 300] [--headless 30] [--rate 30]

An answer is wrong if it is not what the API server had at some moment between the last change that must be seen (one that was answered more
than --lag seconds before the question) and the reply. While the API server is away nothing changes, so every answer is
known. At the end: queries asked, wrong ones, changes, reloads, outages, and memory over time, which must not grow.
"""
import argparse
import random
import signal
import sys
import threading
import time

import dns.exception
import dns.rcode

import cluster
import fill
import harness
from cluster import DOMAIN, Box, corefile, get
from harness import Server, eventually


class Record:
    """What each headless service had as the address that changes, and since when: the fill's own record."""

    def __init__(self, lag):
        self.lag, self.lock, self.history = lag, threading.Lock(), {}
        self.away_until = 0.0

    def begin(self, name, address):
        with self.lock:
            self.history.setdefault(name, []).append([time.time(), None, address])

    def done(self, name):
        with self.lock:
            self.history[name][-1][1] = time.time()
            del self.history[name][:-40]

    def possible(self, name, asked):
        """The addresses that may be answered to a question sent at `asked`; None: not known yet."""
        with self.lock:
            entries = list(self.history.get(name, ()))
        if not entries:
            return None
        out = []
        for begun, answered, address in reversed(entries):
            out.append(address)
            if answered is not None and answered + self.lag < asked and asked > self.away_until:
                return out
        return None   # not known for long enough


class Soak:
    def __init__(self, options):
        self.options = options
        self.box = Box()
        self.args = self.box.fill(services=options.services, headless=options.headless)
        self.fixed = [w for w in cluster.right_answers(self.box, self.args, 100) if not w[0].startswith(("headless-", "ep-9."))]
        self.record = Record(options.lag)
        self.pace = threading.Event()   # set: the API server is there
        self.pace.set()
        self.changing = threading.Lock()
        self.stop = threading.Event()
        self.wrong, self.memory = [], []
        self.asked = self.changed = self.reloads = self.outages = self.unanswered = 0

    # --- what goes on at the same time, a thread each

    def change(self):
        services = [(fill.namespace_of(i, self.args), f"headless-{i}") for i in range(self.args.headless)]
        changes = fill.Churn(self.box.api, services)
        while not self.stop.is_set():
            self.pace.wait()
            with self.changing:
                if not self.pace.is_set():
                    continue
                at, address = changes.plan()
                ns, name = services[at]
                owner = f"{name}.{ns}.{DOMAIN}"
                self.record.begin(owner, address)
                changes.change()
                self.record.done(owner)
                self.changed += 1
            self.stop.wait(random.expovariate(self.options.rate))

    def ask_fixed(self, server):
        while not self.stop.is_set():
            name, rdtype, right = random.choice(self.fixed)
            self.judge(server, name, rdtype, lambda got, right=right: got == right)

    def ask_changing(self, server):
        while not self.stop.is_set():
            i = random.randrange(self.args.headless)
            owner = f"headless-{i}.{fill.namespace_of(i, self.args)}.{DOMAIN}"
            name = random.choice((owner, f"ep-9.{owner}"))
            possible = self.record.possible(owner, time.time())
            if possible is None:
                self.stop.wait(0.01)
                continue
            count = 1 if name != owner else 10

            def check(got, owner=owner, asked=time.time(), count=count):
                later = self.record.possible(owner, asked)
                return got is not None and len(got) == count and (later is None or bool(set(got) & set(later)))
            self.judge(server, name, "A", check)

    def ask_absent(self, server):
        while not self.stop.is_set():
            name = f"svc-{random.randrange(10**6, 10**7)}.ns-1.{DOMAIN}"
            self.judge(server, name, "A", lambda got: got == dns.rcode.NXDOMAIN, whole=True)
            self.stop.wait(0.02)

    def judge(self, server, name, rdtype, check, whole=False):
        asked = time.time()
        try:
            reply = server.ask(name, rdtype, timeout=2)
        except dns.exception.Timeout:
            self.unanswered += 1
            return
        except OSError:
            return
        got = reply.rcode() if whole else harness.addresses(reply) if reply.rcode() == dns.rcode.NOERROR else None
        self.asked += 1
        if not check(got):
            self.wrong.append((time.strftime("%T"), round(time.time() - asked, 3), name, got, reply.rcode()))

    def reload(self, server):
        while not self.stop.wait(random.uniform(15, 40)):
            if self.pace.is_set():
                server.signal(signal.SIGUSR1)
                self.reloads += 1

    def outage(self):
        while not self.stop.wait(random.uniform(30, 60)):
            how = random.choice((self.kill, self.kill_both, self.hold, self.forget))
            with self.changing:
                self.pace.clear()
            how()
            self.record.away_until = time.time() + self.options.back
            self.pace.set()
            self.outages += 1

    def kill(self):
        self.box.kill9("apiserver")
        time.sleep(random.uniform(0, 10))
        self.box.start()

    def kill_both(self):
        self.box.kill9("both")
        time.sleep(random.uniform(0, 10))
        self.box.start()

    def hold(self):
        self.box.pause()
        time.sleep(random.uniform(1, 10))
        self.box.resume()

    def forget(self):
        self.box.compact()
        self.kill()

    # --- the run

    def run(self):
        options = self.options
        with Server(corefile(self.box.reader, "startup_timeout 60s")) as server:
            cluster.right(server, self.fixed)
            eventually(lambda: server.http("/ready", "READY")[0] == 200, 20)
            jobs = [(self.change,), (self.reload, server), (self.outage,), (self.ask_fixed, server), (self.ask_changing, server), (self.ask_absent, server)]
            threads = [threading.Thread(target=job, args=args, daemon=True) for job, *args in jobs]
            for t in threads:
                t.start()
            end = time.time() + options.minutes * 60
            while time.time() < end and not all(not t.is_alive() for t in threads):
                self.memory.append(server.rss())
                if len(self.memory) % 6 == 1:
                    print(self.line(), flush=True)
                time.sleep(min(10, max(0.0, end - time.time())))
            self.stop.set()
            self.pace.set()
            for t in threads:
                t.join(60)
            self.box.start_missing()
            cluster.right(server, self.fixed)
            self.memory.append(server.rss())
            log = server.log()
        print(self.line())
        for w in self.wrong[:20]:
            print("wrong:", *w)
        return log

    def line(self):
        memory = self.memory or [0]
        return (f"{time.strftime('%T')} {self.asked} answers, {len(self.wrong)} wrong, {self.unanswered} not answered, {self.changed} changes, "
                f"{self.reloads} reloads, {self.outages} outages, RSS {memory[0] / 1024:.1f} MiB at first, {memory[-1] / 1024:.1f} now")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("server")
    p.add_argument("--minutes", type=float, default=20)
    p.add_argument("--services", type=int, default=300)
    p.add_argument("--headless", type=int, default=30)
    p.add_argument("--rate", type=float, default=30, help="changes a second")
    p.add_argument("--lag", type=float, default=2, help="seconds in which a change is to be seen")
    p.add_argument("--back", type=float, default=5, help="seconds after an outage in which everything is to be seen again")
    p.add_argument("--grows", type=float, default=1.25, help="the second half may have so many times the memory of the first")
    p.add_argument("--log", help="keep the server's log there")
    options = p.parse_args()
    harness.BINARY = options.server
    why = cluster.missing()
    if why:
        sys.exit(f"soak.py: {why}")
    soak = Soak(options)
    log = soak.run()
    if options.log:
        with open(options.log, "w") as f:
            f.write(log)
    half = len(soak.memory) // 2
    grown = max(soak.memory[half:]) / max(soak.memory[:half] or soak.memory)
    print(f"most memory in the second half over most in the first: {grown:.2f}")
    sys.exit(1 if soak.wrong or (grown > options.grows and not harness.SANITIZED) else 0)


if __name__ == "__main__":
    main()
