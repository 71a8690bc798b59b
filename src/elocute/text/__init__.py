"""Text front end: from a sentence to words with pronunciations and syllables."""

from elocute.text.reading import read_script
from elocute.text.script import Pronunciation, Script, ScriptWord
from elocute.text.syllables import syllabify

__all__ = ["Pronunciation", "Script", "ScriptWord", "read_script", "syllabify"]
