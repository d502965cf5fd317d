package gitlab

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/confuse/data-connector/domain"
)

// The headers that show where a delivery is from.
const (
	headerToken     = "X-Gitlab-Token"
	headerSignature = "Webhook-Signature"
	headerID        = "Webhook-Id"
	headerTime      = "Webhook-Timestamp"
)

const (
	signingPrefix = "whsec_"
	maxSkew       = 5 * time.Minute // as the libraries of Standard Webhooks have it
	maxSignatures = 10
	maxHeader     = 1 << 10 // bytes of a header that is looked at
)

// Verify implements domain.WebhookParser. A secret that begins with whsec_ is a
// signing token and accepts signatures alone. Any other one accepts itself as
// secret token, and signatures made with the signing token that EnsureHook derives
// from it. A signature that is there must be right: no token makes up for it
// (https://docs.gitlab.com/user/project/integrations/webhooks/).
func (c *Connector) Verify(h http.Header, raw []byte, secrets []domain.Secret, now time.Time) error {
	ok := false
	if len(h.Values(headerSignature)) > 0 {
		ok = signed(h, raw, secrets, now)
	} else {
		ok = shown(h, secrets)
	}
	if !ok {
		return fmt.Errorf("gitlab: signature or token: %w", domain.ErrForbidden)
	}
	return nil
}

// shown compares the secret token with each secret that may be one.
func shown(h http.Header, secrets []domain.Secret) bool {
	given := h.Values(headerToken)
	usable := len(given) == 1 && given[0] != "" && len(given[0]) <= maxHeader
	var sum [sha256.Size]byte
	if usable {
		sum = sha256.Sum256([]byte(given[0]))
	}
	fits := 0
	for _, s := range secrets { // all of them, whatever was given: the time says nothing
		want := sha256.Sum256([]byte(s))
		same := subtle.ConstantTimeCompare(want[:], sum[:])
		if s != "" && !strings.HasPrefix(string(s), signingPrefix) {
			fits |= same
		}
	}
	return usable && fits == 1
}

// signed checks HMAC-SHA256 over id, time and body (Standard Webhooks, v1).
func signed(h http.Header, raw []byte, secrets []domain.Secret, now time.Time) bool {
	ids, times, signatures := h.Values(headerID), h.Values(headerTime), h.Values(headerSignature)
	usable := len(ids) == 1 && len(times) == 1 && len(signatures) == 1 &&
		ids[0] != "" && len(ids[0]) <= maxHeader && len(times[0]) <= 20 && len(signatures[0]) <= maxHeader
	if !usable || !recent(times[0], now) {
		ids, times, signatures, usable = []string{"-"}, []string{"0"}, []string{""}, false
	}
	sums := sumsIn(signatures[0])
	fits := false
	for _, s := range secrets {
		key := signingKey(s)
		mac := hmac.New(sha256.New, key)
		_, _ = mac.Write([]byte(ids[0] + "." + times[0] + ".")) // a hash never fails
		_, _ = mac.Write(raw)
		want := mac.Sum(nil)
		for _, sum := range sums {
			same := hmac.Equal(want, sum)
			fits = fits || same && len(key) > 0
		}
	}
	return usable && fits
}

// recent reports whether a signed time, in seconds, is near now. It is compared as
// it is written: what is signed are these bytes.
func recent(text string, now time.Time) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || strconv.FormatInt(n, 10) != text {
		return false
	}
	d := now.Sub(time.Unix(n, 0))
	return d <= maxSkew && d >= -maxSkew
}

// sumsIn are the signatures of version 1 in a header, at most ten.
func sumsIn(header string) [][]byte {
	var sums [][]byte
	for i, one := range strings.Split(header, " ") {
		if i == maxSignatures {
			break
		}
		text, ok := strings.CutPrefix(one, "v1,")
		if sum, err := base64.StdEncoding.Strict().DecodeString(text); ok && err == nil && len(sum) == sha256.Size {
			sums = append(sums, sum)
		}
	}
	return sums
}

// signingKey is the key of a signing token; of any other secret it is the one that
// is derived from it. Empty: there is none.
func signingKey(s domain.Secret) []byte {
	if text, ok := strings.CutPrefix(string(s), signingPrefix); ok {
		key, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return nil
		}
		return key
	}
	if s == "" {
		return nil
	}
	sum := sha256.Sum256([]byte(s))
	return sum[:]
}

func encodeKey(key []byte) string { return base64.StdEncoding.EncodeToString(key) }
