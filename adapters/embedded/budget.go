package embedded

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ErrOverBudget says that the log is larger than the memory its replay may take.
var ErrOverBudget = errors.New("over the memory budget")

const (
	mebi = 1 << 20
	// leastBudget is what the default never goes below.
	leastBudget = 2048 * mebi
)

// checkBudget refuses a log in dir above budget bytes, 0 being the default. A
// replay after an unclean stop holds every record at once: it takes about as
// much memory as the log takes disk, and the system would kill us in the middle.
func checkBudget(dir string, budget int64) (size int64, _ error) {
	if budget == 0 {
		budget = max(leastBudget, freeMemory()/2)
	}
	size, err := folderSize(dir)
	if err != nil {
		return 0, fmt.Errorf("size of the log: %w", err)
	}
	if size > budget {
		return size, fmt.Errorf("%w: the log in %q has %d MiB, to replay it may take %d MiB: free memory, raise the budget, or move to a Kafka cluster",
			ErrOverBudget, dir, size/mebi, budget/mebi)
	}
	return size, nil
}

// folderSize is the sum of the files below dir, in bytes; 0 when there is none.
func folderSize(dir string) (int64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	return sum, err
}

// freeMemory is what this process could still get, in bytes; 0 when the system
// does not say. A container's limit counts where it is lower.
func freeMemory() int64 {
	free := int64(0)
	raw, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		fields := strings.Fields(line)
		if len(fields) > 1 && fields[0] == "MemAvailable:" {
			kib, _ := strconv.ParseInt(fields[1], 10, 64) // 0 when it is no number
			free = kib << 10
		}
	}
	raw, err = os.ReadFile("/sys/fs/cgroup/memory.max")
	if err != nil {
		return free
	}
	limit, err := strconv.ParseInt(strings.TrimSpace(string(raw)), 10, 64)
	if err != nil { // "max": none
		return free
	}
	return min(free, limit)
}
