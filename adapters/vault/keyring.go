package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// ErrNoKeyset is a file of keys that is not there.
var ErrNoKeyset = errors.New("there is no keyset")

// A Keyring is the keys of one installation, in a file that all its processes
// share. It notices when the file was replaced. It may be used concurrently.
type Keyring struct {
	path string
	wrap tink.AEADWithContext // of the file; nil: it lies open

	mu   sync.Mutex
	seen stamp // of the file as it was read
	keys keys
}

// keys are a keyset that was read.
type keys struct {
	handle  *keyset.Handle
	aead    tink.AEAD
	primary uint32
}

// stamp tells two versions of a file apart.
type stamp struct {
	at   time.Time
	size int64
}

// OpenKeyring reads the keys in the file path. With a kms, the file is sealed by
// that key of a key management service: gcpkms://..., awskms://...,
// azurekeyvault://... or base64key://... (a key of 32 bytes, for tests).
// ErrNoKeyset: the file is not there; [Keyring.Create] makes it.
func OpenKeyring(ctx context.Context, path, kms string) (*Keyring, error) {
	r := &Keyring{path: path}
	if kms != "" {
		keeper, err := openKeeper(ctx, kms)
		if err != nil {
			return nil, err
		}
		r.wrap = keeper
	}
	_, err := r.current(ctx)
	return r, err
}

// Create makes the file with one new key, mode 0600. An existing one stays as it
// is: two processes that start at once use the same keys.
func (r *Keyring) Create(ctx context.Context) error {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return fmt.Errorf("vault: make a keyset: %w", err)
	}
	raw, err := r.encode(ctx, handle)
	if err != nil {
		return err
	}
	if err := createFile(r.path, raw); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("vault: keep the keyset: %w", err)
	}
	_, err = r.current(ctx)
	return err
}

// current are the keys as the file has them now.
func (r *Keyring) current(ctx context.Context) (keys, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	info, err := os.Stat(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return keys{}, fmt.Errorf("vault: %w at %s", ErrNoKeyset, r.path)
	}
	if err != nil {
		return keys{}, fmt.Errorf("vault: %w", err)
	}
	now := stamp{at: info.ModTime(), size: info.Size()}
	if r.keys.handle != nil && now == r.seen {
		return r.keys, nil
	}
	raw, err := os.ReadFile(r.path)
	if err != nil {
		return keys{}, fmt.Errorf("vault: %w", err)
	}
	handle, err := r.decode(ctx, raw)
	if err != nil {
		return keys{}, fmt.Errorf("vault: keyset %s: %w", r.path, err)
	}
	read, err := newKeys(handle)
	if err != nil {
		return keys{}, fmt.Errorf("vault: keyset %s: %w", r.path, err)
	}
	r.keys, r.seen = read, now
	return read, nil
}

// forget makes current read the file, whether it looks new or not.
func (r *Keyring) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = stamp{}
}

func newKeys(handle *keyset.Handle) (keys, error) {
	a, err := aead.New(handle)
	if err != nil {
		return keys{}, err
	}
	return keys{handle: handle, aead: a, primary: handle.KeysetInfo().GetPrimaryKeyId()}, nil
}

func (r *Keyring) encode(ctx context.Context, handle *keyset.Handle) ([]byte, error) {
	var b bytes.Buffer
	w := keyset.NewJSONWriter(&b)
	var err error
	if r.wrap == nil {
		err = insecurecleartextkeyset.Write(handle, w)
	} else {
		err = handle.WriteWithContext(ctx, w, r.wrap, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("vault: write a keyset: %w", err)
	}
	return b.Bytes(), nil
}

func (r *Keyring) decode(ctx context.Context, raw []byte) (*keyset.Handle, error) {
	in := keyset.NewJSONReader(bytes.NewReader(raw))
	if r.wrap == nil {
		return insecurecleartextkeyset.Read(in)
	}
	return keyset.ReadWithContext(ctx, in, r.wrap, nil)
}
