from datetime import date

import pytest

from wg_dagster.errors import BadInput, MissingColumn, UnreadableFile
from wg_dagster.letters.issuer import DRAFT, issuer_of_home, load_issuer

COMPLETE = """
[issuer]
name_ja = "見本投資運用株式会社"
name_en = "Sample Asset Management"
registration_ja = "登録番号（見本）"
registration_en = "Registration (sample)"

[issue_dates]
2026-01 = 2026-02-13

[[fees]]
heading_ja = "サービス利用料"
heading_en = "Service fee"
body_ja = "年率の料率による。"
body_en = "At the yearly rate."

[[opinions]]
strategy = "next_major_100"
month = "2026-01"
author_ja = "山田 太郎"
author_en = "Taro Yamada"
signed_on = 2026-02-12
body_ja = "2026年1月の超過収益は{own.excess_return.1m}でした。"
body_en = "The excess return was {own.excess_return.1m}."
"""


def written(tmp_path, text):
    path = tmp_path / "issuer.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_issuer_file_is_read(tmp_path):
    issuer = load_issuer(written(tmp_path, COMPLETE))
    assert issuer.name.ja == "見本投資運用株式会社"
    assert issuer.issue_date("2026-01") == date(2026, 2, 13)
    assert issuer.issue_date("2026-02") is None
    assert [fee.heading.en for fee in issuer.fees] == ["Service fee"]
    assert issuer.risks == DRAFT.risks  # not given: the usual six
    assert not issuer.is_draft
    assert len(issuer.opinions_on("next_major_100", "2026-01")) == 1
    assert issuer.opinions_on("major_100", "2026-01") == ()


def test_a_home_without_an_issuer_writes_drafts(tmp_path):
    assert issuer_of_home(tmp_path) is DRAFT


def test_a_home_finds_its_issuer_beside_or_by_its_configuration(tmp_path):
    other = tmp_path / "texts"
    other.mkdir()
    written(other, COMPLETE)
    (tmp_path / "config.toml").write_text('issuer = "texts/issuer.toml"\n')
    assert issuer_of_home(tmp_path).name.en == "Sample Asset Management"
    written(tmp_path, COMPLETE.replace("Sample Asset", "Own"))
    assert issuer_of_home(tmp_path).name.en == "Own Management"


def test_a_signature_changes_with_the_text(tmp_path):
    first = load_issuer(written(tmp_path, COMPLETE)).opinions[0].content_hash
    second = load_issuer(written(tmp_path, COMPLETE.replace("でした", "であった"))).opinions[0].content_hash
    assert first != second


@pytest.mark.parametrize(
    ("change", "to", "error", "message"),
    [
        ("name_en", "nome", MissingColumn, "name_ja and name_en"),
        ("2026-02-13", '"13 Feb"', BadInput, "issue_dates.2026-01"),
        ("[issue_dates]", "[issued]", BadInput, "issued not known"),
        ("でした。", "、約10ポイントの差でした。", BadInput, "free figure '1'"),
        ('month = "2026-01"', "", MissingColumn, "no month"),
        ("[issuer]", "[issuer", UnreadableFile, "not TOML"),
    ],
)
def test_a_faulty_issuer_file_is_named_with_its_entry(tmp_path, change, to, error, message):
    path = written(tmp_path, COMPLETE.replace(change, to, 1))
    with pytest.raises(error, match=message) as raised:
        load_issuer(path)
    assert "issuer.toml" in str(raised.value)


def test_a_missing_issuer_file_is_not_silently_a_draft(tmp_path):
    (tmp_path / "config.toml").write_text('issuer = "texts/issuer.toml"\n')
    with pytest.raises(UnreadableFile, match="not there"):
        issuer_of_home(tmp_path)
