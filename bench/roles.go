package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/weir-dev/weir/bench/floor"
	"github.com/weir-dev/weir/bench/mock"
)

// This program runs itself again in these roles, so that the CPU time of each can be told apart.
const (
	roleMock  = "mock"
	roleFloor = "floor"
)

// runMock is the upstream. It prints its address, and ends when its input does: with the program that started it.
func runMock(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	l, err := listenAs(roleMock, args, nil)
	if err != nil {
		return err
	}
	m, err := mock.New(mock.Default())
	if err != nil {
		return err
	}
	go func() { waitForEnd(ctx, in); _ = l.Close() }()
	fmt.Fprintln(out, l.Addr())
	return m.Serve(l)
}

// runFloor is the bare reverse proxy, likewise.
func runFloor(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	var to string
	l, err := listenAs(roleFloor, args, &to)
	if err != nil {
		return err
	}
	up, err := url.Parse(to)
	if err != nil {
		return fmt.Errorf("-to: %w", err)
	}
	s := &http.Server{Handler: floor.New(up), ReadHeaderTimeout: 10 * time.Second}
	go func() { waitForEnd(ctx, in); _ = s.Close() }()
	fmt.Fprintln(out, l.Addr())
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func listenAs(role string, args []string, to *string) (net.Listener, error) {
	f := flag.NewFlagSet(role, flag.ContinueOnError)
	listen := f.String("listen", "127.0.0.1:0", "address")
	if to != nil {
		f.StringVar(to, "to", "", "upstream")
	}
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	return net.Listen("tcp", *listen)
}

func waitForEnd(ctx context.Context, in io.Reader) {
	ended := make(chan struct{})
	go func() { _, _ = io.Copy(io.Discard, in); close(ended) }() // an error is an end too
	select {
	case <-ctx.Done():
	case <-ended:
	}
}
