#!/usr/bin/python3
"""Start-up and memory at scale: how long until the first answer, and how much is resident then.

    scale.py --server build/src/cli/isthmus [quickstart] [blocks] [hosts] [zone] [workers]

  quickstart  the example's Corefile: resident memory of all processes, idle
  blocks      a Corefile with 10,000 server blocks
  hosts       a hosts file with 1,000,000 lines
  zone        a zone file with 1,000,000 names; Knot beside it where it is installed
  workers     CPU a query of one worker and of two; with 3 or more CPUs also queries a second, the load on those that are left (needs
              dnsperf)
"""
import argparse
import os
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from pathlib import Path

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parents[2]


def port():
    with socket.socket() as s:
        s.bind((HOST, 0))
        return s.getsockname()[1]


def query(name):
    return struct.pack("!6H", 7, 0x100, 1, 0, 0, 0) + b"".join(bytes([len(x)]) + x.encode() for x in name.split(".")) + b"\0\0\1\0\1"


def answers(p, name):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(0.3)
        try:
            s.connect((HOST, p))
            s.send(query(name))
            reply = s.recv(4096)
            return reply[3] & 15 == 0 and reply[7] > 0
        except OSError:
            return False


def family(pid):
    out, todo = [], [pid]
    while todo:
        pid = todo.pop()
        out.append(pid)
        try:
            for t in os.listdir(f"/proc/{pid}/task"):
                todo += [int(c) for c in open(f"/proc/{pid}/task/{t}/children").read().split()]
        except OSError:
            pass
    return out


def memory(pid, key="VmRSS"):
    total = 0
    for p in family(pid):
        try:
            total += int(re.search(key + r":\s+(\d+)", open(f"/proc/{p}/status").read())[1])
        except (OSError, TypeError):
            pass
    return total / 1024


class Run:
    def __init__(self, argv, cwd, p, name, limit=120):
        began = time.time()
        self.process = subprocess.Popen(argv, cwd=cwd, stdout=open(Path(cwd) / "log", "wb"), stderr=subprocess.STDOUT)
        while not answers(p, name):
            if self.process.poll() is not None or time.time() - began > limit:
                raise SystemExit(f"{argv[0]} does not answer: " + (Path(cwd) / "log").read_text(errors="replace")[-500:])
            time.sleep(0.005)
        self.seconds = time.time() - began

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)


def show(what, run):
    time.sleep(1)
    print(f"{what:34} {run.seconds:7.2f} s until it answers   {memory(run.process.pid):7.1f} MiB resident   {memory(run.process.pid, 'VmHWM'):7.1f} MiB at the most")


def quickstart(server, d):
    shutil.copytree(ROOT / "examples/quickstart", d, dirs_exist_ok=True)
    p = port()
    text = (d / "Corefile").read_text().replace(":1053", f":{p}").replace(":9153", f":{port()}").replace(":8080", f":{port()}")
    (d / "Corefile").write_text(text.replace("/etc/resolv.conf", "192.0.2.1"))
    with Run([server, "-conf", "Corefile"], d, p, "www.example.org") as r:
        show("quickstart, idle", r)


def blocks(server, d):
    p = port()
    (d / "hosts").write_text("192.0.2.1 www.z1.example\n")
    (d / "Corefile").write_text("".join(f"z{i}.example:{p} {{\n bind {HOST}\n errors\n hosts hosts\n}}\n" for i in range(10000)))
    with Run([server, "-conf", "Corefile"], d, p, "www.z1.example") as r:
        show("10,000 server blocks", r)


def hosts(server, d):
    p = port()
    (d / "hosts").write_text("".join(f"10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255} host{i}.example.org\n" for i in range(1000000)))
    (d / "Corefile").write_text(f"example.org:{p} {{\n bind {HOST}\n hosts hosts\n}}\n")
    with Run([server, "-conf", "Corefile"], d, p, "host999999.example.org") as r:
        show("1,000,000 lines of hosts", r)


