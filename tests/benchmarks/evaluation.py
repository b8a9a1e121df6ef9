"""How fast the evaluation is, each number beside a baseline that runs in turn with it.

    python -m tests.benchmarks.evaluation [--pictures N] [--rounds N] [--only mining,memory,...] [--device cuda]

Made-up embeddings: 85,640 pictures (ImageNet's 50,000 and the four OOD sets), 1,000 ID labels and 10,000 negative
labels in 512 dimensions. The baselines are the forms of the published code, in torch: softmax of every group with all
ID labels, the whole similarity matrix and torch.quantile, scikit-learn's curves. Times are medians of rounds in turn.
Memory is that of a fresh process for each number, above what it held with its inputs read.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from sklearn.metrics import roc_auc_score, roc_curve

from engine.evaluation.batches import Batch, TextBank, Texts, group_order
from engine.evaluation.formulas import Grouping, neglabel
from engine.evaluation.methods import find_method
from engine.evaluation.numbers.bootstrap import detection_intervals
from engine.evaluation.numbers.metrics import RankedScores
from engine.evaluation.passes import normalised, score_set, to_host
from engine.evaluation.sweeps.grid import Grid, preview_rows, sweep_results, sweep_scores
from engine.evaluation.words.mining import Share, permutation, select, similarity_quantile

WIDTH, LABELS, NEGATIVES, CORPUS, PICTURES, GROUPS = 512, 1_000, 10_000, 70_000, 85_640, 100
GRID = Grid((1_000, 2_000, 4_000, 8_000, 10_000), (1, 5, 10, 100), (0.005, 0.01, 0.02, 0.05, 0.1))


def unit(rows: int, seed: int, pull: np.ndarray | None = None, weight: float = 0.0) -> np.ndarray:
    """Random directions, pulled towards some others so that scores are not all alike."""
    generator = np.random.default_rng(seed)
    found = generator.standard_normal((rows, WIDTH), dtype=np.float32)
    if pull is not None:
        found += weight * np.sqrt(WIDTH) * pull[generator.integers(len(pull), size=rows)]
    return normalised(found)


def interleaved(rounds: int, **functions: Callable[[], object]) -> dict[str, float]:
    """Median seconds of each function; they take turns, so that a slow moment of the machine hits all of them."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            started = time.perf_counter()
            function()
            times[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in times.items()}


def held_mib(most: bool) -> float:
    """What this process holds, or the most it has held since the mark was last taken back, in MiB; Linux only."""
    name = "VmHWM:" if most else "VmRSS:"
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


def take_back_mark() -> None:
    """Let the most that this process has held be what it holds now: reading and importing took more."""
    Path("/proc/self/clear_refs").write_text("5")


def row(what: str, got: float, baseline: float, note: str = "") -> None:
    """One line of the table."""
    print(f"{what:<44} {got * 1e3:>10,.1f} ms {baseline * 1e3:>11,.1f} ms {baseline / got:>7.1f}x  {note}", flush=True)


def reference_scores(images: torch.Tensor, labels: torch.Tensor, negatives: torch.Tensor, batch: int) -> torch.Tensor:
    """NegLabel as published: softmax over the ID labels and one group, for every group anew."""
    found = torch.empty(len(images))
    texts = torch.cat([labels, negatives]).T
    for place, part in enumerate(images.split(batch)):
        logits = part @ texts * 100
        positive, negative = logits[:, : len(labels)], logits[:, len(labels) :]
        grouped = negative.reshape(len(part), GROUPS, -1)
        together = torch.cat([positive[:, None, :].expand(-1, GROUPS, -1), grouped], dim=2)
        scores = together.softmax(dim=2)[:, :, : len(labels)].sum(dim=2).mean(dim=1)
        found[place * batch : place * batch + len(part)] = scores
    return found


def scoring(rounds: int, pictures: int, device: str) -> None:
    """Row 9: the scoring pass, its memory and its error."""
    labels, negatives = unit(LABELS, 1), unit(NEGATIVES, 2)
    images = unit(pictures, 3, labels, 0.3)
    bank = TextBank(labels, negatives, permutation(NEGATIVES, 0))
    method = find_method("neglabel")
    chosen = [(method, method.settings({"groups": GROUPS}))]
    order = group_order(bank, Grouping(GROUPS))
    t_images, t_labels = torch.from_numpy(images), torch.from_numpy(labels)
    t_negatives = torch.from_numpy(negatives[order])

    ours = score_set(images, Texts({"plain": bank}), chosen).id_scores["neglabel"]
    for batch in (256, 1024):

        def streaming(batch: int = batch) -> None:
            texts = Texts({"plain": bank})
            for start in range(0, pictures, batch):
                method.score(Batch(images[start : start + batch], texts), chosen[0][1])  # type: ignore[misc]

        def published(batch: int = batch) -> None:
            with torch.inference_mode():
                reference_scores(t_images, t_labels, t_negatives, batch)

        seconds = interleaved(rounds, streaming=streaming, published=published)
        rate = f"{pictures / seconds['streaming']:,.0f} pictures/s"
        row(f"9  scoring, {pictures:,} pictures, batch {batch}", seconds["streaming"], seconds["published"], rate)
    some = np.random.default_rng(0).choice(pictures, size=min(2_000, pictures), replace=False)
    exact = images[some].astype(np.float64)
    wanted = neglabel(exact @ labels.T.astype(float), exact @ negatives[order].T.astype(float), 0.01, Grouping(GROUPS))
    error = np.abs(ours[some] - wanted).max()
    print(f"   largest error against float64 {error:.1e}")
    if device != "cpu":
        cuda_scoring(rounds, images, bank, device)


