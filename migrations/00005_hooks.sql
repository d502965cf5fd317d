-- +goose Up
CREATE TABLE app.hooks (
	source_id  uuid        PRIMARY KEY,
	owner_id   text        NOT NULL,
	provider   text        NOT NULL,
	key        text        NOT NULL UNIQUE,
	sealed     bytea       NOT NULL,
	key_id     bigint      NOT NULL,
	secret_at  timestamptz NOT NULL,
	hook_id    text        NOT NULL DEFAULT '',
	url        text        NOT NULL DEFAULT '',
	expires_at timestamptz,
	ensured_at timestamptz,
	tried_at   timestamptz,
	tries      int         NOT NULL DEFAULT 0,
	failure    text        NOT NULL DEFAULT '',
	version    bigint      NOT NULL DEFAULT 1,
	created_at timestamptz NOT NULL
);
CREATE INDEX hooks_by_key ON app.hooks (key_id, source_id);
COMMENT ON TABLE app.hooks IS 'One row per source that webhooks are taken for, written before the provider is asked to make the hook. key is the last part of its address; sealed holds its secret, and the one before while that is valid, under the key key_id of the keyset. hook_id and url are what the provider has, ensured_at when that was last so, failure why it is not.';

-- A delivery to the address that all sources of a provider share names an object.
CREATE INDEX source_keys_by_object ON app.source_keys (provider, md5(external_key));

-- +goose Down
DROP INDEX app.source_keys_by_object;
DROP TABLE app.hooks;
