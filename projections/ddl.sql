-- The read tables, all derived from the log. Names carry no schema: the file is
-- applied with search_path set to the schema that is filled. Its digest is kept
-- in meta; with another one the tables are made anew from the log, so a change
-- here, and a higher version in schema.go, is all that a new column needs.
--
-- What stands behind the line "-- Indexes" is applied when the tables are filled.

CREATE TABLE meta (
	one        bool  PRIMARY KEY DEFAULT true CHECK (one),
	ddl_sha256 bytea NOT NULL,
	version    int   NOT NULL -- of the program's tables: a higher one is newer
);

-- How far each partition is folded. position is the next offset; last_id is the
-- ce_id of the record before it. generation counts the times that rows below the
-- position were folded again: whoever remembers older ones may not go on.
CREATE TABLE checkpoints (
	topic      text        NOT NULL,
	partition  int         NOT NULL,
	position   bigint      NOT NULL,
	topic_id   text        NOT NULL,
	last_id    text        NOT NULL,
	generation bigint      NOT NULL DEFAULT 0,
	updated_at timestamptz NOT NULL,
	PRIMARY KEY (topic, partition)
);

-- The fold of each source. state is domain.Source as it was folded, byte for
-- byte: json, because jsonb would rewrite options and cursors and refuse numbers
-- that it cannot hold. A removed source leaves this row as a stub.
CREATE TABLE sources (
	source_id     uuid        NOT NULL,
	owner_id      text        NOT NULL,
	provider      text        NOT NULL,
	name          text        NOT NULL,
	status        text        NOT NULL,
	partition     int         NOT NULL,
	registered_at timestamptz,
	removing      bool        NOT NULL, -- stays true once removed
	removed       bool        NOT NULL,
	open_jobs     int         NOT NULL,
	installation  text        NOT NULL, -- of an app, that opens it; empty: none does
	state         json        NOT NULL
);

-- The last state of each file. Removed ones stay as tombstones until their
-- source is removed. path_key are the raw bytes of the path; their first KiB is
-- what a btree can always hold.
CREATE TABLE files (
	file_id       uuid   NOT NULL,
	source_id     uuid   NOT NULL,
	owner_id      text   NOT NULL,
	run           bigint NOT NULL,
	seq           bigint NOT NULL,
	path          text   NOT NULL COLLATE "C",
	path_key      bytea  NOT NULL,
	path_raw      bytea, -- null where path has the same bytes
	item_id       text   NOT NULL,
	kind          text   NOT NULL,
	revision      text   NOT NULL,
	sha256        bytea, -- null, with the next four, when there is no content
	size          bigint,
	pack          text,
	pack_offset   bigint,
	pack_length   bigint,
	language      text   NOT NULL,
	media_type    text   NOT NULL,
	web_url       text   NOT NULL,
	author_ref    text   NOT NULL,
	provider_time timestamptz,
	attributes    jsonb  NOT NULL,
	removed       bool   NOT NULL,
	change        text   NOT NULL,
	job_id        uuid   NOT NULL,
	partition     int    NOT NULL, -- with log_offset and event_id: the event it comes from
	log_offset    bigint NOT NULL,
	event_id      uuid   NOT NULL,
	changed_at    timestamptz -- its ce_time
) WITH (fillfactor = 90);

-- Every job there was. state is domain.Job; retry_at is by the clock that its
-- failed_at was told by.
CREATE TABLE sync_jobs (
	job_id       uuid   NOT NULL,
	source_id    uuid   NOT NULL,
	owner_id     text   NOT NULL,
	provider     text   NOT NULL,
	mode         text   NOT NULL,
	trigger      text   NOT NULL,
	status       text   NOT NULL,
	attempt      int    NOT NULL,
	run          bigint NOT NULL, -- of its last claim, 0 before the first
	requested_at timestamptz,
	started_at   timestamptz,
	ended_at     timestamptz,
	retry_at     timestamptz,
	counts       jsonb  NOT NULL,
	failure      jsonb,
	state        json   NOT NULL
) WITH (fillfactor = 90);