def memory(pictures: int) -> None:
    """Rows 9 and 10: peak memory above the inputs, each in a process of its own; for any number of pictures."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        np.save(place / "labels.npy", unit(LABELS, 1))
        np.save(place / "negatives.npy", unit(NEGATIVES, 2))
        np.save(place / "images.npy", unit(pictures, 3))
        np.save(place / "words.npy", unit(CORPUS, 4))
        for count in (pictures // 10, pictures):
            got, baseline = (_peak_of(kind, place, count) for kind in ("scoring", "published-scoring"))
            mib_row(f"9  memory of scoring {count:,} pictures", got, baseline, "(published: batches of 256)")
        got, baseline = (_peak_of(kind, place, CORPUS) for kind in ("mining", "published-mining"))
        mib_row(f"10 memory of mining {CORPUS:,} words", got, baseline)


def mib_row(what: str, got: float, baseline: float, note: str = "") -> None:
    """One line of the table, in MiB."""
    print(f"{what:<44} {got:>10,.0f} MiB {baseline:>10,.0f} MiB {baseline / max(got, 1):>7.1f}x  {note}", flush=True)


def _peak_of(kind: str, place: Path, count: int) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.evaluation", "--peak", kind, "--inputs", str(place)]
    done = subprocess.run([*command, "--pictures", str(count)], check=True, capture_output=True, text=True)
    return float(done.stdout.split()[-1])


def measure_peak(kind: str, place: Path, count: int) -> float:
    """MiB that one piece of work takes above its inputs; called in a fresh process."""
    labels, negatives = np.load(place / "labels.npy"), np.load(place / "negatives.npy")
    file = place / ("words.npy" if kind.endswith("mining") else "images.npy")
    with file.open("rb") as stream:
        np.lib.format.read_magic(stream)
        np.lib.format.read_array_header_1_0(stream)
        rows = np.fromfile(stream, dtype=np.float32, count=count * WIDTH).reshape(count, WIDTH)
    take_back_mark()
    before = held_mib(most=False)
    if kind == "scoring":
        method = find_method("neglabel")
        bank = TextBank(labels, negatives, permutation(NEGATIVES, 0))
        score_set(rows, Texts({"plain": bank}), [(method, method.settings({"groups": GROUPS}))])
    elif kind == "mining":
        similarity_quantile(rows, labels, 0.95)
    else:
        with torch.inference_mode():
            texts = torch.from_numpy(labels)
            if kind == "published-scoring":
                reference_scores(torch.from_numpy(rows), texts, torch.from_numpy(negatives), 256)
            else:
                published_quantile(torch.from_numpy(rows), texts)
    return held_mib(most=True) - before


def cuda_scoring(rounds: int, images: np.ndarray, bank: TextBank, device: str) -> None:
    """On a GPU: the pass beside the bare matrix product of the same shapes."""
    moved = TextBank(
        torch.from_numpy(bank.labels).to(device), torch.from_numpy(bank.negatives).to(device), bank.permutation
    )
    texts = Texts({"plain": moved})
    on_device = torch.from_numpy(images).to(device)
    method = find_method("neglabel")
    chosen = method.settings({"groups": GROUPS})
    everything = torch.cat([moved.labels, moved.negatives])
    texts.blocks("plain", Grouping(GROUPS))

    def ours() -> None:
        for part in on_device.split(1024):
            to_host(method.score(Batch(part, texts), chosen))  # type: ignore[misc]

    def product() -> None:
        for part in on_device.split(1024):
            part @ everything.T
        torch.cuda.synchronize()

    seconds = interleaved(rounds, ours=ours, product=product)
    row(f"9  scoring on {device} beside its bare product", seconds["ours"], seconds["product"])


def published_quantile(words: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Mining as published: the whole matrix, then torch.quantile, which takes at most 16 million numbers at a time."""
    similarity = words @ labels.T
    return torch.cat([part.quantile(0.95, dim=1) for part in similarity.split(10_000)])


