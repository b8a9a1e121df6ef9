-- What screens read of WordNet at each key, worked out once when it is imported.
CREATE TABLE tree_node (               -- stored sorted by hypernym_wnid, name
    hypernym_wnid VARCHAR,             -- NULL: a root
    wnid VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    lemma VARCHAR NOT NULL,            -- the first one
    is_instance BOOLEAN NOT NULL,      -- an instance of its hypernym, not a kind of it
    children INTEGER NOT NULL,         -- direct hyponyms
    descendants INTEGER NOT NULL       -- synsets in its hyponym closure, each once
);
CREATE TABLE synset_card (
    wnid VARCHAR PRIMARY KEY,
    name VARCHAR NOT NULL,
    sense_count INTEGER NOT NULL,
    lemmas VARCHAR[] NOT NULL,
    path VARCHAR[] NOT NULL,           -- wnids of a shortest way from the root down to it, both included
    words VARCHAR NOT NULL,            -- |dog|domestic_dog|canis_familiaris|
    gloss_words VARCHAR NOT NULL       -- the gloss in lower case, a blank before each word, no punctuation
);
