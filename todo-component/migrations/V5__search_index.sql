-- no transaction: an index that is built while others write
DROP INDEX CONCURRENTLY IF EXISTS todoitem_words;
CREATE INDEX CONCURRENTLY todoitem_words ON todoitem USING gin (todo_folded(task, notes) gin_trgm_ops);
