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


def test_foreign_text_cannot_drive_the_terminal(capsys):
    foreign = "\x1b[2K\x9b\u202emine"
    print_table([foreign], [[foreign]])
    print_blocks([Block(foreign, (foreign,), [(foreign,)], (foreign,))])
    print_lines([foreign])
    shown = capsys.readouterr().out
    assert shown.count(r"\x1b[2K\x9b\u202emine") == 7
    assert shown.replace("\n", "").isprintable()
