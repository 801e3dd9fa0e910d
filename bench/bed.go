package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/weir-dev/weir/bench/mock"
	"github.com/weir-dev/weir/bench/procfs"
)

// bed is all processes of a run: the mock upstream, the floor and weir, each on its own.
type bed struct {
	mock, floor *process
	mockURL     string
	weir        *weir
	targets     []*target // direct, floor, weir and maybe unguarded: what is measured, in the order of the tables
	sent        account   // through weir
}

// target is a way to the upstream.
type target struct {
	name   string
	base   string // address without /v1
	header map[string]string
	pid    int // 0: no process lies between
	weir   *weir
}

// names of the targets.
const (
	direct    = "direct"
	floorName = "floor"
	weirName  = "weir"
	// unguarded is weir for a key that no budget and no limit is for, and that does not ask the cache.
	unguarded = "weir, unguarded"
)

// account is what the load generator knows of the calls it sent through weir.
type account struct {
	Good   int64 // answered, and the answer was right
	Bad    int64 // sent, and not answered well: weir may have a record of it or not
	Input  int64 // tokens that the good answers named
	Output int64
}

func openBed(ctx context.Context, o options, progress func(string, ...any)) (b *bed, err error) {
	b = &bed{}
	defer func() {
		if err != nil {
			err = errors.Join(err, b.close())
		}
	}()
	if b.mock, b.mockURL, err = startSelf(ctx, roleMock); err != nil {
		return b, err
	}
	var floorURL string
	if b.floor, floorURL, err = startSelf(ctx, roleFloor, "-to", b.mockURL); err != nil {
		return b, err
	}
	if b.weir, err = startWeir(ctx, o, b.mockURL, progress); err != nil {
		return b, err
	}
	b.targets = []*target{
		{name: direct, base: b.mockURL},
		{name: floorName, base: floorURL, pid: b.floor.pid()},
		{name: weirName, base: b.weir.url, pid: b.weir.pid(), weir: b.weir, header: map[string]string{"Authorization": "Bearer " + b.weir.key, "X-Weir-Cache": "read"}},
	}
	if o.Unguarded {
		b.targets = append(b.targets, &target{name: unguarded, base: b.weir.url, pid: b.weir.pid(), weir: b.weir, header: map[string]string{"Authorization": "Bearer " + b.weir.freeKey}})
	}
	return b, nil
}

// close ends all processes, from the top down.
func (b *bed) close() error {
	var errs []error
	if b.weir != nil {
		errs = append(errs, b.weir.close())
	}
	for _, p := range []*process{b.floor, b.mock} {
		if p != nil {
			errs = append(errs, p.stop())
		}
	}
	return errors.Join(errs...)
}

// alive is nil while everything runs.
func (b *bed) alive() error {
	return errors.Join(b.mock.alive(), b.floor.alive(), b.weir.alive())
}

// setMock changes how the upstream answers.
func (b *bed) setMock(ctx context.Context, s mock.Settings) error {
	body, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("set the mock: %w", err)
	}
	return call(ctx, http.MethodPost, b.mockURL+mock.ControlPath, "", bytes.NewReader(body), nil)
}

// cpuTimes are the CPU times used so far by all processes of the run, or their difference over a window.
type cpuTimes struct {
	load, mock, floor, weir, engine time.Duration
}

func (b *bed) cpu() cpuTimes {
	t := cpuTimes{
		load: procfs.CPU(os.Getpid()), mock: procfs.CPU(b.mock.pid()), floor: procfs.CPU(b.floor.pid()), weir: procfs.CPU(b.weir.pid()),
	}
	for _, pid := range b.weir.children {
		t.engine += procfs.CPU(pid)
	}
	return t
}

func (t cpuTimes) sub(o cpuTimes) cpuTimes {
	return cpuTimes{t.load - o.load, t.mock - o.mock, t.floor - o.floor, t.weir - o.weir, t.engine - o.engine}
}

func (t cpuTimes) sum() time.Duration { return t.load + t.mock + t.floor + t.weir + t.engine }

// of is what a target used: its process, and the engine where it has one.
func (t cpuTimes) of(target string) (all, engine time.Duration) {
	switch target {
	case floorName:
		return t.floor, 0
	case weirName, unguarded:
		return t.weir + t.engine, t.engine
	}
	return 0, 0
}

// environment is this process's, without what would configure weir or send its spans away.
func environment(add ...string) []string {
	var env []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		engine := name == "WEIR_ENGINE_LIB" || name == "WEIR_ENGINE_INTEGRITY"
		if !engine && (strings.HasPrefix(name, "WEIR_") || strings.HasPrefix(name, "OTEL_") || strings.HasSuffix(name, "_API_KEY")) {
			continue
		}
		env = append(env, kv)
	}
	return append(env, add...)
}
