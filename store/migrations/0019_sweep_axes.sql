-- The axes of a sweep that need rankings of their own; rows of earlier sweeps have them in the variant's name alone.
ALTER TABLE sweep_result ADD COLUMN model VARCHAR DEFAULT '';      -- with its weights, as the user named it
ALTER TABLE sweep_result ADD COLUMN prompt VARCHAR DEFAULT '';     -- template of ID labels and nouns
ALTER TABLE sweep_result ADD COLUMN corpus VARCHAR DEFAULT '';     -- where the words come from
ALTER TABLE sweep_result ADD COLUMN percentile DOUBLE;             -- of the ranking; NULL where words were given
