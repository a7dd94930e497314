"""Question -> the kind of answer that it asks for, as a pattern that such an answer matches."""

from __future__ import annotations

import re

PERSON = r"[^\W\d_a-z]\w"
NUMBER = (
    r"\d|(?i:\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|once|twice)\b|"
    r"\b(?:half|dozens?|hundreds?|thousands?|millions?|billions?)\b)"
)
DATE = (
    r"\b(?:1[89]|20)\d\d\b|\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)[a-z]*\b|"
    r"\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b|\d[:.]\d|"
    r"(?i:\b(?:today|yesterday|tomorrow|tonight|week|month|year|morning|evening|noon|midnight|century|decade)s?\b)"
)
NAME = r"[^\W\d_a-z]"


def _one_of(names: str) -> str:
    """Make a pattern of names that stand in lines, between commas: the answer is one of them and nothing else."""
    return rf"(?i:^\W*(?:the )?(?:{'|'.join(' '.join(names.split()).split(', '))})(?:['’]s?)?\W*$)"


COUNTRY = _one_of(r"""
    Afghanistan, Albania, Algeria, Andorra, Angola, Antigua (?:and|&) Barbuda, Argentina, Armenia, Australia, Austria,
    Azerbaijan, Bahamas, Bahrain, Bangladesh, Barbados, Belarus, Belgium, Belize, Benin, Bhutan, Bolivia,
    Bosnia(?: (?:and|&) Herzegovina|-Herzegovina)?, Botswana, Brazil, Britain, Great Britain, Brunei, Bulgaria,
    Burkina Faso, Burma, Burundi, Cambodia, Cameroon, Canada, Cape Verde, Central African Republic, Chad, Chile, China,
    Colombia, Comoros, (?:Democratic Republic of (?:the )?)?Congo, DRC, Costa Rica, Croatia, Cuba, Cyprus, Czechia,
    Czech Republic, Denmark, Djibouti, Dominica, Dominican Republic, East Timor, Ecuador, Egypt, El Salvador, England,
    Equatorial Guinea, Eritrea, Estonia, Eswatini, Ethiopia, Fiji, Finland, France, Gabon, Gambia, Georgia, Germany,
    Ghana, Greece, Greenland, Grenada, Guatemala, Guinea, Guinea-Bissau, Guyana, Haiti, Honduras, Hong Kong, Hungary,
    Iceland, India, Indonesia, Iran, Iraq, Ireland, Northern Ireland, Israel, Italy, Ivory Coast, C[oô]te d['’]Ivoire,
    Jamaica, Japan, Jordan, Kazakhstan, Kenya, Kiribati, Kosovo, Kuwait, Kyrgyzstan, Laos, Latvia, Lebanon, Lesotho,
    Liberia, Libya, Liechtenstein, Lithuania, Luxembourg, Madagascar, Malawi, Malaysia, Maldives, Mali, Malta,
    Marshall Islands, Mauritania, Mauritius, Mexico, Micronesia, Moldova, Monaco, Mongolia, Montenegro, Morocco,
    Mozambique, Myanmar, Namibia, Nauru, Nepal, Netherlands, Holland, New Zealand, Nicaragua, Niger, Nigeria,
    North Korea, North Macedonia, Norway, Oman, Pakistan, Palau, Palestine, Panama, Papua New Guinea, Paraguay, Peru,
    Philippines, Poland, Portugal, Puerto Rico, Qatar, Romania, Russia, Soviet Union, Rwanda, St\.? Kitts and Nevis,
    St\.? Lucia, St\.? Vincent and the Grenadines, Samoa, San Marino, S[aã]o Tom[eé] and Pr[ií]ncipe, Saudi Arabia,
    Scotland, Senegal, Serbia, Seychelles, Sierra Leone, Singapore, Slovakia, Slovenia, Solomon Islands, Somalia,
    South Africa, South Korea, South Sudan, Spain, Sri Lanka, Sudan, Suriname, Swaziland, Sweden, Switzerland, Syria,
    Taiwan, Tajikistan, Tanzania, Thailand, Tibet, Timor-Leste, Togo, Tonga, Trinidad (?:and|&) Tobago, Tunisia,
    Turkey, Türkiye, Turkmenistan, Tuvalu, Uganda, Ukraine, United Arab Emirates, UAE, United Kingdom, UK, U\.K\.,
    United States(?: of America)?, America, USA, US, U\.S\.(?:A\.)?, Uruguay, Uzbekistan, Vanuatu, Vatican(?: City)?,
    Venezuela, Vietnam, Wales, Yemen, Zambia, Zimbabwe
""")
STATE = _one_of("""
    Alabama, Alaska, Arizona, Arkansas, California, Colorado, Connecticut, Delaware, Florida, Georgia, Hawaii, Idaho,
    Illinois, Indiana, Iowa, Kansas, Kentucky, Louisiana, Maine, Maryland, Massachusetts, Michigan, Minnesota,
    Mississippi, Missouri, Montana, Nebraska, Nevada, New Hampshire, New Jersey, New Mexico, New York, North Carolina,
    North Dakota, Ohio, Oklahoma, Oregon, Pennsylvania, Rhode Island, South Carolina, South Dakota, Tennessee, Texas,
    Utah, Vermont, Virginia, Washington, West Virginia, Wisconsin, Wyoming
""")

ASKS = re.compile(r"\b(?:who(?:m|se)?|what|which|when|where|why|how)\b", re.IGNORECASE)
WHICH = r"\b(?:what|which)(?: (?!country|nation|state)[\w.]+){0,3} "
# The first pattern that stands where the question first asks tells which pattern its answer should match:
# in "Who was hurt when the dock fell?" only "who" asks.
KINDS = tuple(
    (re.compile(question, re.IGNORECASE), re.compile(answer))
    for question, answer in (
        (
            r"\bhow (?:many|much|old|long|far|big|tall|often|high|fast)\b|\bwhat (?:percentage|share|age|score)\b",
            NUMBER,
        ),
        (r"\bwhen\b|\b(?:what|which) (?:year|date|day|month|time)\b", DATE),
        (r"\bwho(?:m|se)?\b", PERSON),
        (rf"{WHICH}(?:country|nation)\b(?! of\b)", COUNTRY),
        (r"\b(?:what|which)(?: (?:US|U\.S\.|American|other|swing))* state\b(?! (?:department|of)\b)", STATE),
        (r"\bwhere\b|\b(?:what|which) (?:city|town|company|team|actor|actress|singer|president)\b", NAME),
    )
)


def asked_for(question: str) -> re.Pattern[str] | None:
    """Return the pattern that an answer of the kind asked for matches somewhere, None where any may do."""
    asks = ASKS.search(question)
    return next((answer for pattern, answer in KINDS if asks and pattern.match(question, asks.start())), None)
