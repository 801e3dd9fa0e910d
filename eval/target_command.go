package eval

import (
	"context"
	"strings"
	"time"
)

// NewCommand makes a target of a program: the input is its standard input, the output its answer, without the line's end behind it.
func NewCommand(argv []string, timeout time.Duration) Target {
	return TargetFunc(func(ctx context.Context, a Ask) (Answer, error) {
		begin := time.Now()
		out, err := runCommand(ctx, argv, Text(a.Item.Input), timeout)
		if err != nil {
			return Answer{}, &AskError{Err: err}
		}
		out = strings.TrimSuffix(strings.TrimSuffix(out, "\n"), "\r")
		return Answer{Text: strings.ToValidUTF8(out, "\uFFFD"), LatencyMS: milliseconds(begin)}, nil
	})
}

func milliseconds(since time.Time) float64 {
	return float64(time.Since(since).Microseconds()) / 1000
}