def zone(server, d):
    text = ["$ORIGIN example.org.", "$TTL 3600", "@ SOA ns1 admin 1 7200 3600 1209600 300", "@ NS ns1", "ns1 A 192.0.2.1"]
    text += [f"host{i} A 10.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}" for i in range(1000000)]
    (d / "zone").write_text("\n".join(text) + "\n")
    for _ in range(3):
        p = port()
        (d / "Corefile").write_text(f"example.org:{p} {{\n bind {HOST}\n file zone\n}}\n")
        with Run([server, "-conf", "Corefile"], d, p, "host999999.example.org") as r:
            show("1,000,000 names", r)
        if shutil.which("knotd"):
            p = port()
            run = Path(tempfile.mkdtemp(dir=d))
            (d / "knot.conf").write_text(
                f"server:\n rundir: {run}\n listen: {HOST}@{p}\n udp-workers: 1\n tcp-workers: 1\n background-workers: 1\ndatabase:\n storage: {run}\n"
                f"log:\n - target: stderr\n   any: error\nzone:\n - domain: example.org\n   file: {d}/zone\n   zonefile-sync: -1\n   journal-content: none\n")
            with Run(["knotd", "-c", str(d / "knot.conf")], d, p, "host999999.example.org") as r:
                show("1,000,000 names, Knot", r)


def cpu_seconds(pid):
    total = 0
    for p in family(pid):
        fields = open(f"/proc/{p}/stat").read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def loaded(server, d, count, pin, load_pin):
    """Queries a second of so many workers, and microseconds of CPU a query."""
    p = port()
    (d / "Corefile").write_text(f"example.org:{p} {{\n bind {HOST}\n hosts hosts\n}}\n")
    with Run(["taskset", "-c", pin, server, "-workers", str(count), "-conf", "Corefile"], d, p, "www.example.org") as r:
        before = cpu_seconds(r.process.pid)
        load = ["taskset", "-c", load_pin, "dnsperf", "-s", HOST, "-p", str(p), "-d", str(d / "queries"), "-l", "4", "-c", "64", "-T", "4", "-q", "2000"]
        text = subprocess.run(load, capture_output=True, text=True).stdout
        used = cpu_seconds(r.process.pid) - before
    completed = int(re.search(r"Queries completed:\s+(\d+)", text)[1])
    return float(re.search(r"Queries per second:\s+([\d.]+)", text)[1]), used / completed * 1e6


def workers(server, d):
    if not shutil.which("dnsperf"):
        print("workers: needs dnsperf")
        return
    (d / "hosts").write_text("192.0.2.1 www.example.org\n")
    (d / "queries").write_text("www.example.org A\n")
    cpus = os.cpu_count() or 1
    apart = cpus >= 3
    got = {1: [], 2: []}
    for count in (1, 2) * 3:
        pin = ",".join(str(i) for i in range(count)) if apart else f"0-{cpus - 1}"
        got[count].append(loaded(server, d, count, pin, f"{count}-{cpus - 1}" if apart else f"0-{cpus - 1}"))
    (rate1, cost1), (rate2, cost2) = ((max(r for r, _ in got[n]), min(c for _, c in got[n])) for n in (1, 2))
    print(f"CPU a query: one worker {cost1:.2f} us, two workers {cost2:.2f} us: {cost2 / cost1:.2f} times")
    if apart:
        print(f"one worker {rate1:.0f}, two workers {rate2:.0f} queries a second: {rate2 / rate1:.2f} times")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--server", required=True)
    ap.add_argument("what", nargs="*")
    a = ap.parse_args()
    for what in a.what or ["quickstart", "blocks", "hosts", "zone", "workers"]:
        with tempfile.TemporaryDirectory(prefix="scale-") as d:
            globals()[what](os.path.abspath(a.server), Path(d))


if __name__ == "__main__":
    main()
