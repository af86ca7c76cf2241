"""Archives: whole, the same bytes twice, readable by others, and safe to open from anywhere."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import chdir
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from rocrate.rocrate import ROCrate  # type: ignore[import-untyped]

from mechcore.cli import main
from mechcore.experiment.config import load_experiment
from mechcore.experiment.weights import Reading
from mechcore.io.netcdf import read_attributes, read_dataset, write_dataset
from mechcore.io.provenance import COMPUTING
from mechcore.results.archive import opened
from mechcore.results.archive.reading import EXPERIMENT, METADATA
from mechcore.results.archive.writing import pack
from mechcore.results.results import Results
from mechcore.results.sweep import read_sweep
from mechcore.verification.certificate import read_certificate
from mechcore.verification.experiment import Extent, verify_archive
from tests.helpers.experiments import SMALL, run
from tests.helpers.isolation import run_limited
from tests.helpers.pages import snippets
from tests.helpers.projects import PROJECT
from tests.helpers.refusals import refused

CONFIG = SMALL | {
    "experiment": "tiny",
    "activations": ["relu"],
    "patterns": ["delta", "patterns/corner.npy"],
    "betas": [0.0, 0.5, 1.0],
    "engine": "reference",
    "filter_banks": ["weights/digits.safetensors"],
    "slices_per_layer": 1,
}
"""The smallest with a part of every kind: a pattern from a file, and a weight file."""

CONFIG_FILE = Path("config/tiny.yaml")
RESULTS, PAGE = Path("results/tiny"), Path("reports/tiny/index.html")
FIGURE = "reports/tiny/figures/speed-dct.svg"
TRAJECTORIES = "results/tiny/trajectories/dct-relu-k2.nc"

FINISHED = ("--experiment", CONFIG_FILE, "--results", RESULTS)
WORDS = (*FINISHED, "--report", PAGE)

Files = dict[str, bytes]


def mechcore(*words: object) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    assert ended.value.code == 0


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    for name in ("patterns", "weights", "config"):
        (folder / name).mkdir()
    np.save(folder / "patterns/corner.npy", np.tri(3))
    shutil.copy(PROJECT / "resources/banks/digits.safetensors", folder / "weights")
    (folder / CONFIG_FILE).write_text(yaml.safe_dump(CONFIG), encoding="utf-8")
    with chdir(folder):
        run(RESULTS, CONFIG)
        mechcore("verify", *FINISHED, "--output", RESULTS / "certificate.json")
        mechcore("report", *FINISHED, "--output", PAGE)
    return folder


@pytest.fixture(scope="module")
def archive(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("archive") / "tiny.zip"
    with chdir(project):
        mechcore("pack", *WORDS, "--output", output)
    return output


@pytest.fixture(scope="module")
def files(archive: Path) -> Files:
    with zipfile.ZipFile(archive) as file:
        return {name: file.read(name) for name in file.namelist()}


@pytest.fixture(scope="module")
def metadata(files: Files) -> dict[str, Any]:
    graph = json.loads(files[METADATA])["@graph"]
    assert len({entity["@id"] for entity in graph}) == len(graph)
    return {entity["@id"]: entity for entity in graph}


def test_packing_twice_gives_equal_bytes(project: Path, archive: Path, tmp_path: Path) -> None:
    again = shutil.copytree(project, tmp_path / "elsewhere")
    for number, path in enumerate(sorted(again.rglob("*"))):
        os.utime(path, (10**9 + number, 10**9 + number))
    with chdir(again):
        mechcore("pack", *WORDS, "--output", tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()


def test_the_snippet_of_the_guide_runs(
    archive: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copy(archive, tmp_path / "paper.zip")
    monkeypatch.chdir(tmp_path)
    [snippet] = snippets("docs/archive.md")
    exec(snippet, {})
    assert capsys.readouterr().out.split() == ["tiny", str(RESULTS), str(PAGE)]


def test_everything_that_the_commands_wrote_is_in_it(project: Path, files: Files) -> None:
    made = {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()}
    own = {METADATA, EXPERIMENT, "CITATION.cff", "LICENSE", "requirements.lock"}
    assert set(files) == made | own
    assert list(files) == [*sorted(set(files) - {METADATA}), METADATA]


def test_another_reader_finds_every_file_with_its_hash(
    archive: Path, files: Files, tmp_path: Path
) -> None:
    with zipfile.ZipFile(archive) as file:
        file.extractall(tmp_path)
    crate = ROCrate(tmp_path)
    assert crate.name == "Experiment tiny"
    assert crate.license["name"] == "Licence of each file"
    entries = {entity.id: entity for entity in crate.get_by_type("File", exact=True)}
    assert set(entries) == set(files) - {METADATA}
    for name, entry in entries.items():
        assert entry["contentSize"] == str(len(files[name]))
        assert entry["sha256"] == hashlib.sha256(files[name]).hexdigest()
        assert "/" in entry["encodingFormat"]
    (run,) = crate.get_by_type("CreateAction")
    assert run["instrument"]["name"] == "mechcore"


def test_the_description_names_its_versions_and_the_paper(metadata: dict[str, Any]) -> None:
    descriptor, root = metadata[METADATA], metadata["./"]
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert root["conformsTo"] == {"@id": "https://w3id.org/ro/wfrun/process/0.5"}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", root["datePublished"])
    citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text(encoding="utf-8"))
    reference, paper = citation["references"][0], metadata[root["citation"]["@id"]]
    assert [author["name"] for author in citation["authors"]] == [metadata["#makers"]["name"]]
    assert paper["name"] == reference["title"]
    assert paper["identifier"] == reference["identifiers"][0]["value"]


def test_the_run_names_what_it_was_made_with(project: Path, metadata: dict[str, Any]) -> None:
    run, sweep = metadata["#run"], read_sweep(project / RESULTS)
    assert run["startTime"] <= run["endTime"]
    assert metadata["#mechcore"]["softwareVersion"] == sweep.code.version
    started = {item["@id"] for item in run["object"]}
    inputs = {"patterns/corner.npy", "weights/digits.safetensors"}
    assert started == {EXPERIMENT, "config/tiny.yaml"} | inputs
    made = {item["@id"] for item in run["result"]}
    assert made == {name for name in metadata if name.startswith(("results/", "reports/"))}
    # What others made has not our licence.
    unlicensed = {
        name
        for name, entity in metadata.items()
        if entity["@type"] == "File" and "license" not in entity
    }
    assert unlicensed == started


def test_nothing_in_it_says_where_it_was_made(project: Path, files: Files) -> None:
    places = {str(project), tempfile.gettempdir() + "/", str(PROJECT), f"{Path.home()}/"}
    for name, data in files.items():
        assert not [place for place in places if place.encode() in data], name


def test_every_netcdf_file_says_what_made_it(project: Path) -> None:
    paths = list((project / RESULTS).rglob("*.nc"))
    assert {path.relative_to(project / RESULTS).parts[0] for path in paths} == {
        *("trajectories", "films", "filters", "filter_runs", "controls.nc")
    }
    with chdir(project):
        grid = load_experiment(CONFIG_FILE).without_banks().to_json()
    others = {"tiny": grid, "filters": json.dumps(Reading().attributes)}
    for path in paths:
        attributes = read_attributes(path)
        settings = attributes.get("cell") or attributes.get("settings") or others[path.parent.name]
        text = json.dumps(json.loads(str(settings)), sort_keys=True, separators=(",", ":"))
        assert attributes["config_sha256"] == hashlib.sha256(text.encode()).hexdigest(), path
        assert re.fullmatch("[0-9a-f]{16}", str(attributes["core_hash"]))
        versions = json.loads(str(attributes["library_versions"]))
        assert list(versions) == ["python", *COMPUTING]
        assert versions["numpy"] == np.__version__


def refusal(folder: Path, output: Path, *words: object) -> str:
    ended = run_limited(["pack", *map(str, words), "--output", str(output)], folder)
    (line,) = ended.errors.splitlines()
    assert ended.code == 2
    assert not output.exists()
    return line.removeprefix("mechcore: ")


@pytest.mark.parametrize(
    ("name", "damaged"),
    [
        (TRAJECTORIES, True),
        ("results/tiny/films/dct-relu-k2.nc", True),
        ("results/tiny/controls.nc", True),
        ("results/tiny/filters/digits.nc", True),
        ("results/tiny/filter_runs/digits-relu.nc", True),
        ("results/tiny/metrics.csv", True),
        ("results/tiny/claims.json", True),
        ("results/tiny/sweep.json", True),
        ("results/tiny/cells.csv", True),
        (TRAJECTORIES, False),
        ("results/tiny/filter_runs/digits-relu.nc", False),
        ("results/tiny/certificate.json", False),
        ("reports/tiny/index.html", False),
    ],
)
def test_an_unfinished_or_damaged_experiment_is_refused(
    project: Path, tmp_path: Path, name: str, damaged: bool
) -> None:
    path = project / name
    before = path.read_bytes()
    path.unlink()
    if damaged:
        path.write_bytes(before[:-40])
    try:
        line = refusal(project, tmp_path / "out.zip", *WORDS)
    finally:
        path.write_bytes(before)
    assert line.startswith(f"{name}: " if damaged else f"{name}: missing, expected ")


def test_results_of_another_sweep_are_refused(project: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(project, tmp_path / "project")
    alter(folder / TRAJECTORIES)
    line = refusal(folder, tmp_path / "out.zip", *WORDS)
    assert line.startswith(
        "results/tiny/sweep.json: describes other results; run `mechcore summarise`"
    )


def alter(path: Path) -> None:
    dataset = read_dataset(path)
    dataset["mu_x"][0, 0, 1, -1] += 1e-8
    write_dataset(dataset, path)


def test_other_settings_and_files_of_this_machine_are_refused(
    project: Path, tmp_path: Path
) -> None:
    outside, config = str(project / "patterns/corner.npy"), tmp_path / "tiny.yaml"
    for change, message in (
        ({"steps": 9}, f"{RESULTS}/sweep.json: made with other settings than tiny has"),
        ({"patterns": [outside]}, f"{outside}: cannot be packed, expected a path below"),
    ):
        config.write_text(yaml.safe_dump(CONFIG | change), encoding="utf-8")
        line = refusal(project, tmp_path / "out.zip", "--experiment", config, *WORDS[2:])
        assert line.startswith(message)


def test_an_archive_gives_everything_back(project: Path, archive: Path, tmp_path: Path) -> None:
    with chdir(project):
        planned = load_experiment(CONFIG_FILE)
    before = Path.cwd()
    with opened(archive) as contents:
        folder = contents.folder
        assert Path.cwd() == folder
        assert contents.experiment == planned
        results = Results.load(contents.experiment, contents.results)
        assert results.dataset("dct", "relu", 2).sizes["pattern"] == 2
        assert set(results.banks) == {"digits"}
        again = tmp_path / "again.zip"
        pack(contents.experiment, contents.results, contents.page, again, CONFIG_FILE)
    assert Path.cwd() == before
    assert not folder.exists()
    assert again.read_bytes() == archive.read_bytes()


def listed(files: Files) -> Files:
    content = json.loads(files[METADATA])
    graph = [entity for entity in content["@graph"] if entity["@type"] != "File"]
    graph += [
        {"@id": name, "@type": "File", "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in files.items()
        if name != METADATA
    ]
    return files | {METADATA: json.dumps(content | {"@graph": graph}).encode()}


def written(path: Path, files: Files) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(name, data)


Damage = Callable[[Path, Files], object]


def with_file(name: str, data: bytes = b"x", *, relisted: bool = True) -> Damage:
    update = listed if relisted else dict
    return lambda path, files: written(path, update(files | {name: data}))


unlisted = partial(with_file, relisted=False)


def without(*names: str, relisted: bool = True) -> Damage:
    def damage(path: Path, files: Files) -> None:
        rest = {name: data for name, data in files.items() if name not in names}
        written(path, listed(rest) if relisted else rest)

    return damage


def with_experiment(old: str, new: str) -> Damage:
    def damage(path: Path, files: Files) -> None:
        text = files[EXPERIMENT].decode()
        assert old in text
        written(path, listed(files | {EXPERIMENT: text.replace(old, new).encode()}))

    return damage


def cut(path: Path, files: Files) -> None:
    written(path, files)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path, files: Files) -> None:
    written(path, files)
    with zipfile.ZipFile(path) as file:
        place = file.getinfo(FIGURE).header_offset + 200
    data = bytearray(path.read_bytes())
    data[place] ^= 4
    path.write_bytes(data)


OUTSIDE = b'{"@graph": [{"@id": "../secret", "@type": "File", "sha256": "0"}]}'
DAMAGED: dict[str, tuple[Damage, str]] = {
    "out": (with_file("../evil"), "'../evil' is no name below the archive"),
    "absolute": (with_file("/tmp/evil"), "'/tmp/evil' is no name below"),
    "inside": (with_file("results/../../evil"), "'results/../../evil' is no name below"),
    "backslash": (with_file("results\\evil"), "is no name below the archive"),
    "bomb": (with_file("results/tiny/zeros", bytes(200_000_000)), "100 times the size"),
    "unlisted": (unlisted("results/tiny/a.csv"), "'results/tiny/a.csv': not listed in"),
    "missing": (without(FIGURE, relisted=False), f"'{FIGURE}': listed in {METADATA}, but missing"),
    "swapped": (unlisted(FIGURE), f"'{FIGURE}': not the file that {METADATA} lists"),
    "undescribed": (without(METADATA, relisted=False), f"{METADATA}: missing: not an RO-Crate"),
    "no-json": (unlisted(METADATA, b"{"), f"{METADATA}: not the description of"),
    "no-graph": (unlisted(METADATA, b"[]"), f"{METADATA}: not the description of"),
    "deep": (unlisted(METADATA, b"[" * 100_000), f"{METADATA}: not the description of"),
    "listed-outside": (unlisted(METADATA, OUTSIDE), "'../secret': listed in"),
    "no-experiment": (without(EXPERIMENT), "experiment.yaml: missing"),
    "no-yaml": (with_file(EXPERIMENT, b"!!int x"), "experiment.yaml: "),
    "foreign": (with_experiment("patterns/corner.npy", "/etc/secret.npy"), "secret.npy"),
    "no-page": (without("reports/tiny/index.html"), "reports/tiny/index.html: missing, expected"),
    "no-sweep": (without("results/tiny/sweep.json"), "results/tiny/sweep.json: missing"),
    "other-table": (with_file("results/tiny/pooled.csv"), "pooled.csv: changed after `mechcore"),
    "other-experiment": (with_experiment("steps: 8", "steps: 9"), "made with other settings"),
    "cut": (cut, "cannot be unpacked"),
    "flipped": (flip, "cannot be unpacked"),
    "nothing": (lambda path, _: path.write_bytes(b""), "cannot be unpacked"),
    "text": (lambda path, _: path.write_text("x" * 999), "cannot be unpacked"),
    "empty-folder": (lambda path, _: path.mkdir(), f"{METADATA}: missing: not an RO-Crate"),
    "absent": (lambda *_: None, "missing, expected what mechcore pack writes"),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_hostile_or_damaged_archive_is_refused(
    files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    damage, message = DAMAGED[kind]
    path = tmp_path / "bad.zip"
    damage(path, files)
    (tmp_path / "secret").write_bytes(b"secret")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before, working = set(tmp_path.rglob("*")), Path.cwd()
    with refused(f"{path}: ", message):
        verify_archive(path)
    assert set(tmp_path.rglob("*")) == before
    assert Path.cwd() == working


def test_verify_accepts_an_archive_and_its_unpacked_folder(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    mechcore("verify", archive, "--all", "--output", "certificate.json")
    certificate = read_certificate(tmp_path / "certificate.json")
    assert certificate is not None
    assert certificate.holds
    assert certificate.experiment == "tiny"
    shutil.unpack_archive(archive, "unpacked")
    mechcore("verify", "unpacked", "--cells", "1")
    (tmp_path / "unpacked" / FIGURE).write_text("x", encoding="utf-8")
    with refused(f"unpacked: '{FIGURE}': not the file that"):
        verify_archive(Path("unpacked"))


def test_a_value_that_was_altered_with_its_hashes_fails(files: Files, tmp_path: Path) -> None:
    path = tmp_path / "cell.nc"
    path.write_bytes(files[TRAJECTORIES])
    alter(path)
    written(tmp_path / "x.zip", listed(files | {TRAJECTORIES: path.read_bytes()}))
    certificate = verify_archive(tmp_path / "x.zip", Extent(None, None))
    failures = {check.name: check.failures for check in certificate.checks if check.failures}
    assert list(failures) == ["simulations", "tables"]
    # Its own hash is right, but the sweep describes another one.
    assert any(line.startswith("sweep.json: sweep ") for line in failures["tables"])
    assert str(tmp_path) not in str(certificate)
    assert tempfile.gettempdir() not in str(certificate)
