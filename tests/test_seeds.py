from pathlib import Path

import pytest

from wabench import seeds
from wabench.errors import WabenchError


def test_bands_follow_on_one_another_and_the_last_has_no_end() -> None:
    names = [row.split(",")[0] for row in (seeds.FOLDER / "length_bands.csv").read_text().splitlines()[1:]]
    bands = [seeds.length_band(name) for name in names]
    assert bands[0][0] == 0
    assert [ends for _, ends in bands[:-1]] == [begins for begins, _ in bands[1:]]
    assert bands[-1][1] is None
    assert seeds.length_band("unknown") == (None, None)


def test_a_threshold_is_what_the_seed_says_and_none_where_it_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "alert_thresholds.csv"
    path.write_text("alert,side,threshold\nstale_source,above,6.5\nlow_reply_rate,below,five\n", encoding="utf-8")
    assert seeds.alert_threshold("stale_source", path) == 6.5
    assert seeds.alert_threshold("nothing_such", path) is None
    with pytest.raises(WabenchError, match="the threshold of low_reply_rate is not a number: five"):
        seeds.alert_threshold("low_reply_rate", path)
