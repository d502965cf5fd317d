package blob

import (
	"time"

	"gocloud.dev/blob"
)

// The seam of the file system, for tests.
type (
	Disk = disk
	File = file
)

// System is the file system of this machine.
func System() Disk { return system{} }

// OpenOn opens a store in the folder root of d.
func OpenOn(root string, d Disk) (*Store, error) { return openFolder(root, d) }

// In gives the store in a bucket; its temporary files are made by d.
func In(objects *blob.Bucket, d Disk) *Store { return Within(objects, d, time.Minute) }

// Within is In with a limit to each step of a request.
func Within(objects *blob.Bucket, d Disk, limit time.Duration) *Store {
	return newBucket(objects, unlinked{d}, limits{answer: limit, sent: limit})
}
