package main

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

type fetched struct {
	URL    string  `json:"url"`
	Status int     `json:"status"`
	Bytes  int64   `json:"bytes"`
	Sum    string  `json:"sha256"`
	Error  *string `json:"error"`
	Total  float64 `json:"total"`
}

// What weir-fetch does with a list: 64 goroutines fetch what stands in a file, and a JSON line is
// printed for each, with the sum of its body.
func fetchList(items int) report {
	list, err := os.Open(os.Getenv("WEIR_BENCH_LIST"))
	require(err == nil, "no list")
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		MaxIdleConns: 64, MaxIdleConnsPerHost: 64, MaxConnsPerHost: 64, DisableCompression: true}}
	urls, results := make(chan string, 1024), make(chan fetched, 1024)
	var all, printing sync.WaitGroup
	for i := 0; i < 64; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			sum := sha256.New()
			for url := range urls {
				results <- fetchOne(client, url, sum)
			}
		}()
	}
	count := uint64(0)
	printing.Add(1)
	go func() {
		defer printing.Done()
		out := bufio.NewWriterSize(os.Stdout, 64*1024)
		lines := json.NewEncoder(out)
		for each := range results {
			count++
			require(lines.Encode(each) == nil, "cannot print")
		}
		out.Flush()
	}()
	input := bufio.NewScanner(list)
	for input.Scan() {
		if line := strings.TrimSpace(input.Text()); line != "" {
			urls <- line
		}
	}
	close(urls)
	all.Wait()
	close(results)
	printing.Wait()
	return report{count, map[string]float64{}}
}

func fetchOne(client *http.Client, url string, sum hash.Hash) fetched {
	began := time.Now()
	out := fetched{URL: url}
	answer, err := client.Get(url)
	if err == nil {
		sum.Reset()
		out.Status = answer.StatusCode
		out.Bytes, err = io.Copy(sum, answer.Body)
		answer.Body.Close()
		out.Sum = hex.EncodeToString(sum.Sum(nil))
	}
	if err != nil {
		text := err.Error()
		out.Error = &text
	}
	out.Total = time.Since(began).Seconds()
	return out
}
