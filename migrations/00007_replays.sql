-- +goose Up
CREATE TABLE app.replays (
	replay_id   uuid        PRIMARY KEY,
	owner_id    text        NOT NULL,
	request     jsonb       NOT NULL,
	status      text        NOT NULL,
	progress    jsonb       NOT NULL,
	error       text        NOT NULL DEFAULT '',
	created_at  timestamptz NOT NULL,
	started_at  timestamptz,
	ended_at    timestamptz,
	epoch       bigint      NOT NULL DEFAULT 0,
	lease_until timestamptz NOT NULL DEFAULT '-infinity'
);
CREATE INDEX replays_of_owner ON app.replays (owner_id, replay_id DESC);
CREATE INDEX replays_running ON app.replays (replay_id) WHERE status = 'running';
COMMENT ON TABLE app.replays IS 'One row per replay: what was ordered, and how far it is. All below the marks in progress was handed out. Who runs it holds it until lease_until, under the number epoch.';

-- +goose Down
DROP TABLE app.replays;
