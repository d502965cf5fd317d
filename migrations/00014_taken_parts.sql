-- +goose Up
-- The parts that are counted in app.handed_items.parts, so that one that comes again
-- is not counted again. A row is dropped when its part can come no more: the record of
-- a part stays on its topic for 3 days, and for up to 7 more until Kafka closes its
-- segment.
CREATE TABLE app.taken_parts (
    stage    text        NOT NULL, -- that gave the item
    item_id  uuid        NOT NULL,
    part_id  uuid        NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stage, item_id, part_id),
    FOREIGN KEY (stage, item_id) REFERENCES app.handed_items ON DELETE CASCADE
);
CREATE INDEX taken_parts_age ON app.taken_parts (taken_at);

-- +goose Down
DROP TABLE app.taken_parts;
