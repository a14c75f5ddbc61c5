"""Finds what a text names, beside the model: keywords, regions, organisations, pollutants, values, fingerprint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nlp.fingerprint import fingerprint
from nlp.keywords import keywords
from nlp.measurements import find_measurements, find_pollutants
from nlp.normalize import Clean, Spoken
from nlp.organisations import OrganisationFinder
from nlp.regions import Gazetteer, Place
from nlp.segment import words
from qingting.model import Measurement, Organisation, Region


@dataclass(frozen=True, slots=True)
class Extract:
    """What was found in one text; positions are in the post's passage as it was collected."""

    keywords: tuple[str, ...]
    regions: tuple[Region, ...]
    organisations: tuple[Organisation, ...]
    pollutants: tuple[str, ...]
    measurements: tuple[Measurement, ...]
    fingerprint: int


class Extractor:
    """Holds the dictionaries; may be used from several threads."""

    def __init__(self, places: Sequence[Place] = (), organisations: Sequence[str] = ()) -> None:
        self._gazetteer = Gazetteer(places)
        self._organisations = OrganisationFinder(organisations)

    def extract(self, passage: Clean, spoken: Spoken, region: str) -> Extract:
        """Return what a cleaned passage names; `region` is the code or name of where its source belongs, or ''."""
        found = words(passage.text)
        return Extract(
            keywords=keywords(passage.text, found),
            regions=self._gazetteer.find(passage, found, region),
            organisations=self._organisations.find(passage, found),
            pollutants=find_pollutants(passage),
            measurements=find_measurements(passage),
            fingerprint=fingerprint(spoken),
        )
