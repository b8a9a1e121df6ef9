"""The rooms of the house, in the order in which the data walks through them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Room:
    """One step of the walk: the question it answers, and what it leaves behind in the catalogue."""

    name: str
    question: str
    writes: tuple[str, ...]


ROOMS = (
    Room("wordnet", "Which concepts are there, and what lies under what?",
         ("synset", "lemma", "hypernym", "hyponym_closure", "membership", "tree_node", "synset_card",
          "irregular_form")),
    Room("images", "Which concepts have pictures here?", ("image_root", "image", "image_count", "image_issue")),
    Room("candidates", "Which synsets may stand under each superclass?",
         ("superclass", "superclass_root", "candidate")),
    Room("filters", "What does a model say, and what falls away by rule?",
         ("filter_run", "verdict", "filter_rule", "audit_candidate")),
    Room("review", "What did a person decide?", ("decision", "picture_decision", "neighbour", "neighbour_search")),
    Room("scoring", "How typical is each picture of its superclass?",
         ("embedding_set", "embedding_part", "embedding", "score_run", "similarity")),
    Room("splits", "Which subclasses are train, Easy, Hard?", ("split", "split_setting", "picture_print")),
    Room("export", "What leaves the house, and can it be rebuilt?", ("export",)),
    Room("evaluation", "How well does a detector tell them apart?",
         ("evaluation_set", "negative_set", "negative_label", "evaluation", "evaluation_part", "metric", "id_score")),
)  # fmt: skip


def room_names() -> tuple[str, ...]:
    """The names of the rooms, first to last."""
    return tuple(room.name for room in ROOMS)
