-- +goose Up
-- What a neighbour made of an item and was handed on in parts of its own, such as
-- chunks: how many were accepted, and which were refused for good. Together they
-- tell what became of the file.
ALTER TABLE app.handed_items ADD COLUMN parts bigint NOT NULL DEFAULT 0;

CREATE TABLE app.refused_parts (
    stage   text   NOT NULL, -- that gave the item
    item_id uuid   NOT NULL,
    part_id uuid   NOT NULL,
    error   text   NOT NULL,
    letter  text   NOT NULL, -- domain.Letter as JSON
    PRIMARY KEY (stage, item_id, part_id),
    FOREIGN KEY (stage, item_id) REFERENCES app.handed_items ON DELETE CASCADE
);

-- +goose Down
DROP TABLE app.refused_parts;
ALTER TABLE app.handed_items DROP COLUMN parts;
