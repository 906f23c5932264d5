"""English phrases that only one side of a service conversation says.

They are matched against a speaker's own words (`prose.own_words`). Every repetition in them is
bounded, so the time is linear in the length of the text.
"""

from __future__ import annotations

from simkit.filters.phrases import Phrases

_GOODS = (
    r"(?:flight|trip|room|hotel|table|ticket|seat|car|ride|taxi|appointment|order|reservation"
    r"|booking|subscription|membership|account|package|item|refund|password|card)s?"
)
_DEAL = (
    r"(?:book|order|buy|purchase|cancel|reserve|return|exchange|rent|change|modify|upgrade"
    r"|reschedule|track|renew|reset)"
)
SERVING = (
    r"confirm|clarif|help|assist|ask|verify|make sure|ensure|point|note|remind|inform|let|double"
    r"|offer|suggest|recommend|thank|apolog|express|emphasi|mention|share|assure|understand"
    r"|provide|gather|acknowledge|reiterate|stress|highlight|check|be (?:clear|helpful|sure)"
    r"|add that"
)
"""What an assistant would like to do."""
_KIN = (
    r"wife|husband|son|daughter|mother|father|mom|dad|family|kids|friend|boss|colleague|companion"
    r"|house|job|laptop|dog|cat|peace of mind|budget"
)
_YOURS = (
    r"(?:reservation|booking|user id|membership (?:level|status|tier)|itinerary|order id"
    r"|order number|order (?:has|is|was|will)|refund (?:has|is|was|will)|flight (?:has|is|was|will)"
    r"|appointment|request (?:has|is|was|will)|payment (?:has|is|was|will))s?"
)
FIRMS = (
    r"systems?|desks?|process|polic|team|department|services?|sites?|pages?|websites?|fees?|rules?"
    r"|options?|agents?|terms|conditions|tools?|engine|platform|app|assistant|software|form|calendar"
)
"""What the side that serves has: "your booking system" is a user's phrase."""
REST = r"[^.!?\n]{0,80}"
"""The rest of a sentence, or part of it."""
_THANKS = r"\bthank(?:s| you)(?: so much| very much| a lot)?"


CUSTOMER = Phrases(
    r"\A\W{0,3}yes,? please\b",
    # "Can you help me understand your request?" is an assistant's question.
    r"\b(?:can|could|would|will) you (?:also |now |please |kindly )?(?:help|assist) me\b"
    r"(?! (?:understand|locate|identify|help|assist|narrow|by\b|with (?:the|your|that|this)\b))",
    r"\b(?:can|could) you (?:also |please )?(?:help|assist) (?:me )?with (?:that|this|it)\?",
    rf"\b(?:can|could|would|will) you (?:also |now |please |kindly )?(?:{_DEAL}|find|check|look up"
    rf"|get|show|send|calculate|convert|search) (?:me (?:an?|some|the) {REST}\?|again\b|my\b)",
    rf"\b(?:can|could|would|will) you (?!{REST}\b(?:your|confirm|provide|check|verify|clarify"
    rf"|repeat|spell|specify)\b){REST}\bfor me\?",
    # "I'd like to confirm your address" is an assistant's, and so is what it wants to know of you.
    rf"\bI(?:'d| would) (?:also |really )?(?:like|love) (?:to|an?|my)\b(?!{REST}\b(?:you|your)\b)"
    rf"(?! (?:{SERVING}))",
    rf"\bI (?:also |really |just )?(?:want|wanted) (?:to|an?|my)\b(?!{REST}\b(?:you|your)\b)"
    rf"(?! (?:{SERVING}))",
    rf"\bI(?:'m looking| am looking|'m trying| am trying|'m hoping| was hoping| need)(?: for| to"
    rf" {_DEAL}) (?:an?|my|some|two|three)\b(?!{REST}\b(?:you|your)\b)",
    r"\bI (?:really )?(?:need|want|could use) (?:your |some )?(?:help|assistance)\b"
    r"(?! (?:you|your)\b)",
    r"\bplease (?:help|assist|show|send|find|book|get|transfer) me\b"
    r"(?! (?:your|the|more|which|what|with (?:your|the)|some|by|understand|identify|locate)\b)",
    rf"\bplease (?:go ahead|proceed) (?:and|with) (?!{REST}\b(?:you|your)\b)",
    rf"\bmy (?:new |own |gift |credit |recent |current |upcoming |original |existing )?{_GOODS}\b",
    rf"\bmy (?:{_KIN})\b",
    r"\bmy (?:user id|customer id|account number|order number|confirmation number|phone number"
    r"|zip code|e-?mail(?: address)?|date of birth|last name|membership number) is\b",
    r"\bI (?:don't|do not|can't) (?:remember|have) my\b|\bI(?:'ve| have)? forg[eo]t(?:ten)? my\b",
    r"\bI(?:'m| am) (?:really|very|so|quite) (?:upset|frustrated|disappointed|annoyed|unhappy)\b",
    # "Thank you for your help in confirming this" is an assistant's.
    rf"{_THANKS} for (?:all )?(?:your help|helping|assisting me|your assistance|handling|sorting"
    r"|taking care)\b(?! (?:in|with) (?:provid|confirm|verif|clarif))",
    r"\bI appreciate your (?:help|assistance)\b",
    r"\bthat(?:'s| is| was| will be|'ll be) (?:all|everything)(?: that)? I (?:need|want)(?:ed)?\b",
    r"\bI (?:don't|do not) need (?:anything|any) (?:else|more|further|other)\b",
    r"\b(?:I'll|I will) go with\b|\blet's go with (?:the|option)\b",
    # Nobody who serves chooses, lives somewhere, or asks for favours.
    rf"\bI(?:'d| would) (?:much )?(?:prefer|rather)\b(?! not (?:guess|assume))(?!{REST}\byour\b)"
    r"|\bI live (?:in|at|on|near|with)\b|\bdo me a favou?r\b",
    r"\bI was wondering (?:if|whether) you\b",
    r"\b(?:fine|okay|ok|good|great|best|well|perfectly) (?:with|by|for|to) me\b",
    r"\bI(?:'ll| will| need to) think (?:about (?:it|that|this)|(?:it|this|that) over)\b",
    r"\byou(?:'ve| have) been (?:so |very |really |most )?(?:helpful|kind|great|a great help)\b",
)
"""Said by who is served; "I need your ID" and "my capabilities" are not among them."""

