package blob

import (
	"context"
	"io"

	"gocloud.dev/blob"
)

// An upload takes memory for some parts of some size. A pack of usual size is
// one to eight of them, the biggest that S3 takes (10,000 parts) has 80 GB.
const (
	partSize    = 8 << 20
	partsAtOnce = 2
)

// create makes a temporary file on this machine: what an upload has once sent
// it cannot take back, so nothing is sent before commit.
func (b *bucket) create(name string) (object, error) {
	f, err := b.spool.create()
	if err != nil {
		return nil, err
	}
	return &upload{bucket: b, name: name, file: f}, nil
}

// upload is a pack on its way to a bucket.
type upload struct {
	bucket *bucket
	name   string
	file   file
}

func (u *upload) Write(p []byte) (int, error) { return u.file.Write(p) }

// commit keeps I1: a cloud shows an object when it has stored it durably, and
// answers after that.
func (u *upload) commit(ctx context.Context) error {
	if _, err := u.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	w := watched(ctx, u.bucket.limits.sent)
	defer w.end()
	body := watchedBody{u.file, w} // nobody else closes it
	err := u.bucket.objects.Upload(w.ctx, u.name, body, &blob.WriterOptions{
		ContentType: "application/octet-stream", BufferSize: partSize, MaxConcurrency: partsAtOnce,
	})
	if err != nil {
		return classify(w.why(err))
	}
	u.bucket.spool.free(u.file)
	return nil
}

func (u *upload) discard() error {
	u.bucket.spool.free(u.file)
	return nil
}
