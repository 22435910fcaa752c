"""Manifests that are wrong in one place each, and what must be said of it."""

from __future__ import annotations

import pytest

_POD = "spec.template.spec"
_CONTAINER = f"{_POD}.containers.0"
_NAME = "app|kubernetes|io/name"

BROKEN = [  # kind, path, value, and words of what is said
    pytest.param("Service", f"spec.selector.{_NAME}", "poem", "selects no pod", id="service-selector"),
    pytest.param("PodDisruptionBudget", f"spec.selector.matchLabels.{_NAME}", "x", "selects no pod", id="pdb-selector"),
    pytest.param("NetworkPolicy", f"spec.podSelector.matchLabels.{_NAME}", "x", "selects no pod", id="policy-selector"),
    pytest.param("Deployment", f"spec.selector.matchLabels.{_NAME}", "x", "its own pods", id="deployment-selector"),
    pytest.param(
        "Deployment",
        f"{_POD}.topologySpreadConstraints.1.labelSelector.matchLabels.{_NAME}",
        "x",
        "its own pods",
        id="spread-selector",
    ),
    pytest.param("Deployment", f"{_CONTAINER}.ports.0.containerPort", 8000, "the port http is 8000", id="port"),
    pytest.param("ConfigMap", "data.POET_METRICS_PORT", "9091", "POET_METRICS_PORT is 9091", id="metrics-port"),
    pytest.param("Service", "spec.ports.0.targetPort", "web", "the port web, which nothing has", id="target-port"),
    pytest.param("NetworkPolicy", "spec.ingress.1.ports.0.port", "prom", "lets in to the port prom", id="policy-port"),
    pytest.param("Deployment", f"{_CONTAINER}.livenessProbe.httpGet.path", "/health", "no path", id="probe-path"),
    pytest.param("Deployment", f"{_CONTAINER}.startupProbe.httpGet.path", "/metrics", "no path", id="probe-with-a-key"),
    pytest.param("Deployment", f"{_CONTAINER}.livenessProbe.httpGet.path", "/readyz", "livenessProbe asks /readyz", id="liveness-asks-readiness"),
    pytest.param("Deployment", f"{_CONTAINER}.readinessProbe.httpGet.path", "/healthz", "readinessProbe asks /healthz", id="readiness-asks-liveness"),
    pytest.param("Deployment", f"{_CONTAINER}.readinessProbe.httpGet.port", "web", "asks the port web", id="probe-port"),
    pytest.param("Deployment", f"{_CONTAINER}.readinessProbe", None, "readinessProbe asks None", id="no-readiness"),
    pytest.param("Deployment", f"{_POD}.serviceAccountName", "poem", "no ServiceAccount poem", id="account"),
    pytest.param("Deployment", f"{_CONTAINER}.envFrom.1.secretRef.optional", None, "no Secret poet-environment", id="needed-secret"),
    pytest.param("Deployment", f"{_POD}.volumes.2.secret.secretName", "keys", "no Secret keys", id="keys-secret"),
    pytest.param("Deployment", f"{_CONTAINER}.volumeMounts.0.name", "store", "no volume store", id="volume"),
    pytest.param("HorizontalPodAutoscaler", "spec.scaleTargetRef.name", "x", "no Deployment x", id="scale-target"),
    pytest.param("ConfigMap", "data.POET_DRAIN", "10", "no variable POET_DRAIN", id="setting-nobody-reads"),
    pytest.param("ConfigMap", "data.POET_CACHE_DIR", "/var/cache/poet", "POET_CACHE_DIR is", id="cache-that-others-may-write-to"),
    pytest.param("ConfigMap", "data.POET_DATA_DIR", "/srv/poet/x", "POET_DATA_DIR is", id="data-on-no-volume"),
    pytest.param("Deployment", f"{_CONTAINER}.volumeMounts.0.readOnly", True, "POET_CACHE_DIR is", id="cache-read-only"),
    pytest.param("ConfigMap", "data.POET_KEYS_FILE", "/etc/poet/keys.json", "POET_KEYS_FILE is", id="keys-file"),
    pytest.param("Secret", "data", {"other": "e30="}, "POET_KEYS_FILE is", id="keys-not-in-the-secret"),
    pytest.param("Deployment", f"{_POD}.volumes.2.secret.defaultMode", 0o644, "read by others", id="keys-mode"),
    pytest.param("Deployment", f"{_CONTAINER}.volumeMounts.2.subPath", "keys.json", "never renewed", id="keys-sub-path"),
    pytest.param("Deployment", f"{_POD}.terminationGracePeriodSeconds", 20, "killed after 20 s", id="grace"),
    pytest.param("ConfigMap", "data.POET_REQUEST_SECONDS", "60", "may need 76 s", id="longer-requests"),
    pytest.param("ConfigMap", "data.POET_DRAIN_SECONDS", "2", "drains for less", id="short-drain"),
    pytest.param("Deployment", "spec.strategy.rollingUpdate.maxUnavailable", 1, "takes replicas away", id="unavailable"),
    pytest.param("Deployment", "spec.strategy", {"type": "Recreate"}, "takes replicas away", id="recreate"),
    pytest.param("Deployment", "spec.replicas", 3, "undoes what the autoscaler says", id="replicas"),
    pytest.param("PodDisruptionBudget", "spec.maxUnavailable", 0, "PodDisruptionBudget lets", id="budget"),
    pytest.param("Deployment", f"{_POD}.securityContext.runAsNonRoot", None, "may run as root", id="root"),
    pytest.param("Deployment", f"{_POD}.securityContext.runAsUser", 0, "may run as root", id="user-0"),
    pytest.param("Deployment", f"{_POD}.securityContext.seccompProfile", {"type": "Unconfined"}, "seccomp", id="seccomp"),
    pytest.param("Deployment", f"{_POD}.automountServiceAccountToken", True, "token of the cluster", id="token"),
    pytest.param("Deployment", f"{_POD}.enableServiceLinks", None, "POET_PORT may be one", id="service-links"),
    pytest.param("Deployment", f"{_POD}.hostPID", True, "what is the node's", id="host"),
    pytest.param("Deployment", f"{_CONTAINER}.securityContext.allowPrivilegeEscalation", True, "gain privileges", id="escalation"),
    pytest.param("Deployment", f"{_CONTAINER}.securityContext.capabilities", {"drop": ["ALL"], "add": ["NET_ADMIN"]}, "keeps capabilities", id="capability"),
    pytest.param("Deployment", f"{_CONTAINER}.securityContext.readOnlyRootFilesystem", None, "write to its root", id="root-file-system"),
    pytest.param("Deployment", f"{_CONTAINER}.resources.limits.memory", "1Gi", "2 workers may need 2048 MiB", id="memory"),
    pytest.param("ConfigMap", "data.POET_WORKERS", "8", "8 workers may need", id="workers"),
    pytest.param("ConfigMap", "data.POET_WORKERS", None, "64 workers may need", id="workers-of-the-node"),
    pytest.param("Deployment", f"{_CONTAINER}.resources.requests", None, "is not bounded", id="requests"),
    pytest.param("NetworkPolicy", "spec.egress.0.ports", [{"protocol": "TCP", "port": 53}], "names by UDP", id="dns"),
    pytest.param("NetworkPolicy", "spec.egress.1.ports.0.port", 80, "the model cannot be reached", id="https"),
    pytest.param("NetworkPolicy", "spec.policyTypes", ["Ingress"], "does not bound what leaves", id="egress"),
]  # fmt: skip
