package procfs

import (
	"os"
	"strconv"
	"strings"
)

// ReadHoldings reads what a process holds; zeros when it is gone.
func ReadHoldings(pid int) Holdings {
	dir := "/proc/" + strconv.Itoa(pid)
	var h Holdings
	status, err := os.ReadFile(dir + "/status")
	if err != nil {
		return h
	}
	for line := range strings.Lines(string(status)) {
		name, rest, _ := strings.Cut(line, ":")
		f := strings.Fields(rest)
		if len(f) == 0 {
			continue
		}
		switch name {
		case "VmRSS":
			kib, _ := strconv.ParseInt(f[0], 10, 64)
			h.Resident = kib << 10
		case "Threads":
			h.Threads, _ = strconv.Atoi(f[0])
		}
	}
	files, _ := os.ReadDir(dir + "/fd")
	h.Files = len(files)
	return h
}
