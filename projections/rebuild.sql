-- How far a rebuild is: beside the tables that it fills, so that it goes with them.
CREATE TABLE rebuild (
	one        bool        PRIMARY KEY DEFAULT true CHECK (one),
	phase      text        NOT NULL, -- loading, catching_up, done
	started_at timestamptz NOT NULL,
	skipped    text        NOT NULL, -- digest of the records that are left out
	program    text        NOT NULL, -- that folds
	cancelled  bool        NOT NULL DEFAULT false
);
CREATE TABLE rebuild_parts (
	topic     text   NOT NULL,
	partition int    NOT NULL,
	done      bigint NOT NULL, -- records
	goal      bigint NOT NULL,
	PRIMARY KEY (topic, partition)
);
CREATE TABLE rebuild_pace (
	one        bool             PRIMARY KEY DEFAULT true CHECK (one),
	per_second double precision NOT NULL,
	at         timestamptz      NOT NULL
);
-- Rows of files that were copied before a later state of the file was read. They
-- go when all is copied.
CREATE TABLE rebuild_stale (
	file_id    uuid   NOT NULL,
	partition  int    NOT NULL,
	log_offset bigint NOT NULL
);
