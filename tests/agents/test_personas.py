"""Who is drawn to be a user."""

from __future__ import annotations

from collections import Counter

from simkit.agents.personas import persona

PEOPLE = [persona(seed) for seed in range(1000)]


def test_the_same_seed_gives_the_same_person() -> None:
    assert [persona(seed) for seed in range(50)] == PEOPLE[:50]


def test_of_a_thousand_people_hardly_two_are_alike() -> None:
    assert len(set(PEOPLE)) > 980


def test_people_are_of_all_ages_and_no_work_is_common() -> None:
    ages = Counter(one.age for one in PEOPLE)
    assert len(ages) == 8
    assert min(ages.values()) > 10
    work = Counter(one.occupation for one in PEOPLE)
    assert len(work) >= 80
    assert max(work.values()) < 30


def test_nobody_does_the_work_of_another_age() -> None:
    for one in PEOPLE:
        if one.age == "in their late teens":
            assert not one.occupation.startswith(("a judge", "a surgeon", "a retired", "a former"))
        if one.age in ("in their seventies", "in their eighties"):
            assert not one.occupation.startswith(("a student", "an apprentice", "a soldier"))


def test_every_attribute_finishes_a_sentence() -> None:
    for one in PEOPLE:
        for text in (one.age, one.occupation, one.expertise, one.manner, one.mood):
            assert text
            assert text == " ".join(text.split())
            assert text[-1].isalpha() or text[-1].isdigit()
