// Command weir stands in front of language models: it records every call with its exact tokens and cost.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// version is set by the build.
var version = "dev"

// Exit codes: the answer is no, and it could not be done.
const (
	exitNo     = 1
	exitFailed = 2
)

// errNo is in the chain of an error that is an answer, not a failure: a check found something, a budget is spent.
var errNo = errors.New("no")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := rootCommand().ExecuteContext(ctx)
	stop()
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "weir:", err)
	if errors.Is(err, errNo) {
		os.Exit(exitNo)
	}
	os.Exit(exitFailed)
}
