package procfs

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Supported says whether this system keeps the accounts that this package reads.
const Supported = true

const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux that Go runs on

// CPU is the user and system time that a process has used, all its threads together, ended ones too; 0 when it is gone.
// It is what utime and stime in /proc/PID/stat add up to, read from the process's clock because that counts nanoseconds
// where the file counts ticks of 10 ms.
func CPU(pid int) time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|2), &ts); err == nil { // clock_getcpuclockid(3)
		return time.Duration(ts.Nano())
	}
	f := statFields(pid)
	if f == nil {
		return 0
	}
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * tick
}

// statFields are the fields of /proc/PID/stat from the third (the state) on; nil when the process is gone.
func statFields(pid int) []string {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return nil
	}
	s := string(b)
	f := strings.Fields(s[strings.LastIndexByte(s, ')')+1:]) // a name may hold spaces and brackets
	if len(f) < 13 {
		return nil
	}
	return f
}

// Children are the processes that pid has started and that run, and those that they have started.
func Children(pid int) []int {
	parents := map[int]int{}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		child, _ := strconv.Atoi(filepath.Base(dir))
		if f := statFields(child); f != nil {
			parents[child], _ = strconv.Atoi(f[1])
		}
	}
	var found []int
	for child := range parents {
		for up := parents[child]; up > 1; up = parents[up] {
			if up == pid {
				found = append(found, child)
				break
			}
		}
	}
	return found
}

// PeakMemory is the most memory, in bytes, that a process has had resident since its start or the last ResetPeak.
func PeakMemory(pid int) int64 {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return kib << 10
		}
	}
	return 0
}

// ResetPeak lets PeakMemory start again from what is resident now. Where it is not permitted, nothing changes.
func ResetPeak(pid int) {
	_ = os.WriteFile("/proc/"+strconv.Itoa(pid)+"/clear_refs", []byte("5"), 0)
}

// ReadMachine reads what all cores have done.
func ReadMachine() Machine {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return Machine{}
	}
	line, _, _ := strings.Cut(string(b), "\n")
	var m Machine
	for i, f := range strings.Fields(line) {
		if i == 0 || i > 8 { // guests' time is within the user's
			continue
		}
		v, _ := strconv.ParseInt(f, 10, 64)
		d := time.Duration(v) * tick
		m.Total += d
		switch i {
		case 4, 5: // idle, waiting for a disk
		case 8:
			m.Stolen += d
		default:
			m.Busy += d
		}
	}
	return m
}

// Describe names the processor, the memory and the kernel.
func Describe() []string {
	var out []string
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
				out = append(out, strings.TrimSpace(v))
				break
			}
		}
	}
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		if f := strings.Fields(string(b)); len(f) > 1 {
			kib, _ := strconv.ParseInt(f[1], 10, 64)
			out = append(out, strconv.FormatInt(kib>>20, 10)+" GiB")
		}
	}
	if b, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		out = append(out, "Linux "+strings.TrimSpace(string(b)))
	}
	return out
}
