package vault

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/confuse/data-connector/domain"
)

// A spot is where something sealed lies. It opens nowhere else.
type spot struct {
	table    string // with its column
	row      uuid.UUID
	owner    domain.OwnerID
	provider domain.Provider
}

// bound is the associated data of the spot. The parts are joined by NUL, which
// none of them holds.
func (s spot) bound() []byte {
	return []byte(strings.Join([]string{"v1", string(s.owner), s.table, s.row.String(), string(s.provider)}, "\x00"))
}

// A sealed is what lies in a row.
type sealed struct {
	raw []byte
	key uint32 // that sealed it
}

// seal closes plain for one spot with the key that is the primary one now.
func (r *Keyring) seal(ctx context.Context, at spot, plain []byte) (sealed, error) {
	k, err := r.current(ctx)
	if err != nil {
		return sealed{}, err
	}
	raw, err := k.aead.Encrypt(plain, at.bound())
	if err != nil {
		return sealed{}, fmt.Errorf("vault: seal: %w", err)
	}
	return sealed{raw: raw, key: k.primary}, nil
}

// open opens what was sealed for the spot. ErrUnavailable: its key is not in the
// keyset, which is a matter of the installation; ErrUnauthorized: it was changed,
// or sealed for another spot.
func (r *Keyring) open(ctx context.Context, at spot, raw []byte) ([]byte, error) {
	k, err := r.current(ctx)
	if err != nil {
		return nil, err
	}
	if number := keyOf(raw); !enabled(k.handle, number) {
		return nil, fmt.Errorf("vault: row %s of %s: key %d is not in the keyset, or is disabled: %w", at.row, at.table, number, domain.ErrUnavailable)
	}
	plain, err := k.aead.Decrypt(raw, at.bound())
	if err != nil {
		return nil, fmt.Errorf("vault: row %s of %s does not open here: %w", at.row, at.table, errors.Join(domain.ErrUnauthorized, err))
	}
	return plain, nil
}

// keyOf is the number of the key that sealed raw: Tink writes it behind a byte
// for the version.
func keyOf(raw []byte) uint32 {
	const prefix = 5
	if len(raw) < prefix {
		return 0
	}
	return binary.BigEndian.Uint32(raw[1:prefix])
}

func enabled(handle *keyset.Handle, number uint32) bool {
	for i := range handle.Len() {
		entry, err := handle.Entry(i)
		if err == nil && entry.KeyID() == number {
			return entry.KeyStatus() == keyset.Enabled
		}
	}
	return false
}
