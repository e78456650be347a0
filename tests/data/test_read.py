"""The reader: what is written is read back, and everything that is wrong is named in one sentence, by its place."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.core.errors import UsageError
from harness.data.catalogue import SCHEMAS, schema
from harness.data.own import schema_from
from harness.data.schemas import Schema
from harness.data.stand_ins.catalogue import process
from harness.data.stand_ins.simulate import simulate

pyarrow = pytest.importorskip("pyarrow", reason="needs the extra data")

from pyarrow import parquet

from harness.data.read import read
from tests.data.files import OWN, PATIENTS, cells, save, text

NAMES = tuple(SCHEMAS)


def refusal(tmp_path, name, lines, schema_of=None) -> str:
    """What the reader says of a file of these lines; one sentence or two that say how to mend it."""
    with pytest.raises(UsageError) as refused:
        read(save(tmp_path / "spoilt.csv", lines), schema(schema_of or name))
    message = str(refused.value)
    assert "\n" not in message
    assert "spoilt.csv" in message
    return message


def spoil(name, line, column, value):
    """The lines of a stand-in with one cell replaced; `line` as the file counts."""
    lines = cells(name)
    lines[line - 1][lines[0].index(column)] = value
    return lines


# --------------------------------------------------------------------------- what is right


@pytest.mark.parametrize("name", NAMES)
def test_what_is_simulated_is_what_is_read(tmp_path, name):
    made = process(name)
    (tmp_path / "made.csv").write_text(text(name))
    table = read(tmp_path / "made.csv", schema(name))
    expected = simulate(made, PATIENTS, 7).columns
    assert set(table.columns) == set(expected)
    for column in table.columns:
        assert np.array_equal(table.columns[column], expected[column]), column
    assert table.n_patients == PATIENTS
    assert table.patients.tolist() == [made.steps * i for i in range(PATIENTS + 1)]
    assert table.source.stand_in


def test_columns_are_read_by_name_in_any_order_and_others_are_ignored(tmp_path):
    lines = cells("hypotension")
    order = np.random.default_rng(0).permutation(len(lines[0]))
    moved = [[line[i] for i in order] + [extra] for line, extra in zip(lines, ["more", *["x"] * 999], strict=False)]
    first = read(save(tmp_path / "a.csv", lines), schema("hypotension"))
    second = read(save(tmp_path / "b.csv", moved), schema("hypotension"))
    for name in first.columns:
        assert np.array_equal(first.columns[name], second.columns[name])


def test_a_real_low_dose_is_a_category_of_its_own(tmp_path):
    table = read(save(tmp_path / "a.csv", spoil("hypotension", 2, "vasopressors", "0.000001")), schema("hypotension"))
    assert table.columns["vasopressors"][0] == 1e-6
    assert table.levels("vasopressors")[0] == 1
    assert set(np.unique(table.levels("vasopressors"))) <= {0, 1, 2, 3}


def test_parquet_is_read_as_csv_is(tmp_path):
    from pyarrow import csv

    (tmp_path / "made.csv").write_text(text("hiv"))
    found = csv.read_csv(tmp_path / "made.csv")
    index = found.column_names.index("Gender")
    found = found.set_column(index, "Gender", found.column("Gender").dictionary_encode())
    parquet.write_table(found, tmp_path / "made.parquet")
    one, other = (read(tmp_path / f"made.{suffix}", schema("hiv")) for suffix in ("csv", "parquet"))
    for name in one.columns:
        assert np.array_equal(one.columns[name], other.columns[name])
        assert one.columns[name].dtype == other.columns[name].dtype


def test_hours_may_be_counted_from_one(tmp_path):
    lines = cells("hypotension")
    at = lines[0].index("Timepoints")
    for line in lines[1:]:
        line[at] = str(int(line[at]) + 1)
    assert read(save(tmp_path / "a.csv", lines), schema("hypotension")).columns["Timepoints"].min() == 1


def test_empty_lines_at_the_end_and_a_byte_order_mark_are_no_harm(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbf" + text("hiv").replace("\n", "\r\n").encode() + b"\r\n\r\n")
    assert read(tmp_path / "a.csv", schema("hiv")).n_patients == PATIENTS


def test_arrays_cannot_be_written_to(tmp_path):
    (tmp_path / "a.csv").write_text(text("hiv"))
    with pytest.raises(ValueError, match="read-only"):
        read(tmp_path / "a.csv", schema("hiv")).columns["VL"][0] = 1


# --------------------------------------------------------------------------- cells


@pytest.mark.parametrize("value", ["abc", "1;2", "1 200", "0x10", "--3", "12mmHg", " 12"])
def test_what_is_no_number_is_named_by_line_column_and_value(tmp_path, value):
    message = refusal(tmp_path, "hypotension", spoil("hypotension", 100, "MAP", value))
    assert f"line 100, column 'MAP': '{value}' is no number; expected numbers in mmHg" in message


@pytest.mark.parametrize("value", ["", "NaN", "nan", "NA", "null"])
def test_a_missing_value_is_named(tmp_path, value):
    message = refusal(tmp_path, "sepsis", spoil("sepsis", 31, "Lactate", value))
    assert "line 31, column 'Lactate': the value is missing; expected numbers in mmol/L in every row" in message


def test_a_rounding_error_below_zero_is_no_value_out_of_range(tmp_path):
    lines = spoil("hypotension", 5, "urine", "-0.00000012")
    assert read(save(tmp_path / "a.csv", lines), schema("hypotension")).columns["urine"][3] < 0


def test_infinity_and_values_out_of_range_are_named(tmp_path):
    assert "'inf' is no number" in refusal(tmp_path, "hiv", spoil("hiv", 9, "CD4", "inf"))
    message = refusal(tmp_path, "hiv", spoil("hiv", 9, "CD4", "-3"))
    assert "line 9, column 'CD4': the value is -3; expected 0 to 1e+06 cells/µL" in message


@pytest.mark.parametrize(
    ("name", "column", "value"),
    [
        ("hypotension", "vasopressors", "8.5"),
        ("hiv", "Comp. INI", "4"),
        ("sepsis", "Temp", "37"),
        ("hiv", "VL (M)", "2"),
    ],
)
def test_an_unknown_category_is_named_with_those_that_are_known(tmp_path, name, column, value):
    message = refusal(tmp_path, name, spoil(name, 12, column, value))
    first = schema(name).column(column).categories[0].code
    assert f"line 12, column '{column}': '{value}' is no category; expected one of {first}, " in message


def test_a_decile_is_described_as_one_and_not_in_degrees():
    temperature = schema("sepsis").column("Temp")
    assert temperature.categories[7].meaning == "decile 7 of the cohort"
    assert temperature.unit == ""


@pytest.mark.parametrize(
    ("name", "column", "factor", "unit"),
    [
        ("hypotension", "MAP", 0.1333224, "kPa"),
        ("sepsis", "Creatinine", 88.42, "µmol/L"),
        ("sepsis", "Lactate", 9.008, "mg/dL"),
        ("hypotension", "urine", 0.001, "L"),
        ("sepsis", "Hb", 10, "g/L"),
    ],
)
def test_a_column_in_other_units_is_named_with_the_unit_that_it_looks_like(tmp_path, name, column, factor, unit):
    lines = cells(name)
    at = lines[0].index(column)
    for line in lines[1:]:
        line[at] = str(round(float(line[at]) * factor, 4))
    message = refusal(tmp_path, name, lines)
    found = schema(name).column(column)
    assert f"column '{column}': the median of {len(lines) - 1} rows is " in message
    assert (
        f"expected {found.plausible[0]:g} to {found.plausible[1]:g} {found.unit}: it looks like {unit} (then" in message
    )


# --------------------------------------------------------------------------- rows


def test_shuffled_times_are_named(tmp_path):
    lines = cells("hypotension")
    lines[10], lines[11] = lines[11], lines[10]
    message = refusal(tmp_path, "hypotension", lines)
    assert "line 11, column 'Timepoints': hour 10 of patient '900000000' follows hour 8; expected hour 9" in message
    assert "Sort the file by 'PatientID' and 'Timepoints'" in message


def test_a_row_that_is_there_twice_is_named_with_the_first(tmp_path):
    lines = cells("hypotension")
    lines.insert(20, lines[19])
    message = refusal(tmp_path, "hypotension", lines)
    assert "line 21, column 'Timepoints': hour 18 of patient '900000000' was there in line 20 already" in message


def test_a_missing_hour_is_named(tmp_path):
    lines = cells("hypotension")
    del lines[20]
    message = refusal(tmp_path, "hypotension", lines)
    assert "hour 20 of patient '900000000' follows hour 18; expected hour 19, which is missing" in message


@pytest.mark.parametrize(("line", "words"), [(97, "has 47 hours"), (50, "begins at hour 1")])
def test_a_missing_last_or_first_hour_is_named(tmp_path, line, words):
    lines = cells("hypotension")
    del lines[line - 1]
    message = refusal(tmp_path, "hypotension", lines)
    assert f"patient '900000001' {words}" in message
    assert "expected hours 0 to 47" in message


def test_rows_of_a_patient_apart_from_each_other_are_named(tmp_path):
    lines = cells("hypotension")
    message = refusal(tmp_path, "hypotension", lines + lines[1:49])
    assert "line 194, column 'PatientID': patient '900000000' comes again after others" in message


def test_a_line_that_was_cut_off_is_named(tmp_path):
    lines = cells("hypotension")
    lines[-1] = lines[-1][:5]
    message = refusal(tmp_path, "hypotension", lines)
    assert "line 193: the line has 5 cells; expected 23" in message


# --------------------------------------------------------------------------- files


@pytest.mark.parametrize("name", NAMES)
def test_the_wrong_file_is_named_as_what_it_looks_like(tmp_path, name):
    other = NAMES[(NAMES.index(name) + 1) % len(NAMES)]
    message = refusal(tmp_path, name, cells(name), schema_of=other)
    assert f"is not of the data set '{other}'" in message
    assert f"it looks like '{name}'" in message


def test_a_missing_column_is_named(tmp_path):
    lines = cells("hiv")
    lines[0][0] = "vl"
    message = refusal(tmp_path, "hiv", lines)
    assert "has no column 'VL'; expected the 15 columns of 'hiv' by these names, found 'vl', 'CD4'" in message


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "is empty"), (b"a;b\n1;2\n", "separated by semicolons"), (b"\xff\xfe\x00a", "not text in UTF-8")],
)
def test_what_is_no_table_is_refused(tmp_path, content, words):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(UsageError, match=words):
        read(tmp_path / "a.csv", schema("hiv"))


def test_other_files_are_refused(tmp_path):
    (tmp_path / "a.xlsx").write_bytes(b"PK")
    (tmp_path / "a.parquet").write_bytes(b"PAR1 not really")
    for name, words in (("a.xlsx", "ends with '.xlsx'"), ("b.csv", "is not there"), ("a.parquet", "no Parquet file")):
        with pytest.raises(UsageError, match=words):
            read(tmp_path / name, schema("hiv"))
    (tmp_path / "head.csv").write_text(text("hiv").splitlines()[0] + "\n")
    with pytest.raises(UsageError, match="a first line and no rows"):
        read(tmp_path / "head.csv", schema("hiv"))


# --------------------------------------------------------------------------- whatever is done to it


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_spoilt_file_is_refused_by_a_sentence_or_says_what_the_file_says(tmp_path, data):
    name = data.draw(st.sampled_from(NAMES))
    lines = cells(name)
    for _ in range(data.draw(st.integers(1, 3))):
        row = data.draw(st.integers(1, len(lines) - 1))
        change = data.draw(st.sampled_from(("cell", "delete", "repeat", "swap", "cut")))
        if change == "cell":
            cell = data.draw(st.text(st.characters(exclude_categories=["Cs"], exclude_characters='",\n\r'), max_size=6))
            lines[row][data.draw(st.integers(0, len(lines[row]) - 1))] = cell
        elif change == "delete":
            del lines[row]
        elif change == "repeat":
            lines.insert(row, lines[row])
        elif change == "swap":
            other = data.draw(st.integers(1, len(lines) - 1))
            lines[row], lines[other] = lines[other], lines[row]
        else:
            lines[row] = lines[row][: data.draw(st.integers(1, len(lines[row])))]
    path = save(tmp_path / "spoilt.csv", lines)
    try:
        table = read(path, schema(name))
    except UsageError as error:
        refused = str(error)
    else:
        refused = None
    if refused is not None:
        assert "\n" not in refused
        assert "spoilt.csv" in refused
        return
    assert table.n_rows == len(lines) - 1
    for column in schema(name).columns:
        at = lines[0].index(column.name)
        assert np.array_equal(table.columns[column.name], [float(line[at]) for line in lines[1:]])


# --------------------------------------------------------------------------- one's own data


def test_ones_own_data_may_have_words_gaps_and_missing_values(tmp_path):
    (tmp_path / "own.csv").write_text("stay,hour,map,sex\nA1,0,70,f\nA1,2.5,,f\nB7,1,NaN,m\nB7,9,61.5,m\n")
    table = read(tmp_path / "own.csv", schema_from(OWN, "own.toml"))
    assert table.patients.tolist() == [0, 2, 4]
    assert np.array_equal(table.columns["map"], [70, np.nan, np.nan, 61.5], equal_nan=True)
    assert table.levels("sex").tolist() == [0, 0, 1, 1]
    assert table.columns["stay"].tolist() == ["A1", "A1", "B7", "B7"]
    assert table.source.kind == "unknown"


def test_ones_own_times_rise(tmp_path):
    (tmp_path / "own.csv").write_text("stay,hour,map,sex\nA1,3,70,f\nA1,2,71,f\n")
    with pytest.raises(UsageError, match="step 2 of patient 'A1' follows step 3; expected a step after 3"):
        read(tmp_path / "own.csv", schema_from(OWN, "own.toml"))


def test_a_high_number_of_ones_own_patients_marks_no_stand_in(tmp_path):
    own = {**OWN, "columns": [{"name": "stay", "kind": "id"}, *OWN["columns"][1:]]}
    (tmp_path / "own.csv").write_text("stay,hour,map,sex\n900000001,0,70,f\n")
    assert read(tmp_path / "own.csv", schema_from(own, "own.toml")).source.kind == "unknown"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"patient": "who"}, "patient is 'who'; expected the name of a column of kind id"),
        ({"hours_per_step": 0}, "hours_per_step"),
        ({"colour": 1}, "colour"),
        ({"columns": [*OWN["columns"], OWN["columns"][2]]}, "'map' is described twice"),
        ({"columns": [*OWN["columns"], {"name": "x", "kind": "category"}]}, "expected its codes"),
        ({"columns": [*OWN["columns"], {"name": "x", "kind": "float", "low": 2, "high": 1}]}, "low 2 and high 1"),
    ],
)
def test_a_description_that_contradicts_itself_is_refused(change, words):
    with pytest.raises(UsageError, match=f"own.toml: .*{words}"):
        schema_from({**OWN, **change}, "own.toml")


def test_a_schema_survives_its_json():
    for found in SCHEMAS.values():
        assert Schema.model_validate_json(found.model_dump_json()) == found
