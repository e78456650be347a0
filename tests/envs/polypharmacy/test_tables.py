"""The packaged tables hold what they should, and a table that does not is refused in one sentence."""

from __future__ import annotations

import csv
import shutil
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.errors import UsageError
from harness.envs.polypharmacy.criteria import fits
from harness.envs.polypharmacy.expand import expand, main, pairs_of
from harness.envs.polypharmacy.rows import BeersKind, Severity
from harness.envs.polypharmacy.tables import PACKAGED, load, read
from tests.envs.polypharmacy.patients import taking

TABLES = load()


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(PACKAGED, tmp_path / "data")


def rows(folder, name):
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def rewrite(folder, name, table):
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(table)


def change(folder, name, line, **cells):
    """Set cells of a line, counted from 1 with the header as line 1."""
    table = rows(folder, name)
    for column, value in cells.items():
        table[line - 1][table[0].index(column.rstrip("_"))] = value
    rewrite(folder, name, table)


def test_tables_are_as_large_as_promised():
    assert len(TABLES.drugs) >= 110
    assert len(TABLES.interactions) >= 80
    assert len(TABLES.pairs) >= 500
    assert len(TABLES.beers) >= 50


def test_packaged_pairs_are_what_the_rules_expand_to():
    assert TABLES.pairs == expand(TABLES.interactions.values(), TABLES.drugs)


def test_a_pair_is_found_in_either_order():
    for pair in TABLES.pairs:
        assert TABLES.pair(pair.drug_a, pair.drug_b) is pair
        assert TABLES.pair(pair.drug_b, pair.drug_a) is pair
    assert TABLES.pair("warfarin", "warfarin") is None


def test_every_source_and_class_is_used():
    cited = {key for table in cited_tables() for row in table for key in row.source}
    cited |= {drug.rxcui_checked for drug in TABLES.drugs.values()} - {None}
    assert cited == set(TABLES.sources)
    assert {name for drug in TABLES.drugs.values() for name in drug.classes} == set(TABLES.classes)


def cited_tables():
    by_name = (TABLES.classes, TABLES.drugs, TABLES.interactions, TABLES.beers, TABLES.conditions)
    yield from (table.values() for table in by_name)
    yield from (TABLES.cooccurrence, TABLES.indications, TABLES.substitutes, TABLES.cascades)


def test_every_drug_can_come_to_a_patient():
    reachable = {row.drug for row in TABLES.indications} | {row.drug for row in TABLES.cascades}
    assert reachable == set(TABLES.drugs)


def test_concept_ids_are_distinct_and_nearly_all_checked():
    ids = [drug.rxcui for drug in TABLES.drugs.values()]
    assert len(set(ids)) == len(ids)
    unchecked = {drug.name for drug in TABLES.drugs.values() if drug.rxcui_checked is None}
    assert unchecked == {"febuxostat", "finasteride", "triamterene"}


@pytest.mark.parametrize(
    ("a", "b", "severity"),
    [
        ("simvastatin", "clarithromycin", "contraindicated"),  # ONC 2012
        ("tizanidine", "ciprofloxacin", "contraindicated"),  # ONC 2012
        ("azathioprine", "febuxostat", "contraindicated"),  # ONC 2012
        ("lisinopril", "sacubitril/valsartan", "contraindicated"),  # label of sacubitril/valsartan, section 4
        ("isosorbide mononitrate", "sildenafil", "contraindicated"),  # label of sildenafil, section 4
        ("oxycodone", "lorazepam", "severe"),  # Beers 2023, table 5
        ("gabapentin", "morphine", "severe"),  # Beers 2023, table 5
        ("warfarin", "amiodarone", "severe"),  # Beers 2023, table 5
        ("theophylline", "cimetidine", "severe"),  # Beers 2023, table 5
        ("phenytoin", "sulfamethoxazole/trimethoprim", "severe"),  # Beers 2023, table 5
        ("lithium", "furosemide", "severe"),  # Beers 2023, table 5
        ("tamoxifen", "paroxetine", "severe"),  # Kelly 2010
        ("clopidogrel", "omeprazole", "moderate"),  # label of clopidogrel, section 7
        ("warfarin", "acetaminophen", "minor"),
        ("rasagiline", "selegiline", "contraindicated"),  # label of rasagiline, section 4
        ("duloxetine", "ciprofloxacin", "severe"),  # label of duloxetine, section 7
        ("phenobarbital", "ranolazine", "contraindicated"),  # label of ranolazine, section 4
        ("diltiazem", "verapamil", "severe"),
        ("nortriptyline", "paroxetine", "severe"),
        ("nortriptyline", "terbinafine", "severe"),
        ("allopurinol", "febuxostat", "moderate"),
        ("pramipexole", "ropinirole", "moderate"),
        ("phenobarbital", "apixaban", "moderate"),  # no strong inducer of CYP3A4
    ],
)
def test_well_known_interactions_have_their_severity(a, b, severity):
    assert TABLES.pair(a, b).severity == severity


