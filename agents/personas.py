"""Who the users are, drawn from lists: so that a run covers people whom a model would not think of.

The paper leaves the person to the writer of the intent (arXiv 2511.15718), and a model left alone
writes the same few: "a busy professional", "a student planning a trip". Here age, work, knowledge
of the matter, manner and mood are drawn apart from each other, save that nobody does the work of
another age.
"""

from __future__ import annotations

from collections.abc import Mapping

from simkit.traces.plans import Persona
from simkit.traces.seeds import stream

_TEENS, _TWENTIES, _THIRTIES = "in their late teens", "in their twenties", "in their thirties"
_FORTIES, _FIFTIES, _SIXTIES = "in their forties", "in their fifties", "in their sixties"
_SEVENTIES, _EIGHTIES = "in their seventies", "in their eighties"

_YOUNG = """
a secondary-school pupil in their last year | a first-year chemistry student
an apprentice electrician | an apprentice pastry cook | a student of law with an evening job
a volunteer at an animal shelter in a year off | a young footballer in a club's academy
an au pair from Colombia | a trainee at a savings bank | a student nurse
"""
_WORKING = """
a night nurse | a bus driver in Lagos | a primary-school teacher in rural Kenya
a fisherman from the Faroe Islands | a software tester in Bangalore | a hairdresser with two chairs
a wheat farmer in Saskatchewan | a hotel receptionist in Lisbon | a tailor in Dakar
a warehouse lead on the late shift | a long-haul lorry driver | a midwife in a small town
a street-food cook in Bangkok | an architect in Santiago de Chile | a dairy farmer in Friesland
a dispatcher for ambulances | a tax clerk in Vienna | an interpreter for sign language
a bookseller with a shop of their own | a call-centre agent in Manila | a violin maker in Cremona
a parish priest in Galicia | an imam in Sarajevo | a rabbi in Buenos Aires
a police officer in a border town | a marine engineer on a container ship
a social worker in Glasgow | a plumber with three employees | a wind-turbine technician
a museum guard in Cairo | a weaver in Oaxaca | a journalist at a regional paper
a goldsmith in Jaipur | a carer of a parent with dementia
a taxi driver in Tehran | an optician in Hanoi | a train conductor in Poland
a vineyard worker in Georgia | a chess coach in Yerevan | a translator of crime novels
a project coordinator in a refugee camp | a geologist at a copper mine | a florist in Nairobi
a kindergarten cook | a stage technician on tour | a caretaker of a block of flats
a laboratory assistant in Seoul | a roofer who is out of work | an estate agent in Dubai
a seamstress who sells online | a librarian in Montevideo | a surveyor of roads
a diving instructor in Zanzibar | a reindeer herder in Finnmark | a dental technician
a data analyst in Warsaw | a beekeeper with forty hives | a stonemason at a cathedral
a flight attendant between two shifts | an office manager in Johannesburg
a wedding photographer | a security guard who studies at night | a market trader in Accra
a physiotherapist in Tel Aviv | a member of a village council | a recruiter in Toronto
"""
_SETTLING = """
a parent at home with three small children | a nurse on parental leave | a soldier far from home
a doctoral student with a baby | a semi-professional goalkeeper | a pilot in training
a programmer who has just moved abroad | a junior doctor on call
"""
_EXPERIENCED = """
a judge at a labour court | a surgeon in a county hospital | a professor of linguistics
a captain of a ferry | the head of a primary school | the owner of a small bakery chain
a senior civil servant in Wellington | a master carpenter | a conductor of a town orchestra
a partner in an accounting firm | the mayor of a mountain village | a retrained coal miner
"""
_RETIRED = """
a retired teacher | a retired tram driver | a widower who learns to cook
a former ship's cook | a retired accountant who looks after grandchildren
a retired nurse who volunteers in a hospice | a former miner with bad lungs
a pensioner who sings in two choirs | a pensioner who keeps an allotment
a retired engineer who repairs radios | a great-grandmother of eleven
a retired postwoman on her way to see the world
"""
_WORK: Mapping[tuple[str, ...], str] = {
    (_TEENS, _TWENTIES): _YOUNG,
    (_TWENTIES, _THIRTIES): _SETTLING,
    (_TWENTIES, _THIRTIES, _FORTIES, _FIFTIES, _SIXTIES): _WORKING,
    (_FORTIES, _FIFTIES, _SIXTIES): _EXPERIENCED,
    (_SIXTIES, _SEVENTIES, _EIGHTIES): _RETIRED,
}
"""Ages to the work that people of these ages do."""


def _listed(text: str) -> tuple[str, ...]:
    return tuple(entry.strip() for line in text.strip().splitlines() for entry in line.split("|"))


_OCCUPATIONS = tuple((work, ages) for ages, text in _WORK.items() for work in _listed(text))
_EXPERTISE = _listed("""
new to this | used to having others do this | familiar with the basics
well informed from long experience | an expert in quite another field
able to name what they want but not the terms for it
sure of knowing it all and now and then wrong | thorough, having read up on it the night before
""")
_MANNERS = _listed("""
brief and to the point | talkative and warm | polite and a little formal
blunt, without greetings | given to long sentences | careful with every word
fond of dry jokes | given to thinking aloud | writing in lower case without much punctuation
writing in a language that they learnt late | patient and orderly, one thing at a time
apt to begin in the middle of the story | modest and quick to apologise
used to giving orders
""")
_MOODS = _listed("""
in a hurry | relaxed, with a cup of tea at hand | tired after a long day
worried about the costs | cheerful | annoyed, as something went wrong before | curious
a little nervous | distracted by what goes on around them | determined to get it done today
in two minds about it all | grateful for any help
""")


def persona(seed: int) -> Persona:
    """One person; the same seed gives the same one.

    Out of a thousand people hardly two are alike: there are some hundred kinds of work, each at
    two to five ages, and over a thousand ways to be.
    """
    draw = stream(seed, "persona")
    occupation, ages = draw.choice(_OCCUPATIONS)
    return Persona(
        age=draw.choice(ages),
        occupation=occupation,
        expertise=draw.choice(_EXPERTISE),
        manner=draw.choice(_MANNERS),
        mood=draw.choice(_MOODS),
    )
