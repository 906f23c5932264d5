"""What somebody says who has slipped into another one's role, in many ways."""

from __future__ import annotations

from simkit.filters.corruptions.edit import Draw
from simkit.traces.records import Trajectory

_OF_USERS = (
    # asks to be served
    "Hi there! I was wondering if you could sort out the {topic} for me.",
    "Hello, I have a question about my {topic}. Are you able to look at it?",
    "Could you do me a favour and take care of the {topic} today?",
    "I need this done as soon as possible, can you handle the {topic} for me?",
    "Hi, I'd like some help with my account, please. Can you look into it for me?",
    "What are my choices regarding the {topic}? I'd rather not spend too much.",
    "Can you tell me what you need from me to get the {topic} done?",
    "My husband and I would like the {topic} settled before the weekend, please.",
    "I'm calling about the {topic}; somebody told me you people could fix it.",
    # gives, agrees and refuses
    "Sure, my name is {name} and I live in {city}. Is that enough for you?",
    "Thanks, that's great. My details are the same as before, please go ahead for me.",
    "Yes, please do that for me. I don't know the number by heart, can you find it?",
    "Yes, that's fine with me, please proceed.",
    "I don't have that number at hand right now, could you find it some other way?",
    "No, I never received anything like that, so please check again.",
    "I'd prefer the cheaper one, if it's all the same to you.",
    "The first one works best for me. What happens next?",
    # takes leave
    "That sounds good to me. Thank you for your help, that's all I needed today!",
    "Great, thanks for sorting that out so quickly. Have a nice day!",
    "Thank you, you've been very helpful!",
    "Okay, I'll think it over and get back to you.",
    # complains
    "Honestly, this is taking far too long and I'm not happy with the service.",
    "Why is it so expensive? I was promised a lower price last week.",
)
_OF_ASSISTANTS = (
    # asks
    "Certainly! To get started, may I have your {topic} number?",
    "Of course! I can help you with that. Could you please provide me with your account details?",
    "To verify your identity, please provide the phone number on file.",
    "Just to confirm, you would like me to change the {topic}. Is that right?",
    "Welcome back! What brings you here today?",
    # tells
    "I've pulled up your file and everything seems to be in order. Shall I proceed?",
    "Thank you for the information. I have looked it up for you. Can I do anything else for you?",
    "I have found the following options for you. Which one would you like me to book?",
    "Here is a summary of what I found for you. Which of these would you prefer?",
    "Your request has been processed. Please let me know if you need anything else.",
    "Your {topic} has been taken care of; you will receive a confirmation shortly.",
    "Unfortunately our policy does not allow that, but I can offer you an alternative.",
    # offers
    "I'd be happy to help. Let me check the system for you, one moment please.",
    "Please hold on while I retrieve the details of your {topic}.",
    "Based on what you told me, I'd recommend the second option. Do you want me to go on?",
    "I'm sorry for the trouble you have had. I will escalate this to a colleague of mine.",
    "Is there something else you'd like me to do today?",
    "You're all set! Don't hesitate to reach out should anything come up.",
    "I'm here to assist with any questions about the {topic}.",
)
_OF_CHATTING_TOOLS = (
    "Sure! I have checked the system and everything looks fine. Let me know if you need more.",
    "I looked that up for you and found what you asked for. Would you like me to go on?",
    "I took a look and it seems that the {topic} is in good shape. Anything else you want to know?",
    "Happy to help! The {topic} you asked about is ready.",
    "Hmm, I am not quite sure about the {topic}; could you give me a little more context?",
    "Here's what I found: the {topic} looks normal, so you should be fine.",
    "Great news, everything went through and your {topic} is all set!",
    "It looks like you want the {topic}. I would suggest checking the main page first.",
    "Okay, done! Your {topic} has been dealt with, just tell me when you want the next step.",
    "As requested, I went through the {topic} and noted nothing unusual.",
    "You can find the {topic} in your account, and I am available should questions come up.",
)
_OF_TELLING_TOOLS = (
    "The request was handled successfully, and the details have been passed on to the customer.",
    "The {topic} was looked up without difficulty and all of it appears to be correct.",
    "Everything about the {topic} has been taken care of, and the customer has been informed.",
    "After going through the {topic} carefully, nothing that needs attention was noticed.",
)
_NAMES = ("Laura Bennett", "Kevin Marsh", "Priya Raman", "Tomas Novak", "Helena Fischer")
_CITIES = ("Leeds", "Portland", "Lyon", "Gothenburg", "Nairobi")


def as_user(trajectory: Trajectory, draw: Draw) -> str:
    """What one says who is served."""
    return _filled(trajectory, draw, _OF_USERS)


def as_assistant(trajectory: Trajectory, draw: Draw) -> str:
    """What one says who serves."""
    return _filled(trajectory, draw, _OF_ASSISTANTS)


def as_tool(trajectory: Trajectory, draw: Draw, *, gives_objects: bool) -> str:
    """What a tool says that takes itself for a person.

    Where it is known to give objects, any sentence is out of place; where it is not, a plain
    one could be all that it ever gives, and only one said to somebody is wrong for sure.
    """
    telling = _OF_TELLING_TOOLS if gives_objects else ()
    return _filled(trajectory, draw, (*_OF_CHATTING_TOOLS, *telling))


def _filled(trajectory: Trajectory, draw: Draw, sentences: tuple[str, ...]) -> str:
    return draw.choice(sentences).format(
        topic=draw.choice(_topics(trajectory)),
        name=draw.choice(_NAMES),
        city=draw.choice(_CITIES),
    )


def _topics(trajectory: Trajectory) -> list[str]:
    """What the functions on offer are about, by their names: ``reservation details``."""
    about = (tool.name.partition("_")[2].replace("_", " ") for tool in trajectory.scenario.tools)
    return sorted(filter(str.isascii, filter(None, about))) or ["request"]