-- Which run was the current one from which offset on.
CREATE TABLE runs (
	source_id      uuid   NOT NULL,
	run            bigint NOT NULL,
	run_id         uuid   NOT NULL,
	job_id         uuid   NOT NULL,
	partition      int    NOT NULL,
	started_offset bigint NOT NULL,
	ended_offset   bigint -- null: it has not ended
);

-- Every hint that was taken, whatever it led to.
CREATE TABLE webhook_events (
	event_id       uuid   NOT NULL,
	source_id      uuid   NOT NULL,
	owner_id       text   NOT NULL,
	provider       text   NOT NULL,
	origin         text   NOT NULL,
	provider_event text   NOT NULL,
	delivery_id    text   NOT NULL,
	refs           jsonb  NOT NULL,
	payload_digest bytea,
	received_at    timestamptz NOT NULL,
	partition      int    NOT NULL,
	log_offset     bigint NOT NULL,
	counted        bool   NOT NULL
);

-- What each stage of the pipeline last said of each file.
CREATE TABLE file_stages (
	file_id    uuid   NOT NULL,
	stage      text   NOT NULL,
	source_id  uuid   NOT NULL,
	owner_id   text   NOT NULL,
	run        bigint NOT NULL,
	seq        bigint NOT NULL,
	state      text   NOT NULL,
	items      bigint NOT NULL,
	error      text   NOT NULL,
	at         timestamptz NOT NULL,
	replay     text   NOT NULL,
	reason     text   NOT NULL, -- of skipped
	letter     text   NOT NULL, -- of failed: domain.Letter as JSON; empty: none
	log_offset bigint NOT NULL -- of the report: of two about one state the later one counts
) WITH (fillfactor = 90);

-- Records that are not in the other tables. One with parks sets its source
-- aside; the records of that source behind it are here too.
CREATE TABLE poison (
	topic      text   NOT NULL,
	partition  int    NOT NULL,
	log_offset bigint NOT NULL,
	source_id  uuid,
	key        bytea,
	event_id   text   NOT NULL,
	headers    jsonb  NOT NULL,
	raw        bytea,
	error      text   NOT NULL,
	parks      bool   NOT NULL,
	at         timestamptz -- its ce_time; null when it has none
);

-- Indexes

ALTER TABLE sources ADD PRIMARY KEY (source_id);
CREATE INDEX sources_of_owner ON sources (owner_id, source_id) WHERE NOT removing;
CREATE INDEX sources_installed ON sources (provider, installation, source_id) WHERE installation <> '';
ALTER TABLE files ADD PRIMARY KEY (file_id);
CREATE INDEX files_by_path ON files (source_id, substring(path_key FROM 1 FOR 1024)) WHERE NOT removed;
CREATE INDEX files_by_item ON files (source_id, file_id) WHERE NOT removed AND item_id <> '';
ALTER TABLE sync_jobs ADD PRIMARY KEY (job_id);
CREATE INDEX sync_jobs_of_source ON sync_jobs (source_id);
CREATE INDEX sync_jobs_of_owner ON sync_jobs (owner_id, requested_at DESC, job_id);
CREATE INDEX sync_jobs_open ON sync_jobs (source_id) WHERE status IN ('queued', 'running');
ALTER TABLE runs ADD PRIMARY KEY (source_id, run);
CREATE INDEX runs_of_source ON runs (source_id, started_offset);
CREATE INDEX runs_at ON runs (partition, coalesce(ended_offset, 9223372036854775807), started_offset);
ALTER TABLE webhook_events ADD PRIMARY KEY (event_id);
CREATE INDEX webhook_events_of_source ON webhook_events (source_id, received_at DESC, event_id DESC);
CREATE INDEX webhook_events_of_owner ON webhook_events (owner_id, received_at DESC, event_id DESC);
ALTER TABLE file_stages ADD PRIMARY KEY (file_id, stage);
CREATE INDEX file_stages_of_source ON file_stages (source_id);
CREATE INDEX file_stages_failed ON file_stages (stage, file_id) WHERE state = 'failed';
ALTER TABLE poison ADD PRIMARY KEY (topic, partition, log_offset);
CREATE INDEX poison_of_source ON poison (source_id, topic, partition, log_offset) WHERE source_id IS NOT NULL;
