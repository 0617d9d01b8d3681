package main

import (
	"context"
	"os"
	"sort"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

func residentBytes() float64 {
	text, err := os.ReadFile("/proc/self/statm")
	require(err == nil, "there is no /proc")
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	require(err == nil, "/proc is not understood")
	return float64(pages) * float64(os.Getpagesize())
}

// A goroutine a sleeper: ten seconds, or two for fewer than a million.
func asleep(items int) report {
	length := 10 * time.Second
	if items < 1000000 {
		length = 2 * time.Second
	}
	var started int64
	var sum uint64
	var running sync.WaitGroup
	running.Add(items)
	before := residentBytes()
	began := time.Now()
	for i := 0; i < items; i++ {
		i := i
		go func() {
			atomic.AddInt64(&started, 1)
			time.Sleep(length)
			atomic.AddUint64(&sum, uint64(i))
			running.Done()
		}()
	}
	for atomic.LoadInt64(&started) < int64(items) && time.Since(began) < length*95/100 {
		time.Sleep(time.Millisecond)
	}
	inFlight := float64(atomic.LoadInt64(&started))
	bytes := residentBytes() - before
	toStart := time.Since(began)
	running.Wait()
	toFinish := time.Since(began) - length
	return report{sum, map[string]float64{
		"bytes":     bytes / inFlight,
		"start_ns":  float64(toStart.Nanoseconds()) / inFlight,
		"finish_ns": float64(toFinish.Nanoseconds()) / float64(items),
		"in_flight": inFlight,
	}}
}

// All wait with contexts of their own, and are cancelled one after the other.
func storm(items int, wait func(context.Context) bool) report {
	var started int64
	var cancelled uint64
	var running sync.WaitGroup
	running.Add(items)
	cancels := make([]context.CancelFunc, items)
	for i := range cancels {
		own, cancel := context.WithCancel(context.Background())
		cancels[i] = cancel
		go func() {
			defer running.Done()
			atomic.AddInt64(&started, 1)
			if wait(own) {
				atomic.AddUint64(&cancelled, 1)
			}
		}()
	}
	for atomic.LoadInt64(&started) < int64(items) {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond)
	require(cancelled == 0, "one did not wait")
	began := time.Now()
	for _, cancel := range cancels {
		cancel()
	}
	running.Wait()
	return nsEach(began, items, cancelled)
}

func cancelAcquirers(items int) report {
	held := semaphore.NewWeighted(1)
	require(held.TryAcquire(1), "the semaphore is not free")
	return storm(items, func(own context.Context) bool { return held.Acquire(own, 1) != nil })
}

func cancelReceivers(items int) report {
	values := make(chan int)
	return storm(items, func(own context.Context) bool {
		select {
		case <-values:
			return false
		case <-own.Done():
			return true
		}
	})
}

func computeFor(length time.Duration) {
	for began := time.Now(); time.Since(began) < length; {
	}
}

type timedJob struct {
	id                 int
	submitted, started time.Time
}

// One job in a hundred is slow; how long do the others wait?
func slowAmongFast(items, burst int, apart, fast time.Duration, slow func(time.Duration)) report {
	jobs := make(chan timedJob, queueSize)
	results := make(chan timedJob, queueSize)
	isSlow := func(id int) bool { return id%100 == 50 }
	var running sync.WaitGroup
	running.Add(8)
	for w := 0; w < 8; w++ {
		go func() {
			defer running.Done()
			for j := range jobs {
				j.started = time.Now()
				if isSlow(j.id) {
					slow(10 * time.Millisecond)
				} else if fast > 0 {
					computeFor(fast)
				}
				results <- j
			}
		}()
	}
	go func() {
		next := time.Now()
		for i := 0; i < items; i++ {
			if i%burst == 0 {
				next = next.Add(apart)
				time.Sleep(time.Until(next))
			}
			jobs <- timedJob{id: i, submitted: time.Now()}
		}
		close(jobs)
		running.Wait()
		close(results)
	}()
	var start, end []time.Duration
	for r := range results {
		if !isSlow(r.id) {
			start = append(start, r.started.Sub(r.submitted))
			end = append(end, time.Since(r.submitted))
		}
	}
	sort.Slice(start, func(a, b int) bool { return start[a] < start[b] })
	sort.Slice(end, func(a, b int) bool { return end[a] < end[b] })
	return report{uint64(len(start)), map[string]float64{
		"ns":                float64(start[len(start)*99/100].Nanoseconds()),
		"until_received_ns": float64(end[len(end)*99/100].Nanoseconds()),
		"median_ns":         float64(start[len(start)/2].Nanoseconds()),
	}}
}