SERVANT = Phrases(
    r"\bhow (?:can|may|could|else can|might) I (?:help|assist) you\b",
    r"\bwhat (?:can|may|else can) I (?:do for|help|assist) you\b",
    r"\b(?:can|may|could|shall) I (?:do|help|assist)\b[^.!?\n]{0,30}\b(?:else|further)\b",
    r"\bI(?:'ve| have) (?:\w{2,12}ed|found|sent|set up) (?:\w{1,12} ){0,4}for you\b",
    r"\bI can (?:certainly |definitely |gladly )?"
    r"(?:help|assist)(?: you)?(?: with (?:that|this)| you)\b",
    r"\b(?:anything|something) else (?:that )?(?:I|we) (?:can|could|may) "
    r"(?:help|assist|do for you)",
    rf"\bis there anything else (?:that )?you(?:'d| would)? (?:need|want|like)\b{REST}\?",
    r"\b(?:I(?:'m| am|'d be| would be|'ll be)|glad I could)(?: more than| always)?"
    r"(?: happy| glad| pleased| here)?(?: to)? (?:help|assist)\b(?! (?:my|him|her|them|out my)\b)",
    r"\A\W{0,3}you're welcome\b",
    r"\bas an? (?:AI|artificial intelligence|virtual assistant|(?:large )?language model)\b",
    r"\bI(?:'m| am) (?:just |only )?(?:an? (?:AI|virtual|automated|language model|large language)"
    r"|your (?:virtual |AI |personal |digital )?assistant)\b",
    rf"\blet me (?:just |quickly )?(?:check|look|find|search|pull) {REST}\bfor you\b",
    r"\bI(?:'ve| have|'ll| will) (?:now |just |successfully |also |gone ahead and )?"
    r"(?:find|found|locate|book|cancel|sen[dt]|update|process|schedule|create|retrieve|add|need"
    rf"|transfer)\w{{0,4}}\b{REST}\b(?:for you\b|your (?:request|account|order|reservation|booking"
    r"|user id|flight|appointment|refund|inquiry)s?\b)",
    r"\bI(?:'ve| have)? found (?:the following|(?:\w{1,12} ){0,3}(?:options|results|matches)"
    r" (?:for|that))\b",
    rf"\bwould you like (?:me )?to\b(?!{REST}\bmy\b)|\bwould you like to (?:book|travel|fly)\b",
    rf"\byour (?:recent |current |upcoming |original )?{_YOURS}\b(?!'s|[ -](?:{FIRMS}))",
    r"\bI understand your (?:frustration|concern|situation|request)s?\b",
    r"\b(?:apologi[sz]e|sorry) for (?:any|the) inconvenience\b",
    r"\bthank you for (?:contacting|reaching out|choosing|calling|your patience)\b",
    r"\b(?:could|can|may|would) (?:you|I)(?: please)? (?:provide|share|have|confirm|tell me) your "
    r"(?:user|account|order|reservation|booking|full name|e-?mail|phone|customer|member)",
    r"\bfeel free to (?:ask|reach out)\b|\bif you have any (?:other |more |further )?questions\b",
    rf"\blet me know if you (?:need|have|'d like|would like|want) (?:any|anything|more|further|help"
    rf"|assistance|me to)\b(?!{REST}\b(?:from me|about me|my)\b)",
    r"\bhere (?:is|are) the (?:information|details|results?) (?:that )?you "
    r"(?:requested|asked|need)",
    r"\bhere are (?:the|some) (?:available|search|following)\b",
)
"""Said by who serves; wrong from a user, and from a tool."""

CHATS = Phrases(
    # An interjection.
    r"\A\W{0,3}(?:sure|certainly|of course|absolutely|great question|okay|ok|alright|hello|hi|hmm+"
    r"|(?:great|good|bad) news|no problem|as requested|thanks|thank you|happy to \w+|glad to \w+)\b"
    r"[,!.]",
    r"\A\W{0,3}(?:(?:unfortunately|sorry),? )?(?:I|we)(?:'m|'ve|'ll|'d| am| have| will| would"
    r"| can(?:not|'t)?| could(?:n't| not)?| found| was| need| see| think| don't| do not)\b",
    r"\A\W{0,3}let me\b|\bwould you like\b|\bdo you (?:want|need)\b|\bhope (?:this|that) helps\b",
    r"\blet me know (?:if|what|which|how|when|whether)\b",
)
"""Said to somebody: a tool has nobody to say it to."""