@pytest.mark.parametrize(
    "rule",
    ["anticoagulant-antiplatelet", "qt-high-citalopram", "doac-ketoconazole", "beta-blocker-both", "opioid-both"],
)
def test_less_of_what_should_be_replaced_or_stopped_is_no_management(rule):
    assert TABLES.interactions[rule].reduce == "none"


def test_two_that_do_the_same_are_never_managed_by_a_lower_dose_unless_they_are_given_together():
    doubled = {row.rule for row in TABLES.interactions.values() if row.a == row.b and row.reduce != "none"}
    assert doubled == {"antispastic-both"}


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("clopidogrel", "pantoprazole"),
        ("donepezil", "memantine"),
        ("azithromycin", "simvastatin"),
        ("apixaban", "acetaminophen"),
    ],
)
def test_drugs_that_go_together_do_not_interact(a, b):
    assert TABLES.pair(a, b) is None


def test_a_rule_may_hold_in_one_condition_only():
    def severities(conditions):
        return {rule.severity for rule in TABLES.rules("lisinopril", "triamterene", conditions)}

    assert severities(("hypertension",)) == {Severity.MODERATE}
    assert severities(("ckd",)) == {Severity.MODERATE, Severity.SEVERE}


def test_cholinesterase_inhibitors_are_not_to_be_avoided_in_dementia():
    against = {c.subject for c in TABLES.beers.values() if c.condition == "dementia"}
    assert not any(drug in TABLES.members(subject) for subject in against for drug in ("donepezil", "memantine"))


def test_doses_of_criteria_are_within_what_is_prescribed():
    for criterion in TABLES.beers.values():
        if criterion.dose_above_mg is not None:
            highest = [TABLES.drugs[drug].max_mg for drug in TABLES.members(criterion.subject)]
            assert any(criterion.dose_above_mg < dose for dose in highest), criterion.criterion
        assert (criterion.kind is BeersKind.DOSE_ADJUST) <= (criterion.crcl_below is not None), criterion.criterion


def test_what_needs_treatment_has_a_first_choice():
    first = {row.condition for row in TABLES.indications if row.line == "first"}
    assert {row.condition for row in TABLES.conditions.values() if row.needs_treatment} <= first


@given(st.sampled_from(sorted(TABLES.interactions)))
def test_a_rule_read_backwards_is_about_the_same_pairs(rule):
    row = TABLES.interactions[rule]
    assert pairs_of(row, TABLES.drugs) == pairs_of(row.model_copy(update={"a": row.b, "b": row.a}), TABLES.drugs)


def test_pairs_are_derived_anew_by_the_script(folder, capsys):
    (folder / "pairs.csv").write_text("nonsense\n")
    main([str(folder)])
    assert (folder / "pairs.csv").read_bytes() == (PACKAGED / "pairs.csv").read_bytes()
    assert "pairs of" in capsys.readouterr().err
    assert not list(folder.glob("*.partial"))


def test_columns_may_stand_in_any_order_and_optional_ones_be_left_out(folder):
    table = rows(folder, "conditions")
    keep = [i for i, name in enumerate(table[0]) if name not in ("specialty", "acute")]
    rewrite(folder, "conditions", [[row[i] for i in reversed(keep)] for row in table])
    assert load(folder).conditions["ckd"].specialty == "family-medicine"


