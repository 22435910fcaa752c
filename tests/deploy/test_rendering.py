"""What a cluster would get: both overlays, rendered by kubectl, and judged by others' definitions and checks."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import conduct
import pytest
import wiring
import yaml
from manifests import KUBERNETES, ROOT, Document, changed, container_of, of_kind, pod_of, read, service_of
from tools import NotInstalledError, Tools

sys.path.insert(0, str(Path(__file__).parents[1] / "service"))
from running import create_key  # found there only

pytestmark = pytest.mark.slow

OVERLAYS = ("development", "production")
CHECKS = {**wiring.CHECKS, **conduct.CHECKS}

INVALID = [  # kind, path, value, and words of what is said
    ("Deployment", "spec.template.spec.gracePeriod", 5, "'gracePeriod' was unexpected"),
    ("Deployment", "spec.selector", None, "'selector' is a required property"),
    ("HorizontalPodAutoscaler", "spec.maxReplicas", "10", "is not of type"),
    ("ServiceMonitor", "spec.endpoint", [], "has a field that its definition has not"),
    ("ServiceMonitor", "spec.endpoints.0.interval", "soon", "interval"),
    ("PrometheusRule", "spec.groups.0.rules.0.expr", None, "expr"),
    ("PrometheusRule", "spec.groups.0.rules.0.severity", "x", "has a field that its definition has not"),
]


@pytest.fixture(scope="module")
def tools() -> Iterator[Tools]:
    with tempfile.TemporaryDirectory(prefix="poet-deploy-") as folder:
        try:
            yield Tools(Path(folder))
        except NotInstalledError as error:
            pytest.skip(str(error))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the manifests, with the secrets that an operator makes as docs/operations.md says."""
    folder = tmp_path_factory.mktemp("deploy") / "kubernetes"
    shutil.copytree(KUBERNETES, folder, ignore=shutil.ignore_patterns("secrets"))
    for overlay in OVERLAYS:
        secrets = folder / "overlays" / overlay / "secrets"
        secrets.mkdir()
        create_key(secrets / "keys.json", "first", "transpile")
    address = "rediss://:password@redis.example.org:6379/0"
    (folder / "overlays/production/secrets/environment").write_text(f"POET_LLM_API_KEY=key\nPOET_REDIS_URL={address}\n")
    return folder


@pytest.fixture(scope="module")
def rendered(tools: Tools, tree: Path) -> dict[str, list[Document]]:
    texts = {overlay: tools.render(tree / "overlays" / overlay) for overlay in OVERLAYS}
    return {overlay: list(yaml.safe_load_all(text)) for overlay, text in texts.items()}


def problems(documents: list[Document]) -> list[str]:
    return [f"{name}: {said}" for name, check in CHECKS.items() for said in check(documents)]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_overlay_agrees_with_itself_and_with_the_service(rendered: dict[str, list[Document]], overlay: str) -> None:
    assert problems(rendered[overlay]) == []


def test_overlays_are_what_kubernetes_takes(tools: Tools, rendered: dict[str, list[Document]]) -> None:
    documents = [document for overlay in OVERLAYS for document in rendered[overlay]]

    assert len(documents) > 20
    assert tools.invalid(documents) == []


def test_what_kubernetes_would_not_take_is_found(tools: Tools, rendered: dict[str, list[Document]]) -> None:
    documents = []
    for number, (kind, path, value, _) in enumerate(INVALID):
        one = of_kind(changed(rendered["production"], kind, path, value), kind)[0]
        documents.append(one | {"metadata": {"name": f"row-{number}."}})

    found = tools.invalid(documents)

    for number, (kind, path, _, said) in enumerate(INVALID):
        assert [line for line in found if f" row-{number}." in line and said in line], (kind, path, found)


@pytest.mark.parametrize(
    ("kind", "path", "value", "said"),
    [
        pytest.param("ServiceMonitor", "spec.endpoints.0.port", "prom", "asks the port prom", id="monitor-port"),
        pytest.param(
            "ServiceMonitor", "spec.selector.matchLabels.app", "x", "ServiceMonitor poet selects no", id="monitor"
        ),
        pytest.param("PersistentVolumeClaim", "metadata.name", "x", "no PersistentVolumeClaim poet-", id="claim"),
        pytest.param("Secret", "data.POET_MODEL_KEY", "eA==", "no variable POET_MODEL_KEY", id="secret-nobody-reads"),
    ],
)
def test_what_does_not_agree_in_production_is_found(
    rendered: dict[str, list[Document]], kind: str, path: str, value: object, said: str
) -> None:
    found = problems(changed(rendered["production"], kind, path, value))

    assert [line for line in found if said in line], found


