from harness.cli.tables import print_table


def test_no_figure_is_cut_off_where_a_table_is_too_wide(capsys):
    cells = [f"{n}.1234 (-{n}.5678 – {n}.9012)" for n in range(10)]
    print_table([f"column {n}" for n in range(10)], [cells])
    shown = capsys.readouterr().out
    for word in " ".join(cells).split():
        assert word in shown


def test_the_last_column_alone_wraps_where_that_is_enough(capsys):
    print_table(["value", "patient"], [["0.1234 (-0.5678 – 0.9012)", "very high " * 30]])
    assert "0.1234 (-0.5678 – 0.9012)" in capsys.readouterr().out
