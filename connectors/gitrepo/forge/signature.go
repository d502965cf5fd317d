package forge

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/confuse/data-connector/domain"
)

// VerifySHA256 checks a signature of the form sha256=<64 digits in lower case>, an
// HMAC over the raw body, against each active secret. given are all headers of its
// name: two are refused. ErrForbidden: no secret fits, or there is none.
func VerifySHA256(provider domain.Provider, given []string, raw []byte, secrets []domain.Secret) error {
	ok := len(given) == 1 && len(given[0]) == len("sha256=")+2*sha256.Size && strings.HasPrefix(given[0], "sha256=")
	var sum []byte
	if ok {
		var err error
		if sum, err = hex.DecodeString(given[0][len("sha256="):]); err != nil || strings.ToLower(given[0]) != given[0] {
			ok = false
		}
	}
	fits := false
	for _, s := range secrets { // all of them, and also for a signature of the wrong form: the time says nothing
		mac := hmac.New(sha256.New, []byte(s))
		_, _ = mac.Write(raw) // a hash never fails
		same := hmac.Equal(mac.Sum(nil), sum)
		fits = fits || same && s != ""
	}
	if !ok || !fits {
		return fmt.Errorf("%s: signature: %w", provider, domain.ErrForbidden)
	}
	return nil
}
