"""The files of stand-ins: the published layout, and marks that stay."""

from __future__ import annotations

import json
import shutil

import pytest

from harness.core.errors import UsageError
from harness.data.catalogue import SCHEMAS, schema
from harness.data.stand_ins.catalogue import process

pytest.importorskip("pyarrow", reason="needs the extra data")

from harness.data.read import read
from harness.data.sharing import provenance
from harness.data.source import blob_sha1, manifest_path
from harness.data.stand_ins.write import synthesize

HEADERS = {
    "hiv": "VL,CD4,Rel CD4,Gender,Ethnic,Base Drug Combo,Comp. INI,Comp. NNRTI,Extra PI,Extra pk-En,VL (M),CD4 (M),"
    "Drug (M),PatientID,Timestep",
    "hypotension": ",MAP,diastolic_bp,systolic_bp,urine,ALT,AST,PO2,lactic_acid,serum_creatinine,fluid_boluses,"
    "vasopressors,FiO2,GCS_total,urine_m,ALT_AST_m,FiO2_m,GCS_total_m,PO2_m,lactic_acid_m,serum_creatinine_m,PatientID,"
    "Timepoints",
    "sepsis": ",Age,HR,SysBP,MeanBP,DiaBP,RR,K,Na,Cl,Ca,IonisedCa,CO2,Albumin,Hb,pH,BE,HCO3,FiO2,Glucose,BUN,"
    "Creatinine,Mg,SGOT,SGPT,TotalBili,WbcCount,PlateletsCount,PaO2,PaCO2,Lactate,InputTotal,Input4H,MaxVaso,OutputTotal,Output4H,"
    "Gender,ReAd,Mech,GCS,SpO2,Temp,PTT,PT,INR,PatientID,Timepoints",
}


@pytest.fixture
def made(tmp_path):
    path = tmp_path / "made.csv"
    synthesize(process("hypotension"), 5, 1, path)
    return path


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_layout_is_that_of_the_published_file(tmp_path, name):
    synthesize(process(name), 2, 0, tmp_path / "made.csv")
    lines = (tmp_path / "made.csv").read_text().splitlines()
    assert lines[0] == HEADERS[name]
    assert len(lines) == 1 + 2 * process(name).steps
    if schema(name).index:
        assert [line.split(",")[0] for line in lines[1:4]] == ["0", "1", "2"]
    assert '"' not in lines[1]


def test_low_doses_are_written_as_published(tmp_path):
    synthesize(process("hypotension"), 40, 0, tmp_path / "made.csv")
    lines = [line.split(",") for line in (tmp_path / "made.csv").read_text().splitlines()]
    at = lines[0].index("vasopressors")
    assert {line[at] for line in lines[1:]} == {"0.0", "1e-06", "8.4", "20.28"}


def test_a_manifest_says_what_it_is_and_of_which_bytes(made):
    manifest = json.loads(manifest_path(made).read_text())
    assert manifest["stand_in_for"] == "hypotension"
    assert manifest["blob_sha1"] == blob_sha1(made)
    assert (manifest["patients"], manifest["seed"]) == (5, 1)
    assert "Not data of patients" in manifest["notice"]


def test_the_mark_stays_with_rows_that_were_copied_without_the_manifest(made, tmp_path):
    (tmp_path / "copied.csv").write_text("\n".join(made.read_text().splitlines()[: 1 + 2 * 48]) + "\n")
    table = read(tmp_path / "copied.csv", schema("hypotension"))
    assert table.source.kind == "stand-in"
    assert not provenance(table).restricted


def test_a_manifest_beside_other_rows_marks_nothing(made, tmp_path):
    made.write_text(made.read_text().replace("90000000", "1000"))
    table = read(made, schema("hypotension"))
    assert manifest_path(made).exists()
    assert table.source.kind == "unknown"
    assert provenance(table).restricted


def test_the_same_seed_makes_the_same_bytes(made, tmp_path):
    again = synthesize(process("hypotension"), 5, 1, tmp_path / "again.csv")
    assert again["blob_sha1"] == blob_sha1(made)
    assert synthesize(process("hypotension"), 5, 2, tmp_path / "other.csv")["blob_sha1"] != blob_sha1(made)


def test_only_a_stand_in_is_overwritten(made, tmp_path):
    synthesize(process("hypotension"), 3, 1, made)
    assert read(made, schema("hypotension")).n_patients == 3
    shutil.copy(made, tmp_path / "real.csv")
    with pytest.raises(UsageError, match="is no stand-in; name another file"):
        synthesize(process("hypotension"), 3, 1, tmp_path / "real.csv")


def test_a_published_file_is_known_by_its_hash(made):
    published = schema("hypotension").model_copy(update={"blob_sha1": blob_sha1(made)})
    assert read(made, published).source.kind == "published"