@pytest.mark.parametrize(
    ("name", "line", "cells", "expected"),
    [
        ("drugs", 3, {"source": ""}, "drugs.csv, line 3, source: the cell is blank"),
        ("drugs", 3, {"source": "hearsay"}, "drugs.csv, line 3: unknown source 'hearsay'; expected one of sources.csv"),
        ("drugs", 3, {"rxcui_checked": "hearsay"}, "drugs.csv, line 3: unknown source 'hearsay'"),
        ("drugs", 4, {"classes": "statni"}, "drugs.csv, line 4: unknown class 'statni'; expected one of classes.csv"),
        ("drugs", 4, {"classes": "ssri;ssri"}, "drugs.csv, line 4: a class is listed twice"),
        ("drugs", 2, {"usual_mg": "9000"}, "drugs.csv, line 2: usual_mg is 9000, above max_mg 3000"),
        ("drugs", 2, {"usual_mg": "plenty"}, "drugs.csv, line 2, usual_mg: .*, not 'plenty'"),
        ("drugs", 2, {"usual_mg": "inf"}, "drugs.csv, line 2, usual_mg: .*, not 'inf'"),
        ("drugs", 2, {"renal_crcl": "30"}, "drugs.csv, line 2: renal_crcl and renal_max_mg belong together"),
        ("drugs", 2, {"renal_crcl": "30", "renal_max_mg": "9000"}, "drugs.csv, line 2: renal_max_mg is 9000"),
        ("drugs", 2, {"hepatic": "perhaps"}, "drugs.csv, line 2, hepatic: .*, not 'perhaps'"),
        ("interactions", 2, {"a": "drug:aspirni"}, "interactions.csv, line 2: unknown drug 'aspirni'"),
        ("interactions", 2, {"a": "class:aspirni"}, "interactions.csv, line 2: unknown class 'aspirni'"),
        ("interactions", 2, {"a": "aspirin"}, "interactions.csv, line 2, a: .*, not 'aspirin'"),
        ("interactions", 2, {"except": "aspirni"}, "interactions.csv, line 2: unknown drug 'aspirni'"),
        (
            "interactions",
            3,
            {"b": "drug:linezolid"},
            "interactions.csv, line 3: a rule of 'drug:linezolid' with itself",
        ),
        ("interactions", 3, {"severity": "dire"}, "interactions.csv, line 3, severity: .*, not 'dire'"),
        ("interactions", 3, {"condition": "boredom"}, "interactions.csv, line 3: unknown condition 'boredom'"),
        ("interactions", 3, {"rule": "linezolid-serotonergic"}, "line 3: the same row as interactions.csv, line 2"),
        ("interactions", 3, {"b": "class:serotonergic"}, "line 3: a second rule of .*beside interactions.csv, line 2"),
        ("interactions", 3, {"except": "bupropion"}, "line 3: 'linezolid-bupropion' is about no pair of drugs"),
        ("beers", 2, {"subject": "drug:aspirni"}, "beers.csv, line 2: unknown drug 'aspirni'"),
        ("beers", 2, {"condition": "falls"}, "beers.csv, line 2: kind is 'avoid_in_condition' if, and only if"),
        ("beers", 2, {"unless_class": "aspirni"}, "beers.csv, line 2: unknown class 'aspirni'"),
        ("beers", 2, {"unless_condition": "falls;boredom"}, "beers.csv, line 2: unknown condition 'boredom'"),
        ("beers", 2, {"crcl_below": "-3"}, "beers.csv, line 2, crcl_below: .*, not '-3'"),
        (
            "beers",
            4,
            {"crcl_above": "30"},
            "beers.csv, line 4: crcl_above is 30, and crcl_below 30; expected above < below",
        ),
        ("conditions", 2, {"prevalence_75": "1.2"}, "conditions.csv, line 2, prevalence_75: .*, not '1.2'"),
        ("conditions", 2, {"untreated": "sad"}, "conditions.csv, line 2, untreated: .*, not 'sad'"),
        ("conditions", 11, {"needs_treatment": "1"}, "line 11: 'ckd' needs treatment, and no drug treats it"),
        ("cooccurrence", 2, {"condition_a": "boredom"}, "cooccurrence.csv, line 2: unknown condition 'boredom'"),
        ("cooccurrence", 2, {"odds_ratio": "0"}, "cooccurrence.csv, line 2: odds_ratio is 0"),
        ("cooccurrence", 2, {"condition_b": "hypertension"}, "line 2: 'hypertension' with itself"),
        ("indications", 2, {"condition": "boredom"}, "indications.csv, line 2: unknown condition 'boredom'"),
        ("indications", 2, {"drug": "aspirni"}, "indications.csv, line 2: unknown drug 'aspirni'"),
        ("substitutes", 2, {"substitute": "aspirni"}, "substitutes.csv, line 2: unknown drug 'aspirni'"),
        ("substitutes", 2, {"substitute": "levothyroxine"}, "line 2: .* and 'levothyroxine' share no role in"),
        ("cascades", 2, {"trigger": "class:aspirni"}, "cascades.csv, line 2: unknown class 'aspirni'"),
        ("sources", 2, {"citation": ""}, "sources.csv, line 2, citation: the cell is blank"),
        ("pairs", 2, {"severity": "contraindicated"}, "pairs.csv, line 2: the rules make .*expand"),
        ("pairs", 2, {"drug_a": "zolpidem"}, "pairs.csv, line 2: 'zolpidem' stands before .*alphabetical order"),
    ],
)
def test_a_bad_cell_is_named_by_file_and_line(folder, name, line, cells, expected):
    change(folder, name, line, **cells)
    with pytest.raises(UsageError, match=expected) as refused:
        load(folder)
    assert "\n" not in str(refused.value)


