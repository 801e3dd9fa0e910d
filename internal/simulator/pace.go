package simulator

import (
	"context"
	"math"
	"math/rand/v2"
	"time"
)

// pace is how one request passes through time: drawn once, from the request's own generator.
type pace struct {
	speed    float64
	first    time.Duration // before the first byte, reasoning not included
	perToken time.Duration
	b        Behaviour
}

func (s *Simulator) pace(m model, b Behaviour, r *rand.Rand) pace {
	return pace{
		speed:    s.cfg.Speed,
		first:    logNormal(r, m.ttft, m.spread),
		perToken: logNormal(r, m.perToken, m.spread/2),
		b:        b,
	}
}

// logNormal draws from the log-normal distribution with the given median.
func logNormal(r *rand.Rand, median time.Duration, sigma float64) time.Duration {
	return time.Duration(float64(median) * math.Exp(sigma*r.NormFloat64()))
}

// start waits until the first byte of a stream is due: the model has read the prompt and thought.
func (p pace) start(ctx context.Context, reasoning int) error {
	if p.b.Latency > 0 {
		return wait(ctx, p.b.Latency)
	}
	return wait(ctx, scaled(p.first+time.Duration(reasoning)*p.perToken, p.speed))
}

// think waits while a stream that has begun shows no text yet.
func (p pace) think(ctx context.Context, reasoning int) error {
	if p.b.Latency > 0 {
		return ctx.Err()
	}
	return wait(ctx, scaled(time.Duration(reasoning)*p.perToken, p.speed))
}

// whole waits until a plain answer of so many tokens is due.
func (p pace) whole(ctx context.Context, tokens int) error {
	if p.b.Latency > 0 {
		return wait(ctx, p.b.Latency)
	}
	return wait(ctx, scaled(p.first+time.Duration(tokens)*p.perToken, p.speed))
}

// next waits until the next event of a stream is due, which carries so many tokens.
func (p pace) next(ctx context.Context, tokens float64) error {
	if p.b.ChunkDelay > 0 {
		return wait(ctx, p.b.ChunkDelay)
	}
	return wait(ctx, scaled(time.Duration(tokens*float64(p.perToken)), p.speed))
}

func scaled(d time.Duration, speed float64) time.Duration { return time.Duration(float64(d) * speed) }

// wait returns after d, or with the context's error as soon as it is done.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
