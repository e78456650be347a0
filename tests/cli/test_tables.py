from harness.cli.tables import print_blocks, print_lines, print_table
from harness.reports.block import Block


def test_no_figure_is_cut_off_where_a_table_is_too_wide(capsys):
    cells = [f"{n}.1234 (-{n}.5678 – {n}.9012)" for n in range(10)]
    print_table([f"column {n}" for n in range(10)], [cells])
    shown = capsys.readouterr().out
    for word in " ".join(cells).split():
        assert word in shown


def test_the_last_column_alone_wraps_where_that_is_enough(capsys):
    print_table(["value", "patient"], [["0.1234 (-0.5678 – 0.9012)", "very high " * 30]])
    assert "0.1234 (-0.5678 – 0.9012)" in capsys.readouterr().out


def test_no_name_is_broken_however_many_columns_there_are(capsys):
    names = [f"warfarin-nomogram-{n}" for n in range(9)]
    print_table([f"polypharmacy/easy-screening-{n} v2" for n in range(3)], [names[:3]] * 2)
    print_table(names, [[f"some words about number {n}, more of them" for n in range(9)]])
    shown = capsys.readouterr().out
    assert all(name in shown for name in names)
    assert shown.count("polypharmacy/easy-screening-") == 3
    assert shown.count("words") == 9


def test_columns_that_must_wrap_share_what_narrow_ones_leave(capsys):
    print_table(["policy", "chose", "best"], [["warfarin-nomogram", "fluids and more " * 8, "no vasopressor " * 8]])
    shown = capsys.readouterr().out.rstrip().splitlines()
    assert len(shown) <= 6
    assert max(map(len, shown)) <= 120


def test_foreign_text_cannot_drive_the_terminal(capsys):
    foreign = "\x1b[2K\x9b\u202emine"
    print_table([foreign], [[foreign]])
    print_blocks([Block(foreign, (foreign,), [(foreign,)], (foreign,))])
    print_lines([foreign])
    shown = capsys.readouterr().out
    assert shown.count(r"\x1b[2K\x9b\u202emine") == 7
    assert shown.replace("\n", "").isprintable()
