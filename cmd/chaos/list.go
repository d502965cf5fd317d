package main

// catalogue is all faults. A new one is a file fault_<name>.go and a line here.
func catalogue() []fault {
	return []fault{
		{name: "kill_real", title: "`kill -9` in one sync, at random moments and at named points in turn, on Kafka", try: killReal},
		{name: "kill_embedded", title: "the same on the embedded log", try: killEmbedded},
		{name: "race", title: "8 processes, each with a queue of its own, claim one source at the same time", try: race},
		{name: "zombie_claim", title: "SIGSTOP between a claim and its fold, a takeover, SIGCONT", try: zombieAtClaim},
		{name: "zombie_page", title: "SIGSTOP between a page and its `sync_progressed`, a takeover, SIGCONT", try: zombieAtPage},
		{name: "zombie_half", title: "SIGSTOP in the middle of a page, a takeover, SIGCONT: the other half comes late", try: zombieMidPage},
		{name: "projectors", title: "two projectors of different groups fold the same partitions", try: twoProjectors},
		{name: "clock", title: "the clock is stepped by an hour, forth and back, in the middle of a sync", try: steps},
		{name: "full_disk", title: "the content store fails with ENOSPC, before and behind the fsync of a page", try: fullDisk},
		{name: "full_tmpfs", title: "content in a file system that is full until it is made larger (as root)", try: fullTmpfs},
		{name: "flush", title: "three times: the queue is flushed and every connection to the database ended", try: flushed},
		{name: "applied", title: "the broker writes and answers that it failed (in process)", try: applied},
		{name: "wire", title: "slow connections to the broker, and all of them cut three times", try: cutWires},
		{name: "webhooks", title: "webhooks come, 5 % of them twice, while the service is killed and the brokers are away for a minute", try: showered},
		{name: "neighbour_outage", title: "the receiver of a stage is away for `OUTAGE` (10m unless said otherwise) while files go on changing", try: neighbourOutage},
		{name: "topic_anew", title: "the topic is deleted and made anew: a loud stop", try: anew},
		{name: "topic_truncated", title: "all records of the topic are deleted: a loud stop", try: truncated},
	}
}
