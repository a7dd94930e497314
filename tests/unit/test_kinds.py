"""What kind of answer a question asks for."""

import pytest

from newsqa.kinds import asked_for


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How many people were on board?", "some 40"),
        ("How long did the strike last?", "Three weeks"),
        ("When did the ferry sink?", "on Tuesday"),
        ("Who was hurt when the dock fell?", "Jonas Pell"),
        ("Which country won the cup?", "the United States"),
        ("The prime minister of which country resigned?", "U.K."),
        ("In which African country was the diamond found?", "Ivory Coast"),
        ("Which US state bans it?", "New Mexico"),
        ("Which team won?", "the Harbour Seals"),
    ],
)
def test_an_answer_of_the_kind_matches(question: str, answer: str) -> None:
    assert asked_for(question).search(answer)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How many people were on board?", "the crew"),
        ("Who was hurt when the dock fell?", "nobody"),
        ("Which country won the cup?", "Russian"),
        ("Which country won the cup?", "the president of Ghana"),
        ("Which state bans it?", "Bank of America"),
        ("Which state bans it?", "West"),
        ("Where did it sink?", "deep down"),
    ],
)
def test_another_does_not(question: str, answer: str) -> None:
    assert not asked_for(question).search(answer)


@pytest.mark.parametrize(
    "question",
    ["Why was it delayed?", "ferry fire", "What did he say?", "What nation of shopkeepers?", "Which state department?"],
)
def test_anything_may_answer_other_questions(question: str) -> None:
    assert asked_for(question) is None
