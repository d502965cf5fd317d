-- +goose Up
CREATE TABLE app.idle_packs (
	source_id uuid        NOT NULL,
	pack      text        NOT NULL,
	since     timestamptz NOT NULL,
	revisions boolean     NOT NULL DEFAULT false,
	PRIMARY KEY (source_id, pack)
);
COMMENT ON TABLE app.idle_packs IS 'One row per content pack that no live file names, with the time when that was first seen: CONTENT_HISTORY counts from there. revisions: an event that counts names it. Losing a row keeps the pack longer.';

-- +goose Down
DROP TABLE app.idle_packs;
