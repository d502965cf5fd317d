package wire

// Headers gives the headers of a record as [Decode] takes them, from the form that
// franz-go, kafka-go and confluent-kafka-go have them in. Of two with one name the
// last counts.
func Headers[H ~struct {
	Key   string
	Value []byte
}](all []H,
) map[string]string {
	headers := make(map[string]string, len(all))
	for _, h := range all {
		one := struct {
			Key   string
			Value []byte
		}(h)
		headers[one.Key] = string(one.Value)
	}
	return headers
}
