// Package blob is the content store: [Store] implements [domain.Packs]. A pack
// holds the content of one page, each item one zstd frame, so that an item is
// read without its neighbours. What is read is verified while it streams.
//
// I1: a pack is written to a temporary file in its own folder, synced, renamed,
// and then its folder is synced. Before the rename nobody sees it, after Commit
// it survives a power cut.
//
// For now the store is a folder ("file:///var/lib/data-connector"):
//
//	packs/<source>/<run>-<run_id>/<n>       a pack
//	packs/<source>/<run>-<run_id>/.tmp-*    a pack that is not committed
//	staging/.tmp-*                          an item too big for memory
//
// It does not know which packs are still needed; [Store.DropSource] and
// [Store.Sweep] are all it deletes with.
//
// # Why
//
// The file driver of gocloud.dev/blob never syncs, so an event could outlive the
// content that it names. A file per item would cost a sync per item; a page of
// 1,000 small ones is durable in the time of two.
package blob
