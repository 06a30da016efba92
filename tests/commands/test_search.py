"""`wg search` on homes that are too short, or asked for what is not there."""


def test_a_short_history_builds_the_grid_and_says_what_is_missing(main, own_home):
    """The small market has twenty months, of which nineteen can be searched at most; 24 are needed."""
    code, out, _ = main("search", "--strategy", "next_major_100", "--to", "2026-05", "--home", own_home)
    assert code == 1
    assert "all sets of factors" in out
    assert "no evidence of next_major_100 at the end of 2026-05" in out
    assert "24 are needed" in out
    code, out, _ = main("sql", "select count(distinct month) as months from search_results", "--format", "csv", "--home", own_home)
    assert code == 0
    assert int(out.split()[1]) > 6


def test_unknown_strategies_and_months_outside_the_data_are_refused(main, small_home):
    code, _, err = main("search", "--strategy", "dogs", "--home", small_home)
    assert code == 1
    assert "strategy 'dogs' is not known" in err
    code, _, err = main("search", "--strategy", "major_100", "--to", "2031-01", "--home", small_home)
    assert code == 1
    assert "--to 2031-01 is not within the data, which go from 2024-11 to 2026-06" in err


def test_the_month_s_run_says_which_factor_weights_it_used_and_why(main, small_home):
    query = "select factor, weight, factor_rule, reason from factor_weights where strategy = 'major_100' and month = '2026-05'"
    _, out, _ = main("sql", query, "--format", "csv", "--home", small_home)
    lines = out.splitlines()[1:]
    assert len(lines) == 5
    assert all("0.2,incumbent,incumbent (the strategy's published recipe); no search had been judged by then" in line for line in lines)
