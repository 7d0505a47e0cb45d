-- A search finds letters that have no decomposition by those that people type for them, too. New
-- functions beside those of V3: an index rests on what a function gives, and the version before goes
-- by the old ones, which a later migration drops with their indexes.
CREATE FUNCTION todo_base_letters(words text) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE sql
RETURN replace(replace(replace(replace(
    translate(todo_letters(words), 'øłđðıħŧŋɓɗƙƴς', 'olddihtnbdkyσ'),
    'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th');

CREATE FUNCTION todo_words(task text, notes text) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE sql
RETURN todo_base_letters(task || E'\n' || notes);

-- As dear as `todo_pattern`, for the same reason.
CREATE FUNCTION todo_word_pattern(word text) RETURNS text IMMUTABLE PARALLEL SAFE COST 1000000 LANGUAGE plpgsql AS
$$ BEGIN RETURN '%' || regexp_replace(todo_base_letters(word), '([\\%_])', '\\\1', 'g') || '%'; END $$;
