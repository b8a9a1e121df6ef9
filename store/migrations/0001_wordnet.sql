-- WordNet 3.0: concepts, words, what lies under what, and which ImageNet lists name them.
CREATE TABLE synset (
    wnid VARCHAR PRIMARY KEY,          -- part of speech letter and eight digits: n02084071, a00001740
    pos VARCHAR NOT NULL CHECK (pos IN ('n', 'a', 's')),
    name VARCHAR NOT NULL UNIQUE,      -- NLTK's name: dog.n.01
    gloss VARCHAR NOT NULL,
    lexname VARCHAR NOT NULL,          -- lexicographer file: noun.animal, adj.all, adj.pert, adj.ppl
    sense_count INTEGER NOT NULL,      -- how often the sense tagged corpora show its lemmas
    depth INTEGER                      -- least number of steps up to entity.n.01; NULL for adjectives
);
CREATE TABLE lemma (
    wnid VARCHAR NOT NULL,
    position INTEGER NOT NULL,         -- 0 is the first lemma
    lemma VARCHAR NOT NULL,            -- as WordNet spells it, words joined by underscores
    sense_count INTEGER NOT NULL
);
CREATE TABLE hypernym (
    wnid VARCHAR NOT NULL,
    hypernym_wnid VARCHAR NOT NULL,
    is_instance BOOLEAN NOT NULL
);
CREATE TABLE hyponym_closure (         -- without the root itself; instance hyponyms count as hyponyms
    ancestor_wnid VARCHAR NOT NULL,
    wnid VARCHAR NOT NULL,
    depth INTEGER NOT NULL             -- least number of steps down
);
CREATE TABLE membership (
    list_name VARCHAR NOT NULL CHECK (
        list_name IN ('imagenet_21k_p_fall11', 'imagenet_21k_p_winter21', 'imagenet_22k', 'imagenet_12k', 'imagenet_1k')
    ),
    position INTEGER NOT NULL,         -- place in the published list: the class index of a model trained on it
    wnid VARCHAR NOT NULL
);
CREATE TABLE workspace_fact (          -- what the workspace knows of itself: wordnet_version, seed ...
    key VARCHAR PRIMARY KEY,
    value VARCHAR NOT NULL
);
