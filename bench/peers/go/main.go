// The same work as weir's benchmarks, as it is written in Go: `peer_go MEASURE ITEMS` prints one
// line of JSON. GOMAXPROCS is set by each measure: 1 where its name ends in _1, otherwise 2.
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

type report struct {
	checksum uint64
	numbers  map[string]float64
}

func nsEach(began time.Time, items int, checksum uint64) report {
	each := float64(time.Since(began).Nanoseconds()) / float64(items)
	return report{checksum, map[string]float64{"ns": each}}
}

func worked(value int64) int64 { return 2*value + 1 }

func require(condition bool, what string) {
	if !condition {
		fmt.Fprintln(os.Stderr, what)
		os.Exit(1)
	}
}

var measures = map[string]func(items int) report{
	"pool_stream_1":            func(n int) report { return poolStream(n, 8) },
	"pool_stream_2":            func(n int) report { return poolStream(n, 8) },
	"pool_stream_100":          func(n int) report { return poolStream(n, 100) },
	"pool_slices_2":            func(n int) report { return poolSlices(n, 8) },
	"round_trip_1":             roundTrip,
	"submit_many_8":            func(n int) report { return submitMany(n, 8) },
	"submit_many_100":          func(n int) report { return submitMany(n, 100) },
	"semaphore_free_1":         semaphoreFree,
	"semaphore_contended_1":    semaphoreContended,
	"semaphore_contended_2":    semaphoreContended,
	"channel_stream_1":         func(n int) report { return channelStream(n, 1024) },
	"channel_stream_2":         func(n int) report { return channelStream(n, 1024) },
	"channel_unbuffered_1":     func(n int) report { return channelStream(n, 0) },
	"map_ordered_goroutines":   func(n int) report { return mapOrderedGoroutines(n, worked) },
	"map_ordered_workers":      func(n int) report { return mapOrderedWorkers(n, worked) },
	"map_completed_errgroup":   func(n int) report { return mapCompletedErrgroup(n, worked) },
	"map_completed_workers":    func(n int) report { return mapCompletedWorkers(n, worked) },
	"map_suspending_ordered":   func(n int) report { return mapOrderedWorkers(n, workedAndYielded) },
	"map_suspending_completed": func(n int) report { return mapCompletedWorkers(n, workedAndYielded) },
	"asleep":                   asleep,
	"cancel_storm_acquirers":   cancelAcquirers,
	"cancel_storm_receivers":   cancelReceivers,
	"get_1":                    httpGet,
	"fetch_list":               fetchList,
	"slow_sleeping": func(n int) report {
		return slowAmongFast(n, 20, time.Millisecond, 10*time.Microsecond, time.Sleep)
	},
	"slow_computing": func(n int) report {
		return slowAmongFast(n, 5, time.Millisecond, 10*time.Microsecond, computeFor)
	},
	"slow_among_trivial": func(n int) report {
		return slowAmongFast(n, 100, 20*time.Millisecond, 0, computeFor)
	},
}

func main() {
	runtime.GOMAXPROCS(2)
	if len(os.Args) == 3 {
		items, err := strconv.Atoi(os.Args[2])
		measure, known := measures[os.Args[1]]
		if err == nil && known && items > 0 {
			if strings.HasSuffix(os.Args[1], "_1") {
				runtime.GOMAXPROCS(1)
			}
			found := measure(items)
			fmt.Printf(`{"checksum": %d`, found.checksum)
			for name, value := range found.numbers {
				fmt.Printf(`, "%s": %g`, name, value)
			}
			fmt.Println("}")
			return
		}
	}
	fmt.Fprintln(os.Stderr, "usage: peer_go MEASURE ITEMS, where MEASURE is one of")
	for name := range measures {
		fmt.Fprintln(os.Stderr, "   ", name)
	}
	os.Exit(2)
}
