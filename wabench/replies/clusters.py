"""What messages have in common: the words that most of them share, one after another."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from wabench.replies import texts

MOST = 20
"""Clusters that are told; each after them is rarer than all of these."""

_FUNCTION_WORDS = (
    "а без бы был была было в вам вас ваш вы для до его ее если есть еще же за здравствуйте и из или их к как какая "
    "какой когда ли меня мне можно мой мы на надо не нет но о об он она они от по под при привет с со так там то тут "
    "у уже хочу что это я "
    "a am an and any are as at be boa bom but by can com como could da de dia do does e el ela ele em en es esta eu "
    "for from get good have hello hey hi hola how i if in is isso it just la las lo los mas me meu mi muy my na nao "
    "no o of oi ola on or os ou para please por pra que quero quiero se sem ser si so su te tengo that the there this "
    "to um uma un una us voce want was we what when where which who will with would y yes yo you your "
)  # of Russian, English, Portuguese and Spanish: they tell nothing of what is asked
_TELL_NOTHING = frozenset(_FUNCTION_WORDS.split())
_FEWEST_LETTERS = 3


@dataclass(frozen=True, slots=True)
class Cluster:
    """Messages that share a word, or are alike where they have none; `beside` are words that often stand with it."""

    word: str
    beside: tuple[str, ...]
    messages: int
    customers: int
    example: str
    people: frozenset[str] = field(repr=False, default=frozenset())

    def figures(self) -> dict[str, str | int]:
        """Give it without its people."""
        return {
            "word": self.word,
            "beside": " ".join(self.beside),
            "messages": self.messages,
            "customers": self.customers,
            "example": self.example,
        }


@dataclass(slots=True)
class _Kind:
    """All messages of one wording."""

    example: str
    stems: frozenset[str]
    messages: int
    customers: set[str]


def clusters(said: Iterable[tuple[str, str, str | None]], most: int = MOST) -> tuple[Cluster, ...]:
    """Group texts, each beside what may be shown of it, by the word that most share, then by that of the rest."""
    spelling: dict[str, Counter[str]] = defaultdict(Counter)
    rest = list(_kinds(said, spelling).values())
    found: list[Cluster] = []
    while rest and len(found) < most:
        count: Counter[str] = Counter()
        for kind in rest:
            for stem in kind.stems:
                count[stem] += kind.messages
        top = min(count, key=lambda stem: (-count[stem], stem))
        those = [kind for kind in rest if top in kind.stems]
        rest = [kind for kind in rest if top not in kind.stems]
        found.append(_cluster(top, those, spelling))
    return tuple(found)


def _kinds(said: Iterable[tuple[str, str, str | None]], spelling: dict[str, Counter[str]]) -> dict[str, _Kind]:
    kinds: dict[str, _Kind] = {}
    for text, shown, customer in said:
        plain = texts.plain(text)
        if not plain:
            continue
        kind = kinds.get(plain)
        if kind is None:
            kind = kinds[plain] = _Kind(shown, _stems(plain, spelling), 0, set())
        kind.messages += 1
        if customer:
            kind.customers.add(customer)
    return kinds


def _stems(plain: str, spelling: dict[str, Counter[str]]) -> frozenset[str]:
    words = texts.words(plain)
    telling = [word for word in words if word not in _TELL_NOTHING and _is_telling(word)]
    if not telling:  # a greeting, a number, a sign: the whole of it is what it says
        spelling[plain][plain] += 1
        return frozenset({plain})
    stems = set()
    for word in telling:
        stem = texts.stem(word)
        stems.add(stem)
        spelling[stem][word] += 1
    return frozenset(stems)


def _is_telling(word: str) -> bool:
    return len(word) >= _FEWEST_LETTERS and not word.isdigit()


def _cluster(top: str, those: list[_Kind], spelling: dict[str, Counter[str]]) -> Cluster:
    beside: Counter[str] = Counter()
    for kind in those:
        for stem in kind.stems - {top}:
            beside[stem] += kind.messages
    messages = sum(kind.messages for kind in those)
    often = [stem for stem, count in beside.most_common(3) if count * 5 >= messages]
    biggest = max(those, key=lambda kind: kind.messages)
    customers = frozenset(customer for kind in those for customer in kind.customers)
    word = _spelled(top, spelling)
    near = tuple(_spelled(stem, spelling) for stem in often)
    return Cluster(word, near, messages, len(customers), biggest.example, customers)


def _spelled(stem: str, spelling: dict[str, Counter[str]]) -> str:
    return spelling[stem].most_common(1)[0][0]
