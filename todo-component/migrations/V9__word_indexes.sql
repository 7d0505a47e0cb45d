-- no transaction: indexes that are built while others write
DROP INDEX CONCURRENTLY IF EXISTS todoitem_base_letters;
CREATE INDEX CONCURRENTLY todoitem_base_letters ON todoitem USING gin (todo_words(task, notes) gin_trgm_ops);
DROP INDEX CONCURRENTLY IF EXISTS listitem_base_letters;
CREATE INDEX CONCURRENTLY listitem_base_letters ON listitem USING gin (todo_words(task, notes) gin_trgm_ops);
