package connectortest

import (
	"testing"

	"github.com/confuse/data-connector/domain"
)

// Run checks the promises of domain.Connector, and that the engine over the
// connector comes to what the provider holds. It calls fresh once for each test,
// so that tests share no state.
func Run(t *testing.T, fresh func(t *testing.T) Fixture) {
	t.Helper()
	for name, test := range map[string]func(*testing.T, Fixture){
		"describe is fit to show":                       testDescribe,
		"validate names what is wrong":                  testValidate,
		"snapshot gives all files":                      testSnapshot,
		"snapshot goes on behind each page":             testResume,
		"snapshot returns the error of the sink":        testSinkError,
		"snapshot ends with its context":                testCancelled,
		"fetch gives what is listed":                    testFetch,
		"fetch of a file that is gone is an error":      testFetchGone,
		"a cache that was used is not wrong":            testCache,
		"engine: the fold is what the provider holds":   testEngine,
		"engine: cut anywhere, it comes to the same":    testEngineCut,
		"engine: edits arrive as exactly those changes": testEngineEdits,
		"engine: a rename keeps the id":                 testEngineRename,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, fresh(t))
		})
	}
	t.Run("faults", func(t *testing.T) {
		t.Parallel()
		runFaults(t, fresh)
	})
	t.Run("feed", func(t *testing.T) {
		t.Parallel()
		runFeed(t, fresh)
	})
	t.Run("watch", func(t *testing.T) {
		t.Parallel()
		runWatch(t, fresh)
	})
	t.Run("probe", func(t *testing.T) {
		t.Parallel()
		runProbe(t, fresh)
	})
}

func runFaults(t *testing.T, fresh func(t *testing.T) Fixture) {
	faults := fresh(t).Faults
	if len(faults) == 0 {
		t.Skip("the fixture declares no faults")
	}
	for fault := range faults {
		t.Run(string(fault), func(t *testing.T) {
			t.Parallel()
			testFault(t, fresh(t), fault)
		})
		t.Run("engine: "+string(fault), func(t *testing.T) {
			t.Parallel()
			testEngineFault(t, fresh(t), fault)
		})
	}
}

func runFeed(t *testing.T, fresh func(t *testing.T) Fixture) {
	f := fresh(t)
	if _, ok := f.Connector.(domain.Feed); !ok {
		t.Skipf("%s has no feed", f.Connector.Describe().Provider)
	}
	for name, test := range map[string]func(*testing.T, Fixture){
		"changes after the start cursor arrive": testChanges,
		"an unusable cursor is a reset":         testReset,
		"the error of the sink is returned":     testFeedSinkError,
		"engine: a reset is a difference":       testEngineReset,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, fresh(t))
		})
	}
}
