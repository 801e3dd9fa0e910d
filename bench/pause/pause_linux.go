package pause

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Pauser sleeps on a timerfd that the runtime's poller watches, so a sleeping goroutine holds no thread. The zero value
// is ready. Not safe for concurrent use.
type Pauser struct {
	file   *os.File
	fd     int
	failed bool // no timerfd to be had: ordinary sleep
	buf    [8]byte
}

// For waits for d.
func (p *Pauser) For(d time.Duration) {
	if d <= 0 {
		return
	}
	if p.file == nil && !p.failed {
		fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
		if p.failed = err != nil; !p.failed {
			p.fd, p.file = fd, os.NewFile(uintptr(fd), "timerfd")
		}
	}
	if p.failed {
		time.Sleep(d)
		return
	}
	once := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}
	if err := unix.TimerfdSettime(p.fd, 0, &once, nil); err != nil {
		time.Sleep(d)
		return
	}
	if _, err := p.file.Read(p.buf[:]); err != nil {
		time.Sleep(d)
	}
}

// Close gives the timer back; the Pauser may be used again.
func (p *Pauser) Close() {
	if p.file != nil {
		_ = p.file.Close()
		p.file = nil
	}
}
