-- +goose Up
-- Of several recipients of one rule (a mail), those that were told while others were
-- not, by their places in the address: they are not told again.
ALTER TABLE app.notices ADD COLUMN reached int[] NOT NULL DEFAULT '{}';

-- +goose Down
ALTER TABLE app.notices DROP COLUMN reached;
