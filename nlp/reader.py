"""Reads posts: one model judges the text, dictionaries and rules find what is named in it.

The steps for a batch, as `Reader.read` takes them: clean every post and settle whose words it holds; let the model
judge those words; meanwhile find regions, organisations, measurements, keywords and the fingerprint; join both.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nlp.backends.lexicon import LexiconBackend
from nlp.backends.onnx import SHIPPED, OnnxBackend
from nlp.backends.torch import TorchBackend
from nlp.extract import Extract, Extractor
from nlp.judgement import Backend, Judgement
from nlp.normalize import Clean, Spoken, clean, spoken, tidy
from nlp.regions import Place
from qingting.errors import ReaderError
from qingting.model import Matter, Post, Reading, Sentiment, Target, Topic

__all__ = ["BACKENDS", "Place", "Reader", "open_reader"]

BACKENDS = ("onnx", "torch", "lexicon")

# Who says it decides the attitude; what it is about may stand only in the words passed on.
_FROM_OWN_WORDS = ("sentiment", "target")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A post made ready: its passage cleaned, and whose words that holds."""

    passage: Clean
    spoken: Spoken

    @property
    def own(self) -> str:
        """Return the words whose attitude counts."""
        return tidy(self.spoken.voice)

    @property
    def whole(self) -> str:
        """Return all that was said, which decides what the post is about."""
        return tidy(self.spoken.whole)


class Reader:
    """Turns posts into readings; may be used from several threads.

    `name` is the model's, as stored with every reading. `degraded` says that another model reads than the one asked
    for, and `problem` why, in Chinese.
    """

    def __init__(self, backend: Backend, extractor: Extractor, *, problem: str = "") -> None:
        self._backend = backend
        self._extractor = extractor
        self.name = backend.name
        self.problem = problem
        self.degraded = backend.degraded

    def read(self, posts: Sequence[Post], now: datetime) -> list[Reading]:
        """Return one reading per post, in the same order, read at `now`.

        Raises ReaderError(broken_model) when the model fails while it runs.
        """
        prepared = [prepare(post) for post in posts]
        with ThreadPoolExecutor(1, thread_name_prefix="judge") as beside:
            judging = beside.submit(self.judge, prepared)
            extracts = [
                self._extractor.extract(each.passage, each.spoken, post.region)
                for post, each in zip(posts, prepared, strict=True)
            ]
            judgements = judging.result()
        return [
            self._reading(post, judgement, extract, now)
            for post, judgement, extract in zip(posts, judgements, extracts, strict=True)
        ]

    def judge(self, prepared: Sequence[Prepared]) -> list[Judgement]:
        """Return one judgement per prepared post; a repost's own words settle sentiment and target, all words the rest.

        Raises ReaderError(broken_model).
        """
        texts = [each.whole for each in prepared]
        chains = [index for index, each in enumerate(prepared) if each.own != texts[index]]
        judgements = self._backend.judge(texts + [prepared[index].own for index in chains])
        found = judgements[: len(texts)]
        for index, own in zip(chains, judgements[len(texts) :], strict=True):
            spoken_for = {head: own.probabilities[head] for head in _FROM_OWN_WORDS}
            found[index] = Judgement({**found[index].probabilities, **spoken_for}, found[index].embedding)
        return found

    def is_relevant(self, judgement: Judgement) -> bool:
        """Return whether a text so judged concerns the environment."""
        return judgement.probabilities["relevance"]["yes"] >= self._backend.threshold

    def scores(self, texts: Sequence[str]) -> list[float]:
        """Return the sentiment score (-1..1) of tidied texts, in order; raises ReaderError(broken_model)."""
        return [_score(judgement) for judgement in self._backend.judge(texts)]

    def _reading(self, post: Post, judgement: Judgement, extract: Extract, now: datetime) -> Reading:
        relevant = self.is_relevant(judgement)
        answers = _answers(judgement, relevant)
        return Reading(
            post_id=post.id,
            model=self.name,
            read_at=now,
            relevant=relevant,
            relevance=judgement.probabilities["relevance"]["yes"],
            sentiment=Sentiment(answers["sentiment"]),
            score=_score(judgement),
            topic=Topic(answers["topic"]),
            matter=Matter(answers["matter"]),
            target=Target(answers["target"]),
            degraded=self.degraded,
            confidence=_confidence(judgement, answers, relevant),
            keywords=extract.keywords,
            regions=extract.regions,
            organisations=extract.organisations,
            pollutants=extract.pollutants,
            measurements=extract.measurements,
            fingerprint=extract.fingerprint,
            embedding=judgement.embedding,
        )


def open_reader(
    backend: str = "onnx",
    model: Path | None = None,
    *,
    threads: int = 2,
    max_tokens: int = 160,
    batch_tokens: int = 1024,
    places: Sequence[Place] = (),
    organisations: Sequence[str] = (),
) -> Reader:
    """Return a reader over a back end: 'onnx', 'torch' or 'lexicon'; `model` is a folder, None the shipped one.

    When the ONNX model is missing or broken the lexicon reads instead, degraded. `places` are local names beyond the
    administrative divisions and `organisations` names that no rule would find. Raises
    ReaderError(unsupported | missing_model | broken_model) for a back end that is unknown or can't work.
    """
    extractor = Extractor(places, organisations)
    if backend == "lexicon":
        return Reader(LexiconBackend(), extractor, problem="配置选用了词典阅读，没有使用模型，结果仅供参考。")
    if backend == "torch":
        return Reader(TorchBackend(model, threads=threads, max_tokens=max_tokens), extractor)
    if backend != "onnx":
        raise ReaderError(
            f"没有名为 {backend!r} 的阅读后端。", reason="unsupported", hint=f"可用的有：{'、'.join(BACKENDS)}。"
        )
    try:
        shipped = OnnxBackend(model or SHIPPED, threads=threads, max_tokens=max_tokens, batch_tokens=batch_tokens)
    except ReaderError as error:
        return Reader(LexiconBackend(), extractor, problem=f"{error.message}现由词典代读，结果仅供参考。")
    return Reader(shipped, extractor)


def prepare(post: Post) -> Prepared:
    """Return a post's passage cleaned, and whose words it holds."""
    passage = clean(post.passage)
    return Prepared(passage, spoken(passage.text))


def _score(judgement: Judgement) -> float:
    """Return how positive a text is (-1..1): the calibrated chance of positive less that of negative."""
    mood = judgement.probabilities["sentiment"]
    return mood[Sentiment.POSITIVE] - mood[Sentiment.NEGATIVE]


def _answers(judgement: Judgement, relevant: bool) -> dict[str, str]:
    """Return the answer to each question; what isn't relevant has no topic, matter or target, and what is relevant
    has a topic and a matter even where 'none' came first: the model knows relevance better than it knows 'none'."""
    found = {"sentiment": judgement.best("sentiment")}
    if not relevant:
        return found | dict.fromkeys(("topic", "matter", "target"), "none")
    return found | {
        "topic": judgement.best("topic", without="none"),
        "matter": judgement.best("matter", without="none"),
        "target": judgement.best("target"),
    }


def _confidence(judgement: Judgement, answers: dict[str, str], relevant: bool) -> dict[str, float]:
    """Return how sure the model is of each answer that it gave."""
    yes = judgement.probabilities["relevance"]["yes"]
    return {"relevance": yes if relevant else 1.0 - yes} | {
        head: judgement.probabilities[head][answer] for head, answer in answers.items()
    }
