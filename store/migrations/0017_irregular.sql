-- Inflected forms of nouns that no rule makes: geese of goose. From WordNet's noun.exc.
CREATE TABLE irregular_form (          -- stored sorted by form
    form VARCHAR NOT NULL,             -- in lower case, words joined by underscores
    lemma VARCHAR NOT NULL
);
