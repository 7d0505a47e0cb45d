-- A search finds words of Arabic and Hebrew without the marks that few people type: vowels, points, the
-- hamza above an alef, and the stroke that only makes a word longer. New functions beside those of V8,
-- as those were beside V3's, and for the same reason.
CREATE FUNCTION todo_bare_letters(words text) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE sql
RETURN regexp_replace(todo_base_letters(words),
    '[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e4\u06e7\u06e8\u06ea-\u06ed]',
    '', 'g');

CREATE FUNCTION todo_bare_words(task text, notes text) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE sql
RETURN todo_bare_letters(task || E'\n' || notes);

-- As dear as `todo_pattern`, for the same reason.
CREATE FUNCTION todo_bare_pattern(word text) RETURNS text IMMUTABLE PARALLEL SAFE COST 1000000 LANGUAGE plpgsql AS
$$ BEGIN RETURN '%' || regexp_replace(todo_bare_letters(word), '([\\%_])', '\\\1', 'g') || '%'; END $$;
