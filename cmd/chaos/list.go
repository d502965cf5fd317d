package main

// catalogue is all faults. A new one is a file fault_<name>.go and a line here.
func catalogue() []fault {
	return []fault{
		{name: "kill_real", title: "`kill -9` in one sync, at random moments and at named points in turn, on Kafka", try: killReal},
		{name: "kill_embedded", title: "the same on the embedded log", try: killEmbedded},
	}
}
