// Package embed makes the pipeline whole: it takes the chunks that the chunker
// pushes on, asks embeddings for vectors and gives both to relation-graph. Its main
// types are [Receiver], which makes chunks durable on a topic, and [Consumer], which
// works that topic off.
//
// # Why
//
// The chunker pushes without trying again, to paths that its neighbours do not
// have, and without the owner that the graph demands. So chunks are durable before
// the receiver answers, and what belongs to them is found by the one thing that the
// chunker keeps: the id of the item.
package embed

// Name is the name of the stage.
const Name = "embed"
