-- no transaction: indexes that are built while others write
-- The version before goes by the indexes of V1, which a later migration drops.
DROP INDEX CONCURRENTLY IF EXISTS todoitem_all_in_order;
CREATE INDEX CONCURRENTLY todoitem_all_in_order ON todoitem (position, coalesce(rank, id), id);
DROP INDEX CONCURRENTLY IF EXISTS todoitem_active_in_order;
CREATE INDEX CONCURRENTLY todoitem_active_in_order ON todoitem (position, coalesce(rank, id), id) WHERE NOT completed;
DROP INDEX CONCURRENTLY IF EXISTS todoitem_completed_in_order;
CREATE INDEX CONCURRENTLY todoitem_completed_in_order ON todoitem (position, coalesce(rank, id), id) WHERE completed;
DROP INDEX CONCURRENTLY IF EXISTS todoitem_due_in_order;
CREATE INDEX CONCURRENTLY todoitem_due_in_order ON todoitem (due, position, coalesce(rank, id), id)
    WHERE due IS NOT NULL AND NOT completed;
