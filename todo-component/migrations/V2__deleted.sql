-- What was deleted, until it is deleted for good: a table of its own, so that no list has to pass it
-- over and the version before goes on as it is.
CREATE TABLE todoitem_deleted (
    id              bigint       PRIMARY KEY,
    task            varchar(256) NOT NULL,
    completed       boolean      NOT NULL,
    position        integer      NOT NULL,
    version         bigint       NOT NULL,
    created_at      timestamptz  NOT NULL,
    updated_at      timestamptz  NOT NULL,
    idempotency_key varchar(255),
    request_digest  text,
    -- The same for all that went together, to bring them back together.
    deletion        text         NOT NULL,
    deleted_at      timestamptz  NOT NULL DEFAULT now()
);

CREATE INDEX todoitem_deleted_together ON todoitem_deleted (deletion);
CREATE INDEX todoitem_deleted_oldest   ON todoitem_deleted (deleted_at);
