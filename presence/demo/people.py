"""Who answers in the demo, and what can be booked with them."""

from typing import Any

PASSWORD = "a calm demo password"  # noqa: S105 - known to everybody, on loopback alone
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")


def _adviser(slug: str, name: str, languages: list[str], hours: list[str], **more: Any) -> dict[str, Any]:
    return {
        "slug": slug,
        "name": name,
        "email": f"{slug}@demo.example",
        "languages": languages,
        "hours": dict.fromkeys((*WEEKDAYS, "sat"), hours),
        "holidays": "FR",
        "teams": ["advice"],
        "password": PASSWORD,
        **more,
    }


MORTGAGES = {"en": "Mortgages", "fr": "Prêt immobilier"}
EVERYDAY = {"en": "Everyday banking", "fr": "Banque au quotidien"}
INSURANCE = {"en": "Insurance", "fr": "Assurances"}
SAVINGS = {"en": "Savings and investing", "fr": "Épargne et placements"}
TEAMS: tuple[dict[str, Any], ...] = (
    {
        "slug": "advice",
        "name": {"en": "Advisers for every question", "fr": "Des conseillers pour toutes vos questions"},
    },
)
ADVISERS = (
    _adviser("alice", "Alice Martin", ["fr", "en"], ["08:00-12:30", "13:30-17:00"], topics=[MORTGAGES, EVERYDAY]),
    _adviser("bob", "Bob Durand", ["fr"], ["12:00-22:00"], topics=[EVERYDAY, INSURANCE]),
    _adviser(
        "mona",
        "Mona Keller",
        ["en", "fr", "de"],
        ["10:00-14:00", "16:00-20:00"],
        supervisor=True,
        topics=[SAVINGS, MORTGAGES],
    ),
)
SERVICES: tuple[dict[str, Any], ...] = (
    {
        "slug": "first-talk",
        "name": {"en": "A first talk", "fr": "Un premier entretien"},
        "description": {
            "en": "Get to know your adviser and ask what you like.",
            "fr": "Faites connaissance avec votre conseiller et posez toutes vos questions.",
        },
        "durations": [30],
        "notice": 30,
        "pool": {"team": "advice"},
    },
    {
        "slug": "home-loan",
        "name": {"en": "A loan for your home", "fr": "Un prêt pour votre logement"},
        "description": {
            "en": "Your project, your figures, and an offer you can compare.",
            "fr": "Votre projet, vos chiffres, et une offre que vous pourrez comparer.",
        },
        "durations": [45, 60],
        "buffer_after": 15,
        "pool": {"team": "advice"},
        "questions": [
            {
                "key": "project",
                "label": {"en": "What are you planning?", "fr": "Quel est votre projet ?"},
            },
            {
                "key": "stage",
                "kind": "choice",
                "required": True,
                "label": {"en": "How far are you?", "fr": "Où en êtes-vous ?"},
                "choices": [
                    {"en": "Just thinking", "fr": "Je réfléchis"},
                    {"en": "I have found something", "fr": "J’ai trouvé un bien"},
                    {"en": "I have signed", "fr": "J’ai signé un compromis"},
                ],
            },
            {
                "key": "customer",
                "kind": "yes_no",
                "label": {"en": "Are you a customer already?", "fr": "Êtes-vous déjà client ?"},
            },
        ],
    },
    {
        "slug": "moving-account",
        "name": {"en": "Moving your account to us", "fr": "Changer de banque"},
        "description": {
            "en": "We take care of the papers. The adviser confirms the hour.",
            "fr": "Nous nous occupons des formalités. Le conseiller confirme l’heure.",
        },
        "durations": [30],
        "confirmation": "adviser",
        "media": ["audio", "text"],
        "pool": {"team": "advice"},
    },
)
