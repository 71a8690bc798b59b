"""The training examples of one front end, computed once and kept by the content they depend on."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import elocute.acoustics
import elocute.features
import elocute.text
from elocute.acoustics.posteriors import Posteriors
from elocute.acoustics.prosody import Prosody
from elocute.corpora.types import Utterance
from elocute.errors import TextAudioMismatch
from elocute.features.handcrafted import REGISTRY
from elocute.features.measurements import utterance_vector
from elocute.progress import track
from elocute.training import front
from elocute.training.acoustic import stored_posteriors
from elocute.training.config import FOLDS, ConfigError
from elocute.training.crossfit import model_path, posteriors_path
from elocute.training.examples import Example, load_examples, pick, save_examples, unlabelled_example
from elocute.training.front import Shop, need
from elocute.training.measured import load_prosody, measure_all, measure_one, stranger_examples
from elocute.training.tdnnf import crossfit as tdnnf
from elocute.training.workshop import Workshop, load_network, seconds

NAMES: tuple[str, ...] = tuple(REGISTRY)
"""All utterance features are kept; each experiment picks its own."""

NATIVE_FOLD = 0
"""The acoustic model that hears the native speech. It knows the learners of the other folds, yet nothing of
what it was taught about them is in the features of other people's speech."""


@dataclass(frozen=True)
class Features:
    """``learners`` as read, ``strangers`` with words nobody said, ``natives`` without scores; ``key`` names
    the content."""

    learners: list[Example]
    strangers: list[Example]
    natives: list[Example]
    key: str

    def pick(self, names: Sequence[str]) -> Features:
        """The same with only the named utterance features, in this order."""
        parts = (self.learners, self.strangers, self.natives)
        learners, strangers, natives = (pick(part, NAMES, names) for part in parts)
        return Features(learners, strangers, natives, self.key)


def load_features(shop: Shop, strangers: int, natives: int) -> Features:
    """From the disk, or measured and written there.

    Args:
        strangers: every n-th learner's utterance comes again with a stranger in its script, 0 for none.
        natives: every n-th native recording is measured, 0 for none.
    """
    base = content_key(shop)
    heard: dict[str, Posteriors] = {}
    tunes: dict[str, Prosody] = {}
    align = shop.config.align

    def known() -> tuple[dict[str, Posteriors], dict[str, Prosody]]:
        if not heard:
            heard.update(front.heard(shop))
            tunes.update(load_prosody(shop.learners, shop.path("prosody.npz")))
        return heard, tunes

    makers: dict[str, Callable[[], list[Example]]] = {
        "learners": lambda: [m.example for m in measure_all(shop.learners, *known(), align, NAMES)],
        f"strangers-{strangers}": lambda: stranger_examples(shop.learners, *known(), align, strangers, NAMES),
        f"natives-{natives}": lambda: native_examples(shop, natives),
    }
    parts: list[list[Example]] = []
    for name, make in makers.items():
        path = shop.path("features", f"{base}-{name}.npz")
        if name.endswith("-0"):
            parts.append([])
            continue
        if not path.exists():
            save_examples(make(), path)
        parts.append(load_examples(path))
    learners, strange, native = parts
    return Features(learners, strange, native, f"{base}-{strangers}-{natives}")


def content_key(shop: Shop) -> str:
    """A hash of everything the features come from: posteriors, options, and the code that measures."""
    digest = hashlib.sha256(repr(shop.config.align).encode())
    for fold in range(FOLDS):
        path = (
            posteriors_path(shop, fold) if isinstance(shop, Workshop) else tdnnf.posteriors_path(shop, fold)
        )
        need(path, "acoustic")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    for package in (elocute.acoustics, elocute.features, elocute.text):
        for source in sorted(Path(package.__path__[0]).rglob("*.py")):
            digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def native_examples(shop: Shop, every: int) -> list[Example]:
    """Features of native speech, heard by the same kind of model as the learners."""
    if not isinstance(shop, Workshop):
        raise ConfigError("Native speech is measured with a phonetic encoder only: set natives to 0.")
    chosen: Sequence[Utterance] = shop.natives[::every]
    tunes = load_prosody(chosen, shop.path(f"prosody-natives-{every}.npz"))
    network = shop.new_network(0)
    load_network(network, model_path(shop, shop.config.rounds, NATIVE_FOLD))
    found = []
    for utterance in track(chosen, "measure natives"):
        heard = stored_posteriors(network, shop.store, utterance.id, seconds(utterance.audio))
        try:
            measured = measure_one(heard, utterance.script, tunes[utterance.id], shop.config.align)
        except TextAudioMismatch:
            continue
        words = tuple(word.text for word in utterance.script.words)
        row = utterance_vector(measured.utterance, NAMES)
        found.append(unlabelled_example(utterance.id, utterance.speaker, measured.phones, row, words))
    return found
