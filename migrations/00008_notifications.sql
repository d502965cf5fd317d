-- +goose Up
CREATE TABLE app.notification_rules (
	rule_id       uuid        PRIMARY KEY,
	owner_id      text        NOT NULL,
	source_id     uuid,
	name          text        NOT NULL,
	kind          text        NOT NULL,
	conditions    text[]      NOT NULL,
	threshold     bigint      NOT NULL,
	credential_id text        NOT NULL,
	created_at    timestamptz NOT NULL,
	sent_at       timestamptz,
	failed_at     timestamptz,
	failure       text        NOT NULL DEFAULT ''
);
CREATE INDEX notification_rules_of_owner ON app.notification_rules (owner_id, rule_id);
COMMENT ON TABLE app.notification_rules IS 'Who is told what about which sources; a null source_id means all of the owner. The address is sealed under credential_id. sent_at, failed_at and failure tell how the last messages went.';

CREATE TABLE app.notices (
	rule_id   uuid        NOT NULL REFERENCES app.notification_rules ON DELETE CASCADE,
	source_id uuid        NOT NULL,
	condition text        NOT NULL,
	detail    text        NOT NULL,
	since     timestamptz NOT NULL,
	over_at   timestamptz,
	told_at   timestamptz,
	told_over boolean     NOT NULL DEFAULT false,
	tries     int         NOT NULL DEFAULT 0,
	next_try  timestamptz NOT NULL,
	PRIMARY KEY (rule_id, source_id, condition)
);
CREATE INDEX notices_due ON app.notices (next_try);
COMMENT ON TABLE app.notices IS 'What a rule has found and whether that was told: a condition holds since since, until over_at. A row goes once its end was told, or when it ended before anybody was told of it.';

-- +goose Down
DROP TABLE app.notices;
DROP TABLE app.notification_rules;
