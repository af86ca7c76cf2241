"""Archives: whole, the same bytes twice, readable by others, and safe to open from anywhere."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import stat
import struct
import tempfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
import yaml

from mechcore.cli import main
from mechcore.errors import MechcoreError
from mechcore.experiment.config import load_experiment
from mechcore.io.hashes import file_sha256
from mechcore.io.netcdf import read_attributes, read_dataset, write_dataset
from mechcore.io.portable_names import is_portable
from mechcore.io.provenance import COMPUTING
from mechcore.results.archive import opened
from mechcore.results.archive.crate import AUTHORS, LICENCE, LICENCES, MAKERS, PAPER
from mechcore.results.archive.names import EXPERIMENT, METADATA
from mechcore.results.archive.writing import merged_sources, pack
from mechcore.results.results import Results
from mechcore.results.sweep import identifier_of, read_sweep, write_description
from mechcore.verification.archive import verify_archive
from mechcore.verification.certificate import read_certificate
from tests.faults.finished import CONFIG, PAGE, RESULTS, make, mechcore
from tests.helpers.projects import PROJECT

CONFIG_FILE = Path("config/tiny.yaml")
SWEEP = "results/tiny/sweep.json"
FIGURE = "reports/tiny/speed-dct.svg"

WORDS = ("--experiment", CONFIG_FILE, "--results", RESULTS, "--report", PAGE)

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a finished experiment."""
    folder = tmp_path_factory.mktemp("project")
    make(folder)
    return folder


