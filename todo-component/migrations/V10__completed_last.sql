-- no transaction: indexes that are built while others write
-- The list with the completed ones at its end. A later migration may drop those of V4 and V6 that have
-- one kind alone: these serve them as well.
DROP INDEX CONCURRENTLY IF EXISTS todoitem_completed_last;
CREATE INDEX CONCURRENTLY todoitem_completed_last ON todoitem (completed, position, coalesce(rank, id), id);
DROP INDEX CONCURRENTLY IF EXISTS listitem_completed_last;
CREATE INDEX CONCURRENTLY listitem_completed_last ON listitem (list, completed, position, coalesce(rank, id), id);
