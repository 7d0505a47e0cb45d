-- no transaction: an index that is built while others write
DROP INDEX CONCURRENTLY IF EXISTS todoitem_due;
CREATE INDEX CONCURRENTLY todoitem_due ON todoitem (due, position, id) WHERE due IS NOT NULL AND NOT completed;
