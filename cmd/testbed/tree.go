package testbed

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// filesInFolder is how many files lie in one folder of a tree.
const filesInFolder = 100

// MakeTree writes n small files below root, in folders of a hundred: text that
// looks like the documents and programs of a team, 200 to 4,000 bytes each. The
// same n gives the same tree.
func MakeTree(root string, n int) error {
	random := rand.New(rand.NewPCG(1, uint64(n)))
	for i := range n {
		path := filepath.Join(root, TreePath(i))
		if i%filesInFolder == 0 {
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				return err
			}
		}
		if err := os.WriteFile(path, content(random, i), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// TreePath is the path of file i.
func TreePath(i int) string {
	folder := i / filesInFolder
	ending := []string{"go", "md", "py", "json", "ts", "txt", "java", "yaml"}[i%8]
	return fmt.Sprintf("area-%02d/part-%04d/file-%07d.%s", folder/100, folder, i, ending)
}

func content(random *rand.Rand, i int) []byte {
	words := []string{"func", "return", "value", "if", "the", "source", "error", "of", "list", "page", "nil", "range", "{", "}", "\n", "\n\t", "="}
	text := fmt.Appendf(nil, "file %d\n", i)
	for want := 200 + random.IntN(3800); len(text) < want; {
		text = append(text, words[random.IntN(len(words))]...)
		text = append(text, ' ')
		if random.IntN(4) == 0 {
			text = fmt.Appendf(text, "%x", random.Uint32())
		}
	}
	return text
}
