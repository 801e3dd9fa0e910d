package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/llm"
	"github.com/weir-dev/weir/prompts"
)

// newChange asks for a label to be moved.
type newChange struct {
	Label   string `json:"label"`
	Version int    `json:"version"`
	Reason  string `json:"reason,omitempty"`
}

// newReview is a word on a change.
type newReview struct {
	Verdict string `json:"verdict"` // approve or reject
	Comment string `json:"comment,omitempty"`
}

// changeReview is a word that was said on a change.
type changeReview struct {
	Author  string `json:"author"`
	Verdict string `json:"verdict"` // approve, reject
	Comment string `json:"comment"`
	At      stamp  `json:"at"`
}

// changeText is a request to move a label.
type changeText struct {
	ID       string         `json:"id"`
	Prompt   string         `json:"prompt"`
	Label    string         `json:"label"`
	From     int            `json:"from"` // where the label pointed when it was asked; 0: it was not there
	To       int            `json:"to"`
	Author   string         `json:"author"`
	Reason   string         `json:"reason"`
	OpenedAt stamp          `json:"opened_at"`
	Status   string         `json:"status"` // open, merged, closed
	Stale    bool           `json:"stale"`  // the label has moved since: close it, and open another
	Reviews  []changeReview `json:"reviews"`
	// ApprovedBy are those whose last word is an approval and who may still give one, RejectedBy those whose is a rejection.
	ApprovedBy      []string `json:"approved_by"`
	RejectedBy      []string `json:"rejected_by"`
	ApprovalsNeeded int      `json:"approvals_needed"`
	Gate            string   `json:"gate"` // "" none
	ClosedAt        *stamp   `json:"closed_at"`
	ClosedBy        string   `json:"closed_by"`
	Revision        int64    `json:"revision"` // of the move that it made; 0 none
}

// changeList is requests, newest first.
type changeList struct {
	Changes []changeText `json:"changes"`
}

// changeDetail is a request with what it would change.
type changeDetail struct {
	changeText
	Blocked    []string    `json:"blocked"`     // what keeps it from being merged; empty: nothing
	GatePassed *bool       `json:"gate_passed"` // null: there is no gate, or nothing is known
	GateReport string      `json:"gate_report"`
	Diff       *promptDiff `json:"diff"` // null when a version was deleted
}

// showChange shows a change beside the state of its label.
func (a *API) showChange(ctx context.Context, c *prompts.Change) (changeText, error) {
	out := changeText{
		ID: c.ID, Prompt: c.Prompt, Label: c.Label, From: c.From, To: c.To, Author: c.Author, Reason: c.Reason, OpenedAt: stamp(c.OpenedAt),
		Status: string(c.Status), Reviews: make([]changeReview, len(c.Reviews)), RejectedBy: list(c.Rejections()),
		ClosedAt: stampOf(c.ClosedAt), ClosedBy: c.ClosedBy, Revision: c.Revision,
	}
	for i, r := range c.Reviews {
		out.Reviews[i] = changeReview{r.Author, verdict(r.Approve), r.Comment, stamp(r.At)}
	}
	approved, err := a.approvers(ctx, c)
	if err != nil {
		return out, err
	}
	out.ApprovedBy = list(approved)
	if p := a.cfg.Registry.Current().State().Prompts[c.Prompt]; p != nil {
		rule := p.Protected[c.Label]
		out.ApprovalsNeeded, out.Gate = rule.Approvals, rule.Gate
		out.Stale = c.Status == prompts.ChangeOpen && p.Labels[c.Label].Number != c.From
	}
	return out, nil
}

func verdict(approve bool) string {
	if approve {
		return "approve"
	}
	return "reject"
}

// approvers lists whose approval of a change counts: who is no member any more, or has another role now, does not approve any more.
// An ended change shows those who approved it.
func (a *API) approvers(ctx context.Context, c *prompts.Change) ([]string, error) {
	names := c.Approvals()
	if c.Status != prompts.ChangeOpen || len(names) == 0 {
		return names, nil
	}
	members, err := a.cfg.Members.ListMembers(ctx)
	if err != nil {
		return nil, fmt.Errorf("read who approved: %w", err)
	}
	return slices.DeleteFunc(names, func(name string) bool {
		return name != account.AdminName && !slices.ContainsFunc(members, func(m account.Member) bool {
			return m.Name == name && m.RemovedAt.IsZero() && m.Role.May(account.Approver)
		})
	}), nil
}

func (a *API) listChanges(w http.ResponseWriter, r *http.Request) error {
	return a.showChanges(w, r, "")
}

func (a *API) listPromptChanges(w http.ResponseWriter, r *http.Request) error {
	if _, _, err := a.promptOf(r); err != nil {
		return err
	}
	return a.showChanges(w, r, r.PathValue("name"))
}

func (a *API) showChanges(w http.ResponseWriter, r *http.Request, name string) error {
	status := r.URL.Query().Get("status")
	if status != "" && !slices.Contains([]string{"open", "merged", "closed"}, status) {
		return bad("status", "status=%q is none: want open, merged or closed", clip(status))
	}
	if _, err := a.snapshot(r.Context()); err != nil {
		return err
	}
	changes, err := a.cfg.Prompts.ListChanges(r.Context(), name)
	if err != nil {
		return err
	}
	out := changeList{Changes: []changeText{}}
	for i := range changes {
		if c := &changes[i]; status == "" || string(c.Status) == status {
			shown, err := a.showChange(r.Context(), c)
			if err != nil {
				return err
			}
			out.Changes = append(out.Changes, shown)
		}
	}
	return answer(w, http.StatusOK, out)
}

