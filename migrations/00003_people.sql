-- +goose Up
-- Nothing has written this table before: its rows, if any, name nobody.
DELETE FROM app.people;
ALTER TABLE app.people
	ADD COLUMN provider  text NOT NULL,
	ADD COLUMN person_id text NOT NULL,
	ADD COLUMN erased_at timestamptz,
	ADD UNIQUE (owner_id, provider, person_id);
COMMENT ON TABLE app.people IS 'Who is behind a reference on the log (author_ref, *_refs): a random one for each owner and person. Names and mail addresses are only here, so that they can be erased. A row with erased_at is never filled again.';

-- +goose Down
ALTER TABLE app.people DROP COLUMN provider, DROP COLUMN person_id, DROP COLUMN erased_at;
COMMENT ON TABLE app.people IS 'Who is behind an author_ref. Names and mail addresses are only here, never on the log, so that they can be erased.';
