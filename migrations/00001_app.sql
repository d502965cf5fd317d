-- +goose Up
CREATE SCHEMA app;
COMMENT ON SCHEMA app IS 'What is not derived from the log. Back it up: nothing else can bring it back.';

CREATE TABLE app.source_keys (
	owner_id     text        NOT NULL,
	provider     text        NOT NULL,
	external_key text        NOT NULL,
	source_id    uuid        NOT NULL UNIQUE,
	event_id     uuid        NOT NULL,
	event        jsonb       NOT NULL,
	partition    int         NOT NULL CHECK (partition >= 0),
	created_at   timestamptz NOT NULL,
	PRIMARY KEY (owner_id, provider, external_key)
);
COMMENT ON TABLE app.source_keys IS 'One row per connected source, inserted before its first event is appended: an owner connects the same thing once. Who finds a row finishes that append under event_id. Removing the source frees the key.';

CREATE TABLE app.idempotency (
	owner_id       text        NOT NULL,
	key            text        NOT NULL,
	request_sha256 bytea       NOT NULL CHECK (octet_length(request_sha256) = 32),
	ids            jsonb       NOT NULL,
	status         int,
	answer         jsonb,
	created_at     timestamptz NOT NULL,
	PRIMARY KEY (owner_id, key)
);
COMMENT ON TABLE app.idempotency IS 'One row per Idempotency-Key, written before the append with the ids it will use: a repeated command appends the same events. status and answer are null until the first command is answered.';

CREATE TABLE app.api_keys (
	id           uuid        PRIMARY KEY,
	owner_id     text        NOT NULL,
	name         text        NOT NULL DEFAULT '',
	hash         bytea       NOT NULL UNIQUE,
	scopes       text[]      NOT NULL,
	created_at   timestamptz NOT NULL,
	expires_at   timestamptz,
	revoked_at   timestamptz,
	last_used_at timestamptz
);
COMMENT ON TABLE app.api_keys IS 'API keys by their hash; the key itself is shown once and stored nowhere. A null expires_at never expires.';

CREATE TABLE app.hint_inbox (
	event_id    uuid        PRIMARY KEY,
	source_id   uuid        NOT NULL,
	partition   int         NOT NULL CHECK (partition >= 0),
	event       jsonb       NOT NULL,
	received_at timestamptz NOT NULL
);
COMMENT ON TABLE app.hint_inbox IS 'Hints that the log did not take in time. Each is relayed later under the same event_id, then its row is deleted; normally empty.';

CREATE TABLE app.people (
	owner_id text NOT NULL,
	ref      text NOT NULL,
	name     text NOT NULL DEFAULT '',
	address  text NOT NULL DEFAULT '',
	PRIMARY KEY (owner_id, ref)
);
COMMENT ON TABLE app.people IS 'Who is behind an author_ref. Names and mail addresses are only here, never on the log, so that they can be erased.';

-- +goose Down
DROP TABLE app.people;
DROP TABLE app.hint_inbox;
DROP TABLE app.api_keys;
DROP TABLE app.idempotency;
DROP TABLE app.source_keys;
DROP SCHEMA app;
