package main

import (
	"context"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
)

func submitMany(items, limit int) report {
	results := make([]int64, items)
	began := time.Now()
	var group errgroup.Group
	group.SetLimit(limit)
	for i := range results {
		i := i
		group.Go(func() error {
			results[i] = worked(int64(i))
			return nil
		})
	}
	err := group.Wait()
	each := nsEach(began, items, 0)
	require(err == nil, "a job failed")
	for _, value := range results {
		each.checksum += uint64(value)
	}
	return each
}

func semaphoreFree(items int) report {
	free := semaphore.NewWeighted(2)
	background := context.Background()
	began := time.Now()
	var passed uint64
	for i := 0; i < items; i++ {
		if free.Acquire(background, 1) == nil {
			passed++
			free.Release(1)
		}
	}
	return nsEach(began, items, passed)
}

// A hundred tasks want two permits, and hold one while they let others go first.
func semaphoreContended(items int) report {
	const tasks = 100
	wanted := semaphore.NewWeighted(2)
	background := context.Background()
	passed := make([]uint64, tasks)
	var running sync.WaitGroup
	running.Add(tasks)
	began := time.Now()
	for t := 0; t < tasks; t++ {
		t := t
		go func() {
			defer running.Done()
			var own uint64
			for i := 0; i < items/tasks; i++ {
				if wanted.Acquire(background, 1) == nil {
					runtime.Gosched()
					own++
					wanted.Release(1)
				}
			}
			passed[t] = own
		}()
	}
	running.Wait()
	var all uint64
	for _, own := range passed {
		all += own
	}
	return nsEach(began, items, all)
}
