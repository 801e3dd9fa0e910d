package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/trace"
)

// nextItem is what somebody has to score now.
type nextItem struct {
	Item  *queueItem `json:"item"`  // null: nothing is left for who asks
	Until *stamp     `json:"until"` // how long it is theirs
}

// itemScores are what somebody thinks of an item.
type itemScores struct {
	Scores  map[string]json.RawMessage `json:"scores"` // by question: a number, true or false, or a category's word
	Comment string                     `json:"comment,omitempty"`
}

// itemSkip says why somebody does not score an item.
type itemSkip struct {
	Reason string `json:"reason,omitempty"`
}

func (a *API) nextQueueItem(w http.ResponseWriter, r *http.Request) error {
	now := time.Now()
	until := now.Add(leaseTime)
	it, found, err := a.cfg.Annotations.NextItem(r.Context(), r.PathValue("name"), callerOf(r).name, now, until)
	if err != nil {
		return queueFault(err)
	}
	var out nextItem
	if found {
		v := viewItem(&it)
		// What others say would lead: only that they have it is told.
		v.Reviews = []queueReview{}
		out.Item, out.Until = &v, stampOf(until)
	}
	return answer(w, http.StatusOK, out)
}

func (a *API) scoreQueueItem(w http.ResponseWriter, r *http.Request) error {
	var in itemScores
	if err := read(r, &in); err != nil {
		return err
	}
	ctx, id, who, now := r.Context(), r.PathValue("id"), callerOf(r).name, time.Now()
	q, err := a.cfg.Annotations.GetQueue(ctx, r.PathValue("name"))
	if err != nil {
		return queueFault(err)
	}
	batch, err := in.given(&q, id, who, now)
	if err != nil {
		return err
	}
	if err := a.cfg.Annotations.TakeItem(ctx, q.Name, id, who, now, now.Add(leaseTime)); err != nil {
		return queueFault(err)
	}
	spans, err := a.spansOf(ctx, []string{id})
	if err != nil {
		return err
	}
	c, found := spans[id]
	if !found {
		return llm.Faultf(llm.NotFound, "the call %s is no longer kept: skip it", clip(id))
	}
	out := madeScores{IDs: make([]string, len(batch))}
	for i := range batch {
		about(&batch[i], &c)
		out.IDs[i] = batch[i].ID
	}
	// The scores first: should the queue not hear of them, they are sent again under the same ids.
	if err := a.cfg.Scores.PutScores(ctx, batch); err != nil {
		return fmt.Errorf("store scores: %w", err)
	}
	if err := a.cfg.Annotations.EndReview(ctx, q.Name, id, eval.Review{Who: who, State: eval.Finished, At: now}); err != nil {
		return queueFault(err)
	}
	return answer(w, http.StatusCreated, out)
}

// given checks what was answered to a queue's questions.
func (in *itemScores) given(q *eval.Queue, call, who string, now time.Time) ([]trace.Score, error) {
	if len(in.Comment) > longestComment {
		return nil, bad("comment", "the comment is %d bytes long: at most %d are kept", len(in.Comment), longestComment)
	}
	for name := range in.Scores {
		if !slices.ContainsFunc(q.Questions, func(one eval.Question) bool { return one.Name == name }) {
			return nil, bad(clip(name), "the queue does not ask for %q", clip(name))
		}
	}
	var batch []trace.Score
	for i := range q.Questions {
		one := &q.Questions[i]
		raw, there := in.Scores[one.Name]
		if !there || string(raw) == "null" {
			if one.Optional {
				continue
			}
			return nil, bad(one.Name, "%s is not answered", one.Name)
		}
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			return nil, bad(one.Name, "%s: the value is no number, truth or word", one.Name)
		}
		s := trace.Score{
			ID: reviewID(q, call, who, one.Name), Revision: now.UnixMicro(), CallID: call, Comment: in.Comment, Source: trace.FromHuman,
			Author: who, Config: "queue:" + q.Name, At: now,
		}
		if err := one.Take(v, &s); err != nil {
			return nil, bad(one.Name, "%s: %v", one.Name, err)
		}
		batch = append(batch, s)
	}
	if len(batch) == 0 {
		return nil, bad("scores", "nothing is answered: skip the item when there is nothing to say")
	}
	return batch, nil
}

// reviewID is the id of a score that somebody gives in a queue: given again, it corrects.
func reviewID(q *eval.Queue, call, who, name string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %d %q %q %q", q.Name, q.CreatedAt.UnixMicro(), call, who, name))
	return "review-" + hex.EncodeToString(sum[:16])
}

func (a *API) skipQueueItem(w http.ResponseWriter, r *http.Request) error {
	var in itemSkip
	if err := read(r, &in); err != nil {
		return err
	}
	if len(in.Reason) > longestComment {
		return bad("reason", "the reason is %d bytes long: at most %d are kept", len(in.Reason), longestComment)
	}
	ctx, id, who, now := r.Context(), r.PathValue("id"), callerOf(r).name, time.Now()
	name := r.PathValue("name")
	if err := a.cfg.Annotations.TakeItem(ctx, name, id, who, now, now.Add(leaseTime)); err != nil {
		return queueFault(err)
	}
	if err := a.cfg.Annotations.EndReview(ctx, name, id, eval.Review{Who: who, State: eval.Skipped, At: now, Reason: in.Reason}); err != nil {
		return queueFault(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