def mining(rounds: int) -> None:
    """Row 10: ranking a corpus, beside the whole matrix with torch.quantile."""
    words, labels = unit(CORPUS, 4), unit(LABELS, 5)
    t_words, t_labels = torch.from_numpy(words), torch.from_numpy(labels)

    def ours() -> np.ndarray:
        return similarity_quantile(words, labels, 0.95)[0]

    def published() -> np.ndarray:
        with torch.inference_mode():
            return published_quantile(t_words, t_labels).numpy()

    first, second = ours(), published()
    seconds = interleaved(rounds, ours=ours, published=published)
    row(f"10 mining, {CORPUS:,} words x {LABELS:,} labels", seconds["ours"], seconds["published"])
    pos, share = ["noun"] * CORPUS, Share(count=10_000)
    same = len(set(select(first, pos, share).rows) & set(select(second.astype(np.float64), pos, share).rows))
    print(f"   {same:,} of 10,000 words the same")


def metrics(rounds: int) -> None:
    """Row 11: AUROC and both FPR95, ID sorted once."""
    generator = np.random.default_rng(6)
    inside, outside = generator.normal(1, 1, 50_000), generator.normal(0, 1, 10_000)
    is_id = np.concatenate([np.ones(50_000), np.zeros(10_000)])
    both = np.concatenate([inside, outside])
    ranked = RankedScores(inside)

    def published() -> tuple[float, float]:
        accepted, kept, _ = roc_curve(is_id, both, drop_intermediate=False)
        return roc_auc_score(is_id, both), accepted[np.argmax(kept >= 0.95)]

    def prepared() -> tuple[float, float]:
        return ranked.auroc(outside), ranked.fpr_id_positive(outside).fpr

    def one_shot() -> tuple[float, float]:
        fresh = RankedScores(inside)
        return fresh.auroc(outside), fresh.fpr_id_positive(outside).fpr

    seconds = interleaved(max(rounds, 11), prepared=prepared, one_shot=one_shot, published=published)
    row("11 AUROC and FPR95 ID-positive, one shot", seconds["one_shot"], seconds["published"])
    row("11 the same, ID sorted once", seconds["prepared"], seconds["published"])
    gap = max(abs(a - b) for a, b in zip(prepared(), published(), strict=True))
    intervals = interleaved(rounds, bootstrap=lambda: detection_intervals(inside, outside))
    print(f"   largest difference {gap:.1e}; 1,000 bootstrap resamples {intervals['bootstrap']:.2f} s")


def sweeping(rounds: int, pictures: int) -> None:
    """Row 12: 100 settings, as a preview and exactly, beside 100 passes of the published form."""
    labels, negatives = unit(LABELS, 1), unit(NEGATIVES, 2)
    images = unit(pictures, 3, labels, 0.3)
    n_id = pictures * 50 // 86
    t_images, t_labels = torch.from_numpy(images[:2_048]), torch.from_numpy(labels)
    t_negatives = torch.from_numpy(negatives)

    def evaluate(part: np.ndarray, inside: int) -> None:
        found = sweep_scores(part, labels, negatives, GRID)
        list(sweep_results(GRID.points(), found[:, :inside], {"ood": found[:, inside:]}))

    rows = preview_rows({"id": n_id, "ood": pictures - n_id}, seed=0)
    preview = np.concatenate([images[rows["id"]], images[n_id + rows["ood"]]])

    def published() -> None:
        with torch.inference_mode():
            reference_scores(t_images, t_labels, t_negatives, 256)

    seconds = interleaved(rounds, preview=lambda: evaluate(preview, len(rows["id"])), published=published)
    hundred = seconds["published"] / 2_048 * pictures * len(GRID.points())
    row(f"12 sweep of {len(GRID.points())} settings, preview", seconds["preview"], hundred, "(baseline extrapolated)")
    exact = interleaved(max(1, rounds // 3), exact=lambda: evaluate(images, n_id))
    row(f"12 sweep of {len(GRID.points())} settings, exact", exact["exact"], hundred, "(baseline extrapolated)")


def main(arguments: list[str]) -> None:
    """Run the benchmarks that were asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=PICTURES)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="mining,metrics,scoring,memory,sweep")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--peak", help="for the fresh processes of the memory rows")
    parser.add_argument("--inputs", type=Path, help="for the same")
    given = parser.parse_args(arguments)
    if given.peak:
        print(measure_peak(given.peak, given.inputs, given.pictures))
        return
    print(f"{'what':<44} {'here':>13} {'baseline':>14} {'ratio':>8}   ({torch.get_num_threads()} threads)")
    wanted = given.only.split(",")
    if "mining" in wanted:
        mining(given.rounds)
    if "metrics" in wanted:
        metrics(given.rounds)
    if "scoring" in wanted:
        scoring(given.rounds, given.pictures, given.device)
    if "memory" in wanted:
        memory(given.pictures)
    if "sweep" in wanted:
        sweeping(given.rounds, given.pictures)


if __name__ == "__main__":
    main(sys.argv[1:])
