-- +goose Up
CREATE TABLE app.idle_deliveries (
	event_id  uuid        PRIMARY KEY,
	source_id uuid,
	owner_id  text        NOT NULL,
	provider  text        NOT NULL,
	event     text        NOT NULL,
	delivery  text        NOT NULL,
	body      bytea       NOT NULL,
	reason    text        NOT NULL,
	first_at  timestamptz NOT NULL,
	last_at   timestamptz NOT NULL,
	times     bigint      NOT NULL
);
CREATE INDEX idle_deliveries_of_source ON app.idle_deliveries (source_id, first_at DESC, event_id DESC) WHERE reason <> '';
CREATE INDEX idle_deliveries_of_owner ON app.idle_deliveries (owner_id, first_at DESC, event_id DESC) WHERE reason <> '';
COMMENT ON TABLE app.idle_deliveries IS 'Authentic webhooks that had no effect. With a reason: one row for each that was ignored, however often it came; kept for 30 days, and no more than the newest 10000 of a source. Without one: how often the delivery came again that is the event event_id on the log. source_id null, owner_id empty: about nothing that is connected. Losing rows loses no effect.';

-- +goose Down
DROP TABLE app.idle_deliveries;
