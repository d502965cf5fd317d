package kafka

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/confuse/data-connector/domain"
)

// refused reports whether err says for certain that a record was not written.
// These are judgements about the record or the topic, so an earlier attempt
// whose answer was lost came to the same one.
func refused(err error) bool {
	for _, e := range []error{
		kerr.MessageTooLarge, kerr.RecordListTooLarge, kerr.InvalidRecord,
		kerr.InvalidTopicException, kerr.UnknownTopicOrPartition, kerr.UnknownTopicID,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// appendError is the answer to an append that failed with err. written tells
// that the broker took some of its records, or may have.
func appendError(err error, written bool) error {
	if written {
		return fmt.Errorf("kafka: append: %w: %w", domain.ErrUnknownFate, err)
	}
	return fmt.Errorf("kafka: append: %w: %w", domain.ErrUnavailable, err)
}

// askError is the answer to a question that changed nothing.
func askError(what string, err error) error {
	return fmt.Errorf("kafka: %s: %w: %w", what, domain.ErrUnavailable, err)
}

// readError says what an error of a fetch means. An offset that is out of range
// and a log that was cut behind a new leader are records lost. An unknown topic
// id may also be a broker that does not know the topic yet: who reads on finds
// out.
func readError(at partitionName, offset int64, err error) error {
	var cut *kgo.ErrDataLoss
	if errors.Is(err, kerr.OffsetOutOfRange) || errors.As(err, &cut) {
		return at.lost("offset %d cannot be read: %w", offset, err)
	}
	return fmt.Errorf("kafka: read %s from offset %d: %w", at, offset, err)
}

// A partitionName names a partition of a topic.
type partitionName struct {
	topic  string
	number int32
}

func (p partitionName) String() string { return fmt.Sprintf("%s/%d", p.topic, p.number) }

// lost is a domain.ErrLogLost about p.
func (p partitionName) lost(format string, args ...any) error {
	return fmt.Errorf("kafka: %s: %w: %w", p, domain.ErrLogLost, fmt.Errorf(format, args...))
}
