package api

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/weir-dev/weir/account"
	"github.com/weir-dev/weir/eval"
	"github.com/weir-dev/weir/llm"
)

// leaseTime is how long an item of a queue is somebody's.
const leaseTime = 15 * time.Minute

// newQueue is a queue that is to be made.
type newQueue struct {
	Name         string          `json:"name"`
	Project      string          `json:"project,omitempty"` // only its calls
	Questions    []eval.Question `json:"questions"`         // each becomes a score
	Instructions string          `json:"instructions,omitempty"`
	Reviewers    int             `json:"reviewers,omitempty"` // how many people score each item; 1 unless given
}

// queueView is a queue as the API tells it.
type queueView struct {
	Name         string          `json:"name"`
	Project      string          `json:"project"`
	Questions    []eval.Question `json:"questions"`
	Instructions string          `json:"instructions"`
	Reviewers    int             `json:"reviewers"`
	Author       string          `json:"author"`
	CreatedAt    stamp           `json:"created_at"`
	Progress     queueProgress   `json:"progress"`
}

// queueProgress counts items, and what each person did.
type queueProgress struct {
	Items   int           `json:"items"`
	Waiting int           `json:"waiting"` // those that are taken among them
	Taken   int           `json:"taken"`
	Done    int           `json:"done"`
	Skipped int           `json:"skipped"`
	People  []queuePerson `json:"people"`
}

type queuePerson struct {
	Name    string `json:"name"`
	Done    int    `json:"done"`
	Skipped int    `json:"skipped"`
	LastAt  stamp  `json:"last_at"`
}

type queueList struct {
	Queues []queueView `json:"queues"`
}

// queueItem is a call in a queue.
type queueItem struct {
	CallID  string         `json:"call_id"`
	State   eval.ItemState `json:"state"`
	Run     string         `json:"run"` // of the evaluation that it is of
	Target  string         `json:"target"`
	Item    string         `json:"item"`
	Repeat  int            `json:"repeat"`
	AddedBy string         `json:"added_by"`
	AddedAt stamp          `json:"added_at"`
	Reviews []queueReview  `json:"reviews"`
}

type queueReview struct {
	Who    string         `json:"who"`
	State  eval.ItemState `json:"state"`
	Until  *stamp         `json:"until"` // how long it is taken
	At     stamp          `json:"at"`
	Reason string         `json:"reason"` // of a skip
}

type queueItems struct {
	Items []queueItem `json:"items"`
	Next  string      `json:"next"`
}

// annotationRoutes are those of queues of calls that people score.
func (a *API) annotationRoutes() []route {
	states := []string{string(eval.Waiting), string(eval.Taken), string(eval.Finished), string(eval.Skipped)}
	return []route{
		{
			method: "GET", path: "/annotations", name: "listQueues", summary: "Queues of calls that people score, by name, with how far they are",
			status: http.StatusOK, out: queueList{}, handle: a.listQueues,
		},
		{
			method: "POST", path: "/annotations", name: "createQueue", summary: "Make a queue", role: account.Developer,
			in: newQueue{}, status: http.StatusCreated, out: queueView{}, handle: a.createQueue,
		},
		{
			method: "GET", path: "/annotations/{name}", name: "getQueue", summary: "A queue, with what each person did",
			status: http.StatusOK, out: queueView{}, handle: a.getQueue,
		},
		{
			method: "DELETE", path: "/annotations/{name}", name: "deleteQueue", summary: "Remove a queue with its items; scores that were given stay", role: account.Developer,
			status: http.StatusNoContent, handle: a.deleteQueue,
		},
		{
			method: "GET", path: "/annotations/{name}/items", name: "listQueueItems", summary: "The items of a queue, in its order", params: append([]param{{name: "state", about: "that stand so", enum: states}}, pageParams...),
			status: http.StatusOK, out: queueItems{}, handle: a.listQueueItems,
		},
		{
			method: "POST", path: "/annotations/{name}/items", name: "addQueueItems", role: account.Developer, params: filterParams,
			summary: "Add calls to a queue: by their ids, those that the parameters pick, or results of a run; a call that is there already is passed over",
			in:      newQueueItems{}, status: http.StatusCreated, out: addedItems{}, handle: a.addQueueItems,
		},
		{
			method: "POST", path: "/annotations/{name}/next", name: "nextQueueItem", role: account.Developer,
			summary: "Take the next item for a quarter of an hour; what one has already is given again", status: http.StatusOK, out: nextItem{}, handle: a.nextQueueItem,
		},
		{
			method: "POST", path: "/annotations/{name}/items/{id}/scores", name: "scoreQueueItem", summary: "Score an item, by its call's id; again corrects", role: account.Developer,
			in: itemScores{}, status: http.StatusCreated, out: madeScores{}, handle: a.scoreQueueItem,
		},
		{
			method: "POST", path: "/annotations/{name}/items/{id}/skip", name: "skipQueueItem", summary: "Say that one does not score an item, by its call's id", role: account.Developer,
			in: itemSkip{}, status: http.StatusNoContent, handle: a.skipQueueItem,
		},
	}
}

// queueFault finds the fault of an error about queues.
func queueFault(err error) error {
	switch {
	case errors.Is(err, eval.ErrNoQueue):
		return llm.Faultf(llm.NotFound, "there is no such queue; GET %s/annotations lists them", prefix).Because(err)
	case errors.Is(err, eval.ErrNoQueueItem):
		return llm.Faultf(llm.NotFound, "the queue has no such item, or you have not taken it; POST %s/annotations/{name}/next gives you one", prefix).Because(err)
	case errors.Is(err, eval.ErrItemTaken):
		return llm.Faultf(llm.Conflict, "as many people as the queue wants have this item, or have scored it; take the next one").Because(err)
	case errors.Is(err, eval.ErrQueueThere):
		return llm.Faultf(llm.Conflict, "there is a queue of this name; choose another, or delete it first").Because(err)
	}
	return err
}

