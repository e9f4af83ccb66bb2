"""What clusters are given: the image's file system, the manifests, the Helm chart. Rendered by kubectl and helm where they are
at hand, and by what stands beside the tests where not; every Corefile in them goes through `isthmus check`."""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

import harness
from harness import SANITIZED, eventually

ROOT = Path(__file__).resolve().parents[2]
PACKAGING = ROOT / "packaging"
NOBODY = 65532


def folder():
    return Path(tempfile.mkdtemp(prefix="isthmus-test-"))


def run(*argv, **more):
    done = subprocess.run([str(a) for a in argv], capture_output=True, text=True, **more)
    assert done.returncode == 0, (argv, done.stdout, done.stderr)
    return done.stdout


# --- objects ---

def objects(text):
    return [o for o in yaml.safe_load_all(text) if o]


def one(all_objects, kind, name=None):
    found = [o for o in all_objects if o["kind"] == kind and name in (None, o["metadata"]["name"])]
    assert len(found) == 1, (kind, name, [o["metadata"]["name"] for o in found])
    return found[0]


def selects(selector, labels):
    return selector.items() <= labels.items()


def check_corefile(text):
    path = folder() / "Corefile"
    path.write_text(text)
    done = subprocess.run([harness.BINARY, "check", str(path)], capture_output=True, text=True)
    assert done.returncode == 0, (done.stdout, done.stderr, text)