def test_a_substitute_for_itself_is_refused(folder):
    change(folder, "substitutes", 2, substitute=rows(folder, "substitutes")[1][0])
    with pytest.raises(UsageError, match="line 2: .* as a substitute for itself"):
        load(folder)


@pytest.mark.parametrize("name", ["drugs", "classes", "beers", "cooccurrence", "indications", "cascades", "pairs"])
def test_a_row_that_stands_twice_is_refused(folder, name):
    table = rows(folder, name)
    rewrite(folder, name, [*table, table[1]])
    with pytest.raises(UsageError, match=f"{name}.csv, line {len(table) + 1}: the same row as {name}.csv, line 2"):
        load(folder)


def test_cooccurrence_in_the_other_order_is_the_same_row(folder):
    table = rows(folder, "cooccurrence")
    rewrite(folder, "cooccurrence", [*table, [table[1][1], table[1][0], *table[1][2:]]])
    with pytest.raises(UsageError, match="the same row as cooccurrence.csv, line 2"):
        load(folder)


def test_a_pair_that_the_rules_do_not_make_is_refused(folder):
    rewrite(folder, "pairs", [*rows(folder, "pairs"), ["acetaminophen", "apixaban", "minor", "made-up"]])
    with pytest.raises(UsageError, match=r"pairs.csv, line \d+: the rules make no interaction of 'acetaminophen'"):
        load(folder)


def test_a_pair_that_is_missing_is_refused_and_the_script_named(folder):
    rewrite(folder, "pairs", rows(folder, "pairs")[:-1])
    with pytest.raises(UsageError, match=r"pairs.csv: .* are missing; run python -m harness.envs.polypharmacy.expand"):
        load(folder)
    assert read(folder, pairs=False).pairs == ()


def test_a_class_without_drugs_cannot_have_a_rule(folder):
    rewrite(folder, "classes", [*rows(folder, "classes"), ["homeopathic", "diluted", "fda-labels"]])
    change(folder, "interactions", 3, b="class:homeopathic")
    with pytest.raises(UsageError, match="interactions.csv, line 3: no drug is of 'class:homeopathic'"):
        load(folder)


def test_a_column_too_few_or_too_many_is_refused(folder):
    table = rows(folder, "cascades")
    rewrite(folder, "cascades", [row[:-1] for row in table])
    with pytest.raises(UsageError, match="cascades.csv, line 1: no column 'source'; expected source, trigger"):
        load(folder)
    rewrite(folder, "cascades", [[*row, "x"] for row in table])
    with pytest.raises(UsageError, match="cascades.csv, line 1: column 'x' is one too many"):
        load(folder)


def test_a_line_with_too_many_cells_is_refused(folder):
    with (folder / "cascades.csv").open("a", encoding="utf-8") as file:
        file.write("class:ssri,insomnia, and worse,zolpidem,0,rochon1997\n")
    with pytest.raises(UsageError, match=r"cascades.csv, line \d+: expected 5 cells; quote cells that hold commas"):
        load(folder)


def test_a_file_that_is_missing_or_not_utf8_is_refused(folder):
    (folder / "drugs.csv").write_bytes(b"name\xff\n")
    with pytest.raises(UsageError, match="drugs.csv cannot be read .*expected a UTF-8 table"):
        load(folder)
    (folder / "drugs.csv").unlink()
    with pytest.raises(UsageError, match="drugs.csv cannot be read"):
        load(folder)


def test_antidepressants_whose_labels_warn_of_the_same_withdrawal_are_tapered_alike():
    for of_class in ("class:ssri", "class:snri"):
        tapered = {drug for drug in TABLES.members(of_class) if TABLES.drugs[drug].taper}
        assert set(TABLES.members(of_class)) - tapered <= {"fluoxetine"}  # which leaves the body slowly


def test_every_substitute_fits_somebody_who_has_only_its_condition():
    def somebody(condition, sex):
        return taking(conditions=(condition,), sex=sex)

    unfit = [
        (row.drug, row.condition, row.substitute)
        for row in TABLES.substitutes
        if not any(fits(row.substitute, somebody(row.condition, sex), (), TABLES) for sex in ("f", "m"))
    ]
    assert unfit == []


def test_two_of_a_class_that_make_no_sense_together_interact():
    on_purpose = {"antidepressant-other", "antiemetic", "antiepileptic", "dmard", "dopaminergic", "insulin", "laxative"}
    of_class: dict[str, list[str]] = {}
    for drug in TABLES.drugs.values():
        of_class.setdefault(drug.classes[0], []).append(drug.name)
    missing = {
        (a, b)
        for name, drugs in of_class.items()
        if name not in on_purpose | {"vitamin"}
        for a, b in combinations(drugs, 2)
        if TABLES.pair(a, b) is None
    }
    assert missing == set()
