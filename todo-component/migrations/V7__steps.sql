-- Steps: an array of {"title", "completed"}. A constant default rewrites no row.
ALTER TABLE todoitem         ADD COLUMN steps jsonb NOT NULL DEFAULT '[]';
ALTER TABLE todoitem_deleted ADD COLUMN steps jsonb NOT NULL DEFAULT '[]';
ALTER TABLE listitem         ADD COLUMN steps jsonb NOT NULL DEFAULT '[]';
ALTER TABLE listitem_deleted ADD COLUMN steps jsonb NOT NULL DEFAULT '[]';

-- What the last edit found, and the version that it made: by it the edit is taken back.
ALTER TABLE todoitem ADD COLUMN before_edit jsonb;
ALTER TABLE listitem ADD COLUMN before_edit jsonb;
