-- +goose Up
CREATE TABLE app.skipped_records (
	topic      text        NOT NULL,
	partition  int         NOT NULL CHECK (partition >= 0),
	log_offset bigint      NOT NULL CHECK (log_offset >= 0),
	event_id   text        NOT NULL,
	by         text        NOT NULL,
	at         timestamptz NOT NULL,
	PRIMARY KEY (topic, partition, log_offset)
);
COMMENT ON TABLE app.skipped_records IS 'One row per record of the log that somebody decided to leave out. The read tables pass over it, and do so again when they are filled anew; without this row it would be set aside again. It counts only while the event at that place has this id.';

-- +goose Down
DROP TABLE app.skipped_records;
