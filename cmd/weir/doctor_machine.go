package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/weir-dev/weir/clickhouse/engine"
	"github.com/weir-dev/weir/dashboards/console"
	"github.com/weir-dev/weir/price"
)

// configuration says whether serve would start with it.
func (d *doctor) configuration(err error) check {
	c := check{Name: "configuration", Verdict: fine, Found: "no file: the defaults and the environment"}
	if d.file != "" {
		c.Found = d.file + " is good"
	}
	if err != nil {
		c.Verdict, c.Found = fault, err.Error()
		c.Remedy = "mend these lines; weir serve --check looks again"
		if !errors.Is(err, errConfig) {
			c.Remedy = "name a file that can be read with --config or WEIR_CONFIG, or none"
		}
	}
	return c
}

// dataDirectory says whether weir can keep its files there. It makes nothing that stays.
func (d *doctor) dataDirectory() check {
	c := check{Name: "data directory"}
	path, err := filepath.Abs(d.cfg.Data)
	if err != nil {
		return c.wrong(err.Error(), "name it with --data or WEIR_DATA")
	}
	c.Found = path
	at, err := existing(path)
	if err != nil {
		return c.wrong(err.Error(), "choose another with --data or WEIR_DATA")
	}
	f, err := os.CreateTemp(at, ".weir-doctor-*")
	if err != nil {
		return c.wrong(fmt.Sprintf("this user cannot write in %s", at), "give this user the right to write there, or choose another directory with --data or WEIR_DATA")
	}
	if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		return c.wrong(err.Error(), "look at the disk")
	}
	c.Verdict = fine
	if at != path {
		c.Found += " is not there yet; weir makes it"
	} else if info, err := os.Stat(filepath.Join(path, adminTokenFile)); err == nil && info.Mode().Perm()&0o077 != 0 {
		c.Verdict, c.Found = warning, path+": others on this machine can read the admin token"
		c.Remedy = "chmod 600 " + filepath.Join(path, adminTokenFile)
	}
	return c
}

// existing is the path, or the nearest directory above it that is there.
func existing(path string) (string, error) {
	for {
		info, err := os.Stat(path)
		switch {
		case err == nil && info.IsDir():
			return path, nil
		case err == nil:
			return "", fmt.Errorf("%s is not a directory", path)
		case !errors.Is(err, os.ErrNotExist):
			return "", err
		}
		up := filepath.Dir(path)
		if up == path {
			return "", err
		}
		path = up
	}
}

// wrong is the check as a fault.
func (c check) wrong(found, remedy string) check {
	c.Verdict, c.Found, c.Remedy = fault, found, remedy
	return c
}

const (
	leastDisk = 1 << 30 // below it merges of the embedded engine fail
	fewDisk   = 5 << 30
)

func (d *doctor) diskSpace() check {
	c := check{Name: "disk space"}
	at, err := existing(d.cfg.Data)
	var free uint64
	if err == nil {
		free, err = freeSpace(at)
	}
	if err != nil {
		c.Verdict, c.Found = skipped, err.Error()
		return c
	}
	c.Verdict, c.Found = fine, fmt.Sprintf("%.1f GB free", float64(free)/1e9)
	switch {
	case free < leastDisk:
		return c.wrong(c.Found+": too little for the record of calls", "make room, or move the data directory with --data or WEIR_DATA")
	case free < fewDisk:
		c.Verdict, c.Remedy = warning, "a million calls with their bodies take some gigabytes"
	}
	return c
}

func (d *doctor) engine() check {
	c := check{Name: "embedded engine"}
	if !d.cfg.ClickHouse.URL.IsZero() {
		c.Verdict, c.Found = skipped, "not needed: a ClickHouse server is configured"
		return c
	}
	path, err := engine.Locate()
	if err != nil {
		return c.wrong(err.Error(), "weir engine fetch downloads it; or set WEIR_CLICKHOUSE_URL to a ClickHouse server")
	}
	c.Verdict, c.Found = fine, "libchdb "+engine.Version+" at "+path
	return c
}

// clock compares with what is certain: the day of the built-in price book.
func (d *doctor) clock() check {
	c := check{Name: "clock", Verdict: fine, Found: d.now.Format(time.RFC3339)}
	book, _, _ := strings.Cut(price.Embedded().Version(), "+")
	day, err := time.Parse(time.DateOnly, book[max(0, len(book)-len(time.DateOnly)):])
	if err != nil {
		return c
	}
	switch {
	case d.now.Before(day.AddDate(0, 0, -1)):
		return c.wrong(c.Found+" is before this weir was made ("+day.Format(time.DateOnly)+")", "set the clock, best by NTP: calls would be recorded and priced on the wrong day")
	case d.now.After(day.AddDate(10, 0, 0)):
		c.Verdict, c.Remedy = warning, "either the clock is wrong, or this weir's price book is ten years old"
	}
	return c
}

func consoleAssets() check {
	if err := console.Built(); err != nil {
		return check{Name: "console", Verdict: warning, Found: err.Error()}
	}
	return check{Name: "console", Verdict: fine, Found: "built in"}
}

// optionalTools are programs that weir itself never needs.
func optionalTools() check {
	var here, not []string
	for _, tool := range []struct{ name, use string }{
		{"docker", "for docker-compose.yml"}, {"npm", "to build the console"}, {"chromium", "to test the console"}, {"jq", "to read --json"},
	} {
		if _, err := exec.LookPath(tool.name); err == nil {
			here = append(here, tool.name)
		} else {
			not = append(not, tool.name+" "+tool.use)
		}
	}
	c := check{Name: "optional tools", Verdict: fine, Found: strings.Join(here, ", ")}
	if len(here) == 0 {
		c.Found = "none"
	}
	if len(not) > 0 {
		c.Found += "; not here: " + strings.Join(not, ", ")
	}
	return c
}
