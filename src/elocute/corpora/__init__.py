"""Speech corpora: one module per corpus, all yielding the same :class:`~elocute.corpora.types.Utterance`."""
