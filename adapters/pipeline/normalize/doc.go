// Package normalize makes text of files: UTF-8 with LF line ends, out of whatever
// encoding, and out of HTML, PDF and Office documents. Its main type is
// [Normalizer]. The stages that hand on text call it in process; [Stage] reports
// what became of each file.
//
// # Why
//
// Normalized text is no second copy on the log: it follows from the content, so it
// is made where it is needed and kept for a while in memory, by the digest of the
// content. What makes it may change and nothing on the log becomes wrong.
//
// What is read comes from strangers. Sizes are bounded before anything is
// unpacked, and a document that makes a reader panic is one that cannot be read.
package normalize
