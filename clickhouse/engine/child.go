package engine

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// readyLine is what the child prints, alone on a line, when it answers on its socket.
const readyLine = "weir-engine: ready"

// stopTime is how long the child lets statements finish once it is asked to end.
const stopTime = 5 * time.Second

// exitTime is when the child ends at the latest, closed or not: a weir that starts anew waits for its directory's lock
// hardly longer.
const exitTime = stopTime + 3*time.Second

// niceness of the engine beside the process that answers calls.
const niceness = 10

// Main is the child process: it opens the engine on a directory and serves it on a unix socket until its standard input
// ends, which is how the parent asks it to stop and how it notices that the parent is gone. args are those that Start
// appends to Config.Command. It returns when the engine is closed.
func Main(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("weir engine", flag.ContinueOnError)
	dir := flags.String("dir", "", "directory of the engine's data")
	socket := flags.String("socket", "", "path of the unix socket")
	libraryPath := flags.String("library", "", "path of libchdb")
	memory := flags.Int64("memory", DefaultMemory, "limit of the engine's memory, in bytes")
	connections := flags.Int("connections", DefaultConnections, "statements that run at once")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *dir == "" || *socket == "" || *libraryPath == "" || flags.NArg() > 0 {
		return errors.New("weir engine is started by weir itself: run `weir serve`")
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	stopWithParent(stop)
	context.AfterFunc(ctx, func() {
		time.AfterFunc(exitTime, func() { os.Exit(1) }) // what is stored outlives that as it outlives a crash
	})
	if err := giveWay(niceness); err != nil {
		return err
	}

	lib, err := loadLibrary(*libraryPath)
	if err != nil {
		return err
	}
	config, err := writeConfig(*dir, *memory)
	if err != nil {
		return err
	}
	if left, err := filepath.Glob(filepath.Join(*dir, spoolPattern)); err == nil {
		for _, path := range left {
			_ = os.Remove(path) // rows of an INSERT that a crash cut short; it will be sent again
		}
	}
	switch n, err := forgetUnwritten(*dir); {
	case err != nil:
		return err
	case n > 0:
		fmt.Fprintf(os.Stderr, "weir-engine: %d INSERTs were cut short by a crash; they are taken when they are sent again\n", n)
	}
	pool, err := openSessions(lib, *connections, "--path="+*dir, "--config-file="+config)
	if err != nil {
		return fmt.Errorf("open the database in %s: %w", *dir, err)
	}
	handler := &httpServer{sessions: pool, spool: newSpool(*dir)}
	if handler.hello, err = greeting(ctx, pool); err != nil {
		return fmt.Errorf("ask the engine for its version: %w", err)
	}
	err = serve(ctx, *socket, handler)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	return errors.Join(err, pool.close(closing))
}

// greeting is the answer to helloQuery, with what the engine says of itself.
func greeting(ctx context.Context, pool *sessions) ([]byte, error) {
	ask := func(sql string) (string, error) {
		res, err := pool.run(ctx, request{sql: sql, format: "RawBLOB"})
		if err != nil {
			return "", err
		}
		defer res.free()
		return string(res.bytes), nil
	}
	version, err := ask("SELECT version()")
	if err != nil {
		return nil, err
	}
	zone, err := ask("SELECT timezone()")
	if err != nil {
		return nil, err
	}
	return hello(version, zone), nil
}

// serve answers on the socket until ctx is done, then lets requests finish for stopTime.
func serve(ctx context.Context, socket string, handler http.Handler) error {
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove the old socket: %w", err)
	}
	listener, err := listenPrivate(socket)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", socket, err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	fmt.Println(readyLine)
	select {
	case err := <-failed:
		return fmt.Errorf("serve on %s: %w", socket, err)
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
	defer cancel()
	if err := server.Shutdown(closing); err != nil {
		_ = server.Close() // those that did not end in time
	}
	return nil
}

// listenPrivate makes a socket that only this user can reach, from its first moment on.
func listenPrivate(socket string) (net.Listener, error) {
	old := umask(0o177)
	defer umask(old)
	return net.Listen("unix", socket)
}

// stopWithParent calls stop when standard input ends, and ends the process firmly some time later. Signals that a
// terminal or a service manager sends to the whole group are for the parent, which stops its children in order.
func stopWithParent(stop func()) {
	parent := os.Getppid()
	signals := make(chan os.Signal, 1)
	signal.Ignore(os.Interrupt, syscall.SIGHUP)
	signal.Notify(signals, syscall.SIGTERM)
	gone := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		close(gone)
	}()
	go func() {
		for orphan := false; !orphan; {
			select {
			case <-gone:
				orphan = true
			case <-signals:
				orphan = os.Getppid() != parent
			}
		}
		stop()
		time.AfterFunc(2*stopTime, func() {
			fmt.Fprintln(os.Stderr, "weir-engine: did not close in time")
			os.Exit(1)
		})
	}()
}
