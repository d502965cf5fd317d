// Package blob is the content store: [Store] implements [domain.Packs]. A pack
// holds the content of one page, each item one zstd frame, so that an item is
// read without its neighbours; one of at most 4 KiB is not compressed in it. What is
// read is verified while it streams.
//
// The address says where it is:
//
//	file:///var/lib/data-connector                a folder
//	s3://bucket/folder?region=eu-central-1        Amazon S3
//	s3://bucket?endpoint=https://minio.example.com:9000&region=us-east-1&use_path_style=true
//	                                              MinIO and others that speak S3
//	gs://bucket/folder                            Google Cloud Storage
//	azblob://container/folder                     Azure Blob Storage
//
// The folder within a bucket may be left out. Further options are those of
// gocloud.dev/blob/s3blob, gcsblob and azureblob. Credentials are never in the
// address: they come from the environment, from files or from the role of the
// machine, as the tools of these clouds find them (AWS_ACCESS_KEY_ID and
// AWS_SECRET_ACCESS_KEY; GOOGLE_APPLICATION_CREDENTIALS; AZURE_STORAGE_ACCOUNT
// with AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN; storage_account in the address
// is for the identity of a machine). They have to allow to read,
// write, delete and list. A server that speaks S3 but refuses the checksums which
// Amazon's library adds also needs request_checksum_calculation=when_required.
//
// In a folder and in a bucket lie
//
//	packs/<source>/<run>-<run_id>/<n>       a pack
//
// and in a folder also
//
//	packs/<source>/<run>-<run_id>/.tmp-*    a pack that is not committed
//	staging/.tmp-*                          an item too big for memory
//
// which for a bucket are files without a name in $TMPDIR.
//
// I1: in a folder, a pack is written to a temporary file, synced, renamed, and
// then its folder is synced. To a bucket it is uploaded by Commit; the cloud's
// answer says that it is durable. Before, nobody sees it.
//
// Each step of a request to a cloud has a limit, so that a store that hangs is an
// error to be tried again. Content counts as lost only when the cloud says that it
// is not there (404), never for what it refuses or does not answer.
//
// It does not know which packs are still needed: others decide with [Store.List]
// and [Store.Delete]. Parts of uploads that were cut off are not packs; a rule of
// the S3 bucket has to end them (AbortIncompleteMultipartUpload), the other clouds
// do it by themselves within a week.
//
// # Why
//
// The file driver of gocloud.dev/blob never syncs, so an event could outlive the
// content that it names. A file per item would cost a sync per item; a page of
// 1,000 small ones is durable in the time of two.
package blob
