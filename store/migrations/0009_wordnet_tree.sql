-- What a tree shows of each synset below each of its hypernyms, worked out once when WordNet is imported.
CREATE TABLE tree_node (               -- stored sorted by hypernym_wnid, name
    hypernym_wnid VARCHAR,             -- NULL: a root
    wnid VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    lemma VARCHAR NOT NULL,            -- the first one
    is_instance BOOLEAN NOT NULL,      -- an instance of its hypernym, not a kind of it
    children INTEGER NOT NULL,         -- direct hyponyms
    descendants INTEGER NOT NULL       -- synsets in its hyponym closure, each once
);
