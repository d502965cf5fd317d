package localfs

import (
	"os"
	"path/filepath"
	"sync"
)

const (
	notesAtOnce = 8 << 10 // bytes of records that go to a journal in one write, some 60 files
	maxNotes    = 64      // caches that records are held for
)

// notes are records on their way to the journals of caches. What a process that
// dies had not written is lost, which is allowed: some files are read again.
type notes struct {
	mu   sync.Mutex
	held map[string][]byte // by the folder of the cache
}

// add adds r to the journal of a cache, soon.
func (n *notes) add(folder string, r record) {
	if folder == "" {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.held == nil {
		n.held = map[string][]byte{}
	}
	n.held[folder] = r.appendTo(n.held[folder])
	if len(n.held[folder]) >= notesAtOnce {
		n.write(folder)
	}
	if len(n.held) > maxNotes {
		for folder := range n.held {
			n.write(folder)
		}
	}
}

// flush writes what is held for a cache.
func (n *notes) flush(folder string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.write(folder)
}

// write ends what is held for a cache. Several processes may do so at once: it is
// one write at the end of the file, so that records do not mix. A failure loses it.
func (n *notes) write(folder string) {
	held := n.held[folder]
	delete(n.held, folder)
	if len(held) == 0 {
		return
	}
	f, err := os.OpenFile(filepath.Join(folder, journalName), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return
	}
	_, _ = f.Write(held) // see above
	_ = f.Close()        // the same
}
