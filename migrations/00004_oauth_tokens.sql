-- +goose Up
CREATE TABLE app.oauth_tokens (
	id         uuid        PRIMARY KEY,
	owner_id   text        NOT NULL,
	provider   text        NOT NULL,
	kind       text        NOT NULL,
	sealed     bytea       NOT NULL,
	key_id     bigint      NOT NULL,
	expires_at timestamptz,
	created_at timestamptz NOT NULL,
	updated_at timestamptz NOT NULL
);
CREATE INDEX oauth_tokens_by_key ON app.oauth_tokens (key_id, id);
COMMENT ON TABLE app.oauth_tokens IS 'One row per credential of a provider, sealed by the key key_id of the keyset: tokens, passwords, private keys. What is sealed opens only as this row of this owner and provider. kind and expires_at are for people. Without the keyset nothing here can be read.';

-- +goose Down
DROP TABLE app.oauth_tokens;