func (a *API) openChange(w http.ResponseWriter, r *http.Request) error {
	var in newChange
	if err := read(r, &in); err != nil {
		return err
	}
	_, p, err := a.promptOf(r)
	if err != nil {
		return err
	}
	if err := checkMovable(nil, in.Label); err != nil {
		return err
	}
	if err := checkTexts(textField{"reason", in.Reason}); err != nil {
		return err
	}
	now := time.Now()
	c, err := a.cfg.Prompts.OpenChange(r.Context(), prompts.Change{
		ID: llm.NewID(now), Prompt: p.Name, Label: in.Label, To: in.Version, Author: callerOf(r).name, Reason: in.Reason, OpenedAt: now,
	})
	if err != nil {
		return err
	}
	return a.answerChange(w, r, http.StatusCreated, &c)
}

func (a *API) answerChange(w http.ResponseWriter, r *http.Request, status int, c *prompts.Change) error {
	out, err := a.showChange(r.Context(), c)
	if err != nil {
		return err
	}
	return answer(w, status, out)
}

func (a *API) getChange(w http.ResponseWriter, r *http.Request) error {
	s, err := a.snapshot(r.Context())
	if err != nil {
		return err
	}
	c, err := a.cfg.Prompts.Change(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	out := changeDetail{Blocked: []string{}}
	if out.changeText, err = a.showChange(r.Context(), &c); err != nil {
		return err
	}
	from, ferr := &prompts.Version{Name: c.Prompt}, error(nil)
	if c.From > 0 {
		from, _, ferr = s.Find(prompts.Ref{Name: c.Prompt, Number: c.From})
	}
	to, _, terr := s.Find(prompts.Ref{Name: c.Prompt, Number: c.To})
	if terr == nil && ferr == nil {
		out.Diff = a.difference(r.Context(), s, from, to)
	}
	if c.Status != prompts.ChangeOpen {
		return answer(w, http.StatusOK, out)
	}
	if terr != nil {
		out.Blocked = append(out.Blocked, terr.Error())
	} else if err := a.askGate(r.Context(), s, &c, to, &out); err != nil {
		return err
	}
	if out.Stale {
		out.Blocked = append(out.Blocked, fmt.Sprintf("label %s has moved since the change was asked for: close it and open another", c.Label))
	}
	if len(out.RejectedBy) > 0 {
		out.Blocked = append(out.Blocked, "rejected by "+strings.Join(out.RejectedBy, ", "))
	}
	if have := len(out.ApprovedBy); have < out.ApprovalsNeeded {
		out.Blocked = append(out.Blocked, fmt.Sprintf("%d of the %d approvals that it needs", have, out.ApprovalsNeeded))
	}
	return answer(w, http.StatusOK, out)
}

// askGate adds what the gate of the change's label says.
func (a *API) askGate(ctx context.Context, s *prompts.Snapshot, c *prompts.Change, to *prompts.Version, out *changeDetail) error {
	rule := s.State().Prompts[c.Prompt].Protected[c.Label]
	if rule.Gate == "" {
		return nil
	}
	report, err := prompts.AskGate(ctx, a.cfg.Gate, rule, *to)
	if err != nil {
		return err
	}
	out.GateReport = report.Report
	if report.Known {
		out.GatePassed = &report.Passed
	}
	if !report.Known || !report.Passed {
		out.Blocked = append(out.Blocked, fmt.Sprintf("the evaluation %s has not passed for version %d: %s", rule.Gate, c.To, report.Report))
	}
	return nil
}

func (a *API) reviewChange(w http.ResponseWriter, r *http.Request) error {
	var in newReview
	if err := read(r, &in); err != nil {
		return err
	}
	if in.Verdict != "approve" && in.Verdict != "reject" {
		return bad("verdict", "the verdict %q is none: want approve or reject", clip(in.Verdict))
	}
	if err := checkTexts(textField{"comment", in.Comment}); err != nil {
		return err
	}
	c, err := a.cfg.Prompts.ReviewChange(r.Context(), r.PathValue("id"), prompts.Review{
		Author: callerOf(r).name, Approve: in.Verdict == "approve", Comment: in.Comment, At: time.Now(),
	})
	if err != nil {
		return err
	}
	return a.answerChange(w, r, http.StatusOK, &c)
}

func (a *API) mergeChange(w http.ResponseWriter, r *http.Request) error {
	s, err := a.snapshot(r.Context())
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	c, err := a.cfg.Prompts.Change(r.Context(), id)
	if err != nil {
		return err
	}
	approved, err := a.approvers(r.Context(), &c)
	if err != nil {
		return err
	}
	if p := s.State().Prompts[c.Prompt]; p != nil && c.Status == prompts.ChangeOpen {
		if need := p.Protected[c.Label].Approvals; len(approved) < need {
			return fmt.Errorf("change %s has %d of the %d approvals that label %s needs: %w", id, len(approved), need, c.Label, prompts.ErrNotApproved)
		}
	}
	c, _, err = prompts.Merge(r.Context(), a.cfg.Prompts, a.cfg.Gate, id, prompts.Step{Author: callerOf(r).name, At: time.Now()})
	if err != nil {
		return err
	}
	a.cfg.Registry.Changed(r.Context())
	return a.answerChange(w, r, http.StatusOK, &c)
}

func (a *API) closeChange(w http.ResponseWriter, r *http.Request) error {
	c, err := a.cfg.Prompts.CloseChange(r.Context(), r.PathValue("id"), callerOf(r).name, time.Now())
	if err != nil {
		return err
	}
	return a.answerChange(w, r, http.StatusOK, &c)
}
