//go:build unix

package main

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// outputRoles misuse stdout and stderr, and serve well.
func outputRoles() map[string]func() {
	well := func(before func()) func() {
		return func() {
			before()
			(&behaviour{}).serve()
		}
	}
	// go-plugin takes the standard files away when it serves.
	stdout, stderr := os.Stdout, os.Stderr
	return map[string]func(){
		"numeric-message": well(func() {
			fmt.Fprintln(stderr, `{"@message":5,"@level":7,"@timestamp":false}`)
			fmt.Fprintln(stderr, `{"@message":{"a":[1,2]},"@level":null,"@timestamp":[]}`)
		}),
		"handshake-noise": well(func() {
			fmt.Println("hello from an init function")
			fmt.Println("1|x|unix|/tmp/not-this-one|grpc|")
			fmt.Println(strings.Repeat("x", 70<<10))
		}),
		"long-lines": well(func() {
			fmt.Fprintln(stderr, strings.Repeat("y", 70<<10))
			go func() {
				for {
					fmt.Fprintln(stdout, strings.Repeat("z", 70<<10))
				}
			}()
		}),
		"endless-line": well(func() {
			go func() {
				for {
					fmt.Fprint(stderr, strings.Repeat("w", 4<<10))
				}
			}()
		}),
		"flood": well(func() {
			go func() {
				for n := 0; ; n++ {
					fmt.Fprintf(stderr, "level=ERROR msg=\"line %d\" why=%q\n", n, strings.Repeat("v", 200))
				}
			}()
		}),
		"slow-drip": well(func() {
			go func() {
				for {
					fmt.Fprint(stderr, ".")
					time.Sleep(time.Millisecond)
				}
			}()
		}),
		"binary-noise": well(func() {
			_, _ = stderr.Write([]byte("\xff\xfe\x00{\"msg\":\x80}\n\r\r\n{\"msg\":\"\\ud800\",\"level\":1e999}\n"))
		}),
		"false-panic": well(func() { fmt.Fprintln(stderr, "panic: not really\n\ngoroutine 1 [running]:") }),
		"clock-far-off": (&behaviour{
			cached: farOff,
			drain:  nil,
		}).serve,
		"lost-clock-in-log": well(func() {
			fmt.Fprintln(stderr, `{"time":"0001-01-01T00:00:00Z","level":"WARN","msg":"an old line"}`)
			fmt.Fprintln(stderr, `{"time":"9999-12-31T23:59:59Z","level":"WARN","msg":"a line to come"}`)
		}),
	}
}
