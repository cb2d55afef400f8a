"""See scripts/manifests, which calls it."""
import functools
import itertools
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml
from kubernetes_validate import utils as schemas

FOLDER = pathlib.Path("packaging/kubernetes").resolve()
PAGE = pathlib.Path("docs/kubernetes.md")
COMPONENTS = sorted(path.name for path in (FOLDER / "components").iterdir())
# The keepers of iptables-legacy need the lock, which is root's.
APART = {"legacy", "non-root"}
OLDEST = (1, 25)
# Before, a container cannot say `restartPolicy`, or not without a feature gate.
NATIVE_SIDECARS = (1, 29)
NODE_IP = "192.0.2.7"

kubectl, program = (os.path.abspath(argument) for argument in sys.argv[1:3])
# Megabytes, read for each resource otherwise.
schemas.schema_contents = functools.cache(schemas.schema_contents)


def run(*words, **environment):
    """What it says; that it fails ends everything."""
    bare = {"PATH": os.environ["PATH"], **environment}
    done = subprocess.run(words, env=bare, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"manifests: {words} {environment}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


VERSION = run(program, "--version").split()[1]


def build(folder):
    return list(yaml.safe_load_all(run(kubectl, "kustomize", str(folder))))


def combine(components, of=FOLDER / "base", **more):
    """As the kustomization of a user who takes these."""
    with tempfile.TemporaryDirectory(dir=os.path.dirname(kubectl)) as folder:
        path = functools.partial(os.path.relpath, start=os.path.realpath(folder))
        made = {
            "resources": [path(of)],
            "components": [path(FOLDER / "components" / name) for name in components],
            **more,
        }
        (pathlib.Path(folder) / "kustomization.yaml").write_text(yaml.safe_dump(made))
        return build(folder)


def check_schemas(what, resources, oldest):
    for version in schemas.all_versions():
        if tuple(map(int, version.split(".")[:2])) < oldest:
            continue
        for resource in resources:
            try:
                schemas.validate(resource, version, strict=True)
            except (schemas.ValidationError, schemas.SchemaNotFoundError) as error:
                sys.exit(f"manifests: {what}, Kubernetes {version}: {resource['kind']}: {error.message}")


def same(what, found, expected):
    if found != expected:
        sys.exit(f"manifests: {what}\n  is        {found}\n  should be {expected}")


def check_rights(what, pod, container, components):
    """The whole of it, so that nothing comes in unseen."""
    legacy, non_root = "legacy" in components, "non-root" in components
    security = {
        "runAsUser": 65534 if non_root else 0,
        "runAsGroup": 0,
        "allowPrivilegeEscalation": non_root,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"] + ["NET_RAW"] * legacy},
        "seccompProfile": {"type": "RuntimeDefault"},
    } | ({"runAsNonRoot": True} if non_root else {})
    same(f"{what}: securityContext", container["securityContext"], security)
    same(f"{what}: the pod's securityContext", pod.get("securityContext"), None)
    for key, value in {
        "hostNetwork": True,
        "hostPID": True if "host-pid" in components else None,
        "hostIPC": None,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
    }.items():
        same(f"{what}: {key}", pod.get(key), value)
    kind = {"legacy": "-full", "non-root": "-nonroot"}
    tag = VERSION + "".join(kind.get(name, "") for name in components)
    same(f"{what}: tag", container["image"].rpartition(":")[2], tag)


def check_volumes(what, pod, container, of_the_node):
    paths = {v["hostPath"]["path"]: v["hostPath"]["type"] for v in pod["volumes"] if "hostPath" in v}
    same(f"{what}: paths of the node", paths, of_the_node)
    mounts = {mount["mountPath"]: mount.get("readOnly", False) for mount in container["volumeMounts"]}
    for path, read_only in {"/run/xtables.lock": True, "/etc/chainkeeper": True, "/run/chainkeeper": False}.items():
        same(f"{what}: {path} read-only", mounts.get(path, read_only), read_only)


def check_words(what, container, config):
    """Whether the program itself takes arguments, environment and settings; and probes ask where it answers."""
    run(program, *container["args"], "--help")
    settings = {}
    for variable in container.get("env", []):
        value = variable.get("value", "").replace("$(NODE_IP)", settings.get("NODE_IP", "$(NODE_IP)"))
        settings[variable["name"]] = value or NODE_IP
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(config)
        file.flush()
        run(program, "config", "check", "--config", file.name, **settings)
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        probe = container.get(name, {})
        if "exec" in probe:
            same(f"{what}: {name}", probe["exec"]["command"][0], "/chainkeeper")
            run(program, *probe["exec"]["command"][1:], "--help")
        elif "httpGet" in probe:
            asked = probe["httpGet"]
            same(f"{what}: {name}", asked["path"], "/readyz")
            at = f"{asked.get('host', NODE_IP)}:{asked['port']}"
            same(f"{what}: {name} asks at", at, settings["CHAINKEEPER_METRICS_BIND_ADDRESS"])


def check_keeper(components, resources):
    what = " + ".join(("base", *components))
    config, daemons = sorted(resources, key=lambda resource: resource["kind"])
    same(f"{what}: namespaces", {r["metadata"]["namespace"] for r in resources}, {"kube-system"})
    same(f"{what}: maxSurge", daemons["spec"]["updateStrategy"]["rollingUpdate"]["maxSurge"], 0)
    pod = daemons["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    check_rights(what, pod, container, components)
    of_the_node = {} if "non-root" in components else {"/run/chainkeeper": "DirectoryOrCreate"}
    if "legacy" in components:
        of_the_node["/run/xtables.lock"] = "FileOrCreate"
    check_volumes(what, pod, container, of_the_node)
    names = {v["configMap"]["name"] for v in pod["volumes"] if "configMap" in v}
    same(f"{what}: configuration", names, {config["metadata"]["name"]})
    check_words(what, container, config["data"]["config.toml"])
    # What is missing or wrong is no reason to restart it.
    for name in ("startupProbe", "livenessProbe"):
        same(f"{what}: {name} asks", container[name]["exec"]["command"][1:], ["check", "--live"])


def check_pod(name, of_the_node):
    (pod,) = resources = build(FOLDER / name)
    (container,) = pod["spec"]["initContainers"]
    check_rights(name, pod["spec"], container, ())
    check_volumes(name, pod["spec"], container, of_the_node)
    check_words(name, container, "")
    same(f"{name}: restartPolicy", container.get("restartPolicy"), "Always" if name == "sidecar" else None)
    check_schemas(name, resources, NATIVE_SIDECARS if name == "sidecar" else OLDEST)


def check_images():
    """A registry of one's own goes together with the tags of the components."""
    yours = [{"name": "registry.invalid/chainkeeper", "newName": "registry.example/chainkeeper"}]
    for components, tag in (("legacy",), "-full"), ((), ""):
        (_, daemons) = combine(components, images=yours)
        (container,) = daemons["spec"]["template"]["spec"]["containers"]
        same("a registry of one's own", container["image"], f"registry.example/chainkeeper:{VERSION}{tag}")


def check_example():
    resources = build(FOLDER / "example")
    check_keeper((), resources)
    check_schemas("example", resources, OLDEST)
    text = (FOLDER / "example/kustomization.yaml").read_text()
    same("components of the example", sorted(re.findall(r"\.\./components/(\S+)", text)), COMPONENTS)
    # What is commented out there, too.
    settings = re.findall(r"^# (\S+ = .*)$", (FOLDER / "example/config.toml").read_text(), re.MULTILINE)
    same("settings of the example", len(settings) > 0, True)
    check_words("example", {"args": ["run"]}, "\n".join(settings))


def check_page():
    text = PAGE.read_text()
    typed = re.findall(r"-- /chainkeeper ([^`\n\"']+)", text)
    folders = re.findall(r"-k (packaging/\S+)", text)
    same("commands and folders on the page", (len(typed) > 3, len(folders) > 0), (True, True))
    for words in typed:
        run(program, *words.split(), "--help")
    for folder in folders:
        build(folder)
    for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL):
        check_schemas("the page's patch", combine((), **yaml.safe_load(block)), OLDEST)


every = itertools.chain.from_iterable(
    itertools.combinations(COMPONENTS, count) for count in range(len(COMPONENTS) + 1)
)
possible = [components for components in every if not APART <= set(components)]
for components in possible:
    resources = combine(components)
    check_keeper(components, resources)
    check_schemas(" + ".join(("base", *components)), resources, OLDEST)
check_example()
check_pod("sidecar", {})
check_pod("init", {"/run/chainkeeper": "DirectoryOrCreate"})
check_images()
check_page()
print(f"manifests: {len(possible)} combinations, sidecar and init, Kubernetes "
      f"{'.'.join(map(str, OLDEST))} to {schemas.latest_version()}")
