"""From an event of the API server to the answer that shows it, while many others come: delay.py SERVER... [--rate 500] [--samples 500]

The API server is one that only sends what it is told to, so that the machine's time is the server's. Each SERVER is
a command that takes `-conf` and `-dns.port`. Prints milliseconds: least, median, 99th percentile, most.
"""
import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "integration"))

import measure
import test_kube_lists as lists

SERVICES, ENDPOINTS = 20, 10
PROBED = "ep-9.headless-0.ns.svc.cluster.local"
PAUSE = 0.03   # seconds between samples


def piece(i, n):
    """The slice of service I, whose last endpoint has an address that follows from N."""
    moving = f"10.{2 + (n >> 16) % 200}.{n >> 8 & 255}.{n & 255}"
    addresses = [f"10.1.{i}.{k}" for k in range(ENDPOINTS - 1)] + [moving]
    return {"addressType": "IPv4", "metadata": lists.meta(f"headless-{i}-0", resourceVersion=str(n),
                                                          labels={"kubernetes.io/service-name": f"headless-{i}"}),
            "endpoints": [{"addresses": [a], "hostname": f"ep-{k}"} for k, a in enumerate(addresses)],
            "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]}


def objects():
    services = [{"metadata": lists.meta(f"headless-{i}"), "spec": {"clusterIP": "None", "clusterIPs": ["None"], "ports": [{"port": 80}]}}
                for i in range(SERVICES)]
    return {**lists.OBJECTS, "services": ("v1", "Service", services),
            "endpointslices": ("discovery.k8s.io/v1", "EndpointSlice", [piece(i, 10 + i) for i in range(SERVICES)])}


def run(api, resolver, rate, samples):
    """Milliseconds, sorted, and the rate that was reached."""
    out, sent, pending = [], 0, None
    begun = probed = time.monotonic()
    while len(out) < samples:
        now = time.monotonic()
        if now >= begun + sent / rate:
            sent += 1
            probes = pending is None and now - probed > PAUSE
            thing = piece(0 if probes else 1 + sent % (SERVICES - 1), 1000 + sent)
            api.send("endpointslices", "MODIFIED", thing)
            if probes:
                probed = time.monotonic()
                pending = thing["endpoints"][-1]["addresses"][0]
        if not pending:
            time.sleep(0.0002)
        elif pending in (resolver.ask(PROBED) or ()):
            out.append((time.monotonic() - probed) * 1000)
            pending = None
    return sorted(out), sent / (time.monotonic() - begun)


def measured(command, rate, samples):
    lists.OBJECTS = objects()
    with lists.SlowApi(None) as api, tempfile.TemporaryDirectory() as scratch:
        port = measure.free_port()
        corefile = lists.COREFILE.format(port=api.port).replace("@PORT@", str(port))
        corefile = corefile.replace("pods verified", "").replace("100ms", "5s")
        server, resolver = measure.Server(command, Path(scratch), port, corefile), measure.Resolver(port)
        try:
            while not api.watched("endpointslices") or resolver.ask(PROBED) is None:
                if server.proc.poll() is not None:
                    sys.exit(f"delay.py: {command} ended")
                time.sleep(0.1)
            return run(api, resolver, rate, samples)
        finally:
            server.stop()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("server", nargs="+")
    p.add_argument("--rate", type=float, default=500)
    p.add_argument("--samples", type=int, default=500)
    options = p.parse_args()
    for command in options.server:
        ms, rate = measured(command, options.rate, options.samples)
        print(f"{command}: {rate:.0f} changes a second; {ms[0]:.2f} {statistics.median(ms):.2f} "
              f"{ms[len(ms) * 99 // 100]:.2f} {ms[-1]:.2f}", flush=True)


if __name__ == "__main__":
    main()
