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
	}
}
