package domain_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/confuse/data-connector/domain"
)

func fileID(n int) domain.FileID { return domain.NewPathFileID(source, fmt.Append(nil, n), 0) }

func lost(refs ...string) domain.SourceChanged {
	e := hint()
	e.Hint = &domain.Hint{Origin: domain.OriginContent, Refs: refs}
	return e
}

// What was found lost makes the source due, and stays known until a run that
// knew of it completes.
func TestSourceLostContent(t *testing.T) {
	t.Parallel()

	one, two := fileID(1).String(), fileID(2).String()
	synced := log(request(job1, domain.SyncFull), claim(job1, 1, runA), completed(job1, 1, runA))
	with := func(events ...domain.SourceChanged) []domain.SourceChanged {
		return append(synced[:len(synced):len(synced)], events...)
	}
	many := make([]string, 150)
	for i := range many {
		many[i] = fileID(i).String()
	}
	tests := map[string]struct {
		given []domain.SourceChanged
		want  int
		due   bool
	}{
		"nothing":                    {given: with()},
		"another hint":               {given: with(hint()), due: true},
		"one":                        {given: with(lost(one)), want: 1, due: true},
		"twice":                      {given: with(lost(one, one), lost(one)), want: 1, due: true},
		"two":                        {given: with(lost(one), lost(two)), want: 2, due: true},
		"too many":                   {given: with(lost(many...)), want: 100, due: true},
		"no id":                      {given: with(lost("main")), due: true},
		"its run has completed":      {given: with(lost(one), request(job2, domain.SyncIncremental), claim(job2, 2, runB), completed(job2, 2, runB))},
		"its run has failed":         {given: with(lost(one), request(job2, domain.SyncIncremental), claim(job2, 2, runB), failed(job2, 2, runB, later)), want: 1},
		"found while a run went on":  {given: with(request(job2, domain.SyncIncremental), claim(job2, 2, runB), lost(one), completed(job2, 2, runB)), want: 1, due: true},
		"a second one while it went": {given: with(lost(one), request(job2, domain.SyncIncremental), claim(job2, 2, runB), lost(two), completed(job2, 2, runB)), want: 1, due: true},
		"removed":                    {given: with(lost(one), removal(job2), claim(job2, 2, runB), removed(job2, 2, runB))},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()

			s := fold(tt.given)
			if _, due := s.Due(later, time.Time{}); len(s.Lost) != tt.want || due != tt.due {
				t.Errorf("got lost %v, due %v, want %d, %v", s.Lost, due, tt.want, tt.due)
			}
		})
	}
}

func TestContentLost(t *testing.T) {
	t.Parallel()

	s := fold(log())
	e, news := s.ContentLost(fileID(1), noon)
	if !news {
		t.Fatal("got no event")
	}
	s, _ = s.Apply(e, 7)
	diff(t, "lost", []domain.Lost{{File: fileID(1), Behind: 8}}, s.Lost)
	if _, news := s.ContentLost(fileID(1), noon); news {
		t.Error("got another event for the same file")
	}
	if _, news := fold(log(removal(job1))).ContentLost(fileID(1), noon); news {
		t.Error("got an event of a source that is being removed")
	}
}
