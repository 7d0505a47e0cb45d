-- no transaction: indexes that are built while others write
DROP INDEX CONCURRENTLY IF EXISTS todoitem_bare_letters;
CREATE INDEX CONCURRENTLY todoitem_bare_letters ON todoitem USING gin (todo_bare_words(task, notes) gin_trgm_ops);
DROP INDEX CONCURRENTLY IF EXISTS listitem_bare_letters;
CREATE INDEX CONCURRENTLY listitem_bare_letters ON listitem USING gin (todo_bare_words(task, notes) gin_trgm_ops);
-- Those of V5 and V6, by which no version has gone since V8; its functions cost nothing and stay.
DROP INDEX CONCURRENTLY IF EXISTS todoitem_words;
DROP INDEX CONCURRENTLY IF EXISTS listitem_words;
