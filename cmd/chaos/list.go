package main

// catalogue is all faults. A new one is a file fault_<name>.go and a line here.
func catalogue() []fault {
	return []fault{
		{name: "exact", title: "change scripts of 1,000 random changes to 2,000 files, seeds 1 to 20: the events are the difference, ids stay, tables are what the log says", try: exact, tested: true},
		{name: "losses", title: "cursor, cache, Redis and read tables are thrown away, each, some, and all at once: nothing is announced again", try: losses, tested: true},
		{name: "planted", title: "a row is changed behind the back of the service: `rebuild --verify` names it", try: planted, tested: true},
		{name: "kill_real", title: "`kill -9` in one sync, at random moments and at named points in turn, on Kafka", try: killReal},
		{name: "kill_embedded", title: "the same on the embedded log", try: killEmbedded},
		{name: "race", title: "8 processes, each with a queue of its own, claim one source at the same time", try: race},
		{name: "zombie_claim", title: "SIGSTOP between a claim and its fold, a takeover, SIGCONT", try: zombieAtClaim},
		{name: "zombie_page", title: "SIGSTOP between a page and its `sync_progressed`, a takeover, SIGCONT", try: zombieAtPage},
		{name: "zombie_half", title: "SIGSTOP in the middle of a page, a takeover, SIGCONT: the other half comes late", try: zombieMidPage},
		{name: "projectors", title: "two projectors of different groups fold the same partitions", try: twoProjectors},
		{name: "clock", title: "the clock is stepped by an hour, forth and back, in the middle of a sync", try: steps},
		{name: "clock_ahead", title: "a job fails by a clock that is an hour ahead and goes on by a right one", try: ahead},
		{name: "clock_back", title: "a job fails by a right clock and goes on by one that is an hour behind", try: back},
		{name: "full_disk", title: "the content store fails with ENOSPC, before and behind the fsync of a page", try: fullDisk},
		{name: "store_refuses", title: "the content store refuses one page after the other", try: refused},
		{name: "full_tmpfs", title: "content in a file system that is full until it is made larger (as root)", try: fullTmpfs},
		{name: "flush", title: "three times: the queue is flushed and every connection to the database ended", try: flushed},
		{name: "crash", title: "Kafka, PostgreSQL, Redis end at once and come back, each in a sync of its own; Redis is flushed", try: crashed},
		{name: "applied", title: "the broker writes and answers that it failed (in process)", try: applied},
		{name: "wire", title: "slow connections to the broker, and all of them cut three times", try: cutWires},
		{name: "webhooks", title: "webhooks come, 5 % of them twice, while the service is killed and the brokers are away for a minute", try: showered},
		{name: "forge_truth", title: "the Go source tree as a git repository, and 200 pushes to it (edits, renames, deletes, force pushes, branch switches, merges), each told by a signed webhook: behind each the rows are what `git ls-tree` says, the events are the difference of the two trees, and the API was asked for no file", try: forgeTruth, tested: true},
		{name: "secrets", title: "sources with live tokens at each forge, connected, told of pushes and removed, at GitHub also refused and given other credentials, with the service killed in between: no secret stands in a log line, an event, an answer, the metrics, Redis, any row of the database, or a folder", try: secretsKept, tested: true},
		{name: "neighbour_outage", title: "the receiver of a stage is away for `OUTAGE` (10m unless said otherwise) while files go on changing", try: neighbourOutage},
		{name: "topic_anew", title: "the topic is deleted and made anew: a loud stop", try: anew},
		{name: "topic_gone", title: "the topic is deleted under a running service: a loud stop", try: gone},
		{name: "topic_truncated", title: "all records of the topic are deleted: a loud stop", try: truncated},
	}
}
