package main

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/price"
)

// compareBooks reads everything back by the API and compares it with what the clients know.
func compareBooks(t *testing.T, p *process, token string, answered map[string]string) {
	t.Helper()
	s := &service{url: p.url, admin: account.NewSecret(token)}
	s.settle(t)
	seen := map[string]int{}
	var sum price.USD
	for cursor := ""; ; {
		var page struct {
			Calls []struct {
				ID        string
				Status    string
				ErrorCode string     `json:"error_code"`
				CostUSD   *price.USD `json:"cost_usd"`
			}
			Next string
		}
		path := "/calls?limit=1000&since=1d"
		if cursor != "" {
			path += "&cursor=" + cursor
		}
		s.get(t, path, &page)
		for _, c := range page.Calls {
			seen[c.ID]++
			if c.CostUSD != nil {
				sum += *c.CostUSD
			}
			if cost, ok := answered[c.ID]; ok && (c.Status != "ok" || c.CostUSD == nil || c.CostUSD.String() != cost) {
				t.Errorf("call %s was answered for %s; the record says %s %s %v", c.ID, cost, c.Status, c.ErrorCode, c.CostUSD)
			}
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	lost := 0
	for id := range answered {
		if seen[id] == 0 {
			lost++
		}
	}
	double := 0
	for _, n := range seen {
		if n > 1 {
			double++
		}
	}
	if lost > 0 || double > 0 {
		t.Errorf("of %d answered calls %d are lost; of %d recorded %d are double", len(answered), lost, len(seen), double)
	}
	var costs struct {
		Total struct {
			Calls   int64
			CostUSD price.USD `json:"cost_usd"`
		}
	}
	s.get(t, "/costs?by=model,day&since=2d", &costs)
	if costs.Total.Calls != int64(len(seen)) || costs.Total.CostUSD != sum {
		t.Errorf("the rollups say %d calls for %v, the calls %d for %v", costs.Total.Calls, costs.Total.CostUSD, len(seen), sum)
	}
}

// killChildren kills the engine of a weir process.
func killChildren(t *testing.T, parent int) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "pgrep", "-P", strconv.Itoa(parent)).Output()
	if err != nil {
		t.Logf("no engine to kill at this moment: %v", err)
		return
	}
	for field := range strings.FieldsSeq(string(out)) {
		pid, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !os.IsNotExist(err) && err != syscall.ESRCH {
			t.Errorf("kill the engine: %v", err)
		}
	}
}
