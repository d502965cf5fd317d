package kafka_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/confuse/data-connector/adapters/kafka"
	"github.com/confuse/data-connector/domain"
)

func TestAppendKeepsOrderUnderConcurrency(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		const callers, appends, each = 8, 20, 5
		l := w.newLog(t)
		at := make([][]domain.Position, callers)
		var all sync.WaitGroup
		for c := range callers {
			all.Go(func() {
				for a := range appends {
					var ms []domain.Message
					for i := range each {
						ms = append(ms, numbered(t, 0, int64(c*1000+a*each+i+1)))
					}
					ps, err := l.Append(t.Context(), ms...)
					if err != nil {
						t.Error(err)
						return
					}
					at[c] = append(at[c], ps...)
				}
			})
		}
		all.Wait()

		records := w.readAll(t, 0)
		if len(records) != callers*appends*each {
			t.Fatalf("got %d records, want %d", len(records), callers*appends*each)
		}
		for i, r := range records {
			if r.Position != (domain.Position{Partition: 0, Offset: int64(i)}) {
				t.Fatalf("got position %s, want offset %d: offsets are dense", r.Position, i)
			}
		}
		for c, ps := range at {
			for i, p := range ps {
				if got, want := number(records[p.Offset]), int64(c*1000+i+1); got != want {
					t.Fatalf("got event %d at %s, want %d", got, p, want)
				}
				if i > 0 && p.Offset <= ps[i-1].Offset {
					t.Fatalf("got %s behind %s of the same caller", ps[i-1], p)
				}
			}
		}
	})
}

func TestAppendKeepsOrderOverBatches(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		const count = 400 // 4 MB: several batches of 1 MB
		var ms []domain.Message
		for n := range count {
			ms = append(ms, large(t, 1, int64(n+1), 10_000))
		}
		ps, err := w.newLog(t).Append(t.Context(), ms...)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(sequence(1, count), numbers(w.readAll(t, 1))); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if last := ps[count-1]; last != (domain.Position{Partition: 1, Offset: count - 1}) {
			t.Errorf("got last position %s, want 1:%d", last, count-1)
		}
	})
}

func TestAppendChoosesTopicAndPartition(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		l := w.newLog(t)
		report := message(t, 1, domain.StageReported{
			SourceID: source, OwnerID: "owner", FileID: domain.FileID{UUID: uuid.New()},
			Stage: "chunk", Run: 1, Seq: 1, State: domain.StageDone, At: noon,
		})
		ps, err := l.Append(t.Context(), numbered(t, 0, 1), report, numbered(t, 1, 2))
		if err != nil {
			t.Fatal(err)
		}
		want := []domain.Position{{Partition: 0}, {Partition: 1}, {Partition: 1}}
		if diff := cmp.Diff(want, ps); diff != "" {
			t.Errorf("positions (-want +got):\n%s", diff)
		}
		for topic, want := range map[string]int64{w.Layout.Events(): 2, w.Layout.Pipeline(): 1, w.Layout.Dead(): 0} {
			offsets, err := w.admin.ListEndOffsets(t.Context(), topic)
			if err != nil {
				t.Fatal(err)
			}
			var got int64
			for _, p := range offsets[topic] {
				got += p.Offset
			}
			if got != want {
				t.Errorf("got %d records on %s, want %d", got, topic, want)
			}
		}
		if end, err := l.End(t.Context(), 1); end != 1 || err != nil {
			t.Errorf("got end %d, %v, want 1", end, err)
		}
		if n, err := l.Partitions(t.Context()); n != partitions || err != nil {
			t.Errorf("got %d partitions, %v, want %d", n, err, partitions)
		}
	})
}

func TestAppendRefusesWhatIsTooLarge(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		l := w.newLog(t)
		if _, err := l.Append(t.Context(), numbered(t, 0, 1), large(t, 0, 2, 300_000)); !errors.Is(err, domain.ErrTooLarge) {
			t.Errorf("got error %v, want %v", err, domain.ErrTooLarge)
		}
		if end, err := l.End(t.Context(), 0); end != 0 || err != nil {
			t.Errorf("got end %d, %v, want nothing written", end, err)
		}
	})
}

func TestAppendWithoutATopicIsNotWritten(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		w.Layout.Prefix += ".other"
		_, err := w.newLog(t).Append(t.Context(), numbered(t, 0, 1))
		if !errors.Is(err, domain.ErrUnavailable) || errors.Is(err, domain.ErrUnknownFate) {
			t.Errorf("got error %v, want %v", err, domain.ErrUnavailable)
		}
	})
}

func TestAppendAfterItsContextIsNotWritten(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := w.newLog(t).Append(ctx, numbered(t, 0, 1))
		if !errors.Is(err, domain.ErrUnavailable) || !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v, want %v and its cause", err, domain.ErrUnavailable)
		}
	})
}

func TestReadIsBounded(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		w.write(t, 0, 1, 10)
		tests := map[string]struct {
			partition int32
			from, to  int64
			want      []int64
			err       error
		}{
			"a part":                  {from: 2, to: 5, want: sequence(3, 5)},
			"to the end of now":       {from: 8, to: 100, want: sequence(9, 10)},
			"from the end":            {from: 10, to: 100},
			"from beyond the end":     {from: 50, to: 100},
			"nothing":                 {from: 3, to: 3},
			"backwards":               {from: 5, to: 3},
			"an empty partition":      {partition: 1, to: 10},
			"an impossible partition": {partition: partitions, to: 10, err: &domain.InvalidError{Field: "partition"}},
			"an impossible offset":    {from: -1, to: 10, err: &domain.InvalidError{Field: "from"}},
		}
		for name, tt := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()

				var got []int64
				for r, err := range kafka.NewReader(w.Options).Read(soon(t), tt.partition, tt.from, tt.to) {
					if err != nil {
						checkInvalid(t, err, tt.err)
						return
					}
					got = append(got, number(r))
				}
				if diff := cmp.Diff(tt.want, got); diff != "" || tt.err != nil {
					t.Errorf("events (-want +got), want error %v:\n%s", tt.err, diff)
				}
			})
		}
	})
}

func checkInvalid(t *testing.T, got, want error) {
	t.Helper()
	var g, w *domain.InvalidError
	if !errors.As(got, &g) || !errors.As(want, &w) || g.Field != w.Field || errors.Is(got, domain.ErrUnavailable) {
		t.Errorf("got error %v, want %v", got, want)
	}
}

func TestReadFollows(t *testing.T) {
	t.Parallel()

	onBoth(t, func(t *testing.T, w world) {
		w.write(t, 0, 1, 2)
		var got []int64
		for r, err := range kafka.NewReader(w.Options).Read(soon(t), 0, 1, kafka.Follow) {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, number(r)); len(got) == 3 {
				break
			}
			if len(got) == 1 {
				w.write(t, 0, 3, 4)
			}
		}
		if diff := cmp.Diff(sequence(2, 4), got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}
