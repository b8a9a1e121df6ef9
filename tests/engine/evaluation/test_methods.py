"""Methods and mining against the golden cases, against whole matrices in float64, and under the laws they obey."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engine.errors import EngineError
from engine.evaluation.batches import Batch, TextBank, Texts, blocks_of, group_order
from engine.evaluation.formulas import Grouping, energy, greatest, greatest_probability, neglabel
from engine.evaluation.labels import Labels
from engine.evaluation.methods import Method, all_methods, find_method
from engine.evaluation.methods.adaneg import gates, proxy_mean
from engine.evaluation.methods.gl_mcm import local_score
from engine.evaluation.methods.negrefine import multi_match
from engine.evaluation.methods.tanl import activation_aware_score
from engine.evaluation.passes import check_groups, normalised, score_set, stream_scores
from engine.evaluation.words.corpus import CorpusSettings, make_corpus
from engine.evaluation.words.mining import (
    Share,
    csp_scores,
    far_to_near,
    interneg_scores,
    permutation,
    select,
    similarity_quantile,
)
from store.connection import memory_store

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[2] / "data" / "golden.json").read_text())
EXACT = 1e-12

cosines = st.floats(-1, 1, allow_nan=False, width=32)


def golden(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    return GOLDEN[name]["inputs"], GOLDEN[name]["expected"]


@pytest.mark.parametrize(
    ("name", "grouping"),
    [
        ("neglabel_ungrouped_4x3+6", Grouping(1)),
        ("neglabel_grouped_ng2", Grouping(2)),
        ("neglabel_grouped_ng3_perm", Grouping(3)),
        ("neglabel_tau1_ng2", Grouping(2)),
        ("neglabel_uniform", Grouping(2)),
    ],
)
def test_neglabel_golden(name: str, grouping: Grouping) -> None:
    inputs, expected = golden(name)
    order = np.array(inputs["perm"]) if inputs.get("perm") else None
    found = neglabel(np.array(inputs["pos"]), np.array(inputs["neg"]), inputs["tau"], grouping, order)
    np.testing.assert_allclose(found, expected["score"], atol=EXACT, rtol=0)


def test_neglabel_golden_remainders() -> None:
    inputs, expected = golden("neglabel_grouped_remainder_7_by_3")
    labels, negatives = np.array(inputs["pos"]), np.array(inputs["neg"])
    dropped = neglabel(labels, negatives, 0.01, Grouping(3, "drop_tail"))
    balanced = neglabel(labels, negatives, 0.01, Grouping(3, "balanced"))
    np.testing.assert_allclose(dropped, expected["drop_tail_score"], atol=EXACT, rtol=0)
    np.testing.assert_allclose(balanced, expected["balanced_score"], atol=EXACT, rtol=0)
    assert Grouping(3).sizes(7) == expected["balanced_group_sizes"]
    uniform, wanted = golden("neglabel_uniform")
    np.testing.assert_allclose(
        neglabel(np.array(uniform["pos"]), np.array(uniform["neg"])), wanted["ungrouped"], atol=EXACT, rtol=0
    )


def test_baselines_golden() -> None:
    inputs, expected = golden("baselines_same_matrix")
    cos, local = np.array(inputs["cos"]), np.array(inputs["local_cos[B,L,C]"])
    close = {"atol": EXACT, "rtol": 0}
    np.testing.assert_allclose(greatest_probability(cos, 1.0), expected["MCM_tau1"], **close)
    np.testing.assert_allclose(greatest_probability(cos, 0.01), expected["MSP_tau0.01"], **close)
    np.testing.assert_allclose(greatest(cos), expected["MaxLogit_cos"], **close)
    np.testing.assert_allclose(energy(cos, 1.0), expected["Energy_T1_cos"], **close)
    np.testing.assert_allclose(energy(100 * cos, 1.0), expected["Energy_T1_logits100"], **close)
    np.testing.assert_allclose(energy(cos, 0.01), expected["Energy_tau0.01_cos(T*lse(cos/T))"], **close)
    # With the identity as labels the similarities are the patches themselves.
    patches = local_score(local, np.eye(3), 1.0)
    np.testing.assert_allclose(greatest_probability(cos, 1.0) + patches, expected["GL-MCM_lambda1_tau1"], **close)


def test_mining_golden() -> None:
    inputs, expected = golden("negmining_quantile_7x5")
    similarity = np.array(inputs["sim_to_id[cand,id]"])
    quantile, peak = similarity_quantile(similarity, np.eye(5), 0.95)
    np.testing.assert_allclose(quantile, expected["q95_similarity"], atol=EXACT, rtol=0)
    np.testing.assert_allclose(-similarity_quantile(-similarity, np.eye(5), 0.05)[0], quantile, atol=EXACT, rtol=0)
    assert far_to_near(quantile).tolist() == expected["rank_far_to_near"]
    assert far_to_near(csp_scores(quantile, peak)).tolist() == expected["csp_rank"]
    assert far_to_near(peak).tolist() == expected["max_sim_rank(eta=0)"]
    assert select(quantile, ["noun"] * 7, Share(0.5)).rows.tolist() == expected["selected"]


def test_corpus_golden(tmp_path: Path) -> None:
    inputs, expected = golden("corpus_dedupe_first_come")
    words = [f"{word},{name.partition('.')[0]}" for name in inputs["order"] for word in inputs["files"][name]]
    (tmp_path / "words.csv").write_text("\n".join(words))
    settings = CorpusSettings(f"file:{tmp_path / 'words.csv'}", compatible=True)
    store = memory_store()
    with store.reading() as cursor:
        table = make_corpus(cursor, Labels((), (), "class_name", ()), settings).words
    store.close()
    found = [(row["word"], row["pos"]) for row in table.to_pylist()]
    assert found == [*((word, "noun") for word in expected["noun"]), *((word, "adj") for word in expected["adj"])]


def test_interneg_golden() -> None:
    inputs, expected = golden("interneg_selection")
    admissible, surplus = interneg_scores(np.array(inputs["base_distance"]), np.array(inputs["cand_distance"]))
    assert admissible.tolist() == expected["admissible"]
    np.testing.assert_allclose(surplus, expected["D"], atol=EXACT, rtol=0)
    assert [row for row in far_to_near(-surplus).tolist() if admissible[row]] == expected["rank"]


def test_successors_golden() -> None:
    inputs, expected = golden("tanl_activation_aware_score")
    order = np.argsort(-np.array(inputs["activation_diff"]), kind="stable")
    assert order.tolist() == expected["order"]
    found = activation_aware_score(np.array(inputs["pos"]), np.array(inputs["neg"])[:, order], 0.01)
    np.testing.assert_allclose(found, expected["score"], atol=EXACT, rtol=0)

    inputs, expected = golden("adaneg_gates")
    found_gates = gates(inputs["thres"], inputs["gap"])
    assert (found_gates.of_id, found_gates.of_ood) == (expected["pos_gate(>)"], expected["neg_gate(<)"])

    inputs, expected = golden("adaneg_proxy_mean")
    cached = np.array([*inputs["cached"], [0.0, 0.0]])
    np.testing.assert_allclose(proxy_mean(np.array(inputs["text"]), cached), expected["proxy"], atol=EXACT, rtol=0)

    inputs, expected = golden("negrefine_multimatch")
    match = multi_match(np.array([inputs["cos_compound[i,j]"]]), np.array([inputs["cos_neg[j]"]]), inputs["tau"])
    assert inputs["s_neglabel"] + inputs["alpha"] * match[0] == pytest.approx(expected["score"], abs=EXACT)


matrices = arrays.arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 4)), elements=cosines)


@given(matrices, st.integers(1, 12), st.floats(-0.5, 0.5), st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_laws_of_neglabel(labels: np.ndarray, count: int, shift: float, random: Any) -> None:
    negatives = np.random.default_rng(random.randrange(2**32)).uniform(-1, 1, (len(labels), count))
    plain = neglabel(labels, negatives, 0.1)
    order = np.random.default_rng(0).permutation(labels.shape[1])
    np.testing.assert_allclose(neglabel(labels + shift, negatives + shift, 0.1), plain, atol=1e-9)
    np.testing.assert_allclose(neglabel(labels[:, order], negatives, 0.1), plain, atol=1e-9)
    assert (neglabel(labels, np.hstack([negatives, negatives[:, :1]]), 0.1) <= plain + 1e-12).all()
    np.testing.assert_allclose(neglabel(labels, negatives, 0.1, Grouping(1, "drop_tail")), plain, atol=1e-12)
    for groups in range(1, count + 1):
        if count % groups == 0:
            balanced = neglabel(labels, negatives, 0.1, Grouping(groups, "balanced"))
            dropped = neglabel(labels, negatives, 0.1, Grouping(groups, "drop_tail"))
            np.testing.assert_allclose(balanced, dropped, atol=1e-12)


def unit(rows: int, d: int, seed: int) -> np.ndarray:
    return normalised(np.random.default_rng(seed).normal(size=(rows, d)).astype(np.float32))


@pytest.fixture
def bank() -> TextBank:
    names = tuple(f"label {k}" for k in range(6))
    words = tuple(f"word {k}" for k in range(103))
    return TextBank(unit(6, 16, 1), unit(103, 16, 2), permutation(103, 0), names, words)


@pytest.mark.parametrize("grouping", [Grouping(1), Grouping(10), Grouping(10, "drop_tail"), Grouping(103)])
@pytest.mark.parametrize("widest", [8, 25, 4096])
def test_blocks_give_the_score_of_the_whole_matrix(bank: TextBank, grouping: Grouping, widest: int) -> None:
    images = unit(40, 16, 3)
    order = group_order(bank, grouping)
    assert bank.negatives is not None
    exact = images.astype(np.float64)
    wanted = neglabel(
        exact @ bank.labels.T.astype(np.float64),
        exact @ bank.negatives.T.astype(np.float64)[:, order],
        0.01,
        Grouping(grouping.groups),
    )
    texts = Texts({"plain": bank})
    texts._blocks[("plain", grouping)] = blocks_of(bank, grouping, widest)
    settings_ = {"temperature": 0.01, "groups": grouping.groups, "remainder": grouping.remainder}
    score = find_method("NegLabel").score
    assert score is not None
    np.testing.assert_allclose(score(Batch(images, texts), settings_), wanted, atol=2e-6, rtol=0)


def test_one_pass_scores_every_static_method(bank: TextBank) -> None:
    methods = [(m, m.settings({"groups": 10})) for m in all_methods().values() if not m.adaptive and not m.local]
    encoder_calls: list[int] = []

    def encode(texts: Any) -> np.ndarray:
        encoder_calls.append(len(texts))
        return unit(len(texts), 16, 9)

    images = unit(50, 16, 4)
    found = score_set(images, Texts({"plain": bank, "csp": bank, "mcm": bank}, encode), methods)
    names = {"msp", "maxlogit", "energy", "mcm", "neglabel", "csp", "negrefine"}
    assert set(found.id_scores) == names
    similarity = images @ bank.labels.T
    assert (found.predicted == similarity.argmax(axis=1)).all()
    np.testing.assert_allclose(found.id_scores["maxlogit"], similarity.max(axis=1), atol=1e-6)
    np.testing.assert_allclose(found.id_scores["csp"], found.id_scores["neglabel"])
    assert encoder_calls
    assert found.margin is not None
    ungrouped = neglabel(similarity, images @ bank.negatives.T, 0.01)  # type: ignore[union-attr]
    np.testing.assert_allclose(1 / (1 + np.exp(-found.margin)), ungrouped, atol=2e-6)


def test_gl_mcm_needs_patches_and_uses_the_best(bank: TextBank) -> None:
    method = find_method("gl-mcm")
    texts = Texts({"plain": bank, "mcm": bank})
    images, patches = unit(5, 16, 5), unit(15, 16, 6).reshape(5, 3, 16)
    chosen: list[tuple[Method, Any]] = [(method, method.settings({}))]
    with pytest.raises(EngineError, match="patches"):
        score_set(images, texts, chosen)
    found = score_set(images, texts, chosen, local=lambda start, stop: patches[start:stop]).id_scores["gl-mcm"]
    cos = (patches @ bank.labels.T).astype(np.float64)
    probability = np.exp(cos) / np.exp(cos).sum(axis=2, keepdims=True)
    whole = greatest_probability(images @ bank.labels.T, 1.0)
    np.testing.assert_allclose(found, whole + probability.max(axis=(1, 2)), atol=1e-6)


@pytest.mark.parametrize("name", ["adaneg", "tanl"])
def test_streams_are_seeded_and_depend_on_the_order(name: str) -> None:
    # Two clusters: ID near the labels, OOD near a corner that few negative labels fill.
    generator = np.random.default_rng(0)
    labels, negatives = unit(4, 32, 1), unit(60, 32, 2)
    of_id = normalised(labels[generator.integers(4, size=80)] * 3 + 0.3 * generator.normal(size=(80, 32)))
    of_ood = normalised(negatives[generator.integers(3, size=80)] * 3 + 0.3 * generator.normal(size=(80, 32)))
    bank = TextBank(labels, negatives, permutation(60, 0))
    method = find_method(name)
    chosen = method.settings({"groups": 10, "temperature": 0.1, "stream_batch": 16})
    first = stream_scores(of_id, of_ood, bank, method, chosen, "shuffled", 5)
    again = stream_scores(of_id, of_ood, bank, method, chosen, "shuffled", 5)
    sorted_ = stream_scores(of_id, of_ood, bank, method, chosen, "id-first", 5)
    np.testing.assert_array_equal(first[0], again[0])
    assert not np.array_equal(first[1], sorted_[1])
    assert first[0].mean() > first[1].mean() + 0.3
    with pytest.raises(EngineError, match="stream order"):
        stream_scores(of_id, of_ood, bank, method, chosen, "backwards", 5)


def test_what_does_not_fit_is_refused(bank: TextBank) -> None:
    method = find_method("neglabel")
    chosen = [(method, method.settings({"groups": 200}))]
    with pytest.raises(EngineError, match="NegLabel: 103 negative labels cannot fill 200 groups"):
        check_groups(103, chosen)
    with pytest.raises(EngineError, match="labels' have 16 dimensions"):
        score_set(unit(3, 8, 0), Texts({"plain": bank}), [])
    damaged = unit(3, 16, 0)
    damaged[2, 0] = np.nan
    with pytest.raises(EngineError, match="embedding in row 2"):
        score_set(damaged, Texts({"plain": bank}), [])
    with pytest.raises(EngineError, match="no method 'knn'"):
        find_method("knn")
    with pytest.raises(EngineError, match="negative labels"):
        score_set(unit(3, 16, 0), Texts({"plain": TextBank(bank.labels)}), [(method, method.settings({}))])


def test_select_ranks_parts_of_speech_apart() -> None:
    score = np.array([0.1, 0.5, 0.3, 0.2, 0.9, 0.05])
    pos = ["noun", "noun", "noun", "noun", "adj", "adj"]
    assert select(score, pos, Share(0.5)).rows.tolist() == [0, 3, 5]
    assert select(score, pos, Share(0.5, per_pos=False)).rows.tolist() == [5, 0, 3]
    assert select(score, pos, Share(count=3)).rows.tolist() == [0, 3, 5]
    with pytest.raises(EngineError, match="corpus has 6 words"):
        select(score, pos, Share(count=7))
    with pytest.raises(EngineError, match="No negative label is left"):
        select(score[:1], ["noun"], Share(0.5))


def test_quantile_in_blocks_equals_numpy() -> None:
    words, labels = unit(300, 24, 1), unit(37, 24, 2)
    for quantile in (0.0, 0.5, 0.95, 1.0):
        found, peak = similarity_quantile(words, labels, quantile)
        np.testing.assert_allclose(found, np.quantile(words @ labels.T, quantile, axis=1), atol=1e-6)
        np.testing.assert_allclose(peak, (words @ labels.T).max(axis=1), atol=1e-6)


def test_tanl_begins_with_the_negative_labels_that_noise_activates() -> None:
    labels, negatives, noise = unit(4, 32, 1), unit(60, 32, 2), unit(20, 32, 7)
    pictures = unit(5, 32, 8)
    method = find_method("tanl")
    chosen = method.settings({"temperature": 0.1, "activated": 10, "stream_batch": 5})

    def activation(rows: np.ndarray) -> np.ndarray:
        scaled = np.exp(rows.astype(np.float64) @ np.concatenate([labels, negatives]).T / 0.1)
        return (scaled / scaled.sum(axis=1, keepdims=True))[:, 4:].mean(axis=0)

    bank = TextBank(labels, negatives, permutation(60, 0), noise=noise)
    empty = TextBank(labels, negatives, permutation(60, 0))
    assert method.stream is not None
    for start, of_ood in ((bank, activation(noise[:15])), (empty, np.zeros(60))):
        order = np.argsort(-(of_ood - activation(labels)), kind="stable")[:10]
        expected = activation_aware_score(pictures @ labels.T, pictures @ negatives[order].T, 0.1)
        np.testing.assert_allclose(method.stream(pictures, start, chosen), expected, atol=2e-6)
    assert not np.allclose(method.stream(pictures, bank, chosen), method.stream(pictures, empty, chosen))
