-- Defaults that are constants are kept beside the table: no row is written, and the version before
-- goes on as it is.
-- `rank` is where a todo that was moved stands among those of its position: between two others there
-- is always a number. One that was never moved stands where its id is.
ALTER TABLE todoitem
    ADD COLUMN due date, ADD COLUMN notes text NOT NULL DEFAULT '', ADD COLUMN rank numeric;
ALTER TABLE todoitem_deleted
    ADD COLUMN due date, ADD COLUMN notes text NOT NULL DEFAULT '', ADD COLUMN rank numeric;

-- What a search compares: lower case in any script, and letters without their accents.
-- `lower` knows the letters of a collation, and a database whose own is C knows those of ASCII alone.
-- ICU's comes last: what its versions make of a letter may differ, and an index rests on it.
DO $do$
DECLARE letters name := (
    SELECT collname FROM pg_collation
    WHERE collname IN ('pg_c_utf8', 'und-x-icu', 'C.utf8') AND collencoding IN (-1, pg_char_to_encoding('UTF8'))
    ORDER BY collname = 'und-x-icu', collname = 'C.utf8' LIMIT 1);
BEGIN
    EXECUTE format($sql$
        CREATE FUNCTION todo_letters(words text) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE sql
        RETURN regexp_replace(lower(normalize(words, NFKD) COLLATE %s), '[\u0300-\u036f]', '', 'g')
    $sql$, coalesce(quote_ident(letters), '"default"'));
END $do$;

CREATE FUNCTION todo_folded(task text, notes text) RETURNS text IMMUTABLE PARALLEL SAFE LANGUAGE sql
RETURN todo_letters(task || E'\n' || notes);

-- The pattern that finds a word anywhere; no character of it means more than itself.
-- It costs more than it does: where a word is known, planning ends with the pattern, and where it is
-- not, the plan of a prepared statement would read the whole list for it. No such plan looks cheap.
CREATE FUNCTION todo_pattern(word text) RETURNS text IMMUTABLE PARALLEL SAFE COST 1000000 LANGUAGE plpgsql AS
$$ BEGIN RETURN '%' || regexp_replace(todo_letters(word), '([\\%_])', '\\\1', 'g') || '%'; END $$;

-- Of PostgreSQL's own extensions; the owner of a database may add it.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
