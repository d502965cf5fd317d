-- +goose Up
-- What stages have given to neighbours under ids of ours: a neighbour that knows
-- nothing but such an id is understood, and what it has accepted is not given
-- again. One row for each state of a file; of a file's old states only those of
-- the last days.
CREATE TABLE app.handed_items (
    stage           text   NOT NULL,
    item_id         uuid   NOT NULL,
    source_id       uuid   NOT NULL,
    owner_id        text   NOT NULL,
    file_id         uuid   NOT NULL,
    run             bigint NOT NULL,
    seq             bigint NOT NULL,
    digest          bytea  NOT NULL, -- of the content; empty: it has none
    path            text   NOT NULL,
    revision        text   NOT NULL,
    accepted_at     timestamptz,     -- null: the neighbour has not said so yet
    accepted_replay text   NOT NULL DEFAULT '', -- the replay that gave it last
    PRIMARY KEY (stage, item_id)
);
CREATE INDEX handed_items_file ON app.handed_items (stage, file_id, run, seq);
CREATE INDEX handed_items_source ON app.handed_items (source_id);

-- +goose Down
DROP TABLE app.handed_items;
