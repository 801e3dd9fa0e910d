package prompts

import (
	"context"
	"fmt"
	"time"
)

// Convergence says how far a change is in force.
type Convergence struct {
	Revision  int64
	Converged bool      // every live replica serves it: requests that start from now on are answered with it
	Behind    []Replica // live replicas that did not say so in time
	Err       error     // why it is not known who serves what; nil: it is
}

// Changed puts a change of the store into force: here at once, and on every live replica before it returns, or as soon as
// they can when they do not say so within seconds. Whoever changes the store calls it before he answers. The change stands,
// whatever it returns.
func (r *Registry) Changed(ctx context.Context) Convergence {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	err := r.Refresh(ctx)
	if err == nil {
		err = r.renew(ctx)
	}
	c := Convergence{Revision: r.Revision(), Err: err}
	select {
	case r.wake <- struct{}{}: // Run keeps it on disk
	default:
	}
	if err != nil || r.cfg.Replicas == nil {
		c.Converged = err == nil
		return c
	}
	if err := r.cfg.Replicas.Wake(ctx); err != nil {
		r.cfg.Log.Warn("other replicas were not told of a change; they look by themselves", "error", err)
	}
	r.wait(ctx, &c)
	return c
}

// wait looks who serves the revision until all do, or ctx ends.
func (r *Registry) wait(ctx context.Context, c *Convergence) {
	for {
		r.mu.Lock()
		heard := r.heard
		r.mu.Unlock()
		behind, err := r.behind(ctx, c.Revision)
		if err != nil {
			if ctx.Err() == nil || c.Behind == nil {
				c.Err = err
			}
			return
		}
		c.Behind = behind
		if len(behind) == 0 {
			c.Converged = true
			return
		}
		timer := time.NewTimer(again)
		select {
		case <-heard:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return
		}
	}
}

// behind lists live replicas that serve an older revision.
func (r *Registry) behind(ctx context.Context, revision int64) ([]Replica, error) {
	live, err := r.cfg.Replicas.LiveReplicas(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask who serves which prompts: %w", err)
	}
	behind := []Replica{}
	for _, other := range live {
		if other.ID != r.id && other.Revision < revision {
			behind = append(behind, other)
		}
	}
	return behind, nil
}

// Replicas lists the weirs that are alive, this one among them, with the revision that each serves.
func (r *Registry) Replicas(ctx context.Context) ([]Replica, error) {
	if r.cfg.Replicas == nil {
		return []Replica{{ID: r.id, Name: r.cfg.Name, StartedAt: r.started, Revision: r.Revision()}}, nil
	}
	live, err := r.cfg.Replicas.LiveReplicas(ctx)
	if err != nil {
		return nil, fmt.Errorf("list replicas: %w", err)
	}
	return live, nil
}
