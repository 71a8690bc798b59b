"""Text input of the assessment network: diff, tokens to words, text models, pooling."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from elocute.training.hierarchy import HierarchyOptions  # noqa: E402
from elocute.training.layers import Pool  # noqa: E402
from elocute.training.myers import matches  # noqa: E402
from elocute.training.scorer import new_stack, predict  # noqa: E402
from elocute.training.table import Member, make_table  # noqa: E402
from elocute.training.textinput import text_inputs, word_ids, words_of_tokens  # noqa: E402
from tables import FOLDS, made_up  # noqa: E402

texts = st.text("abc", max_size=8)


def longest_common(a: str, b: str) -> int:
    table = np.zeros((len(a) + 1, len(b) + 1), int)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            table[i + 1, j + 1] = table[i, j] + 1 if x == y else max(table[i, j + 1], table[i + 1, j])
    return int(table[-1, -1])


@given(texts, texts)
def test_the_diff_keeps_as_much_as_possible(a: str, b: str) -> None:
    found = matches(a, b)
    assert len(found) == longest_common(a, b)
    assert all(a[i] == b[j] for i, j in found)
    assert all(x[0] < y[0] and x[1] < y[1] for x, y in pairwise(found))


@pytest.mark.parametrize(
    ("tokens", "words", "expected"),
    [
        (["the", "ship"], ["the", "ship"], [0, 1]),
        (["", "un", "believ", "able", ""], ["unbelievable"], [-1, 0, 0, 0, -1]),
        (["Don", "'", "t", " go"], ["don't", "go"], [0, -1, 0, 1]),
        (["a", "a", "a"], ["a", "a", "a"], [0, 1, 2]),
        (["#", "twenty", "five"], ["twenty-five", "x"], [-1, 0, 0]),
        (["thecat"], ["the", "cats"], [0]),
    ],
)
def test_tokens_find_their_words(tokens: list[str], words: list[str], expected: list[int]) -> None:
    assert words_of_tokens(tokens, words) == expected


def test_word_ids() -> None:
    examples = [made_up(n) for n in range(6)]
    found, count = word_ids(examples)
    spelled = {}
    for example, (ids, owners) in zip(examples, found, strict=True):
        assert owners.tolist() == list(range(len(example.script)))
        for word, number in zip(example.script, ids.tolist(), strict=True):
            assert 0 < number < count
            assert spelled.setdefault(word, number) == number
    assert len(set(spelled.values())) == len(spelled) == count - 1


def tiny_modernbert(folder: Path) -> None:
    """A random ModernBERT of a few thousand weights with a tokeniser of characters and pairs."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import ModernBertConfig, ModernBertModel, PreTrainedTokenizerFast

    letters = "abcdefghijklmnopqrstuvwxyz'"
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    vocabulary = {
        piece: n for n, piece in enumerate([*special, *letters, *(f"##{x}" for x in letters), "sh", "##ip"])
    }
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.decoder = decoders.WordPiece()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = ModernBertConfig(
        vocab_size=len(vocabulary), hidden_size=16, intermediate_size=24, num_hidden_layers=2,
        num_attention_heads=2, max_position_embeddings=64, pad_token_id=0, bos_token_id=2, eos_token_id=3,
        cls_token_id=2, sep_token_id=3, attn_implementation="sdpa", reference_compile=False,
    )  # fmt: skip
    ModernBertModel(config).save_pretrained(folder)


def test_any_text_model_from_a_folder(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    tiny_modernbert(tmp_path)
    examples = [made_up(n) for n in range(8)]
    found, size = text_inputs("tokens", str(tmp_path), examples)
    assert size == 16
    assert found is not None
    for example, (states, owners) in zip(examples, found, strict=True):
        assert states.shape == (len(owners), 16)
        assert np.isfinite(states).all()
        assert sorted(set(owners.tolist())) == list(range(len(example.script)))
    table = make_table(examples, FOLDS, (), found, size)
    members = [Member(0, 1), Member(1, 1)]
    net = new_stack(table, members, HierarchyOptions(width=16, heads=2, depths=(1, 1, 1), text="tokens"))
    together = predict(net, examples, found)
    for row, example in enumerate(examples):
        alone = predict(net, [example], [found[row]])[0]
        np.testing.assert_allclose(together[row].words, alone.words, atol=1e-5)
    silent = [(np.zeros_like(states), owners) for states, owners in found]
    assert np.abs(predict(net, examples, silent)[0].words - together[0].words).max() > 1e-5


def test_a_text_model_of_a_package_that_has_none() -> None:
    from elocute.training.textinput import model_folder

    assert model_folder("answerdotai/ModernBERT-base") == "answerdotai/ModernBERT-base"
    with pytest.raises(FileNotFoundError, match="no text model"):
        model_folder("package:elocute/export")


def test_clipped_softmax_leaves_items_out() -> None:
    pool = Pool(1, 2, (-0.1, 1.1))
    with torch.no_grad():
        pool.score.weight.copy_(torch.tensor([[[8.0], [0.0]]]))
        pool.score.bias.zero_()
    x = torch.tensor([[[[1.0, 5.0], [0.0, -3.0], [9.0, 9.0]]]])
    groups = torch.tensor([[[True, True, False], [False, False, False]]])
    found = pool(x, groups)
    torch.testing.assert_close(found[0, 0, 0], torch.tensor([1.0, 5.0]))
    assert (found[0, 0, 1] == 0).all()
