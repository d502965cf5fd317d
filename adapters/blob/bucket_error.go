package blob

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"regexp"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"gocloud.dev/gcerrors"
	"google.golang.org/api/googleapi"
)

// classify turns errors of a cloud into ours and hides the queries of the
// addresses in their texts: a token may be there (I7).
func classify(err error) error {
	if err == nil {
		return nil
	}
	if gone(err) {
		err = fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return redacted{err}
}

// gone tells that the cloud has looked, and what was asked for is not there.
// gocloud.dev/blob also says so of what Google refuses (403), of a server whose
// name is not resolved now, and of an archived or a moved bucket. That would make
// content lost, and a delete done, which are neither.
func gone(err error) bool {
	if gcerrors.Code(err) != gcerrors.NotFound {
		return false
	}
	status, answered := statusOf(err)
	if answered {
		return status == http.StatusNotFound
	}
	return !errors.As(err, new(*net.DNSError))
}

// statusOf gives what the cloud has answered.
func statusOf(err error) (status int, answered bool) {
	if google := (*googleapi.Error)(nil); errors.As(err, &google) {
		return google.Code, true
	}
	if azure := (*azcore.ResponseError)(nil); errors.As(err, &azure) {
		return azure.StatusCode, true
	}
	var amazon interface{ HTTPStatusCode() int }
	if errors.As(err, &amazon) {
		return amazon.HTTPStatusCode(), true
	}
	return 0, false
}

type redacted struct{ cause error }

func (r redacted) Error() string {
	return regexp.MustCompile(`\?[^\s"]+`).ReplaceAllString(r.cause.Error(), "?...")
}

func (r redacted) Unwrap() error { return r.cause }