@pytest.fixture(scope="module")
def archive(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give its archive, as the command writes it."""
    output = tmp_path_factory.mktemp("archive") / "tiny.zip"
    with chdir(project):
        mechcore("pack", *WORDS, "--output", output)
    return output


@pytest.fixture(scope="module")
def metadata(archive: Path) -> dict[str, Any]:
    """Give the entities of the archive by their identifiers."""
    with zipfile.ZipFile(archive) as file:
        graph = json.loads(file.read(METADATA))["@graph"]
    assert len({one["@id"] for one in graph}) == len(graph)
    return {one["@id"]: one for one in graph}


# What is written.


def test_packing_twice_gives_equal_bytes(project: Path, archive: Path, tmp_path: Path) -> None:
    again = shutil.copytree(project, tmp_path / "elsewhere")
    for number, path in enumerate(sorted(again.rglob("*"))):
        os.utime(path, (10**9 + number, 10**9 + number))
    with chdir(again):
        mechcore("pack", *WORDS, "--output", tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == archive.read_bytes()


def test_every_file_is_listed_with_its_size_and_hash(
    archive: Path, metadata: dict[str, Any]
) -> None:
    with zipfile.ZipFile(archive) as file:
        assert file.testzip() is None
        names = file.namelist()
        assert names == [*sorted(set(names) - {METADATA}), METADATA]
        content = {name: file.read(name) for name in names if name != METADATA}
    listed = {name: one for name, one in metadata.items() if one["@type"] == "File"}
    assert set(listed) == set(content)
    for name, data in content.items():
        assert listed[name]["contentSize"] == str(len(data))
        assert listed[name]["sha256"] == hashlib.sha256(data).hexdigest()
        assert "/" in listed[name]["encodingFormat"]


def test_all_that_the_commands_wrote_is_in_it(project: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive) as file:
        names = set(file.namelist())
    # What is measured on each cell is kept for speed alone.
    made = {path for path in project.rglob("*") if path.is_file() and "measured" not in path.parts}
    assert {path.relative_to(project).as_posix() for path in made} == {
        name for name in names if (project / name).is_file()
    }
    assert names - {path.relative_to(project).as_posix() for path in made} == {
        *(METADATA, "experiment.yaml", "CITATION.cff", "LICENSE", "requirements.lock")
    }


def test_the_description_has_what_ro_crate_demands(archive: Path, metadata: dict[str, Any]) -> None:
    with zipfile.ZipFile(archive) as file:
        context = json.loads(file.read(METADATA))["@context"]
    assert context[0] == "https://w3id.org/ro/crate/1.1/context"
    descriptor, root = metadata[METADATA], metadata["./"]
    assert descriptor["@type"] == "CreativeWork"
    assert descriptor["about"] == {"@id": "./"}
    assert descriptor["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}
    assert root["@type"] == "Dataset"
    assert root["name"]
    assert root["description"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", root["datePublished"])
    assert metadata[root["license"]["@id"]] == LICENCES
    parts = [one["@id"] for one in root["hasPart"]]
    assert sorted(parts) == sorted(name for name, one in metadata.items() if one["@type"] == "File")


def test_the_run_tells_what_it_was_made_with(project: Path, metadata: dict[str, Any]) -> None:
    run, sweep = metadata["#run"], read_sweep(project / RESULTS)
    assert run["@type"] == "CreateAction"
    assert run["startTime"] <= run["endTime"]
    software = metadata[run["instrument"]["@id"]]
    assert software["@type"] == "SoftwareApplication"
    assert software["softwareVersion"] == sweep.code.version
    assert metadata["#code-commit"]["value"] == sweep.code.commit
    assert metadata["#code-core_hashes"]["value"] == " ".join(sweep.code.core_hashes)
    assert metadata["#environment-processor"]["value"] == sweep.environment.processor
    started = {one["@id"] for one in run["object"]}
    assert started == {
        *("experiment.yaml", "config/tiny.yaml"),
        *("patterns/corner.npy", "weights/digits.safetensors"),
    }
    made = {one["@id"] for one in run["result"]}
    assert made == {name for name in metadata if name.startswith(("results/", "reports/"))}


def test_what_others_made_has_not_our_licence(metadata: dict[str, Any]) -> None:
    files = {name: one for name, one in metadata.items() if one["@type"] == "File"}
    licensed = {name for name, one in files.items() if one.get("license")}
    assert set(files) - licensed == {one["@id"] for one in metadata["#run"]["object"]}
    assert {files[name]["license"]["@id"] for name in licensed} == {LICENCE["@id"]}


def test_all_references_lead_to_an_entity(metadata: dict[str, Any]) -> None:
    for entity in metadata.values():
        for value in entity.values():
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, dict):
                    # Entities are flat; the specification is no part of the archive.
                    assert set(one) == {"@id"}
                    assert one["@id"] in {*metadata, "https://w3id.org/ro/crate/1.1"}


def test_another_reader_understands_it(archive: Path, tmp_path: Path) -> None:
    rocrate = pytest.importorskip("rocrate.rocrate")
    with zipfile.ZipFile(archive) as file:
        file.extractall(tmp_path)
    crate = rocrate.ROCrate(tmp_path)
    assert crate.name == "Experiment tiny"
    assert crate.license["name"] == LICENCES["name"]
    files = [one for one in crate.data_entities if one.type == "File"]
    assert {one.id for one in files} | {METADATA} == {
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
    }
    assert all(file_sha256(tmp_path / one.id) == one["sha256"] for one in files)
    actions = [one for one in crate.contextual_entities if one.type == "CreateAction"]
    assert [one["instrument"]["name"] for one in actions] == ["mechcore"]


def test_names_and_paper_are_those_of_the_citation_file() -> None:
    told = yaml.safe_load((PROJECT / "CITATION.cff").read_text(encoding="utf-8"))
    paper = told["references"][0]
    assert [one["name"] for one in told["authors"]] == [MAKERS["name"]]
    assert str(LICENCE["@id"]).endswith(told["license"])
    assert (PAPER["name"], PAPER["datePublished"]) == (paper["title"], str(paper["year"]))
    assert PAPER["identifier"] == paper["identifiers"][0]["value"]
    names = [(one["givenName"], one["familyName"]) for one in AUTHORS]
    assert names == [(one["given-names"], one["family-names"]) for one in paper["authors"]]


def test_nothing_in_it_tells_where_it_was_made(project: Path, archive: Path) -> None:
    places = {str(project), tempfile.gettempdir() + "/", str(PROJECT), f"{Path.home()}/"}
    with zipfile.ZipFile(archive) as file:
        for name in file.namelist():
            data = file.read(name)
            assert not [place for place in places if place.encode() in data], name


def test_every_netcdf_file_tells_what_made_it(project: Path) -> None:
    files = list((project / RESULTS).rglob("*.nc"))
    assert {path.relative_to(project / RESULTS).parts[0] for path in files} == {
        *("trajectories", "films", "filters", "filter_runs", "controls.nc")
    }
    with chdir(project):
        grid = load_experiment(CONFIG_FILE).without_banks().to_json()
    for path in files:
        told = read_attributes(path)
        settings = told.get("cell") or told.get("settings")
        if path.name == "controls.nc":
            settings = grid
        elif path.parent.name == "filters":
            settings = '{"layout": "auto"}'
        text = json.dumps(json.loads(str(settings)), sort_keys=True, separators=(",", ":"))
        assert told["config_sha256"] == hashlib.sha256(text.encode()).hexdigest(), path
        assert re.fullmatch("[0-9a-f]{16}", str(told["core_hash"]))
        versions = json.loads(str(told["library_versions"]))
        assert list(versions) == ["python", *COMPUTING]
        assert versions["numpy"] == np.__version__


# What is refused.


@contextmanager
def changed(path: Path, data: bytes | None) -> Iterator[None]:
    """Change a file, or take it away, for a while."""
    before = path.read_bytes()
    path.unlink()
    if data is not None:
        path.write_bytes(data)
    try:
        yield
    finally:
        path.write_bytes(before)


def refused(capsys: pytest.CaptureFixture[str], output: Path, *words: object) -> str:
    """Return the one line that the command ends with; nothing is left behind."""
    with pytest.raises(SystemExit) as ended:
        main(["pack", *map(str, words), "--output", str(output)])
    told = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2
    assert len(told) == 1
    assert not list(output.parent.iterdir())
    return told[0].removeprefix("mechcore: ")


@pytest.mark.parametrize(
    "name",
    [
        *("trajectories/dct-relu-k2.nc", "films/dct-relu-k2.nc", "controls.nc"),
        *("filters/digits.nc", "filter_runs/digits.nc", "mechanics.csv", "deviations.csv"),
        *("models.csv", "claims.json", "sweep.json", "cells.csv", "provenance/regress.json"),
        *("../../reports/tiny/index.html", "../../reports/tiny/speed-dct.svg"),
        *("../../reports/tiny/provenance/report.json",),
    ],
)
def test_an_unfinished_experiment_is_refused(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    path = Path(os.path.normpath(RESULTS / name))
    with chdir(project), changed(path, None):
        told = refused(capsys, tmp_path / "out.zip", *WORDS)
    assert told.startswith(f"{path}: missing, expected ")


@pytest.mark.parametrize(
    "name",
    [
        *("trajectories/dct-relu-k2.nc", "films/dct-relu-k2.nc", "controls.nc"),
        *("filters/digits.nc", "filter_runs/digits.nc", "metrics.csv", "claims.json"),
        *("sweep.json", "provenance/collect.json", "../../reports/tiny/speed-dct.svg"),
    ],
)
def test_a_damaged_experiment_is_refused(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    path = Path(os.path.normpath(RESULTS / name))
    with chdir(project), changed(path, (project / path).read_bytes()[:-40]):
        told = refused(capsys, tmp_path / "out.zip", *WORDS)
    assert told.startswith(f"{path}: ")


def test_another_configuration_is_refused(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other" / "tiny.yaml"
    other.parent.mkdir()
    other.write_text(CONFIG.replace("steps: 8", "steps: 9"), encoding="utf-8")
    output = tmp_path / "out" / "out.zip"
    output.parent.mkdir()
    with chdir(project):
        told = refused(capsys, output, "--experiment", other, *WORDS[2:])
    assert told == f"{RESULTS}/provenance/collect.json: made with other settings than tiny has"


def test_files_of_this_machine_alone_are_refused(
    project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outside = str(project / "patterns/corner.npy")
    config = json.dumps(yaml.safe_load(CONFIG) | {"patterns": [outside]})
    with chdir(project):
        told = refused(capsys, tmp_path / "out.zip", "--experiment", config, *WORDS[2:])
    assert told.startswith(f"{outside}: cannot be packed, expected a path below")


def test_a_file_that_vanishes_while_it_is_packed_is_told_and_not_the_archive(
    project: Path, tmp_path: Path
) -> None:
    with chdir(project):
        experiment = load_experiment(CONFIG_FILE)
        with pytest.raises(MechcoreError, match=r"^gone\.yaml: cannot be read: No such file"):
            pack(experiment, RESULTS, PAGE, tmp_path / "out.zip", Path("gone.yaml"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("other", ["LICENSE", "License", METADATA])
def test_two_files_of_one_name_are_not_packed_as_one(other: str) -> None:
    with pytest.raises(MechcoreError, match=f"^{other}: cannot be packed beside "):
        merged_sources({"LICENSE": b"of mechcore"}, {other: b"of an image"})


@pytest.mark.parametrize("name", ["nul.nc", "CON", "a/Aux.csv", "com1.a.b", "lpt9 .txt", "conin$"])
def test_a_device_of_windows_is_no_name(name: str) -> None:
    assert not is_portable(name)


@pytest.mark.parametrize("name", ["null.nc", "a.con", "com.csv", "aux-a/prn-b", "lpt10"])
def test_what_only_resembles_a_device_is_a_name(name: str) -> None:
    assert is_portable(name)


# What is read.


def test_an_opened_archive_gives_all_back(project: Path, archive: Path, tmp_path: Path) -> None:
    with chdir(project):
        planned = load_experiment(CONFIG_FILE)
    copy = Path(shutil.copy(archive, tmp_path))
    with chdir(tmp_path):
        before = Path.cwd()
        with opened(copy.name) as contents:
            folder = contents.folder
            assert Path.cwd() == folder
            assert contents.experiment == planned
            results = Results.load(contents.experiment, contents.results)
            assert results.dataset("dct", "relu", 2).sizes["pattern"] == 2
            assert set(results.banks) == {"digits"}
            again = tmp_path / "again.zip"
            original = contents.folder / CONFIG_FILE
            pack(contents.experiment, contents.results, contents.page, again, original)
        assert Path.cwd() == before
    assert not folder.exists()
    assert again.read_bytes() == archive.read_bytes()


def test_large_files_never_fill_the_memory(project: Path, tmp_path: Path) -> None:
    size = 100_000_000
    large = tmp_path / "large.yaml"
    with large.open("wb") as file:
        file.truncate(size)
    output = tmp_path / "large.zip"
    with chdir(project):
        experiment = load_experiment(CONFIG_FILE)
        tracemalloc.start()
        try:
            pack(experiment, RESULTS, PAGE, output, large)
            with opened(output) as contents:
                assert (contents.folder / "config/large.yaml").stat().st_size == size
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    # Results of this size take 4 MB while they are checked; the file would take a hundred.
    assert peak < size / 4


def content(archive: Path) -> Files:
    """Return the files of an archive by name."""
    with zipfile.ZipFile(archive) as file:
        return {name: file.read(name) for name in file.namelist()}


def listed(files: Files, **entities: object) -> Files:
    """Return files with a description that is right about each of them."""
    told = json.loads(files[METADATA])
    graph = [one for one in told["@graph"] if one["@type"] != "File"]
    graph += [
        {
            "@id": name,
            "@type": "File",
            "contentSize": str(len(data)),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        for name, data in files.items()
        if name != METADATA
    ]
    return files | {METADATA: json.dumps(told | {"@graph": graph} | entities).encode()}


def written(path: Path, files: Files, *more: tuple[zipfile.ZipInfo, bytes]) -> None:
    """Write an archive, without any of the project's own code."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(name, data)
        for info, data in more:
            file.writestr(info, data)


def named(name: str) -> Callable[[Path, Files], object]:
    """Add a file of a name, which the description lists."""
    return lambda path, files: written(path, listed(files | {name: b"x"}))


def link(path: Path, files: Files) -> None:
    info = zipfile.ZipInfo("results/tiny/link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with_link = listed(files | {info.filename: b"/etc/passwd"})
    del with_link[info.filename]
    written(path, with_link, (info, b"/etc/passwd"))


def twice(path: Path, files: Files) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        written(path, files, (zipfile.ZipInfo("LICENSE"), b"x"))


def packed_otherwise(path: Path, files: Files) -> None:
    info = zipfile.ZipInfo("results/tiny/odd")
    info.compress_type = zipfile.ZIP_BZIP2
    written(path, files, (info, b"x" * 1000))


def unlisted(path: Path, files: Files) -> None:
    written(path, files | {"results/tiny/more.csv": b"x"})


def without(name: str) -> Callable[[Path, Files], object]:
    return lambda path, files: written(path, {k: v for k, v in files.items() if k != name})


def swapped(path: Path, files: Files) -> None:
    written(path, files | {FIGURE: files[FIGURE].swapcase()})


def longer(path: Path, files: Files) -> None:
    written(path, files | {FIGURE: files[FIGURE] + b" "})


def described_by(text: bytes) -> Callable[[Path, Files], object]:
    return lambda path, files: written(path, files | {METADATA: text})


def bomb(path: Path, files: Files) -> None:
    written(path, listed(files | {"results/tiny/zeros": bytes(200_000_000)}))


def understated(path: Path, files: Files) -> None:
    """Declare, everywhere, less than a file unpacks to."""
    name = "results/tiny/zeros"
    told = listed(files | {name: bytes(10)})[METADATA]
    written(path, files | {METADATA: told, name: bytes(123_457)})
    replaced(path, 123_457, 10)


def replaced(path: Path, old: int, new: int) -> None:
    """Change a number in the headers of an archive."""
    tell = struct.Struct("<I").pack
    data = path.read_bytes()
    assert data.count(tell(old)) == 2
    path.write_bytes(data.replace(tell(old), tell(new)))


def cut(path: Path, files: Files) -> None:
    written(path, files)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flipped(path: Path, files: Files) -> None:
    """Change one bit of the data of a figure."""
    written(path, files)
    with zipfile.ZipFile(path) as file:
        place = file.getinfo(FIGURE).header_offset + 200
    data = bytearray(path.read_bytes())
    data[place] ^= 4
    path.write_bytes(data)


def overlapping(path: Path, files: Files) -> None:
    """Let a file reach into those behind it."""
    name = "results/tiny/noise"
    written(path, listed(files | {name: os.urandom(99_999)}))
    with zipfile.ZipFile(path) as file:
        size = file.getinfo(name).compress_size
    replaced(path, size, 100 * size)


def foreign_sweep(path: Path, files: Files) -> None:
    """Name a file of the machine that opens the archive; all hashes are right."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in ("sweep.json", "cells.csv"):
            (folder / name).write_bytes(files[f"results/tiny/{name}"])
        sweep = read_sweep(folder)
        config = sweep.config | {"patterns": [{"name": "/etc/secret.npy"}]}
        hashes = {name: record.content_sha256 for name, record in sweep.records.items()}
        identifier = identifier_of(config, hashes, sweep.banks)
        write_description(replace(sweep, identifier=identifier, config=config), folder / "new.json")
        written(path, listed(files | {SWEEP: (folder / "new.json").read_bytes()}))


def with_experiment(change: Callable[[str], str]) -> Callable[[Path, Files], object]:
    """Return what changes the configuration for people."""

    def make_it(path: Path, files: Files) -> None:
        text = change(files[EXPERIMENT].decode())
        assert text != files[EXPERIMENT].decode()
        written(path, listed(files | {EXPERIMENT: text.encode()}))

    return make_it


HOSTILE: dict[str, tuple[Callable[[Path, Files], object], str]] = {
    "out": (named("../evil"), "'../evil': not a relative name"),
    "absolute": (named("/tmp/evil"), "'/tmp/evil': not a relative name"),
    "device": (named("results/tiny/nul.nc"), "'results/tiny/nul.nc': not a relative name"),
    "drive": (named("C:/evil"), "'C:/evil': not a relative name"),
    "backslash": (named("results\\..\\evil"), r"'results\\..\\evil': not a relative name"),
    "inside": (named("results/../../evil"), "'results/../../evil': not a relative name"),
    "control": (named("results/a\nb"), r"'results/a\nb': not a relative name"),
    "folder": (named("results/"), "'results/': not a relative name"),
    "case": (named("license"), "'license': there twice"),
    "file-as-folder": (named("LICENSE/evil"), "'LICENSE/evil': cannot be unpacked"),
    "link": (link, "'results/tiny/link': not a plain file"),
    "twice": (twice, "'LICENSE': there twice"),
    "compression": (packed_otherwise, "'results/tiny/odd': encrypted, or compressed"),
    "unlisted": (unlisted, "'results/tiny/more.csv': not listed"),
    "missing": (without(FIGURE), f"'{FIGURE}': listed in {METADATA}, but missing"),
    "undescribed": (without(METADATA), f"'{METADATA}': missing: not an RO-Crate"),
    "no-page": (
        lambda path, files: written(
            path, listed({k: v for k, v in files.items() if "index" not in k})
        ),
        "'reports/tiny/index.html': missing",
    ),
    "no-experiment": (
        lambda path, files: written(
            path, listed({k: v for k, v in files.items() if k != EXPERIMENT})
        ),
        "'experiment.yaml': missing",
    ),
    "other-experiment": (
        with_experiment(lambda text: text.replace("steps: 8", "steps: 9")),
        "experiment.yaml: not the configuration of the results",
    ),
    "no-yaml": (with_experiment(lambda _: "!!int x"), "experiment.yaml: not the configuration"),
    "foreign-experiment": (
        with_experiment(lambda text: text.replace("patterns/corner.npy", "/etc/secret.npy")),
        "experiment.yaml: not the configuration of the results",
    ),
    "no-sweep": (
        lambda path, files: written(path, listed({k: v for k, v in files.items() if k != SWEEP})),
        "0 experiments in it, expected one",
    ),
    "swapped": (swapped, f"'{FIGURE}': damaged: not what {METADATA} tells"),
    "longer": (longer, f"'{FIGURE}': "),
    "no-json": (described_by(b"{"), "ro-crate-metadata.json: '{' is not JSON"),
    "no-text": (described_by(b"\xff\xfe"), "not an archive that can be read"),
    "no-graph": (described_by(b"[]"), f"'{METADATA}': not the description of an RO-Crate"),
    "deep": (described_by(b"[" * 100_000), "is not JSON"),
    "bomb": (bomb, "implausible for its size"),
    "understated": (understated, "'results/tiny/zeros': cannot be unpacked"),
    "overlap": (overlapping, "its files overlap"),
    "cut": (cut, "not an archive that can be read"),
    "flipped": (flipped, f"'{FIGURE}': "),
    "foreign": (foreign_sweep, "'/etc/secret.npy': named by the configuration, not in the archive"),
    "nothing": (lambda path, _: path.write_bytes(b""), "not an archive that can be read"),
    "text": (lambda path, _: path.write_text("x" * 999), "not an archive that can be"),
    "folder-itself": (lambda path, _: path.mkdir(), "cannot be read: Is a directory"),
    "absent": (lambda *_: None, "missing, expected what mechcore pack writes"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_or_damaged_archive_is_refused(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    make_it, told = HOSTILE[kind]
    path = tmp_path / "bad.zip"
    make_it(path, content(archive))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before, working = set(tmp_path.rglob("*")), Path.cwd()
    with pytest.raises(MechcoreError) as error, opened(path):
        pass
    assert str(error.value).startswith(f"{path}: ")
    assert told in str(error.value)
    assert "\n" not in str(error.value)
    assert set(tmp_path.rglob("*")) == before
    assert Path.cwd() == working


def test_verify_accepts_an_archive_wherever_it_lies(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    mechcore("verify", archive.absolute(), "--all", "--output", "certificate.json")
    found = read_certificate(tmp_path / "certificate.json")
    assert found is not None
    assert found.holds
    assert found.experiment == "tiny"


def recording(command: str, name: str) -> Callable[[Path, Files], object]:
    """Return what lets the record of a command name a file of this machine, with its hash."""

    def make_it(path: Path, files: Files) -> None:
        folder = "reports" if command == "report" else "results"
        record = f"{folder}/tiny/provenance/{command}.json"
        told = json.loads(files[record])
        told["files"][name] = hashlib.sha256(b"secret").hexdigest()
        written(path, listed(files | {record: json.dumps(told).encode()}))

    return make_it


ALTERED: dict[str, tuple[Callable[[Path, Files], object], str]] = {
    "absolute": (recording("report", "/etc/secret"), "report.json: files: '/etc/secret' is not"),
    "outside": (recording("collect", "../../../secret"), "collect.json: files: '../../../secret'"),
    "absent": (recording("judge", "secret"), "results/tiny/secret: missing, expected"),
    "kept": (
        named("results/tiny/measured/dct-relu-k2.json"),
        "results/tiny/measured/dct-relu-k2.json: no command made it",
    ),
    "besides": (named("reports/tiny/evil.html"), "reports/tiny/evil.html: no command made it"),
}


@pytest.mark.parametrize("kind", ALTERED)
def test_files_that_no_record_tells_of_are_refused(
    archive: Path, tmp_path: Path, kind: str
) -> None:
    make_it, told = ALTERED[kind]
    make_it(tmp_path / "x.zip", content(archive))
    (tmp_path / "secret").write_bytes(b"secret")
    with pytest.raises(MechcoreError) as error:
        verify_archive(tmp_path / "x.zip")
    assert str(error.value).startswith(f"{tmp_path / 'x.zip'}: ")
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_a_certificate_of_an_archive_tells_of_its_files_and_of_no_folder_here(
    archive: Path, tmp_path: Path
) -> None:
    name, files = "results/tiny/trajectories/dct-relu-k2.nc", content(archive)
    (tmp_path / "cell.nc").write_bytes(files[name])
    with netCDF4.Dataset(tmp_path / "cell.nc", "a") as file:
        file["mu_x"][...] = file["mu_x"][...] + 1e-12
    written(tmp_path / "x.zip", listed(files | {name: (tmp_path / "cell.nc").read_bytes()}))
    certificate = verify_archive(tmp_path / "x.zip")
    assert not certificate.holds
    (failure,) = certificate.checks[0].failures
    assert failure.startswith(f"{name}: ")
    assert tempfile.gettempdir() not in failure


def test_verify_refuses_a_value_that_was_altered_with_all_its_hashes(
    archive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, files = "results/tiny/trajectories/dct-relu-k2.nc", content(archive)
    (tmp_path / "cell.nc").write_bytes(files[name])
    dataset = read_dataset(tmp_path / "cell.nc")
    dataset["mu_x"][0, 0, 1, -1] += 1e-8
    write_dataset(dataset, tmp_path / "cell.nc")
    written(tmp_path / "x.zip", listed(files | {name: (tmp_path / "cell.nc").read_bytes()}))
    with pytest.raises(SystemExit) as ended:
        main(["verify", str(tmp_path / "x.zip")])
    assert ended.value.code == 2
    # Its own hash is right, but the sweep tells another one.
    assert f"{name}: another file than" in capsys.readouterr().err
