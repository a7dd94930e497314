from __future__ import annotations

from pathlib import Path

import pytest

from newsqa.errors import UsageError
from newsqa.settings import Settings


def test_flags_win_over_environment_over_file_over_defaults(tmp_path: Path) -> None:
    config = tmp_path / "newsqa.toml"
    config.write_text('index = "from-file"\nanswers = 5\ntimeout = 7\n', encoding="utf-8")
    settings = Settings.load(
        {"index": Path("from-flag"), "answers": None},
        environ={"NEWSQA_INDEX": "from-environment", "NEWSQA_TIMEOUT": "9.5", "OTHER": "x"},
        config=config,
    )
    assert (settings.index, settings.timeout, settings.answers, settings.delay) == (Path("from-flag"), 9.5, 5, 1.0)


def test_the_environment_names_the_file(tmp_path: Path) -> None:
    config = tmp_path / "other.toml"
    config.write_text("answers = 8", encoding="utf-8")
    assert Settings.load(environ={"NEWSQA_CONFIG": str(config)}).answers == 8


@pytest.mark.parametrize("name", ["missing.toml", "."])
def test_a_file_that_is_named_must_be_there(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(UsageError, match=f"^no settings file at '{path}'"):
        Settings.load(environ={"NEWSQA_CONFIG": str(path)})
    with pytest.raises(UsageError, match=f"^no settings file at '{path}'"):
        Settings.load(environ={}, config=path)


def test_no_file_is_needed_where_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Settings.load(environ={"NEWSQA_CONFIG": ""}) == Settings()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("anwsers = 3", "anwsers"),
        ("answers = ", "TOML"),
        ('answers = "many"', "should be of type int"),
        ("timeout = -1", "negative"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, content: str, message: str) -> None:
    config = tmp_path / "newsqa.toml"
    config.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        Settings.load(environ={}, config=config)