def test_overlay_without_its_secrets_is_not_rendered(tools: Tools, tmp_path: Path) -> None:
    shutil.copytree(KUBERNETES, tmp_path / "kubernetes", ignore=shutil.ignore_patterns("secrets"))

    for overlay in OVERLAYS:
        with pytest.raises(subprocess.CalledProcessError) as refused:
            tools.render(tmp_path / "kubernetes" / "overlays" / overlay)
        assert "secrets/" in refused.value.stderr


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_all_is_in_one_namespace_that_is_restricted(rendered: dict[str, list[Document]], overlay: str) -> None:
    (namespace,) = of_kind(rendered[overlay], "Namespace")
    others = [one for one in rendered[overlay] if one is not namespace]

    assert {one["metadata"]["namespace"] for one in others} == {namespace["metadata"]["name"]}
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_images_have_exact_tags(rendered: dict[str, list[Document]], overlay: str) -> None:
    images = [part["image"] for one in of_kind(rendered[overlay], "Deployment") for part in pod_of(one)["containers"]]

    assert images
    for image in images:
        assert image.rpartition(":")[2].count(".") == 2, image


def test_settings_that_change_make_new_pods_and_keys_do_not(tools: Tools, tree: Path, tmp_path: Path) -> None:
    shutil.copytree(tree, tmp_path / "kubernetes")
    folder = tmp_path / "kubernetes" / "overlays" / "production"
    before = list(yaml.safe_load_all(tools.render(folder)))
    create_key(folder / "secrets" / "keys.json", "second", "transpile")
    with_keys = list(yaml.safe_load_all(tools.render(folder)))
    with (folder / "settings.env").open("a") as settings:
        settings.write("POET_MODEL=openai/tiny\n")
    with_model = list(yaml.safe_load_all(tools.render(folder)))

    assert service_of(with_keys) == service_of(before)
    assert of_kind(with_keys, "Secret") != of_kind(before, "Secret")
    assert service_of(with_model) != service_of(before)


def test_production_scales_by_requests_in_flight(rendered: dict[str, list[Document]]) -> None:
    (scaler,) = of_kind(rendered["production"], "HorizontalPodAutoscaler")
    by = {
        row["pods"]["metric"]["name"] if row["type"] == "Pods" else row["resource"]["name"]
        for row in scaler["spec"]["metrics"]
    }
    (rule,) = read(ROOT / "deploy" / "prometheus" / "adapter.yaml")

    assert by == {"cpu", "poet_in_flight"}
    assert rule["rules"][0]["name"]["as"] == "poet_in_flight"


def test_redis_of_development_is_where_the_settings_say(rendered: dict[str, list[Document]]) -> None:
    documents = rendered["development"]
    address = conduct.settings_of(documents)["POET_REDIS_URL"]
    service = next(one for one in of_kind(documents, "Service") if one["metadata"]["name"] == "poet-redis")

    assert address == f"redis://{service['metadata']['name']}:{service['spec']['ports'][0]['port']}/0"
    assert "POET_REDIS_URL" not in conduct.settings_of(rendered["production"])  # it has a password: a secret
    assert {"secretRef", "configMapRef"} == {next(iter(row)) for row in container_of(rendered["production"])["envFrom"]}


@pytest.fixture
def scanned(rendered: dict[str, list[Document]], tmp_path: Path) -> Path:
    """A folder with all that checkov looks at."""
    for overlay, documents in rendered.items():
        (tmp_path / f"{overlay}.yaml").write_text(yaml.safe_dump_all(documents))
    shutil.copy(ROOT / "deploy" / "Dockerfile", tmp_path)
    return tmp_path


def test_checkov_finds_nothing(tools: Tools, scanned: Path) -> None:
    done = tools.checkov(ROOT / "deploy" / ".checkov.yaml", scanned)

    assert done.returncode == 0, done.stdout
    assert "dockerfile scan results" in done.stdout
    assert "kubernetes scan results" in done.stdout


def test_checkov_finds_what_is_wrong(tools: Tools, scanned: Path, rendered: dict[str, list[Document]]) -> None:
    broken = changed(rendered["production"], "Deployment", "spec.template.spec.containers.0.securityContext", None)
    (scanned / "production.yaml").write_text(yaml.safe_dump_all(broken))
    text = (scanned / "Dockerfile").read_text()
    (scanned / "Dockerfile").write_text(text.replace("USER 10001:10001\n", ""))

    done = tools.checkov(ROOT / "deploy" / ".checkov.yaml", scanned)

    assert done.returncode == 1
    for check in ("CKV_K8S_20", "CKV_K8S_22", "CKV_K8S_37", "CKV_DOCKER_3"):
        assert check in done.stdout


def test_every_check_that_checkov_skips_has_its_reason() -> None:
    text = (ROOT / "deploy" / ".checkov.yaml").read_text(encoding="utf-8")
    skipped = [line.strip() for line in text.splitlines() if line.strip().startswith("- ")]

    assert len(skipped) == len(yaml.safe_load(text)["skip-check"])
    assert all(" # " in line for line in skipped)
