"""Rules of safety that ruff does not check, and names in params.yaml that would be commands in a shell."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pipeline.conftest import SHRUNK, repository, sh
from tests.project import ROOT, shrink

CODE = sorted(path for folder in ("medcnn", "stages") for path in (ROOT / folder).rglob("*.py"))
FORBIDDEN = {"eval", "exec", "compile", "os.system", "os.popen", "tempfile.mktemp"}
FORBIDDEN |= {f"{module}.{name}" for module in ("pickle", "marshal", "joblib", "dill") for name in ("load", "loads")}
FORBIDDEN |= {"yaml.unsafe_load", "yaml.full_load", "torch.load", "pandas.read_pickle", "pd.read_pickle"}
FORBIDDEN |= {"shelve.open", "keras.config.enable_unsafe_deserialization"}
DEMANDED = {
    "np.load": ("allow_pickle", False),
    "keras.saving.load_model": ("safe_mode", True),
    "keras.models.load_model": ("safe_mode", True),
}
"""Calls whose default could change, or could be overlooked: the safe choice is spelled out."""
REFUSED = {"shell": True, "allow_pickle": True, "safe_mode": False, "trust_remote_code": True, "weights_only": False}


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def breaches(path: Path) -> list[str]:
    """Calls in a file that may run what a file or a user says."""
    found = []
    for name, call in calls(path):
        given = {word.arg: getattr(word.value, "value", None) for word in call.keywords}
        wanted = DEMANDED.get(name)
        if (
            name in FORBIDDEN
            or any(given.get(word, "") is value for word, value in REFUSED.items())
            or (wanted and given.get(wanted[0]) is not wanted[1])
        ):
            found.append(f"{path.relative_to(path.anchor)}:{call.lineno}: {ast.unparse(call)}")
    return found


def test_nothing_runs_what_a_file_says() -> None:
    assert len(CODE) > 100
    assert [breach for path in CODE for breach in breaches(path)] == []


@pytest.mark.parametrize(
    "line",
    [
        "eval(text)",
        "pickle.loads(data)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "keras.saving.load_model(path, safe_mode=False)",
        "torch.load(path)",
        "subprocess.run(text, shell=True)",
        "yaml.unsafe_load(text)",
    ],
)
def test_the_rules_see_what_they_forbid(tmp_path: Path, line: str) -> None:
    (tmp_path / "module.py").write_text(line)
    assert len(breaches(tmp_path / "module.py")) == 1


def test_pickles_are_read_by_one_class_alone_which_knows_tensors_only() -> None:
    users = [path.relative_to(ROOT).as_posix() for path in CODE if "ickle" in " ".join(imports(path))]
    assert users == ["medcnn/weights/torch_file.py"]
    used = re.findall(r"\bpickle\.\w+", (ROOT / users[0]).read_text(encoding="utf-8"))
    assert used == ["pickle.Unpickler"]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.name for alias in node.names)
            yield getattr(node, "module", None) or ""


def test_an_exception_from_ruffs_rules_of_safety_gives_its_reason() -> None:
    bare = re.compile(r"# noqa: (S\d+(?:, [A-Z]+\d+)*)$")
    lines = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in CODE
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if bare.search(line)
    ]
    assert lines == []


@pytest.mark.slow
def test_a_name_that_is_a_command_reaches_no_shell(tmp_path: Path) -> None:
    """DVC puts names of studies and models into commands; ``--single-item`` runs them without what comes before."""
    folder = repository(tmp_path / "one")
    name = "tiny; touch witness"
    shrink(folder, SHRUNK | {"run.models": ["tiny", "lite0", name], "run.studies": ["phantom", name]})
    for target in (f"download@{name}", f"weights@{name}"):
        assert "are missing from 'params.yaml'" in sh(folder, "dvc", "repro", "--single-item", target, code=255)
    assert "error: params.yaml: run." in sh(folder, "dvc", "repro", "download@phantom", code=255)
    assert not (folder / "witness").exists()