// viewQueue is a queue with how far it is.
func (a *API) viewQueue(r *http.Request, q eval.Queue) (queueView, error) {
	p, err := a.cfg.Annotations.QueueProgress(r.Context(), q.Name, time.Now())
	if err != nil {
		return queueView{}, queueFault(err)
	}
	v := queueView{
		Name: q.Name, Project: q.Project, Questions: q.Questions, Instructions: q.Instructions, Reviewers: q.Reviewers, Author: q.Author, CreatedAt: stamp(q.CreatedAt),
		Progress: queueProgress{Items: p.Waiting + p.Done + p.Skipped, Waiting: p.Waiting, Taken: p.Taken, Done: p.Done, Skipped: p.Skipped, People: make([]queuePerson, len(p.People))},
	}
	for i, one := range p.People {
		v.Progress.People[i] = queuePerson{one.Who, one.Done, one.Skipped, stamp(one.Last)}
	}
	return v, nil
}

func (a *API) listQueues(w http.ResponseWriter, r *http.Request) error {
	all, err := a.cfg.Annotations.ListQueues(r.Context())
	if err != nil {
		return fmt.Errorf("list queues: %w", err)
	}
	out := queueList{Queues: make([]queueView, 0, len(all))}
	for _, q := range all {
		v, err := a.viewQueue(r, q)
		if err != nil {
			return err
		}
		out.Queues = append(out.Queues, v)
	}
	return answer(w, http.StatusOK, out)
}

func (a *API) createQueue(w http.ResponseWriter, r *http.Request) error {
	var in newQueue
	if err := read(r, &in); err != nil {
		return err
	}
	q := eval.Queue{Name: in.Name, Project: in.Project, Questions: in.Questions, Instructions: in.Instructions, Reviewers: max(in.Reviewers, 1), Author: callerOf(r).name, CreatedAt: time.Now()}
	switch {
	case !isName(q.Name):
		return bad("name", "the name %q is none: want 1 to 64 letters, digits, dots, dashes and underscores", clip(q.Name))
	case in.Reviewers < 0:
		return bad("reviewers", "%d people cannot score an item", in.Reviewers)
	case len(q.Project) > longestID:
		return bad("project", "the project is %d bytes long: at most %d are kept", len(q.Project), longestID)
	case len(q.Instructions) > longestComment:
		return bad("instructions", "the instructions are %d bytes long: at most %d are kept", len(q.Instructions), longestComment)
	}
	for i := range q.Questions {
		one := &q.Questions[i]
		if !isName(one.Name) {
			return bad("questions", "question %d: the name %q is none: want 1 to 64 letters, digits, dots, dashes and underscores", i+1, clip(one.Name))
		}
		if len(one.Description) > longestComment {
			return bad("questions", "question %d: the description is %d bytes long: at most %d are kept", i+1, len(one.Description), longestComment)
		}
	}
	if err := q.Check(); err != nil {
		return bad("questions", "%v", err)
	}
	if err := a.cfg.Annotations.PutQueue(r.Context(), q); err != nil {
		return queueFault(err)
	}
	v, err := a.viewQueue(r, q)
	if err != nil {
		return err
	}
	return answer(w, http.StatusCreated, v)
}

func (a *API) getQueue(w http.ResponseWriter, r *http.Request) error {
	q, err := a.cfg.Annotations.GetQueue(r.Context(), r.PathValue("name"))
	if err != nil {
		return queueFault(err)
	}
	v, err := a.viewQueue(r, q)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, v)
}

func (a *API) deleteQueue(w http.ResponseWriter, r *http.Request) error {
	if err := a.cfg.Annotations.DeleteQueue(r.Context(), r.PathValue("name")); err != nil {
		return queueFault(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *API) listQueueItems(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	limit, err := readLimit(q, 50)
	if err != nil {
		return err
	}
	state := eval.ItemState(q.Get("state"))
	switch state {
	case "", eval.Waiting, eval.Taken, eval.Finished, eval.Skipped:
	default:
		return bad("state", "state=%q is unknown: want waiting, taken, done or skipped", clip(string(state)))
	}
	items, err := a.cfg.Annotations.QueueItems(r.Context(), r.PathValue("name"), state, q.Get("cursor"), limit+1, time.Now())
	if err != nil {
		return queueFault(err)
	}
	out := queueItems{Items: make([]queueItem, 0, len(items))}
	if len(items) > limit {
		items = items[:limit]
		out.Next = items[limit-1].CallID
	}
	for i := range items {
		out.Items = append(out.Items, viewItem(&items[i]))
	}
	return answer(w, http.StatusOK, out)
}

func viewItem(it *eval.QueueItem) queueItem {
	v := queueItem{
		CallID: it.CallID, State: it.State, Run: it.Run, Target: it.Key.Target, Item: it.Key.Item, Repeat: it.Key.Repeat,
		AddedBy: it.AddedBy, AddedAt: stamp(it.AddedAt), Reviews: make([]queueReview, len(it.Reviews)),
	}
	for i, one := range it.Reviews {
		v.Reviews[i] = queueReview{one.Who, one.State, stampOf(one.Until), stamp(one.At), one.Reason}
	}
	return v
}
