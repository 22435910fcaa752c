"""What must agree between the manifests: selectors, ports, probes, names, and who may reach whom."""

from __future__ import annotations

from collections.abc import Iterator

from manifests import Document, container_of, names_of, of_kind, pod_of, selects, service_of, settings_of

from poet_import.service.routes import ROUTES

_PLAIN = {route.template for route in ROUTES if route.scopes.get("GET") == ""}


def _selectors(documents: list[Document]) -> Iterator[str]:
    """Every selector selects pods that some Deployment makes; a monitor's selects a Service."""
    pods = [one["spec"]["template"]["metadata"]["labels"] for one in of_kind(documents, "Deployment")]
    services = [one["metadata"]["labels"] for one in of_kind(documents, "Service")]
    for kind, field, targets, what in (
        ("Service", "selector", pods, "pod"),
        ("PodDisruptionBudget", "selector", pods, "pod"),
        ("NetworkPolicy", "podSelector", pods, "pod"),
        ("ServiceMonitor", "selector", services, "Service"),
    ):
        for document in of_kind(documents, kind):
            selector = document["spec"][field]
            if not any(selects(selector.get("matchLabels", selector), labels) for labels in targets):
                yield f"{kind} {document['metadata']['name']} selects no {what}"


def _own_pods(documents: list[Document]) -> Iterator[str]:
    """A Deployment selects its own pods, and spreads them."""
    for document in of_kind(documents, "Deployment"):
        labels = document["spec"]["template"]["metadata"]["labels"]
        spread = [row["labelSelector"] for row in pod_of(document).get("topologySpreadConstraints", [])]
        for selector in [document["spec"]["selector"], *spread]:
            if not selects(selector["matchLabels"], labels):
                yield f"Deployment {document['metadata']['name']} does not select its own pods"


def _ports(documents: list[Document]) -> Iterator[str]:
    """The container's ports are those of the settings."""
    settings = settings_of(documents)
    ports = {row["name"]: row["containerPort"] for row in container_of(documents)["ports"]}
    for name, variable in (("http", "POET_PORT"), ("metrics", "POET_METRICS_PORT")):
        if str(ports.get(name)) != settings.get(variable):
            yield f"the port {name} is {ports.get(name)}, and {variable} is {settings.get(variable)}"


def _targets(documents: list[Document]) -> Iterator[str]:
    """What a Service or a monitor sends to, and a policy lets in to, is there."""
    for document in of_kind(documents, "Service"):
        has = _ports_selected(documents, document["spec"]["selector"])
        for row in document["spec"]["ports"]:
            if row["targetPort"] not in has:
                yield f"Service {document['metadata']['name']} sends to the port {row['targetPort']}, which nothing has"
    for document in of_kind(documents, "NetworkPolicy"):
        has = _ports_selected(documents, document["spec"]["podSelector"]["matchLabels"])
        for port in [row["port"] for rule in document["spec"].get("ingress", []) for row in rule["ports"]]:
            if port not in has:
                yield f"NetworkPolicy lets in to the port {port}, which nothing has"
    offered = {row["name"] for one in of_kind(documents, "Service") for row in one["spec"]["ports"]}
    asked = {row["port"] for one in of_kind(documents, "ServiceMonitor") for row in one["spec"]["endpoints"]}
    for port in sorted(asked - offered):
        yield f"ServiceMonitor asks the port {port}, which no Service has"


def _ports_selected(documents: list[Document], selector: dict[str, str]) -> set[str]:
    made = of_kind(documents, "Deployment")
    chosen = [one for one in made if selects(selector, one["spec"]["template"]["metadata"]["labels"])]
    return {row["name"] for one in chosen for part in pod_of(one)["containers"] for row in part["ports"]}


def _probes(documents: list[Document]) -> Iterator[str]:
    """Probes ask what the service answers without a key; only readiness asks whether it is ready."""
    container = container_of(documents)
    ports = {row["name"] for row in container["ports"]}
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = container.get(name, {}).get("httpGet", {})
        if asked.get("path") not in _PLAIN:
            yield f"{name} asks {asked.get('path')}, which is no path that is open to all"
        elif (asked["path"] == "/readyz") is not (name == "readinessProbe"):
            yield f"{name} asks {asked['path']}"
        if asked and asked["port"] not in ports:
            yield f"{name} asks the port {asked['port']}, which the container has not"


def _references(documents: list[Document]) -> Iterator[str]:
    """What is named is there."""
    for kind, name in _named(documents):
        if name not in names_of(documents, kind):
            yield f"there is no {kind} {name}"
    for document in of_kind(documents, "Deployment"):
        volumes = {volume["name"] for volume in pod_of(document).get("volumes", [])}
        mounted = {row["name"] for part in pod_of(document)["containers"] for row in part.get("volumeMounts", [])}
        for name in sorted(mounted - volumes):
            yield f"there is no volume {name}"


def _named(documents: list[Document]) -> Iterator[tuple[str, str]]:
    """Yield kind and name of all that must be there for pods to start, and to be scaled."""
    for document in of_kind(documents, "HorizontalPodAutoscaler"):
        yield "Deployment", document["spec"]["scaleTargetRef"]["name"]
    for pod in map(pod_of, of_kind(documents, "Deployment")):
        if "serviceAccountName" in pod:
            yield "ServiceAccount", pod["serviceAccountName"]
        sources = [row for container in pod["containers"] for row in container.get("envFrom", [])]
        for field, name, kind in (
            ("configMapRef", "name", "ConfigMap"),
            ("secretRef", "name", "Secret"),
            ("secret", "secretName", "Secret"),
            ("persistentVolumeClaim", "claimName", "PersistentVolumeClaim"),
        ):
            found = [row[field] for row in (*sources, *pod.get("volumes", [])) if field in row]
            yield from ((kind, one[name]) for one in found if not one.get("optional"))


def _egress(documents: list[Document]) -> Iterator[str]:
    """Names can be found, and the model be reached; nothing leaves but what is let out."""
    labels = service_of(documents)["spec"]["template"]["metadata"]["labels"]
    policies = [
        one["spec"]
        for one in of_kind(documents, "NetworkPolicy")
        if selects(one["spec"]["podSelector"]["matchLabels"], labels)
    ]
    rules = [rule for spec in policies for rule in spec.get("egress", [])]
    let_out = {(row["protocol"], row["port"]) for rule in rules for row in rule["ports"]}
    for name, port in {"names by UDP": ("UDP", 53), "names by TCP": ("TCP", 53), "the model": ("TCP", 443)}.items():
        if port not in let_out:
            yield f"{name} cannot be reached"
    if any("Egress" not in spec["policyTypes"] for spec in policies):
        yield "a NetworkPolicy does not bound what leaves"


CHECKS = {
    "selectors": _selectors,
    "own pods": _own_pods,
    "ports": _ports,
    "targets": _targets,
    "probes": _probes,
    "references": _references,
    "egress": _egress,
}
