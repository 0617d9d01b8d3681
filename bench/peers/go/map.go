package main

import (
	"runtime"
	"time"

	"golang.org/x/sync/errgroup"
)

const window = 64

func workedAndYielded(value int64) int64 {
	runtime.Gosched()
	return worked(value)
}

// In order, a goroutine per item: a queue of one-value channels is the window.
func mapOrderedGoroutines(items int, work func(int64) int64) report {
	under := make(chan chan int64, window-1)
	began := time.Now()
	go func() {
		for i := int64(0); i < int64(items); i++ {
			i, one := i, make(chan int64, 1)
			under <- one
			go func() { one <- work(i) }()
		}
		close(under)
	}()
	var sum uint64
	for one := range under {
		sum += uint64(<-one)
	}
	return nsEach(began, items, sum)
}

type place struct {
	item int64
	out  chan int64
}

// In order, by workers that stay: places of the window are used again.
func mapOrderedWorkers(items int, work func(int64) int64) report {
	todo := make(chan place, window)
	under := make(chan chan int64, window-1)
	free := make(chan chan int64, window+1)
	began := time.Now()
	for w := 0; w < window; w++ {
		go func() {
			for p := range todo {
				p.out <- work(p.item)
			}
		}()
	}
	for i := 0; i < window+1; i++ {
		free <- make(chan int64, 1)
	}
	go func() {
		for i := int64(0); i < int64(items); i++ {
			one := <-free
			under <- one
			todo <- place{i, one}
		}
		close(todo)
		close(under)
	}()
	var sum uint64
	for one := range under {
		sum += uint64(<-one)
		free <- one
	}
	return nsEach(began, items, sum)
}

// As completed, a goroutine per item.
func mapCompletedErrgroup(items int, work func(int64) int64) report {
	results := make(chan int64)
	began := time.Now()
	go func() {
		var group errgroup.Group
		group.SetLimit(window)
		for i := int64(0); i < int64(items); i++ {
			i := i
			group.Go(func() error {
				results <- work(i)
				return nil
			})
		}
		if group.Wait() == nil {
			close(results)
		}
	}()
	var sum uint64
	for value := range results {
		sum += uint64(value)
	}
	return nsEach(began, items, sum)
}

// As completed, by workers that stay. With its two buffers it has up to three windows under way, which makes it faster
// than without them.
func mapCompletedWorkers(items int, work func(int64) int64) report {
	todo := make(chan int64, window)
	results := make(chan int64, window)
	ended := make(chan struct{}, window)
	began := time.Now()
	for w := 0; w < window; w++ {
		go func() {
			for i := range todo {
				results <- work(i)
			}
			ended <- struct{}{}
		}()
	}
	go func() {
		for i := int64(0); i < int64(items); i++ {
			todo <- i
		}
		close(todo)
		for w := 0; w < window; w++ {
			<-ended
		}
		close(results)
	}()
	var sum uint64
	for value := range results {
		sum += uint64(value)
	}
	return nsEach(began, items, sum)
}
