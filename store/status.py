"""How much there is at each step of the walk."""

from dataclasses import dataclass

from store.connection import Cursor


@dataclass(frozen=True, slots=True)
class Funnel:
    """Counts of everything that narrows down.

    Attributes:
        noun_synsets: of WordNet.
        image_roots: folders of pictures.
        images: pictures in them.
        synsets_with_images: synsets that have pictures of their own.
        image_issues: what was found wrong among the pictures.
        superclasses: concepts to be recognised.
        candidates: synsets proposed under them; one that two superclasses propose counts twice.
        pending: candidates nobody has decided on.
        accepted: candidates whose last decision is accept.
        rejected: whose last decision is reject.
        unsure: whose last decision is unsure.
        judged: candidates that a filter has judged.
        filter_runs: times that a filter has judged.
        replicas: synsets that more than one superclass has accepted.
        score_runs: scoring runs whose results are in.
        scored_images: pictures with a similarity in the newest run.
        splits: named splits.
        exports: exports made from this catalogue.
        evaluations: evaluations of detectors.
    """

    noun_synsets: int
    image_roots: int
    images: int
    synsets_with_images: int
    image_issues: int
    superclasses: int
    candidates: int
    pending: int
    accepted: int
    rejected: int
    unsure: int
    judged: int
    filter_runs: int
    replicas: int
    score_runs: int
    scored_images: int
    splits: int
    exports: int
    evaluations: int


def fetch_funnel(cursor: Cursor) -> Funnel:
    """All counts at once, from the small tables wherever one holds the sum."""
    row = cursor.execute(
        """
        WITH
            states AS (SELECT state, wnid FROM candidate_state),
            shared AS (SELECT wnid FROM states WHERE state = 'accept' GROUP BY wnid HAVING count(*) > 1),
            -- A synset under two superclasses is scored under both; counting each picture takes six times as long.
            scored AS (
                SELECT wnid, count(*) AS images
                FROM similarity
                WHERE run_id = (SELECT max(run_id) FROM score_run)
                GROUP BY superclass, wnid
            ),
            scored_once AS (SELECT max(images) AS images FROM scored GROUP BY wnid)
        SELECT
            (SELECT count(*) FROM synset WHERE pos = 'n'),
            (SELECT count(*) FROM image_root),
            (SELECT coalesce(sum(images), 0)::BIGINT FROM image_count),
            (SELECT count(*) FROM image_count WHERE images > 0),
            (SELECT count(*) FROM image_issue),
            (SELECT count(*) FROM superclass),
            (SELECT count(*) FROM states),
            (SELECT count(*) FROM states WHERE state = 'pending'),
            (SELECT count(*) FROM states WHERE state = 'accept'),
            (SELECT count(*) FROM states WHERE state = 'reject'),
            (SELECT count(*) FROM states WHERE state = 'unsure'),
            (SELECT count(*) FROM (SELECT DISTINCT superclass, wnid FROM verdict)),
            (SELECT count(*) FROM filter_run),
            (SELECT count(*) FROM shared),
            (SELECT count(*) FROM score_run),
            (SELECT coalesce(sum(images), 0)::BIGINT FROM scored_once),
            (SELECT count(*) FROM split),
            (SELECT count(*) FROM export),
            (SELECT count(*) FROM evaluation)
        """
    ).fetchone()
    assert row is not None
    return Funnel(*row)