def check_deployment(deployment):
    """What any cluster asks of such a pod: no root, nothing to write to, one capability."""
    pod = deployment["spec"]["template"]["spec"]
    assert selects(deployment["spec"]["selector"]["matchLabels"], deployment["spec"]["template"]["metadata"]["labels"])
    container = pod["containers"][0]
    security = container["securityContext"]
    assert security["readOnlyRootFilesystem"] and security["runAsNonRoot"] and not security["allowPrivilegeEscalation"]
    assert security["runAsUser"] == NOBODY
    assert security["capabilities"] == {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]}
    assert pod["securityContext"]["sysctls"] == [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    mounts = {m["name"]: m["mountPath"] for m in container["volumeMounts"]}
    assert {v["name"] for v in pod["volumes"]} >= set(mounts)
    assert container["args"][:2] == ["-conf", mounts["config"] + "/Corefile"]
    assert container["resources"]["limits"]["memory"] and "cpu" not in container["resources"]["limits"]
    return pod, container


def check_probes(container, corefile):
    """Each probe asks a port that the Corefile's plugins listen on by default."""
    for probe, path, port, plugin in (("livenessProbe", "/health", 8080, "health"), ("readinessProbe", "/ready", 8181, "ready")):
        get = container[probe]["httpGet"]
        assert (get["path"], get["port"]) == (path, port)
        assert plugin in corefile.split()


def check_rights(all_objects):
    """List and watch, of what the plugin watches, and nothing else."""
    role = one(all_objects, "ClusterRole")
    assert {r for rule in role["rules"] for r in rule["resources"]} == {"services", "pods", "namespaces", "endpointslices", "serviceimports"}
    assert all(rule["verbs"] == ["list", "watch"] for rule in role["rules"])
    binding, account = one(all_objects, "ClusterRoleBinding"), one(all_objects, "ServiceAccount")
    assert binding["roleRef"]["name"] == role["metadata"]["name"]
    subject = binding["subjects"][0]
    assert (subject["name"], subject["namespace"]) == (account["metadata"]["name"], account["metadata"]["namespace"])
    return account["metadata"]["name"]


# --- manifests ---

def kustomize(name):
    """The files of a folder and of those that it builds upon; by kubectl where that is there."""
    if shutil.which("kubectl"):
        return objects(run("kubectl", "kustomize", PACKAGING / "kubernetes" / name))
    found = []
    where = PACKAGING / "kubernetes" / name
    for resource in yaml.safe_load((where / "kustomization.yaml").read_text())["resources"]:
        path = where / resource
        found += kustomize(path.resolve().name) if path.is_dir() else objects(path.read_text())
    return found


def test_a_new_cluster_gets_all_it_needs():
    found = kustomize("new-cluster")
    account = check_rights(found)
    deployment, service = one(found, "Deployment"), one(found, "Service", "kube-dns")
    pod, container = check_deployment(deployment)
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert pod["serviceAccountName"] == account
    assert selects(service["spec"]["selector"], labels)
    assert selects(one(found, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"], labels)
    assert {(p["port"], p["protocol"]) for p in service["spec"]["ports"]} == {(53, "UDP"), (53, "TCP"), (9153, "TCP")}
    opened = {(p["containerPort"], p["protocol"]) for p in container["ports"]}
    assert {(p["port"], p["protocol"]) for p in service["spec"]["ports"]} <= opened
    config = one(found, "ConfigMap", pod["volumes"][0]["configMap"]["name"])
    check_corefile(config["data"]["Corefile"])
    check_probes(container, config["data"]["Corefile"])


def test_beside_coredns_its_configmap_and_service_stay():
    found = kustomize("replace-coredns")
    assert {o["kind"] for o in found} == {"ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Deployment", "PodDisruptionBudget"}
    deployment = one(found, "Deployment")
    check_deployment(deployment)
    # kubeadm's service selects by this label; CoreDNS's deployment would take pods of its own labels only.
    assert deployment["spec"]["template"]["metadata"]["labels"]["k8s-app"] == "kube-dns"
    assert "k8s-app" not in deployment["spec"]["selector"]["matchLabels"]
    if shutil.which("kubectl"):
        assert deployment["spec"]["template"]["spec"]["volumes"][0]["configMap"]["name"] == "coredns"


# --- the chart ---

def renderer():
    """A function from values files to text; None without the tools for it."""
    chart = PACKAGING / "helm/isthmus"
    if shutil.which("helm"):
        return lambda *files: run("helm", "template", "dns", chart, "--namespace", "kube-system", "--kube-version", "1.31.0", *[a for f in files for a in ("-f", f)])
    if not shutil.which("go"):
        return None
    program = folder() / "render"
    built = subprocess.run(["go", "build", "-o", str(program), "."], cwd=ROOT / "tests/helm", capture_output=True, text=True)
    if built.returncode:
        print("the chart cannot be rendered here:", built.stderr[-300:])
        return None
    return lambda *files: run(program, chart, "dns", "kube-system", *files)


RENDER = None


def render(values=None):
    global RENDER
    RENDER = RENDER or renderer()
    if not RENDER:
        return None
    files = []
    if values:
        files = [folder() / "values.yaml"]
        files[0].write_text(values)
    return objects(RENDER(*files))


def test_the_chart_as_it_is():
    found = render()
    if found is None:
        return
    account = check_rights(found)
    deployment, service = one(found, "Deployment"), one(found, "Service")
    pod, container = check_deployment(deployment)
    assert pod["serviceAccountName"] == account and pod["priorityClassName"] == "system-cluster-critical"
    assert deployment["spec"]["replicas"] == 2
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert selects(service["spec"]["selector"], labels)
    named = {p["name"]: (p["containerPort"], p["protocol"]) for p in container["ports"]}
    assert {named[p["targetPort"]] for p in service["spec"]["ports"]} == {(53, "UDP"), (53, "TCP")}
    config = one(found, "ConfigMap", pod["volumes"][0]["configMap"]["name"])
    check_corefile(config["data"]["Corefile"])
    check_probes(container, config["data"]["Corefile"])


# What CoreDNS's chart takes, as its users have it.
MOVED = """
replicaCount: 3
k8sAppLabelOverride: kube-dns
isClusterService: true
service:
  name: kube-dns
  clusterIP: 10.96.0.10
  annotations: {team: net}
serviceAccount: {create: true, name: coredns}
customLabels: {stage: prod}
customAnnotations: {owner: me}
priorityClassName: important
prometheus:
  service: {enabled: true}
  monitor: {enabled: true, interval: 30s, namespace: monitoring, additionalLabels: {release: prom}}
podDisruptionBudget: {maxUnavailable: 1}
topologySpreadConstraints:
- maxSkew: 1
  topologyKey: zone
  whenUnsatisfiable: ScheduleAnyway
  labelSelector: {matchLabels: {app.kubernetes.io/instance: '{{ .Release.Name }}'}}
tolerations: [{key: dns, operator: Exists}]
nodeSelector: {kubernetes.io/os: linux, pool: system}
env: [{name: TZ, value: UTC}]
extraSecrets: [{name: etcd, mountPath: /etc/coredns/tls/etcd}]
extraVolumes: [{name: scratch, emptyDir: {}}]
extraVolumeMounts: [{name: scratch, mountPath: /scratch}]
zoneFiles:
- filename: example.db
  domain: example.com
  contents: |
    example.com. IN SOA ns.example.com. admin.example.com. 1 7200 3600 1209600 3600
    example.com. IN NS ns.example.com.
extraConfig: {import: {parameters: /etc/coredns/none/*.conf}}
servers:
- zones:
  - zone: .
  - zone: example.com.
  port: 53
  plugins:
  - name: errors
  - name: health
    configBlock: |-
      lameduck 5s
  - name: ready
  - name: kubernetes
    parameters: cluster.local in-addr.arpa ip6.arpa
    configBlock: |-
      pods insecure
      fallthrough in-addr.arpa ip6.arpa
  - name: forward
    parameters: . /etc/resolv.conf
  - name: cache
    parameters: 30
- zones: [{zone: ., scheme: tls://}]
  port: 853
  plugins: [{name: whoami}]
- zones: [{zone: udp.example., use_tcp: false}]
  port: 5353
  servicePort: 53530
  nodePort: 30053
  plugins: [{name: whoami}]
"""


def test_a_values_file_of_corednss_chart_moves_over():
    found = render(MOVED)
    if found is None:
        return
    deployment = one(found, "Deployment")
    pod, container = check_deployment(deployment)
    assert deployment["spec"]["replicas"] == 3
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert labels["k8s-app"] == "kube-dns" and labels["stage"] == "prod"
    assert deployment["metadata"]["annotations"] == {"owner": "me"}
    assert pod["priorityClassName"] == "important" and pod["serviceAccountName"] == "coredns"
    assert pod["nodeSelector"]["pool"] == "system" and pod["tolerations"][-1]["key"] == "dns"
    assert pod["topologySpreadConstraints"][0]["labelSelector"]["matchLabels"] == {"app.kubernetes.io/instance": "dns"}
    assert container["env"] == [{"name": "TZ", "value": "UTC"}]
    assert {m["mountPath"] for m in container["volumeMounts"]} == {"/etc/coredns", "/etc/coredns/tls/etcd", "/scratch"}
    assert {v["name"] for v in pod["volumes"]} == {"config", "etcd", "scratch"}
    service = one(found, "Service", "kube-dns")
    assert service["spec"]["clusterIP"] == "10.96.0.10" and service["metadata"]["annotations"] == {"owner": "me", "team": "net"}
    assert {(p["port"], p["protocol"], p.get("nodePort")) for p in service["spec"]["ports"]} == {
        (53, "UDP", None), (53, "TCP", None), (853, "TCP", None), (53530, "UDP", 30053)}
    assert selects(service["spec"]["selector"], labels)
    assert selects(one(found, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"], labels)
    monitor = one(found, "ServiceMonitor")
    metrics = next(o for o in found if o["kind"] == "Service" and o is not service)
    assert selects(monitor["spec"]["selector"]["matchLabels"], metrics["metadata"]["labels"])
    assert not selects(monitor["spec"]["selector"]["matchLabels"], service["metadata"]["labels"]), "scraped twice"
    assert monitor["metadata"]["namespace"] == "monitoring" and monitor["spec"]["namespaceSelector"]["matchNames"] == ["kube-system"]
    config = one(found, "ConfigMap")["data"]
    assert config["example.db"].count("\n") == 2 and config["example.db"].startswith("example.com. IN SOA")
    assert ".:53 example.com.:53 {" in config["Corefile"] and "tls://.:853 {" in config["Corefile"]
    check_corefile(config["Corefile"])


def test_the_chart_scales_by_load_or_by_size():
    found = render("hpa: {enabled: true, maxReplicas: 5}\n")
    if found is None:
        return
    assert "replicas" not in one(found, "Deployment")["spec"]
    assert one(found, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]["name"] == one(found, "Deployment")["metadata"]["name"]
    found = render("autoscaler: {enabled: true, customFlags: ['--nodelabels=a=b']}\n")
    scaler = next(o for o in found if o["kind"] == "Deployment" and "autoscaler" in o["metadata"]["name"])
    command = scaler["spec"]["template"]["spec"]["containers"][0]["command"]
    assert "--target=Deployment/dns-isthmus" in command and "--nodelabels=a=b" in command
    assert all("replicas" not in o["spec"] for o in found if o["kind"] == "Deployment")


# --- the image ---

# A container's life in small: a network of its own, the root read-only, no root, no new privileges, one capability to be had.
LAUNCH = """
import ctypes, os, sys
root, corefile = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
def must(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
MS_RDONLY, MS_REMOUNT, MS_BIND = 1, 32, 4096
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, NET_BIND_SERVICE = 24, 38, 10
os.system("ip link set lo up")
open("/proc/sys/net/ipv4/ip_unprivileged_port_start", "w").write("0")
must(libc.mount(root.encode(), root.encode(), b"none", MS_BIND, None))
must(libc.mount(b"proc", (root + "/proc").encode(), b"proc", 0, None))
must(libc.mount(b"none", root.encode(), b"none", MS_BIND | MS_REMOUNT | MS_RDONLY, None))
os.chroot(root)
os.chdir("/")
for capability in range(41):
    if capability != NET_BIND_SERVICE:
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
must(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
os.setgroups([])
os.setgid(65532)
os.setuid(65532)
os.execve("/usr/bin/isthmus", ["isthmus", "-conf", corefile], {"PATH": "/usr/bin"})
"""

COREFILE = """. {
    errors
    health
    ready
    prometheus :9153
    hosts {
        192.0.2.7 www.example.org
        fallthrough
    }
    template IN A match.example {
        match "^[a-z]+[.]match[.]example[.]$"
        answer "{{ .Name }} 60 IN A 192.0.2.8"
    }
    forward . tls://127.0.0.1
}
"""


def image_root():
    root = folder() / "image"
    run(PACKAGING / "container/fill-root", Path(harness.BINARY).resolve().parents[2], root)
    (root / "proc").mkdir()
    (root / "etc/isthmus/Corefile").write_text(COREFILE)
    return root


def inside(pid, *argv):
    return subprocess.run(["nsenter", "-t", str(pid), "-n", *argv], capture_output=True, text=True).stdout.strip()


def test_the_image_serves_without_root_and_without_writing():
    if os.geteuid() != 0 or SANITIZED or subprocess.run(["unshare", "-mnp", "--fork", "true"]).returncode:
        return
    root = image_root()
    size = sum(f.stat().st_size for f in root.rglob("*") if f.is_file() and not f.is_symlink())
    assert size < 40 << 20, size
    assert "cap_net_bind_service=p" in run("getcap", root / "usr/bin/isthmus")
    log = root.parent / "log"
    with open(log, "w") as output:
        process = subprocess.Popen(["unshare", "-mn", sys.executable, "-c", LAUNCH, str(root), "/etc/isthmus/Corefile"],
                                   stdout=output, stderr=subprocess.STDOUT)
    try:
        assert eventually(lambda: "linux/" in log.read_text(), 10), log.read_text()
        ask = lambda name: inside(process.pid, "dig", "+short", "+time=2", "@127.0.0.1", name)
        assert ask("www.example.org") == "192.0.2.7", log.read_text()
        assert ask("any.match.example") == "192.0.2.8", "the module of regular expressions is not there"
        assert inside(process.pid, "curl", "-s", "http://127.0.0.1:8080/health") == "OK"
        status = Path(f"/proc/{process.pid}/status").read_text()
        assert "Uid:\t65532\t65532\t65532\t65532" in status
        assert "CapEff:\t0000000000000000" in status and "NoNewPrivs:\t1" in status
        assert "[ERROR]" not in log.read_text() and "sandbox" not in log.read_text(), log.read_text()
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(root.parent, ignore_errors=True)


def test_the_dockerfile_runs_what_is_tested_here():
    text = (PACKAGING / "container/Dockerfile").read_text()
    assert "packaging/container/build-image /image" in text and "COPY --from=build /image/ /" in text
    assert "fill-root" in (PACKAGING / "container/build-image").read_text()
    assert f"USER {NOBODY}:{NOBODY}" in text and 'ENTRYPOINT ["/usr/bin/isthmus"]' in text


if __name__ == "__main__":
    harness.main(globals())
