package main

import (
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
)

// GETs on 64 connections, by 64 goroutines, with nothing but the standard library.
func httpGet(items int) report {
	url := os.Getenv("WEIR_BENCH_URL")
	client := &http.Client{Transport: &http.Transport{
		MaxIdleConns: 64, MaxIdleConnsPerHost: 64, MaxConnsPerHost: 64, DisableCompression: true}}
	left, answered := int64(items), uint64(0)
	var all sync.WaitGroup
	for i := 0; i < 64; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for atomic.AddInt64(&left, -1) >= 0 {
				answer, err := client.Get(url)
				require(err == nil, "a request failed")
				size, err := io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
				require(err == nil && size == 1024 && answer.StatusCode == 200, "a wrong answer")
				atomic.AddUint64(&answered, 1)
			}
		}()
	}
	all.Wait()
	return report{answered, map[string]float64{}}
}
