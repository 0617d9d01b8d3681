package main

import (
	"sync"
	"time"
)

type job struct{ id, value int64 }

type result struct {
	id, value int64
	err       error
}

const queueSize = 1024

func work(j job) result { return result{id: j.id, value: worked(j.value)} }

// The usual pool: a channel of jobs, workers that range over it, and a channel of results that is
// closed after the last worker.
func poolStream(items, workers int) report {
	jobs := make(chan job, queueSize)
	results := make(chan result, queueSize)
	began := time.Now()
	var running sync.WaitGroup
	running.Add(workers)
	for w := 0; w < workers; w++ {
		go func() {
			defer running.Done()
			for j := range jobs {
				results <- work(j)
			}
		}()
	}
	go func() {
		for i := int64(0); i < int64(items); i++ {
			jobs <- job{i, i}
		}
		close(jobs)
		running.Wait()
		close(results)
	}()
	var sum uint64
	for r := range results {
		if r.err == nil {
			sum += uint64(r.value)
		}
	}
	return nsEach(began, items, sum)
}

const batchSize = 64

// The same, with slices of jobs and of results through the channels.
func poolSlices(items, workers int) report {
	jobs := make(chan []job, queueSize/batchSize)
	results := make(chan []result, queueSize/batchSize)
	began := time.Now()
	var running sync.WaitGroup
	running.Add(workers)
	for w := 0; w < workers; w++ {
		go func() {
			defer running.Done()
			for some := range jobs {
				done := make([]result, len(some))
				for i, j := range some {
					done[i] = work(j)
				}
				results <- done
			}
		}()
	}
	go func() {
		some := make([]job, 0, batchSize)
		for i := int64(0); i < int64(items); i++ {
			some = append(some, job{i, i})
			if len(some) == batchSize {
				jobs <- some
				some = make([]job, 0, batchSize)
			}
		}
		if len(some) > 0 {
			jobs <- some
		}
		close(jobs)
		running.Wait()
		close(results)
	}()
	var sum uint64
	for some := range results {
		for _, r := range some {
			if r.err == nil {
				sum += uint64(r.value)
			}
		}
	}
	return nsEach(began, items, sum)
}

// A job goes to a worker and its result comes back, through channels without a buffer.
func roundTrip(items int) report {
	jobs := make(chan job)
	results := make(chan result)
	for w := 0; w < 8; w++ {
		go func() {
			for j := range jobs {
				results <- work(j)
			}
		}()
	}
	began := time.Now()
	var sum uint64
	for i := int64(0); i < int64(items); i++ {
		jobs <- job{i, i}
		r := <-results
		if r.err == nil {
			sum += uint64(r.value)
		}
	}
	found := nsEach(began, items, sum)
	close(jobs)
	return found
}

func channelStream(items, capacity int) report {
	values := make(chan int64, capacity)
	began := time.Now()
	go func() {
		for i := int64(0); i < int64(items); i++ {
			values <- i
		}
		close(values)
	}()
	var sum uint64
	for value := range values {
		sum += uint64(value)
	}
	return nsEach(began, items, sum)
}
